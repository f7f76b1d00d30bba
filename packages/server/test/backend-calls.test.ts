// What keeps a bad back end from hurting: time-outs, so many at a time, and breakers that open and close, on a fake clock.

import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { BackendCalls } from '../src/backend/backend-calls.js';
import { BackendDownError } from '../src/backend/backend-down.js';
import { type BackendOptions, fillInBackend } from '../src/backend/backend-options.js';
import { guardedLane } from '../src/backend/guarded-lane.js';
import type { Posted } from '../src/backend/post.js';
import { listeningLog } from './support/app.js';

beforeEach(() => {
  vi.useFakeTimers({ now: 1_763_650_000_000 });
});
afterEach(() => {
  vi.useRealTimers();
});

const ok: Posted = { status: 200, text: '{}', retryAfterMs: undefined };
type Post = (id: string, body: string, signal: AbortSignal) => Promise<Posted>;

function start(post: Post, options: Partial<BackendOptions> = {}) {
  const filled = fillInBackend({
    url: 'http://127.0.0.1/',
    secret: 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw',
    ...options,
  });
  const posted: string[] = [];
  const log = listeningLog();
  const poster = {
    post: (id: string, body: string, signal: AbortSignal) => {
      posted.push(id);
      return post(id, body, signal);
    },
    close: () => {},
  };
  const calls = new BackendCalls(poster, guardedLane(filled, log));
  const send = (id: string, type: 'authorize' | 'publish.before' | 'publish.after' = 'publish.before') =>
    calls.send(type, id, 0, {}).catch((error) => error as BackendDownError);
  return { calls, send, posted, log: log.lines };
}

const never: Post = (_id, _body, signal) =>
  new Promise((_, reject) => signal.addEventListener('abort', () => reject(new Error('aborted'))));

describe('a time-out', () => {
  it('ends a request that is not answered, cuts it, and says when to come again', async () => {
    let isCut = false;
    const { send } = start((id, body, signal) => {
      signal.addEventListener('abort', () => {
        isCut = true;
      });
      return never(id, body, signal);
    });
    const answer = send('a');
    await vi.advanceTimersByTimeAsync(4_999);
    expect(isCut).toBe(false);
    await vi.advanceTimersByTimeAsync(1);
    expect(await answer).toMatchObject({
      message: 'the back end did not answer within 5000 ms',
      afterMs: 1_000,
      reachedIt: true,
    });
    expect(isCut).toBe(true);
  });
});

describe('what it answers', () => {
  it.each([500, 503, 599, 408, 425, 429])('%i means later', async (status) => {
    const { send } = start(async () => ({ ...ok, status, retryAfterMs: 7_000 }));
    expect(await send('a')).toMatchObject({
      message: `the back end answered ${status}`,
      afterMs: 7_000,
      reachedIt: true,
    });
  });

  it.each([200, 204, 301, 400, 401, 404, 422])('%i is an answer', async (status) => {
    const { send } = start(async () => ({ ...ok, status }));
    expect(await send('a')).toMatchObject({ status });
  });

  it('one that cannot be reached did not get the request', async () => {
    const { send } = start(() => Promise.reject(new Error('connect ECONNREFUSED')));
    expect(await send('a')).toMatchObject({ reachedIt: false, message: expect.stringContaining('ECONNREFUSED') });
  });
});

describe('the breaker', () => {
  it('opens after so many failures in a row, lets one try after a while, and closes when that works', async () => {
    let isBroken = true;
    const { calls, send, posted, log } = start(async () => ({ ...ok, status: isBroken ? 500 : 200 }));
    for (let index = 1; index <= 4; index++) await send(`f${index}`);
    expect(calls.breaker('publish.before')).toBe('closed');
    await send('f5');
    expect(calls.breaker('publish.before')).toBe('open');
    expect(log).toHaveLength(1);
    await vi.advanceTimersByTimeAsync(4_000);
    expect(await send('rest')).toMatchObject({ afterMs: 6_000, reachedIt: false });
    expect(posted).not.toContain('rest');
    await vi.advanceTimersByTimeAsync(5_999);
    expect(await send('rest')).toMatchObject({ afterMs: 100 });
    // The try fails: it rests again.
    await vi.advanceTimersByTimeAsync(1);
    await send('try 1');
    expect(await send('rest')).toBeInstanceOf(BackendDownError);
    expect(posted).toEqual(['f1', 'f2', 'f3', 'f4', 'f5', 'try 1']);
    isBroken = false;
    await vi.advanceTimersByTimeAsync(10_000);
    expect(await send('try 2')).toMatchObject({ status: 200 });
    expect(calls.breaker('publish.before')).toBe('closed');
    expect(await send('after')).toMatchObject({ status: 200 });
    expect(log.at(-1)?.message).toContain('answers again');
  });

  it('counts what comes in a row, and each type of request for itself', async () => {
    const { calls, send } = start(async (id) => ({ ...ok, status: id === 'bad' ? 500 : 200 }));
    for (const id of ['bad', 'bad', 'bad', 'bad', 'good', 'bad']) await send(id);
    expect(calls.breaker('publish.before')).toBe('closed');
    for (let index = 0; index < 5; index++) await send('bad', 'publish.after');
    expect(calls.breaker('publish.after')).toBe('open');
    expect(await send('good', 'publish.before')).toMatchObject({ status: 200 });
  });

  it('is not opened by what the back end answers, whatever it is', async () => {
    const { calls, send } = start(async () => ({ ...ok, status: 401 }));
    for (let index = 0; index < 20; index++) await send('a');
    expect(calls.breaker('publish.before')).toBe('closed');
  });
});

describe('so many at a time', () => {
  it('are sent, so many wait, and more are refused for now', async () => {
    const answers: (() => void)[] = [];
    const slow: Post = () => new Promise((resolve) => answers.push(() => resolve(ok)));
    const { send, posted } = start(slow, { maxInWork: 2, maxWaiting: 1 });
    const sent = ['a', 'b', 'c'].map((id) => send(id));
    expect(await send('d')).toMatchObject({ message: 'too many requests wait for the back end', afterMs: 1_000 });
    expect(posted).toEqual(['a', 'b']);
    // What waits for a place does not use up its time.
    await vi.advanceTimersByTimeAsync(4_000);
    answers.shift()?.();
    await vi.advanceTimersByTimeAsync(900);
    expect(posted).toEqual(['a', 'b', 'c']);
    for (const answer of answers.splice(0)) answer();
    expect(await Promise.all(sent)).toEqual([ok, ok, ok]);
  });
});

it('closing cuts what is under way, which did not fail by its own fault', async () => {
  const { calls, send } = start(never);
  const answer = send('a', 'publish.after');
  await vi.advanceTimersByTimeAsync(1);
  calls.close();
  expect(await answer).toMatchObject({ message: 'the server is stopping', reachedIt: false });
});
