// Every rule of docs/PROTOCOL.md is named by a test of the core or of the server, or, if only clients keep it, of the client.

import { readdirSync, readFileSync } from 'node:fs';
import { expect, it } from 'vitest';

const DOCUMENT = readFileSync(new URL('../../../docs/PROTOCOL.md', import.meta.url), 'utf8');

function rules(): string[] {
  return [...DOCUMENT.matchAll(/^- \*\*([A-Z]{3}-\d+)\*\*/gm)].map(([, rule]) => rule ?? '');
}

/** Any number of any section that has rules: a list written here would forget the newest. */
const RULE = new RegExp(`\\b(?:${[...new Set(rules().map((rule) => rule.slice(0, 3)))].join('|')})-\\d+\\b`, 'g');

/** Rules in the texts of a folder's tests; comments do not count. */
function named(folder: string): string[] {
  const url = new URL(folder, import.meta.url);
  return readdirSync(url)
    .filter((file) => file.endsWith('.test.ts'))
    .flatMap((file) => {
      const lines = readFileSync(new URL(file, url), 'utf8').split('\n');
      const code = lines.filter((line) => !/^\s*(?:\/\/|\*)/.test(line)).join('\n');
      return [...code.matchAll(/'[^'\n]*'|"[^"\n]*"|`[^`]*`/g)].flatMap(([text]) => text.match(RULE) ?? []);
    });
}

it('the document has rules', () => {
  expect(rules().length).toBeGreaterThan(30);
  expect(rules()).toEqual([...new Set(rules())]);
});

it('each has a test that names it', () => {
  const tested = new Set([...named('../../core/test/'), ...named('./'), ...named('../../client/test/')]);
  expect(rules().filter((rule) => !tested.has(rule))).toEqual([]);
});

it('no test names a rule that there is not', () => {
  const known = new Set(rules());
  expect([...named('../../core/test/'), ...named('./')].filter((rule) => !known.has(rule))).toEqual([]);
});
