// What a back end's options may be: both sides of each limit, and that no complaint shows what is secret.

import { memoryBroker } from '@trunkline/broker';
import { expect, it } from 'vitest';
import * as z from 'zod';
import { type BackendOptions, fillInBackend } from '../src/backend/backend-options.js';
import { serve, trunkline } from '../src/index.js';
import { listeningLog } from './support/app.js';

const SECRET = 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw';
const GOOD: BackendOptions = { url: 'https://app.example.com/hook?a=1', secret: SECRET };

it('has defaults', () => {
  expect(fillInBackend(GOOD)).toMatchObject({
    whenDown: 'refuse',
    timeoutMs: 5_000,
    maxInWork: 64,
    maxWaiting: 1_000,
    maxDeliveries: 16,
    breakAfter: 5,
    breakMs: 10_000,
    authorizeCacheMs: 0,
    maxAttempts: 12,
    retryMs: 1_000,
    retryMsMax: 300_000,
    maxDeadLetters: 10_000,
    maxAnswerBytes: 262_144,
  });
});

it.each([
  ['timeoutMs', 1, 60_000],
  ['maxInWork', 1, 10_000],
  ['maxWaiting', 0, 100_000],
  ['maxDeliveries', 1, 1_000],
  ['breakAfter', 1, 1_000],
  ['breakMs', 1, 3_600_000],
  ['authorizeCacheMs', 0, 60_000],
  ['maxAttempts', 1, 1_000],
  ['retryMs', 1, 3_600_000],
  ['retryMsMax', 1, 86_400_000],
  ['maxDeadLetters', 0, 1_000_000],
  ['maxAnswerBytes', 64, 16_777_216],
] as const)('%s is from %i to %i', (name, least, most) => {
  for (const fine of [least, most]) expect(fillInBackend({ ...GOOD, [name]: fine })[name]).toBe(fine);
  for (const bad of [least - 1, most + 1, least + 0.5, Number.NaN, '5']) {
    expect(() => fillInBackend({ ...GOOD, [name]: bad })).toThrow(new RegExp(`backend: ${name} must be`));
  }
});

it.each([
  'ftp://example.com/',
  'file:///etc/passwd',
  'https://user:hunter2@example.com/',
  'https://example.com/#part',
  'example.com',
  '',
  undefined,
])('%s is no URL for it', (url) => {
  expect(() => fillInBackend({ ...GOOD, url: url as string })).toThrow(/backend: url must be/);
  expect(() => fillInBackend({ ...GOOD, url: url as string })).not.toThrow(/hunter2/);
});

it.each([[[]], ['hunter2'], [undefined], [[SECRET, 'hunter2']]])('%j is no secret', (secret) => {
  const fill = () => fillInBackend({ ...GOOD, secret: secret as string });
  expect(fill).toThrow(/backend: (a )?secret/);
  expect(fill).not.toThrow(/hunter2/);
});

it('whenDown is refuse or accept', () => {
  expect(fillInBackend({ ...GOOD, whenDown: 'accept' }).whenDown).toBe('accept');
  expect(() => fillInBackend({ ...GOOD, whenDown: 'maybe' as 'accept' })).toThrow(/whenDown/);
});

const t = trunkline({ authenticate: () => ({ id: 'ada' }) });

it('a channel lists requests that there are', () => {
  const backend = ['publish'] as never;
  expect(() => t.log([], { entry: z.json(), backend })).toThrow(/t.log: backend lists some of/);
  expect(() => t.table([], { row: z.object({}), backend: ['publish.after'] as never })).toThrow(/t.table: backend/);
});

it('a channel that asks a back end is not served without one, nor told of by a broker without an outbox', async () => {
  const chat = t.log([], { entry: z.json(), backend: ['authorize'] });
  const options = { port: 0, broker: memoryBroker(), log: listeningLog() };
  await expect(serve(t.app({ channels: { chat } }), options)).rejects.toThrow(/chat asks a back end/);
  const { append } = memoryBroker();
  const app = t.app({ channels: { chat: t.log([], { entry: z.json() }) } });
  const broker = { append } as never;
  await expect(serve(app, { ...options, broker, backend: GOOD })).rejects.toThrow(/needs a broker with an outbox/);
});
