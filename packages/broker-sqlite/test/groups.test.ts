// How much is written together, and how large the write-ahead log grows by it.

import { rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { StreamName } from '@trunkline/protocol';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type CommittedGroup, openSqliteBroker } from '../src/index.js';
import { temporaryFolder } from './world.js';

const ROOM = 'chat/room' as StreamName;
const TABLE = 'quotes/desk' as StreamName;
const MIB = 1_048_576;

let folder: ReturnType<typeof temporaryFolder>;
let path: string;
beforeEach(() => {
  folder = temporaryFolder();
  path = join(folder.path, 'trunkline.db');
});
afterEach(() => folder.remove());

const walBytes = () => statSync(`${path}-wal`).size;
const entry = (data: string) => ({ at: 1_000, data: JSON.stringify(data), user: null });

describe('a group', () => {
  /** Groups of two calls in one turn, with so many bytes each. */
  async function groupsOf(bytes: number): Promise<number[]> {
    const groups: CommittedGroup[] = [];
    const broker = await openSqliteBroker(path, { onGroup: (group) => groups.push(group) });
    const half = 'x'.repeat(bytes / 2);
    await Promise.all([
      broker.append(ROOM, [entry(half), entry(half)]),
      broker.change(TABLE, [
        { key: 'a', set: JSON.stringify({ half }) },
        { key: 'b', set: JSON.stringify({ half }) },
      ]),
    ]);
    await broker.close();
    return groups.map(({ calls }) => calls);
  }

  it('has 4 MiB at most, so that large entries do not make everybody wait', async () => {
    expect(await groupsOf(2 * MIB - 200)).toEqual([2]);
    rmSync(path);
    expect(await groupsOf(2 * MIB)).toEqual([1, 1]);
  });

  it('has a call that is larger alone', async () => {
    expect(await groupsOf(6 * MIB)).toEqual([1, 1]);
  });
});

// Each commit writes whole pages, however little is in it: entries of a hundred bytes, one at a time, fill the log a hundred times as fast as themselves.
describe('the write-ahead log', () => {
  it('stays small where entries are written one at a time', async () => {
    const broker = await openSqliteBroker(path);
    for (let seq = 1; seq <= 1_500; seq += 1) {
      await broker.append(ROOM, [{ ...entry('a word'), source: { producer: 'p', seq } }]);
    }
    expect(walBytes()).toBeLessThan(18 * MIB);
    await broker.close();
  });

  it('stays small where rows are changed one at a time', async () => {
    const broker = await openSqliteBroker(path);
    for (let n = 0; n < 1_700; n += 1) await broker.change(TABLE, [{ key: 'a', set: `{"n":${n}}` }]);
    expect(walBytes()).toBeLessThan(18 * MIB);
    await broker.close();
  });

  it('stays small where large rows are', async () => {
    const broker = await openSqliteBroker(path);
    const pad = 'x'.repeat(60_000);
    for (let n = 0; n < 400; n += 1)
      await broker.change(TABLE, [{ key: `${n % 5}`, set: `{"n":${n},"pad":"${pad}"}` }]);
    expect(walBytes()).toBeLessThan(18 * MIB);
    await broker.close();
  });
});
