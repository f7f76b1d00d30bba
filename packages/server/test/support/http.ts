// An app with a log and tables, and the HTTP API on a free port: over real sockets, or with a clock that is moved by hand.

import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { type Broker, memoryBroker } from '@trunkline/broker';
import { type AppRuntime, Engine } from '@trunkline/core';
import type { Limits } from '@trunkline/protocol';
import * as z from 'zod';
import { FakeClock } from '../../../core/test/support/fake-clock.js';
import { disconnectOf } from '../../src/disconnect.js';
import { HttpApi, type HttpApiOptions } from '../../src/http/http-api.js';
import type { RequestInfo } from '../../src/index.js';
import { refuse, type ServeOptions, serve, trunkline } from '../../src/index.js';
import { revokeOf } from '../../src/revoke.js';
import { listeningLog } from './app.js';
import { dialTcp } from './dial.js';

export const KEYS = {
  prices: 'prices-0123456789-0123456789-0123456789',
  chats: { secret: 'chats-0123456789-0123456789-0123456789', channels: ['chat', 'plain'], ratePerSecond: 2 },
};

/** Tokens name users; `rude` texts are refused, and the room `staff` is closed. */
export function marketApp(seen: RequestInfo[] = []) {
  const t = trunkline({
    authenticate: ({ token, request }) => {
      seen.push(request);
      if (token === 'broken') throw new Error('the user database is down');
      return token === undefined || token === 'bad' ? null : { id: token };
    },
    expiresAt: ({ id }) => (id === 'expired' ? 1e12 : undefined),
  });
  const chat = t.log(['room'], {
    entry: z.object({ text: z.string().max(100_000) }),
    authorize: ({ params }) => params.room !== 'staff',
    onPublish: ({ entry, user, source }) => {
      if (entry.text === 'rude') return refuse('rude', 'Please be kind');
      if (entry.text === 'throw') throw new Error('a bug of the app');
      return { ...entry, author: user.id, once: source.seq };
    },
  });
  const row = z.object({
    bid: z.number(),
    note: z.string().optional(),
    depth: z.record(z.string(), z.number()).optional(),
  });
  const rule = { authorize: ({ params }: { params: { market: string } }) => params.market !== 'staff' };
  return t.app({
    channels: {
      chat,
      plain: t.log([], { entry: z.object({ text: z.string().trim() }), retain: { entries: 5 } }),
      desk: t.table(['market'], { row, write: 'client', maxRows: 100, ...rule }),
      quotes: t.table(['market'], { row }),
    },
  });
}

export interface Reply {
  readonly status: number;
  readonly headers: Headers;
  // What comes back is judged field by field.
  readonly body: Record<string, unknown>;
}

export type Ask = (
  method: string,
  path: string,
  options?: { body?: unknown; token?: string | null; headers?: Record<string, string>; raw?: string | Uint8Array },
) => Promise<Reply>;

/** Asks as Ada unless told otherwise. @param seen is told of every answer */
export function asking(url: string, seen: (method: string, path: string, reply: Reply) => void = () => {}): Ask {
  return async (method, path, { body, token = 'ada', headers = {}, raw } = {}) => {
    const sent = raw ?? (body === undefined ? undefined : JSON.stringify(body));
    const response = await fetch(`${url}${path}`, {
      method,
      headers: {
        ...(sent === undefined ? {} : { 'content-type': 'application/json' }),
        ...(token === null ? {} : { authorization: `Bearer ${token}` }),
        ...headers,
      },
      ...(sent === undefined ? {} : { body: sent as string }),
    });
    const text = await response.text();
    const reply = { status: response.status, headers: response.headers, body: text === '' ? {} : JSON.parse(text) };
    seen(method, path, reply);
    return reply;
  };
}

export async function servedApi(options: Partial<ServeOptions> = {}, requests: RequestInfo[] = []) {
  const log = listeningLog();
  const trunk = await serve(marketApp(requests), { port: 0, log, broker: memoryBroker(), apiKeys: KEYS, ...options });
  return {
    trunk,
    log: log.lines,
    url: trunk.url,
    ask: asking(trunk.url),
    [Symbol.asyncDispose]: () => trunk.close({ deadlineMs: 0 }),
  };
}

/** Lets a test wait until so many watches are open: one for each request that waits. */
export function counted(broker: Broker = memoryBroker()): { broker: Broker; waits: (count: number) => Promise<void> } {
  let open = 0;
  const changed: (() => void)[] = [];
  const count = (by: number) => {
    open += by;
    for (const tell of changed.splice(0)) tell();
  };
  const watch: Broker['watch'] = async (stream, onAdvance) => {
    const made = await broker.watch(stream, onAdvance);
    count(1);
    return {
      state: made.state,
      close: () => {
        made.close();
        count(-1);
      },
    };
  };
  return {
    broker: new Proxy(broker, { get: (target, name) => (name === 'watch' ? watch : bound(target, name)) }),
    waits: async (wanted) => {
      while (open !== wanted) await new Promise<void>((resolve) => changed.push(resolve));
    },
  };
}

function bound(target: Broker, name: string | symbol): unknown {
  const member = Reflect.get(target, name);
  return typeof member === 'function' ? member.bind(target) : member;
}

/** The API on an engine whose clock stands still until it is moved. */
export async function steppedApi(
  app: AppRuntime<RequestInfo>,
  options: Partial<HttpApiOptions> & { broker?: Broker; limits?: Partial<Limits> } = {},
) {
  const clock = new FakeClock();
  const log = listeningLog();
  const { broker, waits } = counted(options.broker ?? memoryBroker({ nowMs: clock.nowMs }));
  let ids = 0;
  const engine = new Engine<RequestInfo>({
    app,
    broker,
    clock,
    log,
    limits: options.limits ?? {},
    randomId: () => `id-${++ids}`,
  });
  const rules = () => ({ allowed: [], isLoopbackServer: true, isProduction: false });
  const [revoke, disconnect] = [revokeOf(engine), disconnectOf(engine)];
  const api = new HttpApi({
    engine,
    revoke,
    disconnect,
    backend: null,
    apiKeys: {},
    trustedProxies: [],
    rules,
    ...options,
  });
  const server = createServer((request, response) => void api.handle(request, response)).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const url = `http://127.0.0.1:${port}`;
  return {
    api,
    engine,
    clock,
    waits,
    port,
    url,
    log: log.lines,
    ask: asking(url),
    [Symbol.asyncDispose]: async () => {
      server.close();
      server.closeAllConnections();
      await engine.stop('the test is over');
    },
  };
}

/** A plain connection, and all that the server said on it until it ended it. */
export async function rawRequest(port: number): Promise<{ socket: Socket; end: Promise<string> }> {
  const socket = dialTcp(port);
  await once(socket, 'connect');
  let text = '';
  socket.on('data', (chunk: Buffer) => {
    text += chunk;
  });
  const end = new Promise<string>((resolve) => socket.on('close', () => resolve(text)));
  return { socket, end };
}

/** An app of one log and one table, for the core: its rules are the caller's. */
export function bareApp(parts: Partial<AppRuntime<RequestInfo>> = {}): AppRuntime<RequestInfo> {
  return {
    channels: new Map([
      ['chat', { kind: 'log', params: ['room'], validate: (value) => ({ value }) }],
      [
        'desk',
        { kind: 'table', params: ['market'], write: 'client', keep: 'durable', validate: (value) => ({ value }) },
      ],
    ]),
    authenticate: async (token) => (token === undefined ? null : { id: token, user: { id: token }, publicUser: token }),
    ...parts,
  };
}
