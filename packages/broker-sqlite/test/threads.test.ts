// Threads that die: what was under way is refused and may be repeated, whoever watches hears of what was stored, and another thread takes over.
// The threads are real; the waits before a new start are ended by hand.

import { EventEmitter, once } from 'node:events';
import { join } from 'node:path';
import { MessageChannel, type MessagePort, Worker } from 'node:worker_threads';
import { type Advance, BrokerUnavailableError, type NewEntry, type OutboxNews } from '@trunkline/broker';
import type { StreamName } from '@trunkline/protocol';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { RESTART_DELAYS_MS, WELL_MS } from '../src/kept-thread.js';
import type { WorkerMessage } from '../src/messages.js';
import { SqliteBroker } from '../src/sqlite-broker.js';
import { nodeSurroundings, type Surroundings, type Thread, type ThreadFile } from '../src/surroundings.js';
import { temporaryFolder } from './world.js';

const ROOM = 'chat/lobby' as StreamName;
const BEGIN = { epoch: null, offset: 0 };
const ALL = { entries: 100_000 };
const WRITER = 'writer-worker.js';
const READER = 'reader-worker.js';

const entry = (seq: number): NewEntry => ({
  at: 1_000,
  data: `${seq}`,
  user: '{"id":"ada"}',
  source: { producer: 'ada:tab', seq },
});

/** Threads that can be ended, or lose their answers; and waits that end when the test says so. */
class Hand {
  /** Of each file the one that was started last. */
  readonly #workers = new Map<ThreadFile, { readonly worker: Worker; readonly end: MessagePort }>();
  #waits: { readonly delayMs: number; readonly task: () => void }[] = [];
  #onWait = () => {};
  readonly failures: string[] = [];
  /** The thread whose answers are lost from now on. */
  mute: ThreadFile | undefined;
  /** What becomes of a thread that is started, in the place of a real one. */
  instead: ((file: ThreadFile) => Thread) | undefined;

  readonly surroundings: Surroundings = {
    ...nodeSurroundings,
    startThread: (file, options) => {
      if (this.instead) return this.instead(file);
      const { port1: end, port2 } = new MessageChannel();
      end.unref();
      const worker = new Worker(new URL('./mortal-worker.mjs', import.meta.url), {
        workerData: { ...options, mortal: { file, end: port2 } },
        transferList: [port2],
      });
      this.#workers.set(file, { worker, end });
      return {
        postMessage: (message) => worker.postMessage(message),
        on: (event: string, listener: (given: never) => void) =>
          worker.on(event, (given: WorkerMessage) => {
            const isLost = this.mute === file && event === 'message' && given.type === 'answers';
            if (!isLost) listener(given as never);
          }),
        ref: () => worker.ref(),
        unref: () => worker.unref(),
      };
    },
    after: (delayMs, task) => {
      const wait = { delayMs, task };
      this.#waits.push(wait);
      this.#onWait();
      return () => {
        this.#waits = this.#waits.filter((one) => one !== wait);
      };
    },
  };

  open(path: string): SqliteBroker {
    return new SqliteBroker(path, { onFailure: ({ message }) => this.failures.push(message) }, this.surroundings);
  }
  /** The delays that somebody waits for. */
  get waits(): readonly number[] {
    return this.#waits.map(({ delayMs }) => delayMs);
  }
  /** Resolves when so many wait for so long. */
  async waiting(delayMs: number, count = 1): Promise<void> {
    while (this.waits.filter((wait) => wait === delayMs).length < count) {
      await new Promise<void>((resolve) => {
        this.#onWait = resolve;
      });
    }
  }
  /** Ends those waits, of which so many have begun or will. */
  async pass(delayMs: number, count = 1): Promise<void> {
    await this.waiting(delayMs, count);
    const over = this.#waits.filter((wait) => wait.delayMs === delayMs);
    this.#waits = this.#waits.filter((wait) => wait.delayMs !== delayMs);
    for (const { task } of over) task();
  }
  async kill(file: ThreadFile): Promise<void> {
    const { worker, end } = this.#running(file);
    const ended = once(worker, 'exit');
    end.postMessage('end');
    await ended;
    end.close();
  }
  /** Resolves when the writer has answered something, which nobody hears. */
  async answered(): Promise<void> {
    await once(this.#running(WRITER).worker, 'message');
  }
  #running(file: ThreadFile) {
    const running = this.#workers.get(file);
    if (running === undefined) throw new Error(`${file} was never started`);
    return running;
  }
}

/** A thread that says this, and is gone. */
function shortLived(said?: WorkerMessage): Thread {
  const listeners = new Map<string, (given: never) => void>();
  queueMicrotask(() => {
    if (said) listeners.get('message')?.(said as never);
    listeners.get('exit')?.(1 as never);
  });
  return {
    postMessage() {},
    on: (event: string, listener: (given: never) => void) => listeners.set(event, listener),
    ref() {},
    unref() {},
  };
}

let folder: ReturnType<typeof temporaryFolder>;
let hand: Hand;
let broker: SqliteBroker;
beforeEach(async () => {
  folder = temporaryFolder();
  hand = new Hand();
  broker = hand.open(join(folder.path, 'trunkline.db'));
  await broker.ready();
});
afterEach(async () => {
  await broker.close();
  folder.remove();
});

const [FIRST_MS = 0] = RESTART_DELAYS_MS;
const stored = async () => (await broker.read(ROOM, BEGIN, ALL)).entries.map(({ data }) => Number(data));

describe('a writing thread that dies', () => {
  it('refuses what was under way and what is called meanwhile, is started again, and repeats are stored once', async () => {
    expect(broker.health).toBe('ready');
    await broker.append(ROOM, [entry(1)]);
    // It may be faster than its end.
    hand.mute = WRITER;
    const underWay = [broker.append(ROOM, [entry(2)]), broker.append(ROOM, [entry(3), entry(4)])];
    const outcomes = Promise.allSettled(underWay);
    await hand.kill(WRITER);
    for (const outcome of await outcomes) {
      expect(outcome).toMatchObject({ status: 'rejected', reason: expect.any(BrokerUnavailableError) });
    }
    hand.mute = undefined;
    // What a probe of the server asks: it is no longer sent clients.
    expect(broker.health).toBe('starting');
    await expect(broker.append(ROOM, [entry(5)])).rejects.toBeInstanceOf(BrokerUnavailableError);
    expect(hand.failures).toEqual([
      `the thread writer-worker.js ended with code 1: it is started again in ${FIRST_MS} ms`,
    ]);
    // The other thread reads on.
    expect((await stored())[0]).toBe(1);
    await hand.pass(FIRST_MS);
    await broker.ready();
    expect(broker.health).toBe('ready');
    for (const seq of [1, 2, 3, 4, 5]) await broker.append(ROOM, [entry(seq)]);
    expect(await stored()).toEqual([1, 2, 3, 4, 5]);
  });

  it('stores each once and in order, however often it dies in the middle', async () => {
    const BATCH = 9_000;
    let last = BATCH;
    const acknowledged: number[] = [0];
    let deaths = 0;
    let inTheMiddle = 0;
    const head = () => acknowledged.at(-1) ?? 0;
    while (head() < last) {
      // As a client sends what has no answer: all of it, in order, each behind the one before.
      const sent = Array.from({ length: last - head() }, (_, index) => head() + 1 + index).map((seq) =>
        broker.append(ROOM, [entry(seq)], seq > 1 ? { after: seq - 1 } : {}).then(
          () => void acknowledged.push(seq),
          (error: unknown) => error,
        ),
      );
      if (deaths < 4) {
        deaths += 1;
        // A group of several is answered, and the next one is being written.
        await hand.answered();
        await hand.kill(WRITER);
        await hand.pass(FIRST_MS);
        await broker.ready();
        await hand.pass(WELL_MS);
      }
      for (const error of await Promise.all(sent)) if (error) expect(error).toBeInstanceOf(BrokerUnavailableError);
      // None was acknowledged behind one that was not.
      expect(acknowledged).toEqual(Array.from({ length: head() + 1 }, (_, seq) => seq));
      if (head() < last) inTheMiddle += 1;
      // It was done before it heard of its end, as on a machine with one processor: once more.
      else if (inTheMiddle === 0) [last, deaths] = [last + BATCH, 0];
    }
    expect(inTheMiddle).toBeGreaterThan(0);
    expect(await stored()).toEqual(Array.from({ length: last }, (_, index) => index + 1));
  });

  it('whose answer was lost: whoever watches hears of what was stored, and the outbox too; the repeat is known', async () => {
    const heard: Advance[] = [];
    const news: OutboxNews[] = [];
    await broker.append(ROOM, [entry(1)], { outbox: true });
    const { close } = await broker.watch(ROOM, (advance) => heard.push(advance));
    broker.watchOutbox((one) => news.push(one));
    hand.mute = WRITER;
    const lost = broker.append(ROOM, [entry(2)], { outbox: true });
    const refused = expect(lost).rejects.toBeInstanceOf(BrokerUnavailableError);
    await hand.answered();
    expect([heard, news]).toEqual([[], []]);
    await hand.kill(WRITER);
    await refused;
    await hand.waiting(FIRST_MS);
    const epoch = expect.any(String);
    expect(heard).toEqual([{ stream: ROOM, epoch, from: 0, to: 2 }]);
    expect(news).toEqual([{ stream: ROOM, epoch, from: 0, to: 2, at: 1_000 }]);
    hand.mute = undefined;
    await hand.pass(FIRST_MS);
    const again = await broker.append(ROOM, [entry(2)], { outbox: true });
    expect(again.appended).toEqual([{ offset: 2, at: 1_000, duplicate: true }]);
    expect(await stored()).toEqual([1, 2]);
    close();
  });

  it('is started again after longer and longer waits, and in the end no more', async () => {
    hand.instead = () => shortLived();
    await hand.kill(WRITER);
    for (const delayMs of RESTART_DELAYS_MS) {
      await hand.waiting(delayMs);
      expect([hand.waits, broker.health]).toEqual([expect.arrayContaining([delayMs]), 'starting']);
      if (delayMs !== RESTART_DELAYS_MS.at(-1)) await hand.pass(delayMs);
    }
    const opening = expect(broker.ready()).rejects.toThrow('the thread writer-worker.js ended with code 1');
    await hand.pass(RESTART_DELAYS_MS.at(-1) ?? 0);
    await opening;
    expect(broker.health).toBe('failed');
    expect(hand.failures).toHaveLength(RESTART_DELAYS_MS.length + 1);
    expect(hand.failures.at(-1)).toMatch(/: it is not started again$/);
    await expect(broker.append(ROOM, [entry(1)])).rejects.toBeInstanceOf(BrokerUnavailableError);
    expect(await stored()).toEqual([]);
    expect(hand.waits.filter((delayMs) => delayMs !== WELL_MS)).toEqual([]);
  });

  it('begins a new row once one has lived for a minute', async () => {
    const [, secondMs = 0] = RESTART_DELAYS_MS;
    await hand.kill(WRITER);
    await hand.pass(FIRST_MS);
    await broker.ready();
    await hand.kill(WRITER);
    await hand.pass(secondMs);
    await broker.ready();
    await hand.pass(WELL_MS);
    await hand.kill(WRITER);
    await hand.pass(FIRST_MS);
    await broker.ready();
    await broker.append(ROOM, [entry(1)]);
    expect(await stored()).toEqual([1]);
  });

  it.each([
    ['locked', true],
    ['cannot_open', true],
    ['corrupt', false],
    ['read_only', false],
    ['newer', false],
  ] as const)('whose successor finds the file %s is tried again: %s', async (code, isTried) => {
    hand.instead = () => shortLived({ type: 'failed', code, path: 'a', problem: 'is bad', advice: 'Mend it' });
    await hand.kill(WRITER);
    await hand.pass(FIRST_MS);
    if (isTried) await hand.waiting(RESTART_DELAYS_MS[1] ?? 0);
    else await expect(broker.ready()).rejects.toMatchObject({ code });
    expect(broker.health).toBe(isTried ? 'starting' : 'failed');
  });

  it('is followed by another one only when it is gone, and holds the file no more', async () => {
    const [, secondMs = 0] = RESTART_DELAYS_MS;
    const thread = new EventEmitter();
    hand.instead = () => Object.assign(thread, { postMessage() {}, ref() {}, unref() {} });
    await hand.kill(WRITER);
    await hand.pass(FIRST_MS);
    thread.emit('message', { type: 'opened' });
    await broker.ready();
    thread.emit('error', new Error('out of memory'));
    expect(broker.health).toBe('starting');
    // The reader has answered: there was time enough to begin.
    expect(await stored()).toEqual([]);
    expect(hand.waits).not.toContain(secondMs);
    thread.emit('exit', 1);
    await hand.waiting(secondMs);
    expect(hand.failures.slice(1)).toEqual([`out of memory: it is started again in ${secondMs} ms`]);
  });

  it('is not started again by a broker that closes', async () => {
    await hand.kill(WRITER);
    await hand.waiting(FIRST_MS);
    await broker.close();
    expect(hand.waits).not.toContain(FIRST_MS);
    const next = hand.open(join(folder.path, 'trunkline.db'));
    await next.ready();
    await next.close();
  });
});

describe('a reading thread that dies', () => {
  it('refuses what it was asked, is started again, and writes go on', async () => {
    await broker.append(ROOM, [entry(1)]);
    hand.mute = READER;
    const asked = expect(stored()).rejects.toBeInstanceOf(BrokerUnavailableError);
    await Promise.all([asked, hand.kill(READER)]);
    hand.mute = undefined;
    expect(broker.health).toBe('starting');
    await broker.append(ROOM, [entry(2)]);
    await expect(stored()).rejects.toBeInstanceOf(BrokerUnavailableError);
    await hand.pass(FIRST_MS);
    await broker.ready();
    expect([await stored(), broker.health]).toEqual([[1, 2], 'ready']);
  });

  it('with the writing one: what was stored is told when there is a reader again', async () => {
    let onHeard: (advance: Advance) => void = () => {};
    const heard = new Promise<Advance>((resolve) => {
      onHeard = resolve;
    });
    await broker.watch(ROOM, (advance) => onHeard(advance));
    hand.mute = WRITER;
    const lost = expect(broker.append(ROOM, [entry(1)])).rejects.toBeInstanceOf(BrokerUnavailableError);
    await hand.answered();
    await hand.kill(READER);
    await hand.kill(WRITER);
    await lost;
    hand.mute = undefined;
    await hand.pass(FIRST_MS, 2);
    await broker.ready();
    expect(await heard).toEqual({ stream: ROOM, epoch: expect.any(String), from: 0, to: 1 });
  });
});
