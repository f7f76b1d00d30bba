// A broker at work: a full disk, the end of the process, what stays in the file.

import { join } from 'node:path';
import { BrokerUnavailableError } from '@trunkline/broker';
import type { StreamName } from '@trunkline/protocol';
import Database from 'libsql';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type CommittedGroup, openSqliteBroker } from '../src/index.js';
import { runProgram } from './child.js';
import { temporaryFolder } from './world.js';

const ROOM = 'chat/lobby' as StreamName;
const ALL = { entries: 100_000 };
const DAY_MS = 24 * 3_600_000;

function entry(text: string, seq?: number, at = 1_000) {
  const plain = { at, data: JSON.stringify(text), user: '{"id":"ada"}' };
  return seq === undefined ? plain : { ...plain, source: { producer: 'ada:tab', seq } };
}

let folder: ReturnType<typeof temporaryFolder>;
let path: string;
beforeEach(() => {
  folder = temporaryFolder();
  path = join(folder.path, 'trunkline.db');
});
afterEach(() => {
  folder.remove();
});

/** Rows of a query on the file, read as any other program would. */
function query(sql: string): unknown[] {
  const db = new Database(path);
  const rows = db
    .prepare(sql)
    .all()
    .map((row) => {
      const { _metadata, ...columns } = row as Record<string, unknown>;
      return columns;
    });
  db.close();
  return rows;
}

describe('a full disk', () => {
  it('refuses what does not fit, goes on reading, and recovers when there is room', async () => {
    const other = 'chat/other' as StreamName;
    const broker = await openSqliteBroker(path, { maxFileBytes: 1_000_000 });
    const big = 'x'.repeat(60_000);
    await broker.append(other, [entry(big), entry(big), entry(big), entry(big)]);
    let seq = 0;
    let refused: unknown;
    while (refused === undefined && seq < 100) {
      seq += 1;
      refused = await broker.append(ROOM, [entry(big, seq)]).then(
        () => undefined,
        (error: unknown) => error,
      );
    }
    expect(refused).toBeInstanceOf(BrokerUnavailableError);
    expect(refused).toMatchObject({ retryable: true, message: 'database or disk is full' });
    const page = await broker.readBack(ROOM, undefined, ALL);
    expect(page.entries).toHaveLength(seq - 1);

    await broker.remove(other);
    await broker.sweep();
    const { appended } = await broker.append(ROOM, [entry(big, seq)]);
    expect(appended).toEqual([{ offset: seq, at: 1_000, duplicate: false }]);
    await broker.close();
  });
});

describe('the end of the process', () => {
  const offset = async () => {
    const broker = await openSqliteBroker(path);
    const page = await broker.readBack(ROOM, undefined, ALL);
    await broker.close();
    return page.offset;
  };

  it('a broker alone does not delay it', async () => {
    expect(await runProgram('idle', path)).toEqual({ code: 0, output: '' });
    expect(await offset()).toBe(1);
  });

  it('an append that is not answered does', async () => {
    expect(await runProgram('append', path)).toEqual({ code: 0, output: '' });
    expect(await offset()).toBe(2);
  });

  it('reads that were called before close are answered', async () => {
    const broker = await openSqliteBroker(path);
    const appended = broker.append(ROOM, [entry('last')]);
    const page = broker.readBack(ROOM, undefined, ALL);
    await broker.close();
    expect((await page).offset).toBe(1);
    await appended;
  });

  it('close is completed', async () => {
    expect(await runProgram('close', path)).toEqual({ code: 0, output: 'closed\n' });
    expect(await offset()).toBe(3);
  });
});

describe('what stays in the file', () => {
  const rows = () =>
    query(`SELECT (SELECT count(*) FROM streams) AS streams, (SELECT count(*) FROM entries) AS entries,
      (SELECT count(*) FROM producers) AS producers, (SELECT count(*) FROM publishes) AS publishes,
      (SELECT count(*) FROM trash) AS trash`)[0];
  const many = (count: number, producers: number) =>
    Array.from({ length: count }, (_, index) => ({
      ...entry('x'.repeat(50)),
      source: { producer: `p${index % producers}`, seq: index + 1 },
    }));

  it('nothing of a removed stream, once it was swept', async () => {
    const broker = await openSqliteBroker(path);
    await broker.append(ROOM, many(5_000, 230));
    await broker.append('chat/kept' as StreamName, many(10, 2));
    await broker.remove(ROOM);
    await broker.sweep();
    await broker.close();
    expect(rows()).toEqual({ streams: 1, entries: 10, producers: 2, publishes: 10, trash: 0 });
  });

  it('what a kill interrupts is swept after the next start', async () => {
    const broker = await openSqliteBroker(path);
    await broker.append(ROOM, many(3_000, 3));
    await broker.remove(ROOM);
    await broker.close();
    const next = await openSqliteBroker(path);
    await next.sweep();
    await next.close();
    expect(rows()).toEqual({ streams: 0, entries: 0, producers: 0, publishes: 0, trash: 0 });
  });

  it('nothing of producers that were not used for 7 days, though their entries stay', async () => {
    let nowMs = 1_000;
    const broker = await openSqliteBroker(path, { nowMs: () => nowMs });
    await broker.append(ROOM, many(2_500, 150));
    nowMs += 4 * DAY_MS;
    await broker.append(ROOM, [entry('still here', 1)]);
    nowMs += 4 * DAY_MS;
    await broker.sweep();
    expect(await broker.lookup(ROOM, { producer: 'p0', seq: 1 })).toBeNull();
    expect(await broker.lookup(ROOM, { producer: 'ada:tab', seq: 1 })).toMatchObject({ offset: 2_501 });
    const page = await broker.read(ROOM, { epoch: null, offset: 0 }, { entries: 1 });
    expect(page.entries[0]).not.toHaveProperty('source');
    await broker.close();
    expect(rows()).toEqual({ streams: 1, entries: 2_501, producers: 1, publishes: 1, trash: 0 });
  });

  it('a long log is trimmed in the background when its retention shrinks', async () => {
    const broker = await openSqliteBroker(path);
    await broker.append(ROOM, many(4_000, 4));
    await broker.append(ROOM, [], { retain: { entries: 3 } });
    let page = await broker.readBack(ROOM, undefined, ALL);
    // Each read is a round trip between steps; no sweep was asked for.
    while (page.floor < 3_997) page = await broker.readBack(ROOM, undefined, ALL);
    expect(page.entries.map(({ offset }) => offset)).toEqual([3_998, 3_999, 4_000]);
    await broker.close();
  });

  it('history that can be read with SQL, also while the broker is open', async () => {
    const broker = await openSqliteBroker(path);
    await broker.append(ROOM, [entry('hello', 1, Date.UTC(2026, 0, 2, 3, 4, 5, 678))]);
    expect(query('SELECT * FROM history')).toEqual([
      {
        stream: 'chat/lobby',
        offset: 1,
        time_utc: '2026-01-02 03:04:05.678',
        user: '{"id":"ada"}',
        data: '"hello"',
        producer: 'ada:tab',
        seq: 1,
        state: null,
      },
    ]);
    await broker.close();
  });
});

describe('metrics', () => {
  it('tells of each group that was committed, before its appends are answered', async () => {
    const groups: CommittedGroup[] = [];
    const broker = await openSqliteBroker(path, { onGroup: (group) => groups.push(group) });
    const appended = [broker.append(ROOM, [entry('a', 1), entry('b', 2)]), broker.append(ROOM, [entry('c', 3)])];
    await Promise.race(appended);
    expect(groups.map(({ calls, entries }) => ({ calls, entries }))).toEqual([{ calls: 2, entries: 3 }]);
    expect(groups[0]?.writeMs).toBeGreaterThan(0);
    expect(groups[0]?.commitMs).toBeGreaterThan(0);
    await broker.close();
    expect(groups).toHaveLength(1);
  });

  it('does not tell of a group that could not be written', async () => {
    const groups: CommittedGroup[] = [];
    const broker = await openSqliteBroker(path, { maxFileBytes: 200_000, onGroup: (group) => groups.push(group) });
    await expect(broker.append(ROOM, [entry('x'.repeat(400_000))])).rejects.toThrow(BrokerUnavailableError);
    expect(groups).toEqual([]);
    await broker.close();
  });
});
