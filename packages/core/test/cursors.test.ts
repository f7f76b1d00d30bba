// Where a cursor starts, and what it is told first.

import { forwards } from '@trunkline/broker/contract';
import type { SubscribeOk } from '@trunkline/protocol';
import { describe, expect, it } from 'vitest';
import { LOBBY, World } from './support/world.js';

const range = (from: number, to: number) => Array.from({ length: to - from }, (_, index) => from + index + 1);

describe('SUB-2: a cursor starts', () => {
  it.each([
    ['at the head by default', {}, []],
    ['last entries back', { last: 3 }, [8, 9, 10]],
    ['at the first entry if there are fewer', { last: 50 }, range(0, 10)],
    ['after a position', { after: { epoch: 'epoch-1', offset: 6 } }, [7, 8, 9, 10]],
    ['after a position, whatever last says', { after: { epoch: 'epoch-1', offset: 6 }, last: 2 }, [7, 8, 9, 10]],
    ['at the head, if that is the position', { after: { epoch: 'epoch-1', offset: 10 } }, []],
    ['before everything', { after: { epoch: 'epoch-1', offset: 0 } }, range(0, 10)],
  ])('%s', async (_, options, offsets) => {
    const world = new World();
    await world.fill(10);
    const view = await (await world.enter()).subscribe(options);
    expect(view.offsets).toEqual(offsets);
    expect(view.gaps).toEqual([]);
    expect(view.synced).toBe(1);
  });

  it('at 0 of a stream that was never written, and learns the epoch from the slice that starts there (SUB-6)', async () => {
    const world = new World();
    const peer = await world.enter();
    const id = peer.request({ type: 'subscribe', stream: LOBBY, last: 5 });
    await world.settle();
    expect(peer.answerTo(id)).toMatchObject({ type: 'ok', epoch: null, head: 0, floor: 0, from: 0, kind: 'log' });
    expect(peer.view(id).synced).toBe(1);
    await peer.publish(1);
    expect(peer.view(id)).toMatchObject({ epoch: 'epoch-1', cursor: 1, gaps: [], synced: 1 });
  });
});

describe('SUB-3', () => {
  it('ok names number, kind, epoch, head, floor and start, before any message names the number', async () => {
    const world = new World({ chat: { retain: { entries: 5 } } });
    const peer = await world.enter();
    for (let seq = 1; seq <= 8; seq++) await peer.publish(seq);
    const ok = await peer.do<SubscribeOk>({ type: 'subscribe', stream: LOBBY, last: 2 });
    expect(ok).toMatchObject({ kind: 'log', epoch: 'epoch-1', head: 8, floor: 3, from: 6 });
    const texts = peer.connection.texts;
    const first = texts.findIndex((text) => text.includes(`"ch":${ok.ch}`));
    expect(JSON.parse(texts[first] ?? '')).toEqual(ok);
  });

  it('the floor follows what the broker trims meanwhile, also for who asks for more than is kept', async () => {
    const world = new World({ chat: { retain: { entries: 5 } }, ringBytes: 200 });
    const [early, late] = [await world.enter(), await world.enter('bob')];
    await early.subscribe();
    for (let seq = 1; seq <= 20; seq++) await early.publish(seq);
    const ok = await late.do<SubscribeOk>({ type: 'subscribe', stream: LOBBY, last: 50 });
    expect(ok).toMatchObject({ floor: 15, from: 15, head: 20 });
    expect(late.view()).toMatchObject({ offsets: range(15, 20), gaps: [] });
  });
});

describe('SUB-4, SUB-5: resume', () => {
  it('gives exactly what was missed, after any number of entries', async () => {
    const world = new World();
    const publisher = await world.enter('bob');
    for (let seq = 1; seq <= 12; seq++) await publisher.publish(seq);
    for (let offset = 0; offset <= 12; offset++) {
      const view = await (await world.enter()).subscribe({ after: { epoch: 'epoch-1', offset } });
      expect(view.offsets).toEqual(range(offset, 12));
      expect(view).toMatchObject({ gaps: [], synced: 1 });
    }
  });

  it('from far behind the ring, while entries are appended all the time, gives each once and in order', async () => {
    const world = new World({ ringBytes: 2_000 });
    await world.fill(3_000);
    const publisher = await world.enter('bob');
    await publisher.subscribe();
    const peer = await world.enter();
    const id = peer.request({ type: 'subscribe', stream: LOBBY, after: { epoch: 'epoch-1', offset: 0 } });
    for (let seq = 1; seq <= 90; seq++) {
      publisher.request({ type: 'publish', stream: LOBBY, producer: 'p', seq, data: { n: 3_000 + seq } });
      for (let hop = 0; hop < seq % 7; hop++) await Promise.resolve();
      if (seq % 3 === 0) world.clock.endTurn();
    }
    await world.settle();
    const view = peer.view(id);
    expect(view.data).toEqual(range(0, 3_090).map((n) => ({ n })));
    expect(view.synced).toBe(1);
  });

  it('says synced once, after the slice that reaches the head, also to a peer that takes it in pieces', async () => {
    const world = new World({ ringBytes: 5_000 });
    await world.fill(400, 1, LOBBY, 'x'.repeat(3_000));
    const peer = await world.enter();
    peer.connection.isSlow = true;
    await peer.subscribe({ after: { epoch: 'epoch-1', offset: 0 } });
    for (let rounds = 0; peer.connection.bufferedBytes > 0; rounds++) {
      expect(rounds).toBeLessThan(50);
      if (peer.view().cursor < 400) expect(peer.view().synced).toBe(0);
      peer.drain();
      await world.settle();
    }
    expect(peer.view()).toMatchObject({ cursor: 400, synced: 1, gaps: [] });
    await world.fill(1, 401);
    await world.settle();
    expect(peer.view()).toMatchObject({ cursor: 401, synced: 1 });
  });
});

describe('SUB-7: a gap', () => {
  it('trimmed: the cursor moves to the oldest entry kept, and the loss is counted', async () => {
    const world = new World();
    await world.store.append(LOBBY, [], { retain: { entries: 4 } });
    await world.fill(10);
    const view = await (await world.enter()).subscribe({ after: { epoch: 'epoch-1', offset: 2 } });
    expect(view.gaps).toEqual([{ reason: 'trimmed', from: 2, to: 6, lost: 4 }]);
    expect(view).toMatchObject({ offsets: [7, 8, 9, 10], synced: 1 });
  });

  it('trimmed: at the oldest entry kept there is none', async () => {
    const world = new World();
    await world.store.append(LOBBY, [], { retain: { entries: 4 } });
    await world.fill(10);
    const view = await (await world.enter()).subscribe({ after: { epoch: 'epoch-1', offset: 6 } });
    expect(view).toMatchObject({ gaps: [], offsets: [7, 8, 9, 10] });
  });

  it('trimmed: also while the subscriber is behind', async () => {
    const world = new World({ ringBytes: 2_000 });
    await world.fill(400, 1, LOBBY, 'x'.repeat(3_000));
    const peer = await world.enter();
    peer.connection.isSlow = true;
    await peer.subscribe({ after: { epoch: 'epoch-1', offset: 0 } });
    await world.store.append(LOBBY, [], { retain: { entries: 10 } });
    const reached = peer.view().cursor;
    expect(reached).toBeLessThan(390);
    peer.connection.isSlow = false;
    peer.drain();
    await world.settle();
    const view = peer.view();
    expect(view.gaps).toEqual([{ reason: 'trimmed', from: reached, to: 390, lost: 390 - reached }]);
    expect(view).toMatchObject({ cursor: 400, synced: 1 });
  });

  it.each([
    ['its epoch differs', { epoch: 'other', offset: 5 }, {}, range(50, 100)],
    ['its epoch differs; last says how much is wanted', { epoch: 'other', offset: 5 }, { last: 2 }, [99, 100]],
    ['it lies beyond the head', { epoch: 'epoch-1', offset: 101 }, { last: 1 }, [100]],
    ['the entry there has another time', { epoch: 'epoch-1', offset: 98, at: 1 }, { last: 1 }, [100]],
  ])('epoch: %s', async (_, after, options, offsets) => {
    const world = new World();
    await world.fill(100);
    const view = await (await world.enter()).subscribe({ after, ...options });
    const to = 100 - offsets.length;
    expect(view.gaps).toEqual([{ reason: 'epoch', from: after.offset, to, lost: undefined }]);
    expect(view).toMatchObject({ offsets, epoch: 'epoch-1', synced: 1 });
  });

  it('epoch: none if the entry there has the time named, in the ring or far behind it', async () => {
    const world = new World({ ringBytes: 1_000 });
    await world.fill(100);
    const [entry] = (await world.store.readBack(LOBBY, 2, { entries: 1 })).entries;
    for (const offset of [1, 99]) {
      const view = await (await world.enter()).subscribe({ after: { epoch: 'epoch-1', offset, at: entry?.at } });
      expect(view).toMatchObject({ gaps: [], offsets: range(offset, 100) });
    }
  });

  it('epoch: a time that differs is found far behind the ring too', async () => {
    const world = new World({ ringBytes: 1_000 });
    await world.fill(100);
    const view = await (await world.enter()).subscribe({ after: { epoch: 'epoch-1', offset: 1, at: 7 } });
    expect(view.gaps).toMatchObject([{ reason: 'epoch', to: 50 }]);
  });

  it('epoch: a position in a stream that was never written', async () => {
    const world = new World();
    const view = await (await world.enter()).subscribe({ after: { epoch: 'gone', offset: 7 } });
    expect(view.gaps).toEqual([{ reason: 'epoch', from: 7, to: 0, lost: undefined }]);
    expect(view).toMatchObject({ epoch: null, cursor: 0, synced: 1 });
  });

  it('epoch: none for a position that this node has not heard of yet, as the broker has', async () => {
    const world = new World({ wrap: (broker) => ({ ...forwards(broker), watch: deaf(broker) }) });
    await world.fill(3);
    const early = await world.enter('bob');
    expect(await early.subscribe()).toMatchObject({ cursor: 3 });
    await world.fill(2, 4);
    const view = await (await world.enter()).subscribe({ after: { epoch: 'epoch-1', offset: 5 } });
    expect(view).toMatchObject({ gaps: [], cursor: 5, synced: 1 });
    // Who was there before gets what was found on the way.
    expect(early.view()).toMatchObject({ offsets: [4, 5] });
    await world.store.remove(LOBBY);
    await world.fill(2);
    const later = await (await world.enter()).subscribe({ after: { epoch: 'epoch-2', offset: 1 } });
    expect(later).toMatchObject({ gaps: [], offsets: [2], epoch: 'epoch-2' });
    expect(early.view()).toMatchObject({ epoch: 'epoch-2', offsets: [1, 2] });
  });

  it.each([
    ['more than most', 5, [6, 7, 8, 9, 10]],
    ['just as many as most', 8, undefined],
    ['one more than most', 7, range(3, 10)],
  ])('skipped: %s were missed', async (_, most, newest) => {
    const world = new World();
    await world.fill(10);
    const view = await (await world.enter()).subscribe({ after: { epoch: 'epoch-1', offset: 2 }, most });
    if (newest === undefined) expect(view).toMatchObject({ gaps: [], offsets: range(2, 10) });
    else {
      const to = 10 - newest.length;
      expect(view).toMatchObject({ gaps: [{ reason: 'skipped', from: 2, to, lost: to - 2 }], offsets: newest });
    }
  });

  it('skipped: what is lost is counted from the head that is told, also when the store is ahead of what was heard', async () => {
    const world = new World({ ringBytes: 100, wrap: (broker) => ({ ...forwards(broker), watch: deaf(broker) }) });
    await world.fill(30);
    await (await world.enter('bob')).subscribe();
    await world.fill(3);
    const view = await (await world.enter()).subscribe({ after: { epoch: 'epoch-1', offset: 2 }, most: 5 });
    expect(view).toMatchObject({ gaps: [{ reason: 'skipped', from: 2, to: 28, lost: 26 }], offsets: range(28, 33) });
  });

  it.each([
    ['are held', 700],
    ['are not held', 100],
  ])(
    'skipped: what is lost is what is not shown, also when more came since the store counted, and the newest %s',
    async (_, ringBytes) => {
      const world: World = new World({
        ringBytes,
        wrap: (broker) => ({
          ...forwards(broker),
          tail: async (...given) => {
            const tail = await broker.tail(...given);
            await world.fill(3);
            return tail;
          },
        }),
      });
      await world.fill(30);
      await (await world.enter('bob')).subscribe();
      const view = await (await world.enter()).subscribe({ after: { epoch: 'epoch-1', offset: 2 }, most: 5 });
      const to = 33 - view.offsets.length;
      expect(view).toMatchObject({ gaps: [{ reason: 'skipped', from: 2, to, lost: to - 2 }], offsets: range(to, 33) });
    },
  );

  it('skipped: the newest page has 50 entries at most', async () => {
    const world = new World();
    await world.fill(200);
    const view = await (await world.enter()).subscribe({ after: { epoch: 'epoch-1', offset: 0 }, most: 100 });
    expect(view).toMatchObject({ gaps: [{ reason: 'skipped', to: 150, lost: 150 }], offsets: range(150, 200) });
  });
});

type Store = World['store'];

/** Notifications that never come (yet). */
function deaf(broker: Store): Store['watch'] {
  return (stream) => broker.watch(stream, () => {});
}
