// The order of system calls: an acknowledgement is written only after the WAL was synced behind the last write to it.

import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, it } from 'vitest';
import { BROKER } from './appender.js';
import { findSyncs, type SyncFindings } from './sync-trace.js';

const BATCHES = 60;
const APPENDER = fileURLToPath(new URL('./sync-appender.mjs', import.meta.url));
const REPOSITORY = fileURLToPath(new URL('../..', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'trunkline-sync-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** strace, installed if this machine lets us; some sandboxes have it but forbid it to watch a process. */
function canTrace(): boolean {
  const works = () => spawnSync('strace', ['-f', '-o', '/dev/null', 'true']).status === 0;
  if (works()) return true;
  if (process.platform !== 'linux' || process.getuid?.() !== 0) return false;
  spawnSync('apt-get', ['install', '-qq', '-y', '--no-install-recommends', 'strace']);
  return works();
}

function record(broker: string, name: string): SyncFindings {
  const recording = join(folder, `${name}.trace`);
  const calls = 'trace=openat,fdatasync,fsync,pwrite64,write';
  const program = [process.execPath, APPENDER, broker, join(folder, `${name}.db`), String(BATCHES)];
  const { status, stderr } = spawnSync('strace', ['-f', '-e', calls, '-o', recording, ...program]);
  if (status !== 0) throw new Error(`the recorded program failed: ${stderr.toString()}`);
  return findSyncs(readFileSync(recording, 'utf8'));
}

/** The broker as it is built, but not waiting for the disk. */
function brokerWithoutSync(): string {
  const copy = join(folder, 'careless');
  mkdirSync(copy);
  cpSync(join(BROKER, '..'), join(copy, 'dist'), { recursive: true });
  symlinkSync(join(REPOSITORY, 'node_modules'), join(copy, 'node_modules'));
  writeFileSync(join(copy, 'package.json'), '{"type":"module"}');
  const file = join(copy, 'dist', 'open-file.js');
  const code = readFileSync(file, 'utf8');
  const careless = code.replace('synchronous = FULL', 'synchronous = OFF');
  if (careless === code) throw new Error('the broker no longer says `synchronous = FULL` where this test expects it');
  writeFileSync(file, careless);
  return join(copy, 'dist', 'index.js');
}

describe.skipIf(!canTrace())('recorded with strace', () => {
  it('each acknowledgement follows a sync that covers it', () => {
    const findings = record(BROKER, 'careful');
    expect(findings.problems).toEqual([]);
    expect(findings.acknowledgements).toBe(BATCHES);
    expect(findings.walSyncs).toBeGreaterThanOrEqual(BATCHES);
    console.log(
      `  ${findings.acknowledgements} acknowledgements, ${findings.walWrites} writes to the WAL, ${findings.walSyncs} syncs`,
    );
  });

  it('and without syncs, this recording would show it', () => {
    const findings = record(brokerWithoutSync(), 'careless');
    expect(findings.acknowledgements).toBe(BATCHES);
    expect(findings.walWrites).toBeGreaterThan(BATCHES);
    expect(findings.problems).toHaveLength(BATCHES);
  });
});

describe('the reading of a recording', () => {
  const opened = '7 openat(AT_FDCWD, "/tmp/a.db-wal", O_RDWR|O_CREAT, 0644) = 31\n';
  const acknowledged = '5 write(1, "acknowledged 1\\n", 15) = 15\n';

  it('takes a sync that ended before the acknowledgement, in one part or two', () => {
    const write = '7 pwrite64(31, "..."..., 4096, 0) = 4096\n';
    const parted = '7 fsync(31 <unfinished ...>\n5 write(9, "x", 1) = 1\n7 <... fsync resumed>)   = 0\n';
    expect(findSyncs(`${opened}${write}7 fsync(31)    = 0\n${acknowledged}`).problems).toEqual([]);
    expect(findSyncs(opened + write + parted + acknowledged).problems).toEqual([]);
  });

  it.each([
    ['no sync', ''],
    ['a sync of another file', '7 fsync(30) = 0\n'],
    ['a sync that failed', '7 fsync(31) = -1 EIO (Input/output error)\n'],
    ['a sync that is under way', '7 fsync(31 <unfinished ...>\n'],
    ['a write after the sync', '7 fsync(31) = 0\n7 pwrite64(31, "..."..., 24, 4096) = 24\n'],
    [
      'a write during the sync',
      '7 fsync(31 <unfinished ...>\n8 pwrite64(31, "", 24, 0) = 24\n7 <... fsync resumed>) = 0\n',
    ],
  ])('does not take %s', (_what, between) => {
    const write = '7 pwrite64(31, "..."..., 4096, 0) = 4096\n';
    expect(findSyncs(opened + write + between + acknowledged).problems).toHaveLength(1);
  });
});
