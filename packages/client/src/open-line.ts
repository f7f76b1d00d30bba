// Puts a line together: one link, one stream per name, one producer.

import { MAX_UNACKNOWLEDGED, streamName } from '@trunkline/protocol';
import { createAsks } from './asks.js';
import { createBatch } from './batch.js';
import { type Part, withBeside } from './beside.js';
import { createCalls } from './calls.js';
import { createLink } from './create-link.js';
import type { ConnectOptions, Line } from './line.js';
import { createAllUnread, UNREAD } from './markers.js';
import type { Clock, Network, OpenSocket } from './ports.js';
import type { Procedure } from './procedure.js';
import type { Shared } from './shared.js';
import { createStream, type Stream } from './stream.js';

/** What the entries of browsers and Node differ in. */
export interface Defaults {
  readonly url: () => string;
  readonly socket: OpenSocket;
  readonly network: Network;
}

const systemClock: Clock = {
  nowMs: () => Date.now(),
  after(delayMs, run) {
    const timer = setTimeout(run, delayMs);
    return () => clearTimeout(timer);
  },
};

const cryptoRandom = (): number => (crypto.getRandomValues(new Uint32Array(1))[0] ?? 0) / 2 ** 32;

/** 20 characters of 36 kinds: 103 bits. */
const randomWord = (random: () => number): string =>
  Array.from({ length: 20 }, () => Math.floor(random() * 36).toString(36)).join('');

export function openLine<App>(defaults: Defaults, options: ConnectOptions = {}): Line<App> {
  const { lingerMs = 1_000, maxEntries = 5_000, clock = systemClock, random = cryptoRandom } = options;
  const { token, socket: open = defaults.socket, network = defaults.network } = options;
  const maxQueued = Math.min(options.maxQueued ?? MAX_UNACKNOWLEDGED, MAX_UNACKNOWLEDGED);
  const onProblem: Shared['onProblem'] = (source, message, cause) => {
    try {
      if (options.onProblem) options.onProblem({ source, message, cause });
      else console.warn('trunkline:', message, cause ?? '');
    } catch {
      // A reporter that fails has nobody left to report to.
    }
  };
  const batch = createBatch((cause) => onProblem('listener', 'a listener threw', cause));
  const shared: Shared = { batch, clock, random, lingerMs, maxQueued, maxEntries, onProblem };
  const streams = new Map<string, Stream>();
  /** Those, and what else asks over the connection. */
  const parts = new Set<Part>();
  const link = createLink(
    shared,
    { url: defaults.url, token, open, network },
    (event) => {
      for (const part of parts) part[event]();
      calls[event]();
    },
    () => [...parts].every((part) => part.isResumed()) && calls.isResumed(),
  );
  const { store } = link;
  const idle = store.snapshot();
  const producer = randomWord(random);
  const calls = createCalls(shared, link, producer);
  const asks = createAsks(shared, link);
  parts.add(asks);
  const handleOf = (name: string): Stream['handle'] => {
    let stream = streams.get(name);
    if (!stream) {
      stream = createStream(shared, link, name, producer);
      streams.set(name, stream);
      parts.add(stream);
      withBeside(shared, link, asks, stream.handle, handleOf, (part) => parts.add(part));
    }
    return stream.handle;
  };
  // The client knows no definitions at run time: any key is a channel, and the server says which ones it has.
  const channel = byName(
    (key) =>
      (...params: string[]) =>
        handleOf(streamName(key, params)),
  );
  let unread: ReturnType<typeof createAllUnread> | undefined;
  const line = {
    channel,
    get unread() {
      unread ??= createAllUnread(handleOf(UNREAD).asTable());
      return unread;
    },
    call: byName(
      (name): Procedure<unknown, unknown> =>
        (input, options) =>
          calls.call(name, input, options),
    ),
    connection: { subscribe: store.subscribe, snapshot: store.snapshot, serverSnapshot: () => idle },
    open: () => {
      const release = batch.run(link.hold);
      return () => batch.run(release);
    },
    retry: () => batch.run(link.retry),
    close: () => batch.run(link.close),
  };
  // The types are the server's: `Channels<App>` of a proxy, the user as its app shows it.
  return line as unknown as Line<App>;
}

/** An object that has whatever it is asked for: made once for each name. */
const byName = <T>(make: (name: string) => T): Readonly<Record<string, T>> =>
  new Proxy(Object.create(null) as Record<string, T>, {
    get(made, name) {
      // `then` would make an awaited object call it; symbols are asked for by consoles.
      if (typeof name === 'symbol' || name === 'then') return undefined;
      made[name] ??= make(name);
      return made[name];
    },
  });
