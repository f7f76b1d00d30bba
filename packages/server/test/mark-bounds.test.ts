// MRK-2: how long read marks are shown, and how many, as `t.log` says it, on both brokers.

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { memoryBroker } from '@trunkline/broker';
import { sqliteBroker } from '@trunkline/broker-sqlite';
import type { StreamName } from '@trunkline/protocol';
import { afterEach, describe, expect, it } from 'vitest';
import * as z from 'zod';
import { type MarkersOption, type Retain, serve, trunkline } from '../src/index.js';
import { listeningLog } from './support/app.js';

const DAY_MS = 86_400_000;
const MARKS = 'lounge:markers' as StreamName;
const entry = z.object({ text: z.string() });
const closing: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

const t = trunkline({ authenticate: ({ token }) => (token === undefined ? null : { id: token }) });

const BROKERS = {
  memory: async (nowMs: () => number) => memoryBroker({ nowMs }),
  SQLite: async (nowMs: () => number) => {
    const folder = await mkdtemp(join(tmpdir(), 'trunkline-marks-'));
    closing.push(() => rm(folder, { recursive: true, force: true }));
    return sqliteBroker(join(folder, 'trunkline.db'), { nowMs });
  },
};

async function start(kind: keyof typeof BROKERS, markers: Exclude<MarkersOption, false>, retain?: Retain) {
  let aheadMs = 0;
  const broker = await BROKERS[kind](() => Date.now() + aheadMs);
  const lounge = t.log([], { entry, markers, ...(retain === undefined ? {} : { retain }) });
  const { lines, ...log } = listeningLog();
  const trunk = await serve(t.app({ channels: { lounge } }), { port: 0, log, broker });
  closing.push(() => trunk.close({ deadlineMs: 0 }));
  for (const text of ['one', 'two']) await trunk.channel.lounge().publish({ text });
  const readers = async () => {
    const { rows } = await broker.readRows(MARKS, { epoch: null, offset: 0 }, { entries: 100 });
    return rows.map(({ key }) => key);
  };
  const expireAt = async (ms: number) => {
    aheadMs = ms - Date.now();
    await broker.expire();
  };
  return { lounge: trunk.channel.lounge(), broker, readers, expireAt };
}

describe.each(['memory', 'SQLite'] as const)('read marks with the %s broker', (kind) => {
  it.each([
    ['365 days', true, undefined, 365],
    ['as long as entries are kept', true, { days: 30 }, 30],
    ['365 days where entries are kept by number', {}, { entries: 100 }, 365],
    ['as long as their option says', { days: 1.5 }, { days: 30 }, 1.5],
  ] as const)('last %s', async (_, markers, retain, days) => {
    const { lounge, broker, readers, expireAt } = await start(kind, markers, retain);
    const earliest = Date.now() + days * DAY_MS;
    await lounge.mark('ada', 1);
    const latest = Date.now() + days * DAY_MS;
    const { expiresAt = 0 } = (await broker.readRow(MARKS, 'ada')) ?? {};
    expect(expiresAt).toBeGreaterThanOrEqual(earliest);
    expect(expiresAt).toBeLessThanOrEqual(latest);
    // What counts is the moment of the last look: a minute before, lest the wall clock come to it.
    await expireAt(expiresAt - 60_000);
    expect(await readers()).toEqual(['ada']);
    await expireAt(expiresAt);
    expect(await readers()).toEqual([]);
  });

  it('are as many as their option says, and of one more the oldest goes', async () => {
    const { lounge, readers } = await start(kind, { readers: 2 });
    await lounge.mark('ada', 1);
    await lounge.mark('bob', 1);
    expect(await readers()).toEqual(['ada', 'bob']);
    await lounge.mark('eve', 1);
    expect(await readers()).toEqual(['bob', 'eve']);
    await lounge.mark('bob', 2);
    await lounge.mark('ada', 1);
    expect(await readers()).toEqual(['bob', 'ada']);
  });
});

describe('t.log', () => {
  it('refuses bounds of marks that make no sense', () => {
    for (const markers of [{ days: 0 }, { days: -1 }, { readers: 0 }, { readers: 1.5 }, null, 'yes']) {
      expect(() => t.log([], { entry, markers: markers as MarkersOption })).toThrow('markers');
    }
    t.log([], { entry, markers: { days: 0.001, readers: 1 } });
  });
});
