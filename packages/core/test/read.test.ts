// Pages of history.

import type { PublishOk, ReadOk } from '@trunkline/protocol';
import { describe, expect, it } from 'vitest';
import { LOBBY, World } from './support/world.js';

describe('REA-1: read', () => {
  const read = async (count: number, request: object, retain?: number) => {
    const world = new World(retain === undefined ? {} : { chat: { retain: { entries: retain } } });
    const peer = await world.enter();
    for (let seq = 1; seq <= count; seq++)
      await peer.do<PublishOk>({ type: 'publish', stream: LOBBY, producer: 'p', seq, data: seq });
    return peer.ask({ type: 'read', stream: LOBBY, limit: 3, ...request } as Parameters<typeof peer.ask>[0]);
  };
  const offsets = (answer: unknown) => (answer as ReadOk).items.map(({ offset }) => offset);

  it('gives the newest before an offset, or the oldest after one, in order', async () => {
    expect(offsets(await read(10, { before: 8 }))).toEqual([5, 6, 7]);
    expect(offsets(await read(10, { after: 4 }))).toEqual([5, 6, 7]);
    expect(offsets(await read(10, { before: 3 }))).toEqual([1, 2]);
    expect(offsets(await read(10, { after: 9 }))).toEqual([10]);
    expect(offsets(await read(10, { after: 10 }))).toEqual([]);
    expect(offsets(await read(10, { before: 100 }))).toEqual([8, 9, 10]);
  });

  it('names epoch, head and floor, and items have user, producer and seq', async () => {
    const answer = await read(6, { before: 7, limit: 1 }, 4);
    expect(answer).toMatchObject({ type: 'ok', epoch: 'epoch-1', head: 6, floor: 2 });
    expect((answer as ReadOk).items).toMatchObject([{ offset: 6, user: 'ada', producer: 'p', seq: 6, data: 6 }]);
  });

  it('of another epoch is a conflict, of what was trimmed not_found', async () => {
    expect(await read(5, { before: 3, epoch: 'other' })).toMatchObject({ code: 'conflict', retry: false });
    expect(await read(5, { after: 3, epoch: 'other' })).toMatchObject({ code: 'conflict' });
    expect(await read(6, { after: 1 }, 4)).toMatchObject({ code: 'not_found', retry: false });
    expect(offsets(await read(6, { after: 2, epoch: 'epoch-1' }, 4))).toEqual([3, 4, 5]);
  });

  it('of a stream that was never written is empty', async () => {
    expect(await read(0, { before: 5 })).toMatchObject({ type: 'ok', epoch: null, head: 0, floor: 0, items: [] });
    expect(await read(0, { after: 0 })).toMatchObject({ type: 'ok', epoch: null, items: [] });
  });

  it('at a time begins with the first entry of then or later', async () => {
    const world = new World();
    const peer = await world.enter();
    const ats: number[] = [];
    for (let seq = 1; seq <= 6; seq++) {
      await world.passMs(1_000);
      const { at } = await peer.do<PublishOk>({ type: 'publish', stream: LOBBY, producer: 'p', seq, data: seq });
      ats.push(at);
    }
    const since = (at: number, limit = 3) => peer.ask({ type: 'read', stream: LOBBY, at, limit });
    const [, second = 0] = ats;
    expect(offsets(await since(second))).toEqual([2, 3, 4]);
    expect(offsets(await since(second + 1))).toEqual([3, 4, 5]);
    expect(offsets(await since(0))).toEqual([1, 2, 3]);
    expect(offsets(await since(world.clock.nowMs() + 1))).toEqual([]);
    expect(await since(1, 2_000)).toMatchObject({ code: 'invalid' });
    expect(await peer.ask({ type: 'read', stream: LOBBY, at: second, after: 0, limit: 3 })).toMatchObject({
      code: 'invalid',
    });
    expect(await peer.ask({ type: 'read', stream: LOBBY, at: second, epoch: 'other', limit: 3 })).toMatchObject({
      code: 'conflict',
    });
  });

  it('needs exactly one of before and after', async () => {
    expect(await read(1, {})).toMatchObject({ code: 'invalid' });
    expect(await read(1, { before: 1, after: 1 })).toMatchObject({ code: 'invalid' });
  });

  it.each(['before', 'after'])(
    '%s: an answer holds 64 KB, or one entry, and the reader asks on from there',
    async (side) => {
      const world = new World();
      await world.fill(700, 1, LOBBY, 'x'.repeat(100));
      await world.fill(1, 701, LOBBY, 'x'.repeat(200_000));
      const peer = await world.enter();
      const seen: number[] = [];
      for (let pages = 0; seen.length < 701; pages++) {
        expect(pages).toBeLessThan(10);
        const place = side === 'before' ? { before: seen[0] ?? 702 } : { after: seen.at(-1) ?? 0 };
        const id = peer.request({ type: 'read', stream: LOBBY, limit: 1_000, ...place });
        await world.settle();
        const { items } = peer.answerTo(id) as ReadOk;
        if (items.length > 1) expect(peer.connection.texts.at(-1)?.length).toBeLessThan(65_536 + 1_000);
        if (side === 'before') seen.unshift(...items.map(({ offset }) => offset));
        else seen.push(...items.map(({ offset }) => offset));
      }
      expect(seen).toEqual(Array.from({ length: 701 }, (_, index) => index + 1));
    },
  );

  it('says unavailable when the broker cannot be reached', async () => {
    const world = new World();
    const peer = await world.enter();
    world.broker.faults.set('read', 'before').set('readBack', 'before');
    for (const place of [{ before: 1 }, { after: 0 }]) {
      const error = await peer.fail({ type: 'read', stream: LOBBY, limit: 1, ...place });
      expect(error).toMatchObject({ code: 'unavailable', retry: true, afterMs: 1_000 });
    }
  });
});
