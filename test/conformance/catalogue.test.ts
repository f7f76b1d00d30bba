import { isUtf8 } from 'node:buffer';
import { describe, expect, it } from 'vitest';
import { GROUPS } from './cases/index.mjs';
import { SEQUENCE_SETS } from './cases/utf8-sequences.mjs';
import { DATA_SETS, dataSet, wholeCharacters } from './lib/data-sets.mjs';

const CASES = GROUPS.flatMap((group) => group.cases);

/** Cases of the Autobahn testsuite in each of its groups; 8 and 11 have none that count. */
const CATALOGUE = { 1: 16, 2: 11, 3: 7, 4: 10, 5: 20, 6: 145, 7: 37, 9: 54, 10: 1, 12: 90, 13: 126 };

/** What a server can be held to over the wire. Left out: what only clients do, or only an API shows. */
const REQUIREMENTS = [...numbered('HS', 12, []), ...numbered('FR', 26, [7, 17, 18, 25]), ...numbered('PM', 12, [])];

function numbered(prefix: string, last: number, left: readonly number[]): string[] {
  return Array.from({ length: last }, (_, at) => at + 1)
    .filter((number) => !left.includes(number))
    .map((number) => `${prefix}-${String(number).padStart(2, '0')}`);
}

describe('the cases', () => {
  it('have a counterpart for each of the 517 of the catalogue', () => {
    const numbers = CASES.flatMap(({ catalogue }) => catalogue ?? []);
    expect(new Set(numbers).size).toBe(numbers.length);
    const counts: Record<string, number> = {};
    for (const number of numbers) {
      const group = number.split('.', 1)[0] ?? '';
      counts[group] = (counts[group] ?? 0) + 1;
    }
    expect(counts).toEqual(CATALOGUE);
    expect(numbers).toHaveLength(517);
  });

  it('number each sub-group from 1 without a gap', () => {
    const last = new Map<string, number>();
    for (const { catalogue } of CASES) {
      if (catalogue === undefined) continue;
      const parts = catalogue.split('.');
      const prefix = parts.slice(0, -1).join('.');
      last.set(prefix, Math.max(last.get(prefix) ?? 0, Number(parts.at(-1))));
    }
    const total = [...last.values()].reduce((sum, number) => sum + number, 0);
    expect(total).toBe(517);
  });

  it('have ids of their own, and say what they do, expect and check', () => {
    for (const group of GROUPS) expect(new Set(group.cases.map(({ id }) => id)).size).toBe(group.cases.length);
    for (const one of CASES) {
      expect(one.id).toMatch(/^[a-z0-9.+-]+$/);
      expect(one.does.length * one.expects.length * one.requirements.length).toBeGreaterThan(0);
    }
  });

  it('check every requirement that binds a server on the wire', () => {
    const checked = new Set(CASES.flatMap(({ requirements }) => requirements));
    expect(REQUIREMENTS.filter((id) => !checked.has(id))).toEqual([]);
  });
});

describe('the UTF-8 sequences', () => {
  it('have the sizes of the catalogue', () => {
    expect(SEQUENCE_SETS.map(({ number }) => number)).toEqual(Array.from({ length: 19 }, (_, at) => at + 5));
    expect(SEQUENCE_SETS.map(({ sequences }) => sequences.length)).toEqual([
      5, 11, 4, 2, 4, 3, 5, 8, 5, 10, 1, 3, 5, 5, 5, 7, 8, 34, 7,
    ]);
  });

  it('are valid exactly where an independent decoder says so', () => {
    const all = SEQUENCE_SETS.flatMap(({ sequences }) => sequences);
    expect(all.filter(({ octets, isValid }) => isUtf8(octets) !== isValid)).toEqual([]);
  });

  it('are all different', () => {
    const all = SEQUENCE_SETS.flatMap(({ sequences }) => sequences.map(({ octets }) => octets.toString('hex')));
    // Two sets share U+FFFE, U+FFFF, U+FFFD and U+10FFFF with others, as in the catalogue.
    expect(all.length - new Set(all).size).toBeLessThan(20);
  });
});

describe('the data sets', () => {
  it('have the sizes of the catalogue and the same octets each time', () => {
    expect(DATA_SETS.map(({ name }) => dataSet(name).bytes.length)).toEqual([
      194_056, 263_222, 222_218, 263_647, 1_042_328,
    ]);
    for (const { name, make } of DATA_SETS) expect(make().equals(dataSet(name).bytes)).toBe(true);
  });

  it('are UTF-8 wherever a text is cut out of them', () => {
    for (const { name, isText } of DATA_SETS) {
      const { bytes } = dataSet(name);
      if (!isText) continue;
      expect(isUtf8(bytes)).toBe(true);
      for (let start = 0; start < 2_000; start++) {
        const slice = wholeCharacters(bytes, start, 16 + (start % 50));
        expect(slice.length).toBe(16 + (start % 50));
        expect(isUtf8(slice)).toBe(true);
      }
    }
  });
});
