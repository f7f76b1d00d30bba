// What stands beside a log, each on a stream of its own, made when it is first used.

import type { Asks } from './asks.js';
import { createHistory, type WithHistory } from './history.js';
import type { Link } from './link.js';
import type { AnyLogHandle } from './log.js';
import { createMarkers, type WithMarkers } from './markers.js';
import { createPresence, type WithPresence } from './presence.js';
import type { AnyEntry } from './replica.js';
import type { Shared } from './shared.js';
import { createSignals, type SignalTypes, type WithSignals } from './signals.js';
import type { AnyHandle, Stream } from './stream.js';

/** What a log's handle has besides, where its definition says so. */
export type Beside = WithSignals<unknown, SignalTypes> &
  WithPresence<unknown> &
  WithMarkers<unknown> &
  WithHistory<AnyEntry>;
/** What the connection tells. */
export type Part = Omit<Stream, 'handle'>;

/**
 * Adds it to a handle.
 * @param find the handle of another stream @param add a part that the connection is to tell what becomes of it
 */
export function withBeside(
  shared: Shared,
  link: Link,
  asks: Asks,
  handle: AnyHandle,
  find: (name: string) => AnyHandle,
  add: (part: Part) => void,
): void {
  const { name } = handle;
  const signals = once(() => {
    const made = createSignals(shared, link, name);
    add(made);
    return made.handle;
  });
  const presence = once(() => createPresence(find(`${name}:presence`).asTable()));
  const markers = once(() => createMarkers(shared, asks, name, handle.epoch, (stream) => find(stream).asTable()));
  const history = once(() => createHistory(asks, handle as AnyLogHandle));
  const beside: Beside = {
    read: (request) => history().read(request),
    search: (...args) => history().search(...args),
    reach: (...args) => history().reach(...args),
    get presence() {
      return presence();
    },
    get readers() {
      return markers().readers;
    },
    get unread() {
      return markers().unread;
    },
    mark: (offset) => markers().mark(offset),
    follow: () => markers().follow(),
    unfollow: () => markers().unfollow(),
    signal: (...args) => signals().signal(...args),
    signals: (...args) => signals().signals(...args),
  };
  Object.defineProperties(handle, Object.getOwnPropertyDescriptors(beside));
}

function once<T extends object>(make: () => T): () => T {
  let made: T | undefined;
  return () => {
    made ??= make();
    return made;
  };
}
