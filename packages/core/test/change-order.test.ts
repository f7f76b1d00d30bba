// A producer's changes in order, over failures of the store (TAB-8, PUB-4): what follows a failure must not overtake it, and what
// follows a refusal for good is not held up by it.

import { BrokerUnavailableError } from '@trunkline/broker';
import { describe, expect, it } from 'vitest';
import { type Peer, QUOTES, World } from './support/world.js';

const change = (seq: number, step: object) =>
  ({ type: 'change', stream: QUOTES, producer: 'p', seq, ...step }) as const;

/** All in one message, as a client pipelines them; gives their answers. */
async function pipelined(peer: Peer, ...steps: readonly object[]): Promise<unknown[]> {
  const ids = steps.map((step, index) => peer.request(change(index + 1, step) as never));
  await peer.world.settle();
  return ids.map((id) => peer.answerTo(id));
}

/** The store has the next step for a while, and then it turns out that it could not take it. */
function failNext(world: World): () => void {
  const { change: inner } = world.broker;
  let fail = () => {};
  const failed = new Promise<never>((_, reject) => {
    fail = () => reject(new BrokerUnavailableError('the disk is full'));
  });
  Object.assign(world.broker, {
    change: () => {
      Object.assign(world.broker, { change: inner });
      return failed;
    },
  });
  return fail;
}

const stored = async (world: World) => (await world.store.readRow(QUOTES, 'A'))?.data;

describe('changes that are under way together', () => {
  it('do not overtake one that the store failed to take', async () => {
    const world = new World();
    const peer = await world.enter();
    // One that is known of, so that the next ones need no lookup.
    await peer.do(change(1, { set: { A: { n: 1 } } }) as never);
    const fail = failNext(world);
    const ids = [2, 3, 4].map((n) => peer.request(change(n, { set: { A: { n } } }) as never));
    await world.settle();
    fail();
    await world.settle();
    for (const id of ids) expect(peer.answerTo(id)).toMatchObject({ code: 'unavailable', retry: true });
    expect(await stored(world)).toBe('{"n":1}');
    for (const n of [2, 3, 4]) {
      expect(await peer.do(change(n, { set: { A: { n } } }) as never)).toMatchObject({ offset: n });
    }
    expect(await stored(world)).toBe('{"n":4}');
  });

  it.each([
    ['a conflict', {}, { set: { A: { n: 1 } }, if: { A: 7 } }, 'conflict'],
    ['a full table', { maxRows: 1 }, { set: { A: {}, B: {} } }, 'too_large'],
  ])('are not held up by %s', async (_, quotes, refused, code) => {
    const world = new World({ quotes });
    const peer = await world.enter();
    const answers = await pipelined(
      peer,
      refused,
      { set: { A: { n: 2 } } },
      refused,
      { set: { A: { n: 4 } } },
      {
        set: { A: { n: 5 } },
      },
    );
    expect(answers).toMatchObject([{ code, retry: false }, { offset: 1 }, { code }, { offset: 2 }, { offset: 3 }]);
    expect(await stored(world)).toBe('{"n":5}');
  });

  it('are judged by the rights of the moment when they are handed over once more', async () => {
    let isAllowed = true;
    const world = new World({ quotes: { authorize: () => isAllowed } });
    const peer = await world.enter();
    const release = world.broker.hold('change');
    const ids = [{ set: { A: {} }, if: { A: 7 } }, { set: { A: { n: 2 } } }].map((step, index) =>
      peer.request(change(index + 1, step) as never),
    );
    await world.settle();
    isAllowed = false;
    void world.engine.revoke('ada');
    release();
    await world.settle();
    expect(ids.map((id) => peer.answerTo(id))).toMatchObject([{ code: 'conflict' }, { code: 'forbidden' }]);
    expect(await stored(world)).toBeUndefined();
  });
});

describe('a change that was stored, and whose answer was lost in the store', () => {
  it.each([
    ['a patch', { patch: { A: { m: 2 } } }],
    ['a set', { set: { A: { m: 2 } } }],
  ])('is known when it comes again, also if its condition no more holds: %s', async (_, step) => {
    const world = new World();
    const peer = await world.enter();
    await peer.do(change(1, { set: { A: { n: 1 } } }) as never);
    world.broker.faults.set('change', 'after');
    const conditional = change(2, { ...step, if: { A: 1 } }) as never;
    expect(await peer.ask(conditional)).toMatchObject({ code: 'unavailable', outcome: 'unknown' });
    world.broker.faults.clear();
    expect(await peer.ask(conditional)).toMatchObject({ type: 'ok', offset: 2 });
  });
});
