// Every field of `Limits`, just below, at, and just above.

import { DEFAULT_LIMITS, type JsonValue, type Limits } from '@trunkline/protocol';
import { describe, expect, it } from 'vitest';
import { Desk } from './support/desk.js';
import { LOBBY, QUOTES, World } from './support/world.js';

/** One that is not the session's business: the transport closes with 1009, see the server's tests. */
const ELSEWHERE: readonly (keyof Limits)[] = ['maxMessageBytes'];

type Case = readonly [amount: number, outcome: string];
const CASES: Partial<
  Record<keyof Limits, { readonly cases: readonly Case[]; readonly run: (amount: number) => Promise<string> }>
> = {
  maxEntryBytes: {
    cases: [
      [99, 'ok'],
      [100, 'ok'],
      [101, 'too_large'],
    ],
    run: async (bytes) => {
      const peer = await new World({ limits: { maxEntryBytes: 100 } }).enter();
      // Two bytes a letter, and the quotes.
      const data = 'ä'.repeat(Math.floor((bytes - 2) / 2)) + 'x'.repeat(bytes % 2);
      return outcome(await peer.publish(1, data));
    },
  },
  maxObjectsPerMessage: {
    cases: [
      [2, 'pong pong'],
      [3, 'pong pong pong'],
      [4, 'too_large'],
    ],
    run: async (objects) => {
      const peer = await new World({ limits: { maxObjectsPerMessage: 3 } }).enter();
      peer.say(...Array.from({ length: objects }, (_, index) => ({ type: 'ping', id: index + 1 }) as const), '');
      return peer.connection.fresh().map(outcome).join(' ');
    },
  },
  maxSubscriptions: {
    cases: [
      [1, 'ok'],
      [2, 'ok'],
      [3, 'rate_limited without retry'],
    ],
    run: async (count) => {
      const peer = await new World({ limits: { maxSubscriptions: 2 } }).enter();
      let last = '';
      for (let room = 1; room <= count; room++) {
        const answer = await peer.ask({ type: 'subscribe', stream: `chat/${room}` });
        last = answer.type === 'error' && !answer.retry ? `${answer.code} without retry` : outcome(answer);
      }
      await peer.ask({ type: 'unsubscribe', stream: 'chat/1' });
      expect(await peer.ask({ type: 'subscribe', stream: 'chat/another' })).toMatchObject({ type: 'ok' });
      return last;
    },
  },
  maxCallsInWork: {
    cases: [
      [1, '1 runs'],
      [2, '2 run'],
      [3, 'rate_limited'],
    ],
    run: async (count) => {
      const desk = new Desk();
      const world = new World({ limits: { maxCallsInWork: 2 }, procedures: desk.procedures });
      const peer = await world.enter();
      const ids = Array.from({ length: count }, () => peer.request({ type: 'call', procedure: 'order', data: 1 }));
      await world.settle();
      const last = peer.answersTo(ids.at(-1) ?? 0)[0];
      expect(desk.runs).toHaveLength(Math.min(count, 2));
      // A place that becomes free is another's.
      desk.runs[0]?.done({ output: 1 });
      await world.settle();
      peer.request({ type: 'call', procedure: 'order', data: 1 });
      await world.settle();
      expect(desk.runs).toHaveLength(Math.min(count, 2) + 1);
      return last === undefined ? `${count} run${count === 1 ? 's' : ''}` : outcome(last);
    },
  },
  maxRequestsInWork: {
    cases: [
      [2, 'reads on'],
      [3, 'paused, then reads on'],
      [4, 'paused, then reads on'],
    ],
    run: async (count) => {
      const world = new World({ limits: { maxRequestsInWork: 3 } });
      const peer = await world.enter();
      const release = world.broker.hold('append');
      const ids = Array.from({ length: count }, (_, index) =>
        peer.request({ type: 'publish', stream: LOBBY, producer: `p${index}`, seq: 1, data: 1 }),
      );
      await world.settle();
      expect(world.broker.calls.append).toBe(Math.min(count, 3));
      const wasPaused = peer.connection.isPaused;
      release();
      await world.settle();
      expect(ids.map((id) => peer.answerTo(id).type)).toEqual(ids.map(() => 'ok'));
      expect(peer.connection.isPaused).toBe(false);
      return wasPaused ? 'paused, then reads on' : 'reads on';
    },
  },
  publishRatePerSecond: {
    cases: [
      [999, 'wait 1 ms'],
      [1_000, 'ok'],
      [1_001, 'ok'],
    ],
    run: async (passedMs) => {
      const world = new World({ limits: { publishRatePerSecond: 1, publishBurst: 1 } });
      const peer = await world.enter();
      await peer.publish(1);
      world.clock.advanceMs(passedMs);
      const answer = await peer.publish(2);
      return answer.type === 'error' ? `wait ${answer.afterMs} ms` : outcome(answer);
    },
  },
  publishBurst: {
    cases: [
      [4, 'ok'],
      [5, 'ok'],
      [6, 'rate_limited'],
    ],
    run: async (count) => {
      const peer = await new World({ limits: { publishBurst: 5 } }).enter();
      let last = '';
      for (let seq = 1; seq <= count; seq++) last = outcome(await peer.publish(seq, seq, 'p', `chat/${seq}`));
      return last;
    },
  },
  maxRowsPerChange: {
    cases: [
      [2, 'ok'],
      [3, 'ok'],
      [4, 'too_large'],
    ],
    run: async (rows) => {
      const peer = await new World({ limits: { maxRowsPerChange: 3 } }).enter();
      const keys = Array.from({ length: rows }, (_, index) => `k${index}`);
      const [first = '', second = '', ...rest] = keys;
      const step = { set: { [first]: {} }, patch: { [second]: {} }, delete: rest };
      return outcome(await peer.ask({ type: 'change', stream: QUOTES, producer: 'p', seq: 1, ...step }));
    },
  },
  maxKeys: {
    cases: [
      [2, 'ok ok'],
      [3, 'ok ok'],
      [4, 'too_large too_large'],
    ],
    run: async (count) => {
      const peer = await new World({ limits: { maxKeys: 3 } }).enter();
      const keys = Array.from({ length: count }, (_, index) => `k${index}`);
      const subscribed = outcome(await peer.ask({ type: 'subscribe', stream: QUOTES, keys }));
      if (subscribed !== 'ok') await peer.do({ type: 'subscribe', stream: QUOTES });
      return `${subscribed} ${outcome(await peer.ask({ type: 'tune', stream: QUOTES, keys }))}`;
    },
  },
  maxPageEntries: {
    cases: [
      [4, 'ok ok'],
      [5, 'ok ok'],
      [6, 'invalid invalid'],
    ],
    run: async (entries) => {
      const world = new World({ limits: { maxPageEntries: 5 } });
      await world.fill(10);
      const peer = await world.enter();
      const read = outcome(await peer.ask({ type: 'read', stream: LOBBY, before: 9, limit: entries }));
      const subscribed = await peer.ask({ type: 'subscribe', stream: LOBBY, last: entries });
      return `${read} ${outcome(subscribed)}`;
    },
  },
  maxSignalBytes: {
    cases: [
      [9, 'none'],
      [10, 'none'],
      [11, 'too_large'],
    ],
    run: (bytes) => refusalOfSignals({ maxSignalBytes: 10 }, ['x'.repeat(bytes - 2)]),
  },
  signalBurst: {
    cases: [
      [2, 'none'],
      [3, 'none'],
      [4, 'rate_limited'],
    ],
    run: (count) =>
      refusalOfSignals(
        { signalBurst: 3 },
        Array.from({ length: count }, (_, n) => n),
      ),
  },
  signalRatePerSecond: {
    cases: [
      [3, 'none'],
      [4, 'none'],
      [5, 'rate_limited'],
    ],
    // One at once, and what a second brings.
    run: (count) => {
      const afterASecond = Array.from({ length: count }, (_, n) => n);
      return refusalOfSignals({ signalRatePerSecond: 4, signalBurst: 4 }, [0, 1, 2, 3], afterASecond);
    },
  },
};

/** Sends signals, and more a second later. @returns the code of the refusal that was told last */
async function refusalOfSignals(
  limits: Partial<Limits>,
  ...rounds: readonly (readonly JsonValue[])[]
): Promise<string> {
  const world = new World({ limits, chat: { signals: new Map([['typing', (value: unknown) => ({ value })]]) } });
  const peer = await world.enter();
  let told = 'none';
  for (const [round, signals] of rounds.entries()) {
    if (round > 0) await world.passMs(1_000);
    for (const data of signals) peer.say(JSON.stringify({ type: 'signal', stream: LOBBY, name: 'typing', data }));
    await world.settle();
    for (const message of peer.connection.fresh()) if (message.type === 'error') told = message.code;
  }
  return told;
}

function outcome(message: { readonly type: string; readonly code?: unknown }): string {
  return message.type === 'error' ? String(message.code) : message.type;
}

it('there is a case for every limit', () => {
  expect([...Object.keys(CASES), ...ELSEWHERE].toSorted()).toEqual(Object.keys(DEFAULT_LIMITS).toSorted());
});

for (const [name, { cases, run }] of Object.entries(CASES)) {
  describe(name, () => {
    it.each(cases)('%i: %s', async (amount, expected) => {
      expect(await run(amount)).toBe(expected);
    });
  });
}

describe('maxEntryBytes', () => {
  it('holds after the hook too', async () => {
    const world = new World({
      limits: { maxEntryBytes: 20 },
      chat: { onPublish: ({ entry }) => ({ store: [entry, entry] }) },
    });
    const peer = await world.enter();
    expect(await peer.publish(1, 'x'.repeat(6))).toMatchObject({ type: 'ok' });
    expect(await peer.publish(2, 'x'.repeat(7))).toMatchObject({ code: 'too_large', retry: false, outcome: 'refused' });
  });
});

describe('REQ-3: requests in work', () => {
  it('are bounded within one message too; the rest of it waits, in order', async () => {
    const world = new World({ limits: { maxRequestsInWork: 2, publishBurst: 1_000 } });
    const peer = await world.enter();
    const release = world.broker.hold('append');
    peer.say(...Array.from({ length: 20 }, (_, index) => publish(index + 1, `p${index}`, index)), {
      type: 'ping',
      id: 21,
    });
    await world.settle();
    expect(world.broker.calls.append).toBe(2);
    expect(peer.connection.fresh()).toEqual([]);
    expect(peer.connection.isPaused).toBe(true);
    release();
    await world.settle();
    expect(peer.connection.fresh().map((message) => 'id' in message && message.id)).toHaveLength(21);
    expect(peer.connection.isPaused).toBe(false);
  });

  it('do not begin for a peer that does not take its answers', async () => {
    const world = new World();
    await world.fill(20, 1, LOBBY, 'x'.repeat(60_000));
    const peer = await world.enter();
    peer.connection.isSlow = true;
    peer.say(
      ...Array.from(
        { length: 200 },
        (_, index) => ({ type: 'read', id: index + 1, stream: LOBBY, before: 9, limit: 1 }) as const,
      ),
    );
    await world.settle();
    // A full buffer, and the pages that were in work when it became full.
    expect(peer.connection.mostBuffered).toBeLessThan(262_144 + 8 * 66_000);
    expect(peer.connection.isPaused).toBe(true);
    for (let rounds = 0; peer.connection.bufferedBytes > 0; rounds++) {
      expect(rounds).toBeLessThan(200);
      peer.drain();
      await world.settle();
    }
    expect(peer.connection.isPaused).toBe(false);
    expect(peer.connection.fresh()).toHaveLength(200);
  });

  it('pings of a peer that does not take its answers are held back as well', async () => {
    const peer = await new World().enter();
    peer.connection.isSlow = true;
    for (let id = 1; id <= 100_000 && !peer.connection.isPaused; id++) peer.say({ type: 'ping', id });
    expect(peer.connection.isPaused).toBe(true);
    expect(peer.connection.mostBuffered).toBeLessThan(262_144 + 1_000);
  });
});

function publish(id: number, producer: string, data: JsonValue) {
  return { type: 'publish', id, stream: LOBBY, producer, seq: 1, data } as const;
}
