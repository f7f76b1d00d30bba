// One well-formed message of every type with every optional field, from which tests spoil one field at a time.

import { type ClientMessage, DEFAULT_LIMITS, type ServerMessage } from '../src/index.js';

export const CLIENT_SAMPLES: { readonly [T in ClientMessage['type']]: Extract<ClientMessage, { type: T }> } = {
  hello: { type: 'hello', version: 1, token: 'secret', features: ['seen'] },
  subscribe: {
    type: 'subscribe',
    id: 1,
    stream: 'chat/lobby',
    after: { epoch: 'k3J9xQ', offset: 41, at: 1_763_650_001_234 },
    last: 50,
    most: 500,
  },
  unsubscribe: { type: 'unsubscribe', id: 2, stream: 'chat/lobby' },
  publish: { type: 'publish', id: 3, stream: 'chat/lobby', producer: 'tR5k', seq: 1, data: { text: 'hello' } },
  read: { type: 'read', id: 4, stream: 'chat/lobby', epoch: 'k3J9xQ', before: 42, limit: 50 },
  refresh: { type: 'refresh', id: 5, token: 'secret' },
  ping: { type: 'ping', id: 6 },
  seen: { type: 'seen', bytes: 48_213 },
  pong: { type: 'pong' },
};

type Checked = Exclude<ServerMessage['type'], 'ok'>;

export const SERVER_SAMPLES: { readonly [T in Checked]: Extract<ServerMessage, { type: T }> } = {
  welcome: {
    type: 'welcome',
    session: 'pQ3x0v',
    user: { id: 'ada' },
    pingMs: 25_000,
    limits: DEFAULT_LIMITS,
    now: 1_763_650_000_000,
    features: [],
  },
  error: {
    type: 'error',
    id: 4,
    code: 'refused',
    message: 'Please be kind',
    retry: false,
    outcome: 'refused',
    afterMs: 120,
    refusal: 'rude',
  },
  entries: {
    type: 'entries',
    ch: 7,
    from: 0,
    to: 1,
    epoch: 'k3J9xQ',
    items: [{ offset: 1, at: 1_763_650_002_000, user: { id: 'bob' }, producer: 'tR5k', seq: 3, data: { text: 'hi' } }],
  },
  synced: { type: 'synced', ch: 7, to: 44 },
  gap: { type: 'gap', ch: 7, reason: 'trimmed', lost: 412, epoch: 'k3J9xQ', to: 453 },
  ended: { type: 'ended', ch: 7, code: 'forbidden', message: 'no longer', retry: false, afterMs: 10 },
  ping: { type: 'ping', now: 1_763_650_025_000, rttMs: 12 },
  pong: { type: 'pong', id: 10, now: 1_763_650_025_012 },
  drain: { type: 'drain', withinMs: 20_000, spreadMs: 10_000 },
  goodbye: { type: 'goodbye', code: 1001, reason: 'restarting', afterMs: 0, spreadMs: 500 },
};
