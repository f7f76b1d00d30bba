// A newcomer's first minutes: `npm start` in a fresh clone, again, and twice at once.

import { spawn } from 'node:child_process';
import { cpSync, existsSync, mkdtempSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { environment, ROOT, run } from './tools.js';

let folder = '';
let clone = '';
const running = new Set<{ readonly pid: number; readonly ended: Promise<unknown> }>();
beforeAll(async () => {
  folder = realpathSync(mkdtempSync(join(tmpdir(), 'trunkline-clone-')));
  clone = join(folder, 'trunkline');
  // What a clone of the next commit would have.
  const listed = await run('git', ['ls-files', '-z', '--cached', '--others', '--exclude-standard'], ROOT);
  for (const file of new Set(listed.split('\0').filter((name) => existsSync(join(ROOT, name)) && name !== '')))
    cpSync(join(ROOT, file), join(clone, file));
});
afterAll(async () => {
  for (const { pid, ended } of running) {
    // Only of a test that failed: the others have stopped what they started.
    process.kill(-pid, 'SIGKILL');
    await ended;
  }
  rmSync(folder, { recursive: true, force: true });
});

describe('npm start', () => {
  // Within 90 seconds and within 3 on a machine that has nothing else to do; here it may have, so the figures are printed.
  it('installs, builds and serves, and ends when it is asked to', async () => {
    const started = await npmStart({ PORT: '0' });
    console.info(`the first start took ${(started.ms / 1_000).toFixed(1)} s`);
    expect(started.printed().match(/^npm warn .*/gm) ?? []).toEqual(ofThisMachine(started.printed()));
    expect((await fetch(started.url)).status).toBe(200);
    expect((await fetch(`${started.url}/line`)).status).toBe(426);
    expect(await started.stop('SIGTERM', 'npm alone')).toBe(0);
    await expect(fetch(started.url)).rejects.toThrow('fetch failed');
  });

  it('serves at once when nothing has changed', async () => {
    const started = await npmStart({ PORT: '0' });
    console.info(`the next start took ${(started.ms / 1_000).toFixed(1)} s`);
    expect(started.printed()).not.toMatch(/installing|compiling|bundling/);
    expect(await started.stop('SIGINT', 'its group')).toBe(0);
    await expect(fetch(started.url)).rejects.toThrow('fetch failed');
  });

  it('says in one line that its port is in use', async () => {
    const first = await npmStart({ PORT: '0' });
    const { port } = new URL(first.url);
    const second = run('npm', ['start', '--silent'], clone, { PORT: port, TRUNKLINE_DATA: join(folder, 'second') });
    await expect(second).rejects.toThrow(new RegExp(`ended with 1:\n(?:npm warn .*\n)*[^\n]*${port}[^\n]*\n$`));
    expect(await first.stop('SIGINT', 'npm alone')).toBe(0);
  });
});

/** A warning about this machine's own npm settings is not ours. */
function ofThisMachine(printed: string): string[] {
  return printed.match(/^npm warn Unknown user config .*/gm) ?? [];
}

async function npmStart(settings: Readonly<Record<string, string>>) {
  const began = performance.now();
  const child = spawn('npm', ['start'], {
    cwd: clone,
    env: { ...environment(), TRUNKLINE_DATA: join(folder, 'data'), ...settings },
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: true,
  });
  let printed = '';
  const ended = new Promise<number | null>((resolve) => child.on('close', resolve));
  const { pid } = child;
  if (pid === undefined) throw new Error('npm did not start');
  const entry = { pid, ended };
  running.add(entry);
  void ended.then(() => running.delete(entry));
  const url = await new Promise<string>((resolve, reject) => {
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding('utf8').on('data', (text: string) => {
        printed += text;
        const found = /^Trunkline demo: (http:\/\/[^\s/]+)/m.exec(printed)?.[1];
        if (found !== undefined) resolve(found);
      });
    }
    void ended.then(() => reject(new Error(`npm start ended:\n${printed}`)));
  });
  const ms = performance.now() - began;
  // A terminal's Ctrl-C reaches the whole group, and npm passes it on besides; `kill` reaches npm alone.
  const stop = (signal: 'SIGINT' | 'SIGTERM', whom: 'npm alone' | 'its group') => {
    process.kill(whom === 'npm alone' ? pid : -pid, signal);
    return ended;
  };
  return { url, ms, printed: () => printed, stop };
}
