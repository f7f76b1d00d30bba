// `t.table` and the handles of tables: every type is inferred, every wrong call is an error.

import type { ContractOf } from '@trunkline/protocol';
import { describe, expectTypeOf, it } from 'vitest';
import * as z from 'zod';
import { type Action, type ServedTrunk, type TableRow, type TableServerHandle, trunkline } from '../../src/index.js';

interface Trader {
  readonly id: string;
  readonly desk: string;
}
declare function verify(token: string | undefined): Promise<Trader | null>;

const t = trunkline({ authenticate: ({ token }) => verify(token) });

const Quote = z.object({
  bid: z.number(),
  ask: z.number(),
  venue: z.string().default('nyse'),
  halted: z.boolean().optional(),
});
type Stored = { bid: number; ask: number; venue: string; halted?: boolean | undefined };

const quotes = t.table(['market'], { row: Quote });
const desk = t.table(['desk', 'day'], {
  row: Quote,
  write: 'client',
  keep: 'memory',
  maxRows: 500,
  expireMs: 60_000,
  authorize: ({ user, params, action }) => {
    expectTypeOf(user).toEqualTypeOf<Trader>();
    expectTypeOf(params).toEqualTypeOf<{ readonly desk: string; readonly day: string }>();
    expectTypeOf(action).toEqualTypeOf<'subscribe' | 'read' | 'change'>();
    return user.desk === params.desk;
  },
});
const chat = t.log(['room'], {
  entry: z.object({ text: z.string() }),
  authorize: ({ action }) => {
    expectTypeOf(action).toEqualTypeOf<Action>();
    return true;
  },
  onPublish: async ({ entry, at }) => {
    await at(quotes, 'nyse').patch('ACME', { bid: 10 });
    // @ts-expect-error rows have no such field
    await at(quotes, 'nyse').patch('ACME', { price: 10 });
    // @ts-expect-error a parameter is missing
    at(desk, 'bonds');
    // @ts-expect-error a table has no entries
    await at(quotes, 'nyse').publish({ text: '' });
    return { ...entry, rows: (await at(quotes, 'nyse').rows()).length };
  },
});
const app = t.app({ channels: { quotes, desk, chat } });
type Contract = ContractOf<typeof app>['channels'];

describe('t.table', () => {
  it('carries parameters, rows as written and as stored, and who writes, in the contract of the app', () => {
    expectTypeOf<Contract['quotes']['kind']>().toEqualTypeOf<'table'>();
    expectTypeOf<Contract['quotes']['params']>().toEqualTypeOf<readonly ['market']>();
    expectTypeOf<Contract['desk']['params']>().toEqualTypeOf<readonly ['desk', 'day']>();
    expectTypeOf<Contract['quotes']['row']>().toEqualTypeOf<Stored>();
    expectTypeOf<Contract['quotes']['input']>().toEqualTypeOf<{
      bid: number;
      ask: number;
      venue?: string | undefined;
      halted?: boolean | undefined;
    }>();
    expectTypeOf<Contract['quotes']['write']>().toEqualTypeOf<'server'>();
    expectTypeOf<Contract['desk']['write']>().toEqualTypeOf<'client'>();
    expectTypeOf<Contract['chat']['stored']>().toEqualTypeOf<{ text: string; rows: number }>();
  });

  it('rejects rows that are not JSON and names the field', () => {
    // @ts-expect-error not a JSON value: at
    t.table([], { row: z.object({ bid: z.number(), at: z.date() }) });
    // @ts-expect-error not a JSON value: tags
    t.table([], { row: z.object({ tags: z.map(z.string(), z.string()) }) });
    // @ts-expect-error not a JSON value: run
    t.table([], { row: z.object({ run: z.custom<() => void>() }) });
    // @ts-expect-error not a JSON value: levels[].at
    t.table([], { row: z.object({ levels: z.array(z.object({ at: z.date() })) }) });
    // @ts-expect-error not a JSON value: at (the schema turns the text into a Date)
    t.table([], { row: z.object({ at: z.string().transform((text) => new Date(text)) }) });
    // @ts-expect-error not a JSON value: at (what clients would have to send)
    t.table([], { row: z.object({ at: z.date().transform((date) => date.toISOString()) }) });
  });

  it('rejects rows that are no objects', () => {
    // @ts-expect-error not a row: text
    t.table([], { row: z.string() });
    // @ts-expect-error not a row: a list
    t.table([], { row: z.array(z.number()) });
    // @ts-expect-error not a row: sometimes a number
    t.table([], { row: z.union([z.object({ n: z.number() }), z.number()]) });
    // @ts-expect-error not a row: null
    t.table([], { row: z.object({ n: z.number() }).nullable() });
    // @ts-expect-error not a row: clients would send text
    t.table([], { row: z.string().transform((text) => ({ text })) });
    t.table([], { row: z.record(z.string(), z.number()) });
    t.table([], { row: z.union([z.object({ kind: z.literal('a') }), z.object({ kind: z.literal('b') })]) });
  });

  it('says in the complaint what is wrong, and with which field', () => {
    const dated = z.object({ deep: z.object({ at: z.date() }) });
    type Wanted = Parameters<typeof t.table<readonly [], typeof dated>>[1]['row'];
    expectTypeOf<Wanted['notJson' & keyof Wanted]>().toEqualTypeOf<'not a JSON value: deep.at'>();
    const list = z.array(z.string());
    type WantedRow = Parameters<typeof t.table<readonly [], typeof list>>[1]['row'];
    expectTypeOf<WantedRow['notJson' & keyof WantedRow]>().toEqualTypeOf<'not a row: a row is an object'>();
  });

  it('wants options that make sense', () => {
    const row = z.object({ n: z.number() });
    // @ts-expect-error clients or the server
    t.table([], { row, write: 'anyone' });
    // @ts-expect-error not kept like that
    t.table([], { row, keep: 'forever' });
    t.table([], { row, keep: 'checkpoint', checkpointMs: 250 });
    // @ts-expect-error a table has no hook of a log
    t.table([], { row, onPublish: () => {} });
    // @ts-expect-error neither a boolean nor a promise of one
    t.table([], { row, authorize: () => 'yes' });
    // @ts-expect-error what is a row?
    t.table([], { write: 'client' });
    // @ts-expect-error a number of milliseconds
    t.table([], { row, expireMs: '1s' });
  });
});

describe("a table's handle on the server", () => {
  it('takes rows in the stored form, and gives them back', () => {
    const use = async (trunk: ServedTrunk<typeof app.channels>) => {
      const table = trunk.channel.quotes('nyse');
      expectTypeOf(table).toEqualTypeOf<TableServerHandle<Contract['quotes']>>();
      expectTypeOf(table.name).toEqualTypeOf<string>();
      const row = { bid: 1, ask: 2, venue: 'nyse' };
      expectTypeOf(await table.set('ACME', row)).toEqualTypeOf<{ readonly offset: number }>();
      await table.set('ACME', { ...row, halted: true }, { if: 0, expiresAt: 5 });
      // @ts-expect-error the stored form has a venue
      await table.set('ACME', { bid: 1, ask: 2 });
      // @ts-expect-error no such field
      await table.set('ACME', { ...row, price: 1 });
      // @ts-expect-error a row needs a key
      await table.set(row);
      // @ts-expect-error a moment in milliseconds
      await table.set('ACME', row, { expiresAt: new Date() });
      // @ts-expect-error which market?
      trunk.channel.quotes();
      expectTypeOf(await table.get('ACME')).toEqualTypeOf<TableRow<Stored> | null>();
      expectTypeOf(await table.rows()).toEqualTypeOf<readonly TableRow<Stored>[]>();
      await trunk.revoke('ada', table);
    };
    expectTypeOf(use).toBeFunction();
  });

  it('patches some fields, and takes away those that a row may lack', () => {
    const use = async (table: TableServerHandle<Contract['quotes']>) => {
      await table.patch('ACME', { bid: 2 });
      await table.patch('ACME', {}, { unset: ['halted'], if: 3, expiresAt: 5 });
      // @ts-expect-error each row has a bid
      await table.patch('ACME', {}, { unset: ['bid'] });
      // @ts-expect-error no such field
      await table.patch('ACME', {}, { unset: ['price'] });
      // @ts-expect-error a bid is a number
      await table.patch('ACME', { bid: '2' });
      await table.delete('ACME', { if: 3 });
      // @ts-expect-error what goes does not expire
      await table.delete('ACME', { expiresAt: 3 });
      // @ts-expect-error fields are taken away by a patch
      await table.set('ACME', { bid: 1, ask: 2, venue: '' }, { unset: ['halted'] });
    };
    expectTypeOf(use).toBeFunction();
  });

  it('changes several rows as one step, each in one way', () => {
    const use = async (table: TableServerHandle<Contract['quotes']>) => {
      const set = { bid: 1, ask: 2, venue: '' };
      await table.change([
        { key: 'A', set, if: 0, expiresAt: 5 },
        { key: 'B', patch: { bid: 1 }, unset: ['halted'], expiresAt: 5 },
        { key: 'C', delete: true, if: 4 },
      ]);
      // @ts-expect-error two ways at once
      await table.change([{ key: 'A', set, patch: { bid: 1 } }]);
      // @ts-expect-error two ways at once
      await table.change([{ key: 'A', set, delete: true }]);
      // @ts-expect-error no way at all
      await table.change([{ key: 'A' }]);
      // @ts-expect-error each row has a bid
      await table.change([{ key: 'A', patch: {}, unset: ['bid'] }]);
      // @ts-expect-error a part of a row is no row
      await table.change([{ key: 'A', set: { bid: 1 } }]);
    };
    expectTypeOf(use).toBeFunction();
  });

  it('of rows with any keys takes any field away', () => {
    const scores = t.table([], { row: z.record(z.string(), z.number()) });
    const use = async (table: TableServerHandle<NonNullable<(typeof scores)['~contract']>>) => {
      await table.patch('ada', { level: 1 }, { unset: ['anything'] });
    };
    expectTypeOf(use).toBeFunction();
  });
});
