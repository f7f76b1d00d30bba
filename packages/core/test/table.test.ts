import { memoryBroker, type RowChange } from '@trunkline/broker';
import { forwards } from '@trunkline/broker/contract';
import type { Subscribe } from '@trunkline/protocol';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { POSITION_EVERY } from '../src/table-subscription.js';
import { TableView } from './support/table-view.js';
import { type Peer, QUOTES, World } from './support/world.js';

type Wish = Partial<Omit<Subscribe, 'type' | 'id' | 'stream'>>;

/** A peer that follows the table. Its position is its own, so that it can come back with it. */
async function follow(peer: Peer, wish: Wish = {}, view = new TableView()): Promise<TableView> {
  const id = peer.request({ type: 'subscribe', stream: QUOTES, ...wish });
  await peer.world.settle();
  return view.take(peer.connection.fresh(), id);
}

const set = (key: string, row: object): RowChange => ({ key, set: JSON.stringify(row) });
const patch = (key: string, fields: object, ...unset: string[]): RowChange => ({
  key,
  patch: JSON.stringify(fields),
  unset,
});

/** Changes the table as another node would. */
async function change(world: World, ...step: RowChange[]): Promise<void> {
  await world.store.change(QUOTES, step);
  await world.settle();
}

describe('TAB-2, TAB-5: a subscription of a table', () => {
  it('begins with all its rows, and goes on with what changes', async () => {
    const world = new World();
    await change(world, set('ACME', { bid: 10, ask: 11 }), set('INITECH', { bid: 1 }));
    const peer = await world.enter();
    const view = await follow(peer);
    expect(view).toMatchObject({ epoch: 'epoch-1', position: 1, synced: 1, resets: 1 });
    expect(view.sorted).toEqual([
      ['ACME', { bid: 10, ask: 11 }],
      ['INITECH', { bid: 1 }],
    ]);
    await change(world, patch('ACME', { bid: 12 }, 'ask'));
    expect(peer.connection.fresh()).toEqual([
      { type: 'rows', ch: view.ch, from: 1, to: 2, patch: { ACME: { bid: 12 } }, unset: { ACME: ['ask'] } },
    ]);
  });

  it('of a table that was never written begins empty and hears of its first row', async () => {
    const world = new World();
    const peer = await world.enter();
    const view = await follow(peer);
    expect(view).toMatchObject({ epoch: null, position: 0, synced: 1 });
    await change(world, set('ACME', {}));
    view.take(peer.connection.fresh());
    expect([view.epoch, view.position, view.sorted]).toEqual(['epoch-1', 1, [['ACME', {}]]]);
  });

  it('gives several changes of one turn as one slice, the same for all', async () => {
    const world = new World();
    await change(world, set('ACME', { bid: 1 }));
    const peers = [await world.enter('ada'), await world.enter('bob')];
    for (const peer of peers) await follow(peer);
    await Promise.all([
      world.engine.change('quotes', ['nyse'], [{ key: 'ACME', patch: { bid: 2 } }]),
      world.engine.change('quotes', ['nyse'], [{ key: 'ACME', patch: { bid: 3 } }]),
    ]);
    await world.settle();
    const [first, second] = peers.map(({ connection }) => connection.shared.at(-1));
    expect(first).toBe(second);
    expect(JSON.parse(first?.text ?? '')).toMatchObject({ from: 1, to: 3, patch: { ACME: { bid: 3 } } });
  });

  it('that comes back gets what changed since, and nothing else', async () => {
    const world = new World();
    await change(world, set('ACME', { bid: 1, ask: 2 }), set('HOOLI', {}));
    const first = await world.enter();
    const view = await follow(first);
    first.session.closed();
    await change(world, patch('ACME', { bid: 5 }), { key: 'HOOLI', delete: true });
    const second = await world.enter();
    await follow(second, { after: { epoch: 'epoch-1', offset: view.position } }, view);
    expect(view.slices.at(-1)).toEqual({
      type: 'rows',
      ch: view.ch,
      from: 1,
      to: 2,
      patch: { ACME: { bid: 5 } },
      delete: ['HOOLI'],
    });
  });

  it.each([
    ['of another epoch', { epoch: 'other', offset: 1 }],
    ['beyond the head', { epoch: 'epoch-1', offset: 9 }],
    ['below the floor', { epoch: 'epoch-1', offset: 1 }],
    ['at the beginning', { epoch: 'epoch-1', offset: 0 }],
  ])('from a position %s begins anew', async (_, after) => {
    const world = new World();
    await world.store.change(QUOTES, [set('A', {}), set('B', {}), set('C', {})], { tombstones: { count: 1 } });
    for (const key of ['A', 'B']) await change(world, { key, delete: true });
    await change(world, set('D', {}));
    const view = await follow(await world.enter(), { after });
    expect([view.resets, view.sorted.map(([key]) => key), view.position]).toEqual([1, ['C', 'D'], 4]);
  });

  it('from a position that another node announced first waits for no notification', async () => {
    const world = new World({ wrap: (broker) => ({ ...forwards(broker), watch: deaf(broker) }) });
    await change(world, set('A', { n: 1 }));
    await follow(await world.enter('ada'));
    await change(world, set('B', {}));
    const view = await follow(await world.enter('bob'), { after: { epoch: 'epoch-1', offset: 2 } });
    expect([view.resets, view.position]).toEqual([0, 2]);
  });

  it('is told to forget what it has when the table got another history', async () => {
    const world = new World();
    await change(world, set('A', {}));
    const peer = await world.enter();
    const view = await follow(peer);
    await world.store.remove(QUOTES);
    await change(world, set('B', {}));
    view.take(peer.connection.fresh());
    expect([view.epoch, view.sorted, view.synced]).toEqual(['epoch-2', [['B', {}]], 2]);
  });

  it('counts as one, and leaves nothing behind', async () => {
    const world = new World();
    const peer = await world.enter();
    await follow(peer, { keys: ['A'], rate: 3 });
    expect([world.engine.hub.subscriptions, world.engine.hub.lists.size]).toEqual([1, 1]);
    const timers = world.clock.timers;
    await peer.do({ type: 'unsubscribe', stream: QUOTES });
    expect([world.engine.hub.subscriptions, world.engine.hub.lists.size]).toEqual([0, 0]);
    expect(world.clock.timers).toBe(timers - 1);
    await world.passMs(40_000);
    expect(world.engine.hub.activeStreams).toBe(0);
  });
});

describe('TAB-6: a watch list', () => {
  it('gives its rows, and says nothing of steps that change no row of it until it passes a multiple of 16', async () => {
    const world = new World();
    await change(world, set('A', { n: 1 }), set('B', { n: 1 }));
    const peer = await world.enter();
    const view = await follow(peer, { keys: ['A', 'Z'] });
    expect(view.sorted).toEqual([['A', { n: 1 }]]);
    for (let n = 2; n < POSITION_EVERY; n++) await change(world, patch('B', { n }));
    expect(peer.connection.fresh()).toEqual([]);
    await change(world, patch('B', { n: POSITION_EVERY }));
    expect(peer.connection.fresh()).toEqual([{ type: 'rows', ch: view.ch, from: 1, to: 16 }]);
    for (let n = 0; n < POSITION_EVERY - 1; n++) await change(world, patch('B', { n }));
    expect(peer.connection.fresh()).toEqual([]);
    await change(world, patch('B', { n: 99 }));
    expect(peer.connection.fresh()).toEqual([{ type: 'rows', ch: view.ch, from: 16, to: 32 }]);
  });

  it('continues with its next row where it stood, and knows of a row that enters what passed meanwhile', async () => {
    const world = new World();
    await change(world, set('A', { n: 1, m: 1 }), set('B', { n: 1 }));
    const peer = await world.enter();
    const view = await follow(peer, { keys: ['A'] });
    await change(world, patch('B', { n: 2 }));
    await change(world, patch('A', { n: 2 }), patch('B', { n: 3 }));
    expect(peer.connection.fresh()).toEqual([{ type: 'rows', ch: view.ch, from: 1, to: 3, patch: { A: { n: 2 } } }]);
    await change(world, patch('B', { n: 4 }), set('C', {}));
    await peer.do({ type: 'tune', stream: QUOTES, keys: ['A', 'B'] });
    expect(peer.connection.fresh().slice(1)).toEqual([
      { type: 'rows', ch: view.ch, from: 3, to: 3, set: { B: { n: 4 } } },
      { type: 'rows', ch: view.ch, from: 3, to: 4 },
      { type: 'synced', ch: view.ch, to: 4 },
    ]);
  });

  it('that is tuned gives rows that enter whole and drops those that leave, after the answer', async () => {
    const world = new World();
    await change(world, set('A', { n: 1 }), set('B', { n: 1 }), set('C', { n: 1 }));
    const peer = await world.enter();
    const view = await follow(peer, { keys: ['A', 'B'] });
    const id = peer.request({ type: 'tune', stream: QUOTES, keys: ['B', 'C'] });
    await world.settle();
    const answers = peer.connection.fresh();
    expect(answers).toEqual([
      { type: 'ok', id },
      { type: 'rows', ch: view.ch, from: 1, to: 1, set: { C: { n: 1 } }, drop: ['A'] },
      { type: 'synced', ch: view.ch, to: 1 },
    ]);
    expect(world.engine.hub.lists.size).toBe(1);
  });

  it('says when all rows that entered are told, also of those that do not exist; not where none entered (TAB-4)', async () => {
    const world = new World();
    const pad = 'x'.repeat(30_000);
    const names = ['B', 'C', 'D', 'E', 'F'];
    await change(world, set('A', {}), ...names.map((key) => set(key, { pad })));
    const peer = world.connect();
    peer.say({ type: 'hello', version: 1, token: 'ada', features: ['seen'] });
    await world.settle();
    const view = await follow(peer, { keys: ['A'] });
    peer.request({ type: 'tune', stream: QUOTES, keys: ['A', ...names] });
    await world.settle();
    let parts = 0;
    // What is processed slowly comes in parts.
    while (view.take(peer.connection.fresh()).rows.size < 6) {
      expect(view.synced).toBe(1);
      parts += 1;
      peer.say({ type: 'seen', bytes: peer.connection.texts.join('').length });
      await world.settle();
    }
    expect(parts).toBeGreaterThan(0);
    peer.say({ type: 'seen', bytes: peer.connection.texts.join('').length });
    await world.settle();
    expect(view.take(peer.connection.fresh()).synced).toBe(2);
    await peer.do({ type: 'tune', stream: QUOTES, keys: ['A', 'B', 'nobody'] });
    expect(view.take(peer.connection.fresh())).toMatchObject({ synced: 3, rows: { size: 2 } });
    await peer.do({ type: 'tune', stream: QUOTES, keys: ['A'] });
    expect(view.take(peer.connection.fresh())).toMatchObject({ synced: 3, rows: { size: 1 } });
    // One that left and comes back before the peer was told so has entered all the same.
    await peer.do({ type: 'tune', stream: QUOTES, paused: true });
    await peer.do({ type: 'tune', stream: QUOTES, keys: ['B'] });
    await peer.do({ type: 'tune', stream: QUOTES, keys: ['A'] });
    await peer.do({ type: 'tune', stream: QUOTES, paused: false });
    expect(view.take(peer.connection.fresh())).toMatchObject({ synced: 4, rows: { size: 1 } });
  });

  it('that begins or ends lets the client begin anew', async () => {
    const world = new World();
    await change(world, set('A', {}), set('B', {}));
    const peer = await world.enter();
    const view = await follow(peer);
    await peer.do({ type: 'tune', stream: QUOTES, keys: ['B'] });
    view.take(peer.connection.fresh());
    expect([view.resets, view.sorted]).toEqual([2, [['B', {}]]]);
    await peer.do({ type: 'tune', stream: QUOTES, keys: null });
    expect(view.take(peer.connection.fresh()).sorted).toHaveLength(2);
  });

  it('that is another after a reconnect is told by the difference', async () => {
    const world = new World();
    await change(world, set('A', { n: 1 }), set('B', { n: 1 }), set('C', { n: 1 }));
    const first = await world.enter();
    const view = await follow(first, { keys: ['A', 'B'] });
    first.session.closed();
    await change(world, patch('B', { m: 1 }));
    const second = await world.enter();
    await follow(second, { after: { epoch: 'epoch-1', offset: 1 }, keys: ['B', 'C'], held: ['A', 'B'] }, view);
    expect(view.sorted).toEqual([
      ['B', { n: 1, m: 1 }],
      ['C', { n: 1 }],
    ]);
    expect(view.resets).toBe(1);
  });

  it('cannot be given to what is not subscribed, or to a log', async () => {
    const peer = await new World().enter();
    expect(await peer.fail({ type: 'tune', stream: QUOTES, rate: 1 })).toMatchObject({ code: 'not_found' });
    await peer.subscribe();
    expect(await peer.fail({ type: 'tune', stream: 'chat/lobby', rate: 1 })).toMatchObject({ code: 'invalid' });
  });
});

describe('TAB-7: a rate', () => {
  it('moves the cursor at whole multiples of its period, for all who asked for it together', async () => {
    const world = new World();
    await change(world, set('A', { n: 0 }));
    // In the middle of a period.
    world.clock.advanceMs(500 - (world.clock.nowMs() % 500) + 130);
    const peers = [await world.enter('ada'), await world.enter('bob')];
    for (const peer of peers) await follow(peer, { rate: 2 });
    for (let n = 1; n <= 3; n++) await change(world, patch('A', { n }));
    expect(peers.map(({ connection }) => connection.fresh())).toEqual([[], []]);
    world.clock.advanceMs(369);
    await world.settle();
    expect(peers[0]?.connection.fresh()).toEqual([]);
    world.clock.advanceMs(1);
    await world.settle();
    const [first, second] = peers.map(({ connection }) => connection.shared.at(-1));
    expect(first).toBe(second);
    expect(JSON.parse(first?.text ?? '')).toMatchObject({ from: 1, to: 4, patch: { A: { n: 3 } } });
    world.clock.advanceMs(2_000);
    await world.settle();
    expect(peers[1]?.connection.fresh()).toHaveLength(1);
  });

  it('does not wait with what there is at the beginning, nor when it is tuned', async () => {
    const world = new World();
    await change(world, set('A', { n: 0 }));
    const peer = await world.enter();
    const view = await follow(peer, { rate: 0.1 });
    expect(view.sorted).toHaveLength(1);
    await change(world, patch('A', { n: 1 }));
    expect(peer.connection.fresh()).toEqual([]);
    await peer.do({ type: 'tune', stream: QUOTES, rate: null });
    expect(view.take(peer.connection.fresh()).sorted).toEqual([['A', { n: 1 }]]);
  });

  it('of a pause is nothing at all, and afterwards the newest values come', async () => {
    const world = new World();
    const peer = await world.enter();
    await change(world, set('A', { n: 0 }));
    const view = await follow(peer, { paused: true });
    expect(view).toMatchObject({ synced: 0, position: 0 });
    for (let n = 1; n < 5; n++) await change(world, patch('A', { n }));
    expect(peer.connection.fresh()).toEqual([]);
    await peer.do({ type: 'tune', stream: QUOTES, paused: false });
    expect(view.take(peer.connection.fresh())).toMatchObject({ synced: 1, position: 5 });
  });

  it('is what its link takes, for who reads slowly: newest values, and nothing is queued', async () => {
    const world = new World();
    const pad = 'x'.repeat(3_000);
    await change(world, set('A', { pad, n: 0 }));
    const peer = world.connect();
    peer.say({ type: 'hello', version: 1, token: 'ada', features: ['seen'] });
    await world.settle();
    let seen = peer.connection.texts.join('').length;
    const view = await follow(peer);
    for (let n = 1; n <= 50; n++) await change(world, patch('A', { n, pad: pad + n }));
    const before = peer.connection.texts.length;
    expect(peer.connection.texts.slice(-2).join('').length).toBeLessThan(8_000);
    for (let n = 51; n <= 60; n++) await change(world, patch('A', { n }));
    expect(peer.connection.texts).toHaveLength(before);
    seen = peer.connection.texts.join('').length;
    peer.say({ type: 'seen', bytes: seen });
    await world.settle();
    expect(view.take(peer.connection.fresh()).sorted).toEqual([['A', { pad: `${pad}50`, n: 60 }]]);
    expect(peer.connection.texts).toHaveLength(before + 1);
  });
});

describe('TAB-8: a change by a client', () => {
  it('is one step, answered with its offset, and once whatever is sent', async () => {
    const world = new World();
    const peer = await world.enter();
    const step = { type: 'change', stream: QUOTES, producer: 'p', seq: 1, set: { A: { n: 1 }, B: {} } } as const;
    expect(await peer.do(step)).toMatchObject({ epoch: 'epoch-1', offset: 1 });
    await peer.do({ ...step, seq: 2, patch: { A: { m: 2 } }, set: {}, unset: { A: ['n'] }, delete: ['B'] });
    expect(await peer.do(step)).toMatchObject({ offset: 1 });
    expect(await world.store.readRow(QUOTES, 'A')).toMatchObject({ data: '{"m":2}', offset: 2 });
    expect(await world.store.readRow(QUOTES, 'B')).toBeNull();
  });

  it('is judged as the row that a patch makes, with what the schema makes of it', async () => {
    const validate = (row: unknown) => {
      const { bid, ask } = row as { bid: number; ask: number };
      return bid <= ask ? { value: { bid, ask, spread: ask - bid } } : { problem: 'bid above ask' };
    };
    const world = new World({ quotes: { validate } });
    const peer = await world.enter();
    const send = (seq: number, step: object) =>
      peer.ask({ type: 'change', stream: QUOTES, producer: 'p', seq, ...step } as never);
    await send(1, { set: { A: { bid: 1, ask: 5 } } });
    expect(await send(2, { patch: { A: { bid: 6 } } })).toMatchObject({ code: 'invalid', message: 'A: bid above ask' });
    await send(3, { patch: { A: { bid: 4 } } });
    expect((await world.store.readRow(QUOTES, 'A'))?.data).toBe('{"bid":4,"ask":5,"spread":1}');
  });

  it('whose row was changed meanwhile is judged again with the row as it is', async () => {
    const world = new World();
    await change(world, set('A', { n: 1 }));
    const peer = await world.enter();
    const release = world.broker.hold('change');
    const id = peer.request({ type: 'change', stream: QUOTES, producer: 'p', seq: 1, patch: { A: { mine: 1 } } });
    await world.settle();
    await change(world, patch('A', { n: 2, theirs: 1 }));
    release();
    await world.settle();
    expect(peer.answerTo(id)).toMatchObject({ type: 'ok', offset: 3 });
    expect((await world.store.readRow(QUOTES, 'A'))?.data).toBe('{"n":2,"theirs":1,"mine":1}');
  });

  it('with a condition of its own that does not hold is a conflict, and stores nothing', async () => {
    const world = new World();
    await change(world, set('A', { n: 1 }));
    const peer = await world.enter();
    const send = (seq: number, step: object) =>
      peer.fail({ type: 'change', stream: QUOTES, producer: 'p', seq, ...step } as never);
    for (const [index, step] of [
      { set: { A: {} }, if: { A: 0 } },
      { patch: { A: { n: 5 } }, set: { B: {} }, if: { A: 7 } },
      { delete: ['A'], if: { A: 3 } },
    ].entries()) {
      expect(await send(index + 1, step)).toMatchObject({ code: 'conflict', outcome: 'refused' });
    }
    expect((await world.store.readRows(QUOTES, { epoch: null, offset: 0 }, { entries: 9 })).offset).toBe(1);
  });

  it('is refused where only the server writes, and where the rule says so', async () => {
    const step = { type: 'change', stream: QUOTES, producer: 'p', seq: 1, delete: ['A'] } as const;
    const closed = await new World({ quotes: { write: 'server' } }).enter();
    expect(await closed.fail(step)).toMatchObject({ code: 'forbidden' });
    const asked: unknown[] = [];
    const authorize = (_user: unknown, params: readonly string[], action: string) => {
      asked.push([params, action]);
      return action !== 'change';
    };
    const ruled = await new World({ quotes: { authorize } }).enter();
    expect(await ruled.fail(step)).toMatchObject({ code: 'forbidden' });
    expect(asked).toEqual([[['nyse'], 'change']]);
  });

  it('is refused for a row that is too large, is no object, or one too many', async () => {
    const world = new World({ limits: { maxEntryBytes: 100 }, quotes: { maxRows: 1 } });
    const peer = await world.enter();
    const send = (seq: number, row: unknown, key = 'A') =>
      peer.ask({ type: 'change', stream: QUOTES, producer: 'p', seq, set: { [key]: row } } as never);
    expect(await send(1, { pad: 'x'.repeat(90) })).toMatchObject({ type: 'ok' });
    expect(await send(2, { pad: 'x'.repeat(91) })).toMatchObject({ code: 'too_large' });
    expect(await send(3, [1])).toMatchObject({ code: 'invalid' });
    expect(await send(4, {}, 'B')).toMatchObject({ code: 'too_large', message: expect.stringContaining('1 rows') });
  });

  it('of a log, a publish to a table and a page of one are refused with what to do (PUB-8)', async () => {
    const peer = await new World().enter();
    const change = { type: 'change', stream: 'chat/lobby', producer: 'p', seq: 1, delete: ['A'] } as const;
    expect(await peer.fail(change)).toMatchObject({ code: 'invalid', message: 'this is a log: publish to it' });
    const publish = { type: 'publish', stream: QUOTES, producer: 'p', seq: 1, data: 1 } as const;
    expect(await peer.fail(publish)).toMatchObject({ code: 'invalid', message: 'this is a table: change its rows' });
    expect(await peer.fail({ type: 'read', stream: QUOTES, before: 1, limit: 1 })).toMatchObject({ code: 'invalid' });
  });

  it('expires with the channel, about a second later', async () => {
    const world = new World({ quotes: { expireMs: 5_000 } });
    const peer = await world.enter();
    const view = await follow(peer);
    await peer.do({ type: 'change', stream: QUOTES, producer: 'p', seq: 1, set: { A: {} } });
    await world.passMs(4_000);
    expect(view.take(peer.connection.fresh()).sorted).toHaveLength(1);
    await world.passMs(2_000);
    expect(view.take(peer.connection.fresh()).sorted).toEqual([]);
  });
});

describe('the rights of a reader of a table', () => {
  it('are judged again: held meanwhile, then goes on with the newest values, or ends', async () => {
    let verdict: (may: boolean) => void = () => {};
    let isAsking = false;
    const authorize = () =>
      isAsking
        ? new Promise<boolean>((resolve) => {
            verdict = resolve;
          })
        : true;
    const world = new World({ quotes: { authorize } });
    await change(world, set('A', { n: 0 }));
    const peer = await world.enter();
    const view = await follow(peer);
    for (const may of [true, false]) {
      isAsking = true;
      const revoked = world.engine.revoke('ada');
      await change(world, patch('A', { n: may ? 1 : 2 }));
      expect(peer.connection.fresh()).toEqual([]);
      verdict(may);
      expect(await revoked).toEqual({ ended: may ? 0 : 1 });
      const messages = peer.connection.fresh();
      view.take(messages);
      if (!may) expect(messages).toMatchObject([{ type: 'ended', code: 'forbidden' }]);
    }
    expect(view.sorted).toEqual([['A', { n: 1 }]]);
  });
});

describe('a table that is kept in memory', () => {
  it('is served like any other, and the store does not know of it', async () => {
    const world = new World({ quotes: { keep: 'memory' } });
    const peer = await world.enter();
    const view = await follow(peer);
    await world.engine.change('quotes', ['nyse'], [{ key: 'A', set: { n: 1 } }]);
    await world.settle();
    expect(view.take(peer.connection.fresh()).sorted).toEqual([['A', { n: 1 }]]);
    expect(await world.engine.row('quotes', ['nyse'], 'A')).toMatchObject({ data: '{"n":1}' });
    expect(await world.engine.rows('quotes', ['nyse'])).toHaveLength(1);
    expect(await world.store.readRow(QUOTES, 'A')).toBeNull();
  });
});

it('whatever changes, rates, watch lists, pauses, slow links and disconnects: in the end each reader has its rows', async () => {
  const key = fc.constantFrom('a', 'b', 'c', 'd', 'e');
  const row = fc.dictionary(fc.constantFrom('x', 'y', 'z'), fc.nat(3), { maxKeys: 3 });
  const change = fc.oneof(
    fc.record({ key, set: row.map((fields) => JSON.stringify(fields)) }),
    fc.record({
      key,
      patch: row.map((fields) => JSON.stringify(fields)),
      unset: fc.array(fc.constantFrom('x', 'y', 'z'), { maxLength: 1 }),
    }),
    fc.record({ key, delete: fc.constant(true as const) }),
  );
  const keys = fc.option(fc.uniqueArray(key, { maxLength: 4 }));
  const who = fc.nat(2);
  const act = fc.oneof(
    { weight: 6, arbitrary: fc.record({ step: fc.uniqueArray(change, { maxLength: 3, selector: (one) => one.key }) }) },
    { weight: 2, arbitrary: fc.record({ passMs: fc.nat(700) }) },
    {
      weight: 2,
      arbitrary: fc.record({
        who,
        tune: fc.record({ keys, rate: fc.option(fc.constantFrom(1, 5)), paused: fc.boolean() }),
      }),
    },
    { weight: 2, arbitrary: fc.record({ who, slow: fc.boolean() }) },
    { weight: 1, arbitrary: fc.record({ who, reconnect: fc.constant(true), keys }) },
    { weight: 1, arbitrary: fc.record({ forget: fc.constant(true) }) },
  );
  await fc.assert(
    fc.asyncProperty(fc.array(act, { maxLength: 40 }), async (acts) => {
      const clock = new World().clock;
      const store = memoryBroker({ nowMs: clock.nowMs, randomEpoch: () => 'e' });
      let world = new World({ clock, store });
      const readers = await Promise.all(
        ['ada', 'bob', 'eve'].map(async (user) => {
          const peer = await world.enter(user);
          const view = await follow(peer);
          return { user, peer, keys: null as string[] | null, held: null as string[] | null, isVoid: false, view };
        }),
      );
      const drain = (reader: (typeof readers)[number]) => {
        reader.peer.connection.take();
        reader.peer.session.drained();
        read(reader);
      };
      /** What a client knows of its watch list: the keys that were in every list since a slice moved the position. */
      const read = (reader: (typeof readers)[number]) => {
        const before = reader.view.slices.length;
        reader.view.take(reader.peer.connection.fresh());
        if (!reader.view.slices.slice(before).some(({ from, to, reset }) => reset || to > from)) return;
        if (!reader.isVoid || reader.view.slices.slice(before).some(({ reset }) => reset)) {
          reader.held = reader.keys;
          reader.isVoid = false;
        }
      };
      const wish = (reader: (typeof readers)[number], keys: string[] | null) => {
        reader.isVoid ||= (reader.held === null) !== (keys === null);
        reader.keys = keys;
        reader.held = keys && (reader.held ?? []).filter((name) => keys.includes(name));
      };
      const comeBack = async (reader: (typeof readers)[number], next: string[] | null) => {
        read(reader);
        wish(reader, next);
        const { epoch, position } = reader.view;
        const { held, isVoid } = reader;
        const list = next === null ? {} : { keys: next };
        const again: Wish =
          position === 0 || epoch === null || isVoid
            ? list
            : { after: { epoch, offset: position }, ...list, ...(held === null ? {} : { held }) };
        for (const name of reader.view.rows.keys())
          if (held !== null && !held.includes(name)) reader.view.rows.delete(name);
        reader.peer.session.closed();
        reader.peer = await world.enter(reader.user);
        const before = reader.view.slices.length;
        await follow(reader.peer, again, reader.view);
        if (reader.view.slices.slice(before).some(({ reset }) => reset)) reader.isVoid = false;
      };
      for (const one of acts) {
        if ('step' in one) await store.change(QUOTES, one.step);
        else if ('passMs' in one) await world.passMs(one.passMs);
        else if ('forget' in one) {
          // Another node takes over: it knows what is stored, and no more.
          world = new World({ clock, store });
          for (const reader of readers) await comeBack(reader, reader.keys);
        } else {
          const reader = readers[one.who] as (typeof readers)[number];
          if ('slow' in one) {
            reader.peer.connection.isSlow = one.slow;
            if (!one.slow) drain(reader);
          } else if ('tune' in one) {
            read(reader);
            wish(reader, one.tune.keys);
            reader.peer.request({ type: 'tune', stream: QUOTES, ...one.tune });
          } else await comeBack(reader, one.keys);
        }
        await world.settle();
        for (const reader of readers) read(reader);
      }
      const page = await store.readRows(QUOTES, { epoch: null, offset: 0 }, { entries: 99 });
      for (const reader of readers) {
        reader.peer.connection.isSlow = false;
        drain(reader);
        await reader.peer.ask({ type: 'tune', stream: QUOTES, paused: false, rate: null });
        read(reader);
        const wanted = page.rows
          .filter((stored) => reader.keys?.includes(stored.key) ?? true)
          .map(({ key: name, data }) => [name, JSON.parse(data)])
          .sort(([a], [b]) => (a < b ? -1 : 1));
        expect(reader.view.sorted).toEqual(wanted);
      }
    }),
    { numRuns: 150 },
  );
});

/** A watch that hears nothing. */
const deaf = (broker: World['store']) => (name: Parameters<World['store']['watch']>[0]) => broker.watch(name, () => {});
