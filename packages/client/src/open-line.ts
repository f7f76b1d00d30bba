// Puts a line together: one link, one log per name, one producer.

import { streamName } from '@trunkline/protocol';
import { Batch } from './batch.js';
import type { ConnectOptions, Line, LineProblem } from './line.js';
import { Link } from './link.js';
import { Log } from './log.js';
import type { Clock, Network, OpenSocket } from './ports.js';

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
  const { lingerMs = 1_000, maxQueued = 64, maxEntries = 5_000, clock = systemClock, random = cryptoRandom } = options;
  const onProblem = (source: LineProblem['source'], message: string, cause?: unknown): void => {
    try {
      if (options.onProblem) options.onProblem({ source, message, cause });
      else console.warn('trunkline:', message, cause ?? '');
    } catch {
      // A reporter that fails has nobody left to report to.
    }
  };
  const batch = new Batch((cause) => onProblem('listener', 'a listener threw', cause));
  const logs = new Map<string, Log>();
  const each = (tell: (log: Log) => void) => () => {
    for (const log of logs.values()) tell(log);
  };
  const link = new Link(
    {
      url: defaults.url,
      token: options.token,
      lingerMs,
      open: options.socket ?? defaults.socket,
      clock,
      network: options.network ?? defaults.network,
      random,
      batch,
      onProblem,
    },
    {
      greet: each((log) => log.greet()),
      live: each((log) => log.live()),
      lost: each((log) => log.lost()),
      changed: each((log) => log.changed()),
      refused: (error) => each((log) => log.refused(error))(),
    },
  );
  const producer = randomWord(random);
  const logAt = (name: string): Log => {
    let log = logs.get(name);
    if (log === undefined) {
      log = new Log({ name, link, batch, clock, random, producer, lingerMs, maxQueued, maxEntries });
      logs.set(name, log);
    }
    return log;
  };
  const functions: Record<string, (...params: string[]) => Log> = Object.create(null);
  // The client knows no definitions at run time: any key is a channel, and the server says which ones it has.
  const channel = new Proxy(Object.freeze({}), {
    get(_target, key) {
      // `then` would make an awaited `line.channel` call it; symbols are asked for by consoles.
      if (typeof key === 'symbol' || key === 'then') return undefined;
      functions[key] ??= (...params) => logAt(streamName(key, params));
      return functions[key];
    },
  });
  const line = {
    channel,
    connection: {
      subscribe: link.store.subscribe,
      snapshot: link.store.snapshot,
      serverSnapshot: () => link.idleSnapshot,
    },
    open: () => {
      const release = batch.run(() => link.hold());
      return () => batch.run(release);
    },
    retry: () =>
      batch.run(() => {
        link.retry();
        each((log) => log.retry())();
      }),
    close: () => batch.run(() => link.close()),
  };
  // The types are the server's: `Channels<App>` of a proxy, the user as its app shows it.
  return line as unknown as Line<App>;
}
