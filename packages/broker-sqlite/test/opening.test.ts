// What can be wrong with a file, and what the broker says to it.

import { chmodSync, mkdirSync, readFileSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { BrokerUnavailableError, opens, reportsHealth } from '@trunkline/broker';
import type { StreamName } from '@trunkline/protocol';
import Database from 'libsql';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openSqliteBroker, SqliteBrokerError, type SqliteBrokerErrorCode, sqliteBroker } from '../src/index.js';
import { endOf, openInChild, spawnHolder } from './child.js';
import { temporaryFolder } from './world.js';

const ROOM = 'chat/lobby' as StreamName;
const news = { at: 1, data: '"news"', user: null };

let folder: ReturnType<typeof temporaryFolder>;
let path: string;
beforeEach(() => {
  folder = temporaryFolder();
  path = join(folder.path, 'trunkline.db');
});
afterEach(() => folder.remove());

async function refusal(code: SqliteBrokerErrorCode, file = path): Promise<SqliteBrokerError> {
  const error = await openSqliteBroker(file).then(
    async (broker) => {
      await broker.close();
      return null;
    },
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(SqliteBrokerError);
  expect(error).toMatchObject({ code, retryable: false });
  expect((error as Error).message).toContain(file);
  return error as SqliteBrokerError;
}

/** A file with 200 entries, closed. */
async function makeFile(): Promise<void> {
  const broker = await openSqliteBroker(path);
  await broker.append(
    ROOM,
    Array.from({ length: 200 }, () => ({ ...news, data: JSON.stringify('x'.repeat(200)) })),
  );
  await broker.close();
}

describe('a file that cannot be used', () => {
  it('is not a database', async () => {
    writeFileSync(path, 'dear diary\n'.repeat(1_000));
    expect((await refusal('not_a_database')).message).toContain('is not a SQLite database');
  });

  it('belongs to another program, and stays as it is', async () => {
    const db = new Database(path);
    db.exec('CREATE TABLE orders (id INTEGER PRIMARY KEY)');
    db.close();
    const before = readFileSync(path);
    expect((await refusal('foreign')).advice).toContain('a file of its own');
    expect(readFileSync(path).equals(before)).toBe(true);
  });

  it('was written by a newer version', async () => {
    await makeFile();
    const db = new Database(path);
    db.exec('PRAGMA user_version = 99');
    db.close();
    expect((await refusal('newer')).message).toMatch(/its schema is 99, this version reads up to 8/);
  });

  it.each([
    ['has pages overwritten', (bytes: Buffer) => bytes.fill(0xa5, 4096 * 9, 4096 * 12)],
    ['has its list of tables overwritten', (bytes: Buffer) => bytes.fill(0xa5, 100, 4000)],
  ])('%s', async (_what, damage) => {
    await makeFile();
    const bytes = readFileSync(path);
    damage(bytes);
    writeFileSync(path, bytes);
    expect((await refusal('corrupt')).advice).toContain('backup');
  });

  it('ends in the middle', async () => {
    await makeFile();
    truncateSync(path, 4096 * 5);
    await refusal('corrupt');
  });

  it('is a folder', async () => {
    mkdirSync(path);
    expect((await refusal('cannot_open')).message).toContain('is not a file');
  });

  it('lies in what is no folder', async () => {
    writeFileSync(path, '');
    await refusal('cannot_open', join(path, 'trunkline.db'));
  });

  it('cannot be written', async () => {
    await makeFile();
    chmodSync(path, 0o444);
    chmodSync(folder.path, 0o777);
    expect(await openInChild(path)).toMatchObject({ code: 'read_only' });
  });

  it('lies in a folder that cannot be written', async () => {
    chmodSync(folder.path, 0o555);
    expect(await openInChild(path)).toMatchObject({ code: 'read_only' });
    chmodSync(folder.path, 0o755);
  });
});

describe('a file that can be used', () => {
  it('may be new, in folders that do not exist', async () => {
    const broker = await openSqliteBroker(join(folder.path, 'a', 'b', 'c.db'));
    await broker.append(ROOM, [news]);
    await broker.close();
  });

  it('may be empty', async () => {
    writeFileSync(path, '');
    const broker = await openSqliteBroker(path);
    await broker.close();
  });

  it('can be opened again after it was refused', async () => {
    writeFileSync(path, 'no database, but long enough to look like one'.repeat(100));
    await refusal('not_a_database');
    writeFileSync(path, '');
    const broker = await openSqliteBroker(path);
    await broker.close();
  });
});

describe('one broker at a time', () => {
  it('a second one of the same process is refused, by whatever name it calls the file', async () => {
    const first = await openSqliteBroker(path);
    expect((await refusal('locked')).message).toContain('is in use by another Trunkline broker');
    const link = join(folder.path, 'link.db');
    symlinkSync(path, link);
    await expect(openSqliteBroker(link)).rejects.toMatchObject({ code: 'locked' });
    await first.append(ROOM, [news]);
    await first.close();
    const second = await openSqliteBroker(path);
    expect((await second.readBack(ROOM, undefined, { entries: 9 })).offset).toBe(1);
    await second.close();
  });

  it('a second process is refused until the first one was killed', async () => {
    const holder = await spawnHolder(path);
    await refusal('locked');
    holder.kill('SIGKILL');
    await endOf(holder);
    const broker = await openSqliteBroker(path);
    await broker.close();
  });
});

describe('before and without an open file', () => {
  it('calls made while it opens are answered', async () => {
    const broker = sqliteBroker(path);
    expect(opens(broker)).toBe(true);
    const page = broker.read(ROOM, { epoch: null, offset: 0 }, { entries: 9 });
    const { appended } = await broker.append(ROOM, [news]);
    expect(appended[0]?.offset).toBe(1);
    expect((await page).floor).toBe(0);
    await broker.close();
  });

  it('every call is refused as unavailable, ready says why, and close is harmless', async () => {
    writeFileSync(path, 'no database, but long enough to look like one'.repeat(100));
    const broker = sqliteBroker(path);
    const append = broker.append(ROOM, [news]);
    const read = broker.readBack(ROOM, undefined, { entries: 1 });
    await expect(append).rejects.toBeInstanceOf(BrokerUnavailableError);
    await expect(read).rejects.toBeInstanceOf(BrokerUnavailableError);
    await expect(broker.ready()).rejects.toMatchObject({ code: 'not_a_database' });
    await expect(broker.append(ROOM, [news])).rejects.toThrow('is not a SQLite database');
    expect(broker.health).toBe('failed');
    await broker.close();
  });

  it('says how it is: starting, ready, and failed once it was closed', async () => {
    const broker = sqliteBroker(path);
    expect(reportsHealth(broker)).toBe(true);
    expect(broker.health).toBe('starting');
    await broker.ready();
    expect(broker.health).toBe('ready');
    await broker.close();
    expect(broker.health).toBe('failed');
  });
});
