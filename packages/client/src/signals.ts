// Signals beside a log: what others tell now, and what is told to them. Nothing is kept, neither here nor there: a signal is shown
// until it is old, and one that cannot be sent at once, or is overtaken, is never sent.

import type { JsonValue, ServerSignal } from '@trunkline/protocol';
import { createStore } from './batch.js';
import type { Link } from './link.js';
import { toJson } from './queue.js';
import { isSameUser } from './same-user.js';
import type { Shared } from './shared.js';
import type { Stream } from './stream.js';
import { createSubscription, type Kind } from './subscription.js';
import type { TableStore } from './table-handle.js';
import { createTimers } from './timers.js';

/** The newest signal of somebody. */
export interface SignalFrom<User, Data> {
  /** Absent: the server. */
  readonly user: User | undefined;
  readonly data: Data;
  /** When it came, in milliseconds since 1970, by this client's clock. */
  readonly at: number;
}

/** How signals of one name are shown. */
export interface SignalOptions<Data> {
  /** A signal is gone so many milliseconds after it came, unless its sender repeats it. Default 5_000. */
  readonly expireMs?: number | undefined;
  /** Whether a signal is shown; one that is not takes away what its sender signalled before. Default: all are. */
  readonly filter?: ((data: Data) => boolean) | undefined;
}

/** By name: what is sent, and what comes. */
export type SignalTypes = { readonly [name: string]: { readonly input: unknown; readonly output: unknown } };

/** Of a log with `signals`. */
export interface WithSignals<User, Signals extends SignalTypes> {
  /** Never there: it tells the compiler the types. */
  readonly '~signals'?: readonly [User, Signals];
  /**
   * Tells those who listen now. Of a name at most one is sent in `everyMs` milliseconds (default 1_000): at once, and then the newest when the
   * time is over. Sent only while the connection is live; what was not sent by then is forgotten. Of a refusal `onProblem` is told.
   * @throws TypeError if `data` is no JSON value
   */
  readonly signal: <Name extends keyof Signals & string>(
    name: Name,
    data: Signals[Name]['input'],
    options?: { readonly everyMs?: number | undefined },
  ) => void;
  /** What others signal by that name: the newest of each, without this client's own user. Listens while somebody subscribes to the store. */
  readonly signals: <Name extends keyof Signals & string>(
    name: Name,
    options?: SignalOptions<Signals[Name]['output']>,
  ) => TableStore<readonly SignalFrom<User, Signals[Name]['output']>[]>;
}

const EXPIRE_MS = 5_000;
const EVERY_MS = 1_000;
const NOBODY: readonly SignalFrom<unknown, never>[] = [];

/** The stream of a log's signals, and what a handle has of it. */
export function createSignals(
  shared: Shared,
  link: Link,
  log: string,
): Omit<Stream, 'handle'> & { readonly handle: WithSignals<unknown, SignalTypes> } {
  const { batch, clock } = shared;
  const listeners = new Set<(signal: ServerSignal) => void>();
  const kind: Kind = {
    question: () => ({}),
    placed(seat) {
      seat.state = 'synced';
    },
    read(_seat, message) {
      if (message.type === 'signal' && !isSameUser(message.user, link.user))
        for (const hear of listeners) hear(message);
      return 'old';
    },
    covers: () => true,
    advanced() {},
    rest() {},
  };
  const subscription = createSubscription(
    shared,
    link,
    `${log}:signals`,
    () => ({ signals: kind }),
    () => {},
  );
  subscription.kind = 'signals';
  const sender = createSender(shared, link, log);
  const none = () => {};

  return {
    handle: {
      signal: (name, data, { everyMs = EVERY_MS } = {}) => batch.run(() => sender(name, data, everyMs)),
      signals: (name, options) => storeOf(name, options),
    },
    isResumed: () => !subscription.isMoving(),
    greet: subscription.ask,
    live: none,
    lost: subscription.lost,
    moved() {
      subscription.moved();
      subscription.ask();
    },
    changed: none,
    refused: none,
    retry: subscription.retry,
    sight: none,
  };

  function storeOf(
    name: string,
    { expireMs = EXPIRE_MS, filter = () => true }: SignalOptions<never> = {},
  ): TableStore<readonly SignalFrom<unknown, never>[]> {
    const timers = createTimers<string>(shared);
    const byUser = new Map<string, SignalFrom<unknown, never>>();
    const store = createStore(batch, () => (byUser.size === 0 ? NOBODY : [...byUser.values()]));
    let followers = 0;
    const drop = (key: string) => {
      timers.clear(key);
      if (byUser.delete(key)) store.touch();
    };
    const hear = (signal: ServerSignal) => {
      if (signal.name !== name) return;
      const { user, data } = signal as ServerSignal & { data: never };
      const key = JSON.stringify((user as { id?: JsonValue } | null | undefined)?.id ?? user ?? null);
      if (!filter(data)) return drop(key);
      // Behind the others: who signalled last is last.
      byUser.delete(key);
      byUser.set(key, { user, data, at: clock.nowMs() });
      timers.set(key, expireMs, () => drop(key));
      store.touch();
    };
    return {
      snapshot: store.snapshot,
      serverSnapshot: () => NOBODY,
      subscribe(onChange) {
        const mine = {};
        const unlisten = store.subscribe(onChange);
        batch.run(() => {
          followers += 1;
          listeners.add(hear);
          subscription.add(mine);
          subscription.ask();
        });
        let isOver = false;
        return () => {
          if (isOver) return;
          isOver = true;
          unlisten();
          batch.run(() => {
            followers -= 1;
            subscription.remove(mine);
            if (followers > 0) return;
            listeners.delete(hear);
            for (const key of [...byUser.keys()]) drop(key);
          });
        };
      },
    };
  }
}

/** Sends what is newest, not more often than it may. */
function createSender(shared: Shared, link: Link, log: string) {
  const timers = createTimers<string>(shared);
  const waiting = new Map<string, string>();
  return (name: string, data: unknown, everyMs: number): void => {
    const text = toJson(data);
    if (timers.has(name)) return void waiting.set(name, text);
    send(name, text);
    const next = () => {
      const newest = waiting.get(name);
      waiting.delete(name);
      if (newest === undefined) return;
      send(name, newest);
      timers.set(name, everyMs, next);
    };
    timers.set(name, everyMs, next);
  };

  function send(name: string, text: string): void {
    if (link.state !== 'live') return;
    link.dial?.write(`${JSON.stringify({ type: 'signal', stream: log, name }).slice(0, -1)},"data":${text}}`);
  }
}
