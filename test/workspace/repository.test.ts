// What is committed says nothing about the machine that it was written on.

import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { filesUnder } from '../../scripts/lib/stamp.mjs';
import { ROOT } from './packages.js';

const BINARY = /\.(?:png|jpe?g|gif|webp|ico|woff2?|db|gz|tgz)$/;
// Written apart, so that this file does not find itself.
const FORBIDDEN = [
  {
    what: 'a folder of one machine',
    pattern: new RegExp(`(?:^|[\\s"'\`(=:])/(?:${'wo'}rk|${'ro'}ot|home/\\w+)/`, 'm'),
  },
  { what: 'a registry host', pattern: new RegExp(`"resolved": "https?${':'}//`) },
  { what: 'a merge conflict', pattern: new RegExp(`^${'<'.repeat(7)} `, 'm') },
];

function trackedFiles(): string[] {
  try {
    return execFileSync('git', ['ls-files', '-z'], { cwd: ROOT, encoding: 'utf8', stdio: 'pipe' })
      .split('\0')
      .filter(Boolean);
  } catch {
    // A downloaded archive: everything in it was committed.
    return filesUnder([ROOT]).map((file) => file.slice(ROOT.length));
  }
}

const texts = trackedFiles().filter(
  (file) => !BINARY.test(file) && statSync(join(ROOT, file), { throwIfNoEntry: false })?.isFile(),
);

it.each(FORBIDDEN)('no file names $what', ({ pattern }) => {
  expect(texts.length).toBeGreaterThan(50);
  expect(texts.filter((file) => pattern.test(readFileSync(join(ROOT, file), 'utf8')))).toEqual([]);
});

it('the shims of commands are committed and can be executed', () => {
  const listed = execFileSync('git', ['ls-files', '-s', 'packages/*/bin/*', '.ci/run'], {
    cwd: ROOT,
    encoding: 'utf8',
  });
  const shims = listed.trim().split('\n');
  expect(shims.length).toBeGreaterThanOrEqual(2);
  for (const shim of shims) expect(shim).toMatch(/^100755 /);
});

it('a pattern finds what it is for', () => {
  const machine = FORBIDDEN[0]?.pattern;
  for (const text of [`see /${'work'}/main`, `"/${'root'}/x"`, `cd /${'home'}/ada/x`])
    expect(machine?.test(text)).toBe(true);
  for (const text of ['https://example.com/network/', 'net/work/x', '/line']) expect(machine?.test(text)).toBe(false);
});

it('decisions are numbered from 1, each once', () => {
  const numbers = readdirSync(join(ROOT, 'docs/decisions'))
    .filter((name) => name !== 'README.md')
    .map((name) => name.slice(0, 5));
  expect(numbers.sort()).toEqual(numbers.map((_, index) => `${String(index + 1).padStart(4, '0')}-`));
});
