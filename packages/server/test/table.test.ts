// Tables of an app on a port of its own, through real sockets.

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Broker, memoryBroker } from '@trunkline/broker';
import { sqliteBroker } from '@trunkline/broker-sqlite';
import type { ErrorMessage, Rows, Subscribe, SubscribeOk } from '@trunkline/protocol';
import { afterEach, describe, expect, it } from 'vitest';
import * as z from 'zod';
import { type ServeOptions, serve, type TableAction, trunkline } from '../src/index.js';
import { listeningLog } from './support/app.js';
import { type Dialled, enter } from './support/dial.js';

const closing: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

const Quote = z.object({
  bid: z.number().min(0),
  ask: z.number(),
  halted: z.boolean().optional(),
});

function marketApp() {
  const asked: { user: string; market: string; action: TableAction }[] = [];
  const t = trunkline({ authenticate: ({ token }) => (token === undefined ? null : { id: token }) });
  const quotes = t.table(['market'], { row: Quote });
  const desk = t.table(['market'], {
    row: Quote.refine(({ bid, ask }) => bid <= ask, 'the bid is above the ask').transform((row) => ({
      ...row,
      spread: row.ask - row.bid,
    })),
    write: 'client',
    maxRows: 2,
    authorize: ({ user, params, action }) => {
      asked.push({ user: user.id, market: params.market, action });
      return params.market !== 'closed' && (action !== 'change' || user.id === 'ada');
    },
  });
  const seen = t.table([], { row: z.object({ n: z.number() }), keep: 'memory', expireMs: 1 });
  const game = t.table([], { row: z.object({ n: z.number() }), keep: 'checkpoint', checkpointMs: 3_600_000 });
  const notes = t.log([], {
    entry: z.object({ text: z.string() }),
    onPublish: async ({ entry, at }) => {
      await at(quotes, 'nyse').patch('ACME', { halted: entry.text === 'halt' });
    },
  });
  return { app: t.app({ channels: { quotes, desk, seen, game, notes } }), asked };
}

async function start(options: Partial<ServeOptions> = {}) {
  const { app, asked } = marketApp();
  const { lines, ...log } = listeningLog();
  const trunk = await serve(app, { port: 0, log, broker: memoryBroker(), ...options });
  closing.push(() => trunk.close({ deadlineMs: 0 }));
  return { trunk, channel: trunk.channel, asked, lines, url: trunk.url };
}

/** Subscribes, and waits until all that there is has come. */
async function follow(peer: Dialled, stream: string, wish: Partial<Subscribe> = {}): Promise<SubscribeOk> {
  const ok = (await peer.ask({ type: 'subscribe', stream, ...wish })) as SubscribeOk;
  await peer.next((message) => message.type === 'synced' && message.ch === ok.ch);
  return ok;
}

/** The first slice that reaches an offset. */
function sliceTo(peer: Dialled, offset: number): Promise<Rows> {
  return peer.next((message): message is Rows => message.type === 'rows' && message.to >= offset);
}

describe('a table that the server feeds', () => {
  it('comes whole, then as it changes, row by row and field by field', async () => {
    const { channel, url } = await start();
    const quotes = channel.quotes('nyse');
    expect(quotes.name).toBe('quotes/nyse');
    expect(await quotes.set('ACME', { bid: 10, ask: 11 })).toEqual({ offset: 1 });
    await quotes.set('INITECH', { bid: 1, ask: 2, halted: true });
    const peer = await enter(url);
    const ok = await follow(peer, quotes.name);
    expect(ok).toMatchObject({ kind: 'table', head: 2, from: 0 });
    expect(await sliceTo(peer, 2)).toMatchObject({
      reset: true,
      set: { ACME: { bid: 10, ask: 11 }, INITECH: { bid: 1, ask: 2, halted: true } },
    });
    expect(await quotes.patch('INITECH', { bid: 1.5 }, { unset: ['halted'] })).toEqual({ offset: 3 });
    expect(await sliceTo(peer, 3)).toEqual({
      type: 'rows',
      ch: ok.ch,
      from: 2,
      to: 3,
      patch: { INITECH: { bid: 1.5 } },
      unset: { INITECH: ['halted'] },
    });
    await quotes.delete('ACME');
    expect(await sliceTo(peer, 4)).toMatchObject({ from: 3, delete: ['ACME'] });
  });

  it('takes several rows as one step, which comes as one', async () => {
    const { channel, url } = await start();
    const quotes = channel.quotes('nyse');
    await quotes.set('OLD', { bid: 1, ask: 1 });
    const peer = await enter(url);
    await follow(peer, quotes.name);
    const { offset } = await quotes.change([
      { key: 'ACME', set: { bid: 1, ask: 2 } },
      { key: 'HOOLI', patch: { bid: 3 } },
      { key: 'OLD', delete: true },
    ]);
    expect(offset).toBe(2);
    expect(await sliceTo(peer, 2)).toMatchObject({
      from: 1,
      to: 2,
      set: { ACME: { bid: 1, ask: 2 }, HOOLI: { bid: 3 } },
      delete: ['OLD'],
    });
    expect(await quotes.change([{ key: 'ACME', patch: { bid: 1 } }]), 'nothing is another').toEqual({ offset: 2 });
  });

  it('knows who follows it, so that what is costly is made only while somebody looks', async () => {
    const { channel, url } = await start();
    const [quotes, notes] = [channel.quotes('nyse'), channel.notes()];
    expect([quotes.subscribers, notes.subscribers]).toEqual([0, 0]);
    const [ada, bob] = [await enter(url), await enter(url)];
    await follow(ada, quotes.name);
    await follow(bob, quotes.name, { keys: ['ACME'] });
    await follow(bob, notes.name);
    expect([quotes.subscribers, notes.subscribers]).toEqual([2, 1]);
    expect(channel.quotes('tokyo').subscribers).toBe(0);
    await bob.ask({ type: 'unsubscribe', stream: quotes.name });
    expect(quotes.subscribers).toBe(1);
    ada.socket.close(1000, '');
    await ada.closed;
    await expect.poll(() => quotes.subscribers).toBe(0);
  });

  it('is read by the server as it is', async () => {
    const { channel } = await start();
    const quotes = channel.quotes('nyse');
    expect([await quotes.get('ACME'), await quotes.rows()]).toEqual([null, []]);
    await quotes.set('ACME', { bid: 10, ask: 11 });
    const expiresAt = Date.now() + 3_600_000;
    await quotes.set('HOOLI', { bid: 1, ask: 2 }, { expiresAt });
    await quotes.patch('ACME', { ask: 12 });
    const [acme, hooli] = [
      { key: 'ACME', offset: 3, data: { bid: 10, ask: 12 } },
      { key: 'HOOLI', offset: 2, data: { bid: 1, ask: 2 }, expiresAt },
    ];
    expect(await quotes.get('ACME')).toEqual(acme);
    expect(await quotes.rows()).toEqual([hooli, acme]);
    expect(await channel.quotes('nasdaq').rows(), 'another table').toEqual([]);
  });

  it('can be changed from a hook', async () => {
    const { channel, url } = await start();
    const peer = await enter(url);
    await peer.ask({ type: 'publish', stream: 'notes', producer: 'p', seq: 1, data: { text: 'halt' } });
    expect((await channel.quotes('nyse').get('ACME'))?.data).toEqual({ halted: true });
  });

  it('keeps a field named __proto__ as data like any other', async () => {
    const { channel } = await start();
    const row = JSON.parse('{"bid":1,"ask":2,"__proto__":{"bid":9}}');
    await channel.quotes('nyse').set('__proto__', row);
    const stored = await channel.quotes('nyse').get('__proto__');
    expect(JSON.stringify(stored?.data)).toBe('{"bid":1,"ask":2,"__proto__":{"bid":9}}');
  });
});

describe('what the server may not do with a table', () => {
  it('a condition that does not hold is a conflict, and nothing of the step happens', async () => {
    const { channel } = await start();
    const quotes = channel.quotes('nyse');
    const { offset } = await quotes.set('ACME', { bid: 1, ask: 2 }, { if: 0 });
    const conflict = expect.objectContaining({ code: 'conflict', outcome: 'refused' });
    await expect(quotes.set('ACME', { bid: 5, ask: 6 }, { if: 0 })).rejects.toEqual(conflict);
    await expect(quotes.delete('ACME', { if: offset + 1 })).rejects.toEqual(conflict);
    const step = [
      { key: 'HOOLI', set: { bid: 1, ask: 2 } },
      { key: 'ACME', patch: { bid: 9 }, if: 7 },
    ];
    await expect(quotes.change(step)).rejects.toEqual(conflict);
    expect(await quotes.rows()).toEqual([{ key: 'ACME', offset, data: { bid: 1, ask: 2 } }]);
    expect(await quotes.patch('ACME', { bid: 2 }, { if: offset })).toEqual({ offset: offset + 1 });
  });

  it.each([
    ['an empty key', (table: Sloppy) => table.set('', {}), /^a row's key must be text of 1 to 256 bytes$/],
    ['a key of 257 bytes', (table: Sloppy) => table.set('k'.repeat(257), {}), /of 1 to 256 bytes$/],
    ['a row that is a list', (table: Sloppy) => table.set('A', [1]), /^a row must be an object$/],
    ['a row that is no JSON', (table: Sloppy) => table.set('A', 1n), /not a JSON value/],
    ['no row', (table: Sloppy) => table.set('A', undefined), /^A: say one of set, patch and delete$/],
    ['half a millisecond', (table: Sloppy) => table.set('A', {}, { expiresAt: 0.5 }), /expiresAt must be whole/],
    ['an offset below 0', (table: Sloppy) => table.delete('A', { if: -1 }), /^if must be a row's offset or 0/],
    [
      'a key twice in a step',
      (table: Sloppy) => table.change([{ key: 'A', set: {} }, { key: 'A', delete: true }]), // biome-ignore format: one line
      /changes the row "A" twice$/,
    ],
    [
      'two things at once',
      (table: Sloppy) => table.change([{ key: 'A', set: {}, delete: true }]),
      /^A: say one of set, patch and delete$/,
    ],
  ])('%s is invalid, in words, and nothing is written to the log', async (_, act, message) => {
    const { channel, lines } = await start();
    const table = channel.quotes('nyse') as unknown as Sloppy;
    await expect(act(table)).rejects.toMatchObject({ code: 'invalid', message: expect.stringMatching(message) });
    expect(await channel.quotes('nyse').rows()).toEqual([]);
    expect(lines).toEqual([]);
  });

  it('a field named undefined does nothing: it deletes no row', async () => {
    const { channel } = await start();
    const table = channel.quotes('nyse') as unknown as Sloppy;
    await table.change([{ key: 'A', set: { bid: 1 }, delete: undefined, if: undefined, expiresAt: undefined }]);
    expect(await table.get('A')).toEqual({ key: 'A', offset: 1, data: { bid: 1 } });
  });

  it('rows and steps have their limits', async () => {
    const { channel } = await start({ limits: { maxEntryBytes: 20, maxRowsPerChange: 2 } });
    const quotes = channel.quotes('nyse') as unknown as Sloppy;
    const desk = channel.desk('x') as unknown as Sloppy;
    const tooLarge = (message: string) => ({ code: 'too_large', message: expect.stringContaining(message) });
    expect(await quotes.set('A', { pad: 'x'.repeat(10) })).toEqual({ offset: 1 });
    await expect(quotes.set('A', { pad: 'x'.repeat(11) })).rejects.toMatchObject(tooLarge('21 bytes, at most 20'));
    const step = ['A', 'B', 'C'].map((key) => ({ key, set: {} }));
    await expect(quotes.change(step)).rejects.toMatchObject(tooLarge('3 rows, at most 2'));
    expect(await desk.change(step.slice(1))).toEqual({ offset: 1 });
    await expect(desk.set('D', {})).rejects.toMatchObject(tooLarge('may have 2 rows'));
    expect(await desk.change([step[0], { key: 'B', delete: true }])).toEqual({ offset: 2 });
  });

  it('a store that is gone is unavailable, for changes and for reading', async () => {
    const broker = memoryBroker();
    const { channel } = await start({ broker });
    await broker.close();
    const unavailable = { code: 'unavailable', outcome: 'unknown' };
    const quotes = channel.quotes('nyse');
    await expect(quotes.delete('A')).rejects.toMatchObject(unavailable);
    await expect(quotes.get('A')).rejects.toMatchObject({ code: 'unavailable' });
    await expect(quotes.rows()).rejects.toMatchObject({ code: 'unavailable' });
  });
});

/** A table as plain JavaScript sees it. */
interface Sloppy {
  set(key: string, row: unknown, options?: object): Promise<object>;
  delete(key: string, options?: object): Promise<object>;
  change(step: readonly unknown[]): Promise<object>;
  get(key: string): Promise<object | null>;
}

describe('a table that clients write', () => {
  const change = { type: 'change', producer: 'p', stream: 'desk/1' } as const;

  it('stores what the schema makes of the row, and of the whole row that a patch makes', async () => {
    const { channel, url, asked } = await start();
    const peer = await enter(url);
    expect(await peer.ask({ ...change, seq: 1, set: { ACME: { bid: 1, ask: 5 } } })).toMatchObject({ offset: 1 });
    await peer.ask({ ...change, seq: 2, patch: { ACME: { bid: 4 } } });
    expect((await channel.desk('1').get('ACME'))?.data).toEqual({ bid: 4, ask: 5, spread: 1 });
    expect(asked).toEqual([
      { user: 'ada', market: '1', action: 'change' },
      { user: 'ada', market: '1', action: 'change' },
    ]);
  });

  it('answers with the words of the schema, and the names of row and field', async () => {
    const { channel, url } = await start();
    const peer = await enter(url);
    await peer.ask({ ...change, seq: 1, set: { ACME: { bid: 1, ask: 5 } } });
    const refused = async (seq: number, step: object) => (await peer.ask({ ...change, seq, ...step })) as ErrorMessage;
    expect(await refused(2, { set: { ACME: { bid: -1, ask: 'x' } } })).toMatchObject({
      code: 'invalid',
      retry: false,
      outcome: 'refused',
      message: expect.stringMatching(/^ACME: bid: Too small: .*; ask: Invalid input: expected number/),
    });
    expect(await refused(3, { patch: { ACME: { bid: 6 } } })).toMatchObject({
      code: 'invalid',
      message: 'ACME: the bid is above the ask',
    });
    expect(await refused(4, { unset: { ACME: ['bid'] } })).toMatchObject({
      code: 'invalid',
      message: expect.stringMatching(/^ACME: bid: Invalid input: expected number/),
    });
    // All or none: the good row of a step with a bad one is not stored either.
    expect(await refused(5, { set: { HOOLI: { bid: 1, ask: 2 }, ACME: {} } })).toMatchObject({ code: 'invalid' });
    expect(await channel.desk('1').rows()).toEqual([{ key: 'ACME', offset: 1, data: { bid: 1, ask: 5, spread: 4 } }]);
  });

  it('refuses keys that no store can keep', async () => {
    const { url, lines } = await start();
    const peer = await enter(url);
    for (const [index, key] of ['a\0b', '\ud800'].entries()) {
      const step = { ...change, seq: index + 1, set: { [key]: { bid: 1, ask: 2 } } };
      expect(await peer.ask(step)).toMatchObject({ type: 'error', code: 'invalid' });
    }
    expect(lines).toEqual([]);
  });

  it('is forbidden to whom the rule does not let, and where the server alone writes', async () => {
    const { channel, url, asked } = await start();
    const ada = await enter(url);
    const bob = await enter(url, 'bob');
    const step = { ...change, seq: 1, set: { ACME: { bid: 1, ask: 2 } } };
    expect(await bob.ask(step)).toMatchObject({ code: 'forbidden', outcome: 'refused' });
    expect(await ada.ask({ ...step, stream: 'quotes/nyse' })).toMatchObject({
      code: 'forbidden',
      message: 'only the server changes this table',
    });
    expect(await ada.ask({ type: 'subscribe', stream: 'desk/closed' })).toMatchObject({ code: 'forbidden' });
    expect(await follow(bob, 'desk/1')).toMatchObject({ kind: 'table' });
    expect(asked.map(({ user, action }) => [user, action])).toEqual([
      ['bob', 'change'],
      ['ada', 'subscribe'],
      ['bob', 'subscribe'],
    ]);
    expect([await channel.desk('1').rows(), await channel.quotes('nyse').rows()]).toEqual([[], []]);
  });

  it('ends for whom a right is taken away', async () => {
    const { trunk, url, asked } = await start();
    const peer = await enter(url);
    await follow(peer, 'desk/1');
    expect(await trunk.revoke('ada', trunk.channel.desk('1'))).toEqual({ ended: 0 });
    expect(asked.map(({ action }) => action)).toEqual(['subscribe', 'subscribe']);
  });
});

describe('what does not last', () => {
  it('a row goes by itself, when the channel says so or the server named a moment', async () => {
    const { channel, url } = await start();
    const peer = await enter(url);
    const ok = await follow(peer, 'seen');
    const gone = peer.next((message) => message.type === 'rows' && message.ch === ok.ch && !!message.delete);
    await channel.seen().set('ada', { n: 1 });
    expect(await gone).toMatchObject({ delete: ['ada'] });
    const quotes = await follow(peer, 'quotes/nyse');
    const closed = peer.next((message) => message.type === 'rows' && message.ch === quotes.ch && !!message.delete);
    const past = { expiresAt: Date.now() };
    await channel.quotes('nyse').change([
      { key: 'ACME', set: { bid: 1, ask: 2 }, ...past },
      { key: 'HOOLI', set: { bid: 1, ask: 2 } },
    ]);
    expect(await closed).toMatchObject({ from: 1, to: 2, delete: ['ACME'] });
    expect((await channel.quotes('nyse').rows()).map(({ key }) => key)).toEqual(['HOOLI']);
  });

  /** A file that outlives the server. */
  async function file(): Promise<() => Broker> {
    const folder = await mkdtemp(join(tmpdir(), 'trunkline-table-'));
    closing.push(() => rm(folder, { recursive: true }));
    return () => sqliteBroker(join(folder, 'data.db'));
  }

  it('a durable table is resumed after a restart by what changed since, and by nothing else', async () => {
    const open = await file();
    const first = await start({ broker: open() });
    const before = first.channel.quotes('nyse');
    await before.change(['A', 'B', 'C'].map((key) => ({ key, set: { bid: 1, ask: 2 } })));
    const peer = await enter(first.url);
    const { epoch } = await follow(peer, 'quotes/nyse');
    await before.patch('A', { bid: 2 });
    await sliceTo(peer, 2);
    await first.trunk.close({ deadlineMs: 0 });

    const second = await start({ broker: open() });
    const after = second.channel.quotes('nyse');
    expect((await after.get('A'))?.data).toEqual({ bid: 2, ask: 2 });
    await after.patch('B', { ask: 9 });
    await after.delete('C');
    const again = await enter(second.url);
    const ok = await follow(again, 'quotes/nyse', { after: { epoch: epoch as string, offset: 2 } });
    expect(ok).toMatchObject({ epoch, from: 2, head: 4 });
    // The field that changed before the restart is known by its row only: B comes with all its fields.
    const slice = await sliceTo(again, 4);
    expect(slice).toMatchObject({ from: 2, to: 4, delete: ['C'] });
    expect(slice.reset).toBeUndefined();
    expect({ ...slice.set, ...slice.patch }).toEqual({ B: expect.objectContaining({ ask: 9 }) });
    expect(Object.keys({ ...slice.set, ...slice.patch })).toEqual(['B']);
  });

  it('a table with checkpoints is written when the server closes, and begins anew with what was written', async () => {
    const open = await file();
    const first = await start({ broker: open() });
    await first.channel.game().set('ada', { n: 1 });
    const peer = await enter(first.url);
    await follow(peer, 'game');
    const { epoch } = await sliceTo(peer, 1);
    await first.channel.game().patch('ada', { n: 2 });
    await first.trunk.close({ deadlineMs: 0 });

    const second = await start({ broker: open() });
    const again = await enter(second.url);
    const ok = await follow(again, 'game', { after: { epoch: epoch as string, offset: 1 } });
    expect(ok.epoch).not.toBe(epoch);
    expect(await sliceTo(again, 1)).toMatchObject({ from: 0, reset: true, set: { ada: { n: 2 } } });
    expect(second.lines).toEqual([]);
  });

  it('a table that is kept in memory begins anew with the process, and clients are told to forget', async () => {
    const open = await file();
    const first = await start({ broker: open() });
    await first.channel.seen().set('ada', { n: 1 }, { expiresAt: Date.now() + 3_600_000 });
    const peer = await enter(first.url);
    await follow(peer, 'seen');
    const { epoch } = await sliceTo(peer, 1);
    await first.trunk.close({ deadlineMs: 0 });

    const second = await start({ broker: open() });
    expect(await second.channel.seen().rows()).toEqual([]);
    const again = await enter(second.url);
    await follow(again, 'seen', { after: { epoch: epoch as string, offset: 1 } });
    expect(again.messages.find(({ type }) => type === 'rows')).toMatchObject({ from: 0, reset: true });
  });
});

describe('t.table', () => {
  const t = trunkline({ authenticate: () => ({ id: 'ada' }) });
  const row = z.object({ n: z.number() });

  it.each([
    [{}, /^t.table: row must be a Standard Schema/],
    [{ row, write: 'anyone' }, /^t.table: write must be 'server' or 'client'$/],
    [{ row, keep: 'forever' }, /^t.table: keep must be 'durable', 'checkpoint' or 'memory'$/],
    [{ row, checkpointMs: 500 }, /^t.table: checkpointMs is for keep: 'checkpoint'$/],
    [{ row, keep: 'checkpoint', checkpointMs: 0 }, /^t.table: checkpointMs must be a whole number from 1$/],
    [{ row, authorize: true }, /^t.table: authorize must be a function$/],
    [{ row, maxRows: 0 }, /^t.table: maxRows must be a whole number from 1$/],
    [{ row, maxRows: 1.5 }, /^t.table: maxRows must be a whole number from 1$/],
    [{ row, expireMs: 0 }, /^t.table: expireMs must be a whole number from 1$/],
  ])('refuses %j', (options, message) => {
    expect(() => t.table(['x'], options as never)).toThrow(message);
  });

  it('takes the least of each number', () => {
    expect(t.table([], { row, keep: 'checkpoint', checkpointMs: 1, maxRows: 1, expireMs: 1 })).toMatchObject({
      kind: 'table',
      params: [],
    });
  });

  it('names itself where parameters are wrong', () => {
    expect(() => t.table(['a', 'a'], { row })).toThrow('t.table: two parameters have the same name');
    expect(() => t.table('a' as never, { row })).toThrow("t.table(['room'], …)");
  });
});
