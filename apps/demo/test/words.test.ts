import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { pretty } from '../client/wire/pretty.js';
import { bytes, since } from '../client/wire/units.js';
import { readSettings, StartError } from '../server/settings.js';
import { tidy } from '../server/tidy.js';
import { parseCut } from '../shared/cut-json.js';
import { checkName } from '../shared/names.js';

describe('names', () => {
  it('are trimmed and kept', () => {
    expect(checkName('  Ada  ')).toEqual({ name: 'Ada' });
    expect(checkName('x'.repeat(40))).toEqual({ name: 'x'.repeat(40) });
    expect(checkName('👩‍🚀 Mia')).toEqual({ name: '👩‍🚀 Mia' });
  });

  it('are refused with a sentence', () => {
    for (const bad of ['', '   ', 'x'.repeat(41), 'a\nb', 'a\u0000', 'a\u202eb', undefined, 7]) {
      expect(checkName(bad)).toEqual({ problem: expect.stringMatching(/^A name .*\.$/) });
    }
  });
});

describe('tidying', () => {
  it('leaves one kind of line break and no control characters', () => {
    expect(tidy(' a\r\nb\rc \n\n\n\nd\u0007 ')).toBe('a\nb\nc\n\nd');
    expect(tidy('\u0007\u0000 \n')).toBe('');
  });

  it('does nothing the second time', () => {
    fc.assert(fc.property(fc.string({ unit: 'grapheme' }), (text) => tidy(tidy(text)) === tidy(text)));
  });
});

describe('settings', () => {
  it('have defaults', () => {
    expect(readSettings({})).toMatchObject({
      port: 7400,
      host: '127.0.0.1',
      dataFolder: expect.stringMatching(/data$/),
      drainMs: 0,
    });
    expect(readSettings({ PORT: '0', HOST: ' ::1 ' })).toMatchObject({ port: 0, host: '::1' });
  });

  it('refuse what is no port', () => {
    for (const PORT of ['x', '-1', '1.5', '65536', '0x10']) expect(() => readSettings({ PORT })).toThrow(StartError);
  });

  it('take a time to move in whole seconds, a day at most', () => {
    const drainMs = (TRUNKLINE_DRAIN: string) => readSettings({ TRUNKLINE_DRAIN }).drainMs;
    expect([drainMs(''), drainMs('0'), drainMs(' 20 '), drainMs('86400')]).toEqual([0, 0, 20_000, 86_400_000]);
    for (const text of ['x', '-1', '1.5', '86401', '1e3']) expect(() => drainMs(text)).toThrow(StartError);
  });
});

describe('pretty', () => {
  it('prints a line for each field', () => {
    expect(pretty('{"a":[1,{"b":"x,y"}],"c":{}}')).toBe(
      '{\n  "a": [\n    1,\n    {\n      "b": "x,y"\n    }\n  ],\n  "c": {}\n}',
    );
  });

  it('is JSON.stringify for JSON, and changes no token of what is cut', () => {
    fc.assert(
      fc.property(fc.object({ withBoxedValues: false }), fc.nat(), (value, cut) => {
        const json = JSON.stringify(value);
        if (Object.keys(value).length > 0) expect(pretty(json)).toBe(JSON.stringify(value, null, 2));
        expect(() => pretty(json.slice(0, cut % json.length))).not.toThrow();
      }),
    );
  });
});

/** Whether a value is another one with less in it. */
function isWithin(part: unknown, whole: unknown): boolean {
  if (typeof part !== 'object' || part === null || typeof whole !== 'object' || whole === null) return part === whole;
  return Object.entries(part).every(
    ([name, value]) => Object.hasOwn(whole, name) && isWithin(value, Reflect.get(whole, name)),
  );
}

describe('JSON that is cut', () => {
  it('is what came whole', () => {
    expect(parseCut('{"set":{"A":{"bid":1,"ask":2},"B":{"bid":3,"as')).toEqual({
      set: { A: { bid: 1, ask: 2 }, B: { bid: 3 } },
    });
    expect(parseCut('{"delete":["a","b\\"}')).toEqual({ delete: ['a'] });
    expect(parseCut('nothing of it')).toBeUndefined();
  });

  it('is never more than the whole, wherever it ends', () => {
    fc.assert(
      fc.property(fc.object({ withBoxedValues: false }), fc.nat(), (value, at) => {
        const json = JSON.stringify(value);
        const whole = JSON.parse(json) as object;
        expect(parseCut(json)).toEqual(whole);
        const part = parseCut(json.slice(0, 1 + (at % json.length)));
        expect(isWithin(part, whole)).toBe(true);
      }),
    );
  });
});

describe('sizes and times', () => {
  it('have units', () => {
    expect([bytes(999), bytes(3100), bytes(1_250_000)]).toEqual(['999 B', '3.1 KB', '1.3 MB']);
    expect([since(0.42), since(120), since(2500), since(180_000)]).toEqual(['+0.4 ms', '+120 ms', '+2.5 s', '+3 min']);
  });
});
