import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { REQUIREMENTS } from './requirements.js';

/** The lines of the tests beside this file in which a name begins with an id. */
function namedLines(): string {
  const here = new URL('.', import.meta.url);
  return readdirSync(here)
    .filter((name) => name.endsWith('.test.ts'))
    .flatMap((name) => readFileSync(new URL(name, here), 'utf8').split('\n'))
    .filter((line) => /['"`](?:HC|HS|FR|PM|H2)-\d\d /.test(line))
    .join('\n');
}

describe('requirements', () => {
  const names = namedLines();

  it('has a test for each mandatory requirement', () => {
    const missing = Object.keys(REQUIREMENTS).filter((id) => !names.includes(id));
    expect(missing).toEqual([]);
  });

  it('knows every requirement that a test names', () => {
    const named = new Set(names.match(/\b(?:HC|HS|FR|PM|H2)-\d\d\b/g));
    expect([...named].filter((id) => !(id in REQUIREMENTS))).toEqual([]);
  });
});
