import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { NOT_APPLYING, REQUIREMENTS } from './requirements.js';

/** The lines of the tests beside this file in which a name begins with an id. */
function namedLines(): string {
  const here = new URL('.', import.meta.url);
  return readdirSync(here)
    .filter((name) => name.endsWith('.test.ts'))
    .flatMap((name) => readFileSync(new URL(name, here), 'utf8').split('\n'))
    .filter((line) => /['"`](?:HC|HS|FR|PM|H2|H3)-\d\d /.test(line))
    .join('\n');
}

describe('requirements', () => {
  const names = namedLines();

  it('has a test for each requirement that applies', () => {
    const missing = Object.keys(REQUIREMENTS).filter((id) => !names.includes(id));
    expect(missing).toEqual([]);
  });

  it('has a reason for each that does not, and no gap between the ids', () => {
    expect(Object.values(NOT_APPLYING).every((reason) => reason.endsWith('.'))).toBe(true);
    const last = { HC: 20, HS: 12, FR: 26, PM: 13, H2: 7, H3: 1 };
    const all = Object.entries(last).flatMap(([kind, count]) =>
      Array.from({ length: count }, (_, index) => `${kind}-${String(index + 1).padStart(2, '0')}`),
    );
    expect([...Object.keys(REQUIREMENTS), ...Object.keys(NOT_APPLYING)].sort()).toEqual(all.sort());
  });

  it('knows every requirement that a test names', () => {
    const named = new Set(names.match(/\b(?:HC|HS|FR|PM|H2|H3)-\d\d\b/g));
    expect([...named].filter((id) => !(id in REQUIREMENTS))).toEqual([]);
  });
});
