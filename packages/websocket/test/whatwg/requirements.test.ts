import { readdirSync, readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { REQUIREMENTS } from './requirements.js';

it('each requirement has a test, and each id in a test is a requirement', () => {
  const here = new URL('.', import.meta.url);
  const texts = readdirSync(here)
    .filter((name) => name.endsWith('.test.ts') && name !== 'requirements.test.ts')
    .map((name) => readFileSync(new URL(name, here), 'utf8'));
  const named = texts.flatMap((text) =>
    [...text.matchAll(/\bit(?:\.each\(.*\))?\(\s*'(WA-\d\d) /g)].map(([, id]) => id),
  );
  expect([...new Set(named)].sort()).toEqual(Object.keys(REQUIREMENTS));
});
