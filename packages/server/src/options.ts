// Options of `serve` and `attach`, their defaults, and the one place that fills them in.

import type { Broker } from '@trunkline/broker';
import type { Log } from '@trunkline/core';
import { DEFAULT_LIMITS, type Limits } from '@trunkline/protocol';
import type { FrameObserver, HandshakeInfo } from '@trunkline/websocket';
import { pino } from 'pino';
import { type BackendOptions, type FilledBackend, fillInBackend } from './backend/backend-options.js';
import type { ApiKeys } from './http/credentials.js';

/** What `serve` and `attach` have in common. */
export interface LineOptions {
  /** Where streams are stored. Closed together with the server. */
  readonly broker: Broker;
  /** Path of the WebSocket endpoint. Default `/line`. */
  readonly path?: string;
  /**
   * Origins of pages that may connect besides those of the server's own host, as browsers write them: `https://app.example.com`. `'*'` allows
   * any page to act as its visitor. Outside production (`NODE_ENV`) every loopback origin may reach a loopback host.
   */
  readonly origins?: readonly string[];
  /** Addresses of proxies whose `X-Forwarded-For` and `X-Forwarded-Host` are believed. Default: none. */
  readonly trustedProxies?: readonly string[];
  /**
   * Keys with which back ends use the HTTP API, by a name of your choice: `{ prices: process.env.PRICES_KEY }`. A key acts as the server
   * itself: neither `authorize` nor `onPublish` is asked, but what it sends has to pass the schema. Default: none.
   */
  readonly apiKeys?: ApiKeys;
  /** A back end of your own, in any language, that is asked and told. Default: that of `trunkline()`. */
  readonly backend?: BackendOptions;
  /** Limits of a connection; each has a default. */
  readonly limits?: Partial<Limits>;
  /** The server pings this often, in milliseconds. Default 25_000. A peer silent for twice as long is given up. */
  readonly pingMs?: number;
  /** `hello` must come within this many milliseconds of the connection, and with `serve` the request before it too. Default 10_000. */
  readonly helloTimeoutMs?: number;
  /** A peer that takes, or if it reports (`seen`) processes, nothing of what was sent to it for this many milliseconds is given up. Default 60_000. */
  readonly stallTimeoutMs?: number;
  /** A call of a procedure that names no deadline is told to stop after this many milliseconds. Default 30_000. */
  readonly callDeadlineMs?: number;
  /** No call runs longer, whatever deadline it names, in milliseconds. Default 600_000: ten minutes. */
  readonly maxCallDeadlineMs?: number;
  /** Waits this long before changes are sent, in milliseconds: fewer writes for more latency. Default 0: the end of the turn. */
  readonly flushIntervalMs?: number;
  /** Bytes of encoded entries that each active stream keeps at hand. Default 262_144. */
  readonly ringBytes?: number;
  /** Where warnings and errors go: anything with pino's `warn` and `error`. Default: pino on standard output. */
  readonly log?: Log;
  /** Watches a connection's handshake and frames, for debugging tools. Return `undefined` to leave it alone. */
  readonly observe?: (handshake: HandshakeInfo) => FrameObserver | undefined;
}

/** The same, filled in. */
export interface SharedOptions {
  readonly broker: Broker;
  readonly path: string;
  readonly origins: readonly string[];
  readonly trustedProxies: readonly string[];
  readonly apiKeys: ApiKeys;
  readonly backend: FilledBackend | null;
  readonly limits: Limits;
  readonly log: Log;
  readonly observe: LineOptions['observe'];
  readonly timing: {
    readonly pingMs?: number;
    readonly helloTimeoutMs?: number;
    readonly stallTimeoutMs?: number;
    readonly callDeadlineMs?: number;
    readonly maxCallDeadlineMs?: number;
    readonly flushIntervalMs?: number;
    readonly ringBytes?: number;
  };
}

/** The least that makes sense of each. */
const TIMING = {
  pingMs: 1,
  helloTimeoutMs: 1,
  stallTimeoutMs: 1,
  callDeadlineMs: 1,
  maxCallDeadlineMs: 1,
  flushIntervalMs: 0,
  ringBytes: 1,
} as const;
/** Timers take no more: beyond it they fire at once. */
const MAX_TIMING = 2 ** 31 - 1;

/** @throws TypeError for an option that makes no sense, naming it. */
export function fillIn(options: LineOptions, appsBackend?: BackendOptions): SharedOptions {
  if (typeof options?.broker?.append !== 'function') {
    throw new TypeError(
      'broker is missing: memoryBroker() from @trunkline/broker, or sqliteBroker(path) from @trunkline/broker-sqlite',
    );
  }
  const path = options.path ?? '/line';
  if (!path.startsWith('/') || path.includes('?'))
    throw new TypeError(`path must begin with "/" and have no query: ${path}`);
  const timing: { -readonly [K in keyof typeof TIMING]?: number } = {};
  for (const name of Object.keys(TIMING) as (keyof typeof TIMING)[]) {
    const value = options[name];
    if (value === undefined) continue;
    if (!(Number.isSafeInteger(value) && value >= TIMING[name] && value <= MAX_TIMING)) {
      throw new TypeError(`${name} must be a whole number from ${TIMING[name]} to ${MAX_TIMING}`);
    }
    timing[name] = value;
  }
  const backend = options.backend ?? appsBackend;
  return {
    broker: options.broker,
    path,
    origins: (options.origins ?? []).map(checkedOrigin),
    trustedProxies: options.trustedProxies ?? [],
    apiKeys: options.apiKeys ?? {},
    backend: backend === undefined ? null : fillInBackend(backend),
    limits: fillInLimits(options.limits ?? {}),
    log: options.log ?? pino({ name: 'trunkline', level: process.env.LOG_LEVEL ?? 'warn' }),
    observe: options.observe,
    timing,
  };
}

function checkedOrigin(origin: string): string {
  if (origin === '*' || (URL.canParse(origin) && new URL(origin).origin === origin)) return origin;
  throw new TypeError(`origins: ${JSON.stringify(origin)} is not an origin: write it like "https://example.com"`);
}

function fillInLimits(given: Partial<Limits>): Limits {
  const limits: { -readonly [K in keyof Limits]: Limits[K] } = { ...DEFAULT_LIMITS };
  for (const name of Object.keys(given) as (keyof Limits)[]) {
    const value = given[name];
    if (!Object.hasOwn(DEFAULT_LIMITS, name)) throw new TypeError(`limits: there is no limit "${name}"`);
    if (value === undefined) continue;
    if (!(Number.isSafeInteger(value) && value >= 1))
      throw new TypeError(`limits: ${name} must be a whole number from 1`);
    limits[name] = value;
  }
  return limits;
}
