// What a back end is told of entries that change: in line with the entries, as they are now.

import { memoryBroker } from '@trunkline/broker';
import type { StreamName } from '@trunkline/protocol';
import { expect, it } from 'vitest';
import { FakeClock, microtasks } from '../../core/test/support/fake-clock.js';
import { Backend } from '../src/backend/backend.js';
import { BackendCalls } from '../src/backend/backend-calls.js';
import { fillInBackend } from '../src/backend/backend-options.js';
import { guardedLane } from '../src/backend/guarded-lane.js';
import type { Poster } from '../src/backend/post.js';
import { listeningLog } from './support/app.js';

const LOBBY = 'chat/lobby' as StreamName;
const TOLD = { outbox: true } as const;

async function start(status: (offset: number) => number = () => 200) {
  const broker = memoryBroker();
  const told: Record<string, unknown>[] = [];
  const ids: string[] = [];
  const options = fillInBackend({ url: 'http://127.0.0.1/', secret: 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw' });
  const log = listeningLog();
  const poster: Poster = {
    post: async (id, body) => {
      const { data } = JSON.parse(body) as { data: Record<string, unknown> & { offset: number } };
      told.push(data);
      ids.push(id);
      return { status: status(data.offset), text: '', retryAfterMs: undefined };
    },
    close: () => {},
  };
  const backend = new Backend({
    options,
    broker,
    log,
    clock: new FakeClock(),
    told: new Map([['chat', { params: ['room'] }]]),
    calls: new BackendCalls(poster, guardedLane(options, log)),
  });
  const say = (data: string) => broker.append(LOBBY, [{ at: 1, data, user: '"Ada"', owner: 'ada' }], TOLD);
  const amend = (expects: number, data: string, state: object) =>
    broker.amend(
      LOBBY,
      { offset: 1, expects, data, state: JSON.stringify(state), at: 5, user: '"Bob"', owner: 'bob' },
      TOLD,
    );
  return { backend, told, ids, say, amend };
}

it('an edit, a reaction and a deletion follow the entry, each with what it is then', async () => {
  const { backend, told, ids, say, amend } = await start();
  await backend.start();
  await say('"hello"');
  await microtasks();
  const states = [{ editedAt: 5 }, { editedAt: 5, reactions: { '👍': ['bob'] } }, { deletedAt: 6 }];
  for (const [index, state] of states.entries()) {
    await amend(index === 0 ? 0 : index + 1, index === 2 ? 'null' : '"new"', state);
    await microtasks();
  }
  const bob = { id: 'bob', public: 'Bob' };
  expect(told).toMatchObject([
    { kind: 'publish', offset: 1, user: { id: 'ada', public: 'Ada' }, entry: 'hello' },
    { kind: 'amend', offset: 2, amends: 1, user: bob, entry: 'new', editedAt: 5 },
    { kind: 'amend', offset: 3, amends: 1, user: bob, entry: 'new', reactions: { '👍': ['bob'] } },
    { kind: 'amend', offset: 4, amends: 1, user: bob, entry: null, deletedAt: 6 },
  ]);
  expect(new Set(ids).size).toBe(4);
  expect(backend.health.waiting).toBe(0);
});

it('what was deleted before it was told of is nowhere in what is told', async () => {
  const { backend, told, say, amend } = await start();
  await say('"a secret"');
  await amend(0, '"another secret"', { editedAt: 5 });
  await amend(2, 'null', { deletedAt: 6 });
  await backend.start();
  await microtasks();
  expect(told).toMatchObject([
    { kind: 'publish', offset: 1, entry: null, deletedAt: 6 },
    { kind: 'amend', offset: 3, amends: 1, entry: null },
  ]);
  expect(JSON.stringify(told)).not.toContain('secret');
});

it('of a dead letter, too, it says what the entry is now', async () => {
  let isRefused = true;
  const { backend, told, say, amend } = await start(() => (isRefused ? 422 : 200));
  await backend.start();
  await say('"a secret"');
  await amend(0, '"new"', { editedAt: 5 });
  await microtasks();
  expect(await backend.deadLetters()).toMatchObject([
    { request: { offset: 1, entry: 'new' } },
    { request: { offset: 2, amends: 1, entry: 'new' } },
  ]);
  await amend(2, 'null', { deletedAt: 6 });
  await microtasks();
  told.splice(0);
  isRefused = false;
  // The second was replaced by the third: there is nothing to tell.
  expect(await backend.replayAll()).toEqual({ delivered: 3, left: 0 });
  expect(told).toMatchObject([
    { offset: 1, entry: null },
    { offset: 3, amends: 1, entry: null },
  ]);
  expect(JSON.stringify(told)).not.toContain('secret');
});
