// docs/guarantees.md names tests and numbers: the tests exist, and the numbers are those of the code.

import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { DEFAULT_LIMITS, MAX_SLICE_BYTES, MAX_UNACKNOWLEDGED, PRODUCER_MEMORY_MS } from '@trunkline/protocol';
import { describe, expect, it } from 'vitest';
import { ROOT } from './packages.js';

const text = readFileSync(join(ROOT, 'docs/guarantees.md'), 'utf8');
const sections = new Map(
  text
    .split(/^## /m)
    .slice(1)
    .map((section) => [section.slice(0, section.search(/ |\n/)), section]),
);

const listed = [...text.matchAll(/^\| \[(\w+)\]\(#/gm)].map(([, name = '']) => name);

it('has a section for each promise of its table', () => {
  expect(listed).toContain('G1');
  expect([...sections.keys()].sort()).toEqual([...listed].sort());
});

describe.each(listed)('%s', (name) => {
  const section = sections.get(name) ?? '';

  it('says what bounds it, what it does not cover and what tries to break it', () => {
    for (const part of ['*Bounds:*', '*Not covered:*', '*Tried by:*']) expect(section).toContain(part);
  });

  it('names tests that exist', () => {
    const paths = [...section.matchAll(/`((?:packages|test|apps)\/[\w./-]+)`/g)].map(([, path = '']) => path);
    expect(paths.filter((path) => path.endsWith('.ts'))).not.toEqual([]);
    expect(paths.filter((path) => !existsSync(join(ROOT, path)))).toEqual([]);
  });
});

it.each([
  ['G1', MAX_SLICE_BYTES],
  ['G1', DEFAULT_LIMITS.maxEntryBytes],
  ['G3', MAX_UNACKNOWLEDGED],
  ['G3', PRODUCER_MEMORY_MS / 86_400_000],
  ['G4', DEFAULT_LIMITS.maxPageEntries],
  ['G5', DEFAULT_LIMITS.maxSubscriptions],
  ['G5', DEFAULT_LIMITS.maxObjectsPerMessage],
  ['G5', DEFAULT_LIMITS.maxRequestsInWork],
  ['G5', DEFAULT_LIMITS.publishRatePerSecond],
  ['G5', DEFAULT_LIMITS.publishBurst],
])('%s tells %i, which is the code’s', (name, number) => {
  expect(sections.get(name)).toMatch(new RegExp(`\\b${number.toLocaleString('en')}\\b`));
});
