// What a crash of the machine leaves: a WAL that ends anywhere, or with bytes that were never written. Reopened, the log
// holds every entry whose commit is wholly there, and invents none.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { seeded } from '@trunkline/broker/contract';
import { openSqliteBroker } from '@trunkline/broker-sqlite';
import type { StreamName } from '@trunkline/protocol';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { BROKER } from './appender.js';

const COMMITS = 12;
const SEED = Number(process.env.CRASH_SEED ?? Math.floor(Math.random() * 1e9));
const RANDOM_CUTS = Number(process.env.CRASH_ROUNDS ?? 15);
const APPENDER = fileURLToPath(new URL('./steps-appender.mjs', import.meta.url));
const ROOM = 'chat/lobby' as StreamName;

const folder = mkdtempSync(join(tmpdir(), 'trunkline-torn-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** After each commit: size of the WAL, number of entries. */
const commits: { readonly bytes: number; readonly entries: number }[] = [{ bytes: 0, entries: 0 }];
let wal: Buffer;
const source = join(folder, 'source.db');

beforeAll(async () => {
  const child = spawn(process.execPath, [APPENDER, BROKER, source, String(COMMITS)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const ended = once(child, 'close');
  for await (const line of createInterface({ input: child.stdout })) {
    if (line === 'done') child.kill('SIGKILL');
    else commits.push({ bytes: Number(line.split(' ')[0]), entries: Number(line.split(' ')[1]) });
  }
  await ended;
  wal = readFileSync(`${source}-wal`);
  expect(commits).toHaveLength(COMMITS + 1);
  expect(wal.length).toBe(commits.at(-1)?.bytes);
});

/** Entries of the commits that end at or before a byte. */
function committedAt(bytes: number): number {
  return commits.filter((commit) => commit.bytes <= bytes).at(-1)?.entries ?? 0;
}

let copies = 0;

/** Opens a copy of the file with this WAL; gives the number of entries, having checked each, and appends one more. */
async function reopenWith(tail: Buffer): Promise<number> {
  copies += 1;
  const place = join(folder, `copy-${copies}`);
  mkdirSync(place);
  const file = join(place, 'copy.db');
  copyFileSync(source, file);
  writeFileSync(`${file}-wal`, tail);
  const broker = await openSqliteBroker(file);
  const page = await broker.read(ROOM, { epoch: null, offset: 0 }, { entries: 10_000 });
  for (const [index, entry] of page.entries.entries()) {
    expect(entry).toMatchObject({ offset: index + 1, at: index + 1, source: { producer: 'p', seq: index + 1 } });
    expect(entry.data.startsWith(`"entry ${index + 1} `)).toBe(true);
  }
  const next = { at: 1, data: '"next"', user: null, source: { producer: 'p', seq: page.entries.length + 1 } };
  const { appended } = await broker.append(ROOM, [next]);
  expect(appended).toEqual([{ offset: page.entries.length + 1, at: 1, duplicate: false }]);
  await broker.close();
  rmSync(place, { recursive: true });
  return page.entries.length;
}

describe(`a WAL of ${COMMITS} commits (CRASH_SEED=${SEED})`, () => {
  it('cut at the end of each commit, and one byte before it, holds exactly the commits before the cut', async () => {
    for (const { bytes } of commits.slice(1)) {
      for (const cut of [bytes - 1, bytes]) {
        const found = await reopenWith(wal.subarray(0, cut));
        expect({ cut, found }).toEqual({ cut, found: committedAt(cut) });
      }
    }
  });

  it('cut anywhere, holds exactly the commits before the cut', async () => {
    const random = seeded(SEED);
    for (const cut of [0, 1, 31, 32, 33, 56, ...Array.from({ length: RANDOM_CUTS }, () => random() * wal.length)]) {
      const at = Math.floor(cut);
      const found = await reopenWith(wal.subarray(0, at));
      expect({ cut: at, found }).toEqual({ cut: at, found: committedAt(at) });
    }
  });

  it('followed by garbage, or by zeros, holds all of them', async () => {
    const random = seeded(SEED);
    const garbage = Buffer.from(Array.from({ length: 10_000 }, () => random() * 256));
    const all = commits.at(-1)?.entries;
    expect(await reopenWith(Buffer.concat([wal, garbage]))).toBe(all);
    expect(await reopenWith(Buffer.concat([wal, Buffer.alloc(10_000)]))).toBe(all);
  });

  it('with a byte changed anywhere, holds the commits before it, and invents none', async () => {
    const random = seeded(SEED + 1);
    for (let n = 0; n < RANDOM_CUTS; n++) {
      const at = Math.floor(random() * wal.length);
      const changed = Buffer.from(wal);
      changed[at] = (changed[at] ?? 0) ^ (1 + Math.floor(random() * 255));
      const found = await reopenWith(changed);
      // What was changed is no commit any more, and neither is what follows it.
      expect({ at, found }).toEqual({ at, found: committedAt(at) });
    }
  });
});
