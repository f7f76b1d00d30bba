import { describe, expect, it } from 'vitest';
import {
  collectFields,
  isFieldValue,
  isToken,
  listsToken,
  parseExtensions,
  parseTokenList,
} from '../src/header-fields.js';
import { fc } from './support/property.js';

describe('header fields', () => {
  it('knows tokens', () => {
    for (const token of ['a', 'chat.v1', "!#$%&'*+-.^_`|~", '13']) expect(isToken(token), token).toBe(true);
    for (const other of ['', ' a', 'a b', 'a,b', 'a;b', 'a=b', 'ä', 'a/b', '"a"', 'a\r\n', '\0', '(a)', '{']) {
      expect(isToken(other), other).toBe(false);
    }
  });

  it('knows field values', () => {
    expect(isFieldValue('any text\twith tab and \u00ff')).toBe(true);
    for (const other of ['a\rb', 'a\nb', 'a\0b', '\x7f', '€']) expect(isFieldValue(other), other).toBe(false);
  });

  it('reads token lists', () => {
    expect(parseTokenList('a')).toEqual(['a']);
    expect(parseTokenList(' a ,b,\tc ')).toEqual(['a', 'b', 'c']);
    for (const other of ['', ' ', ',', 'a,', ',a', 'a,,b', 'a b', 'a;b', 'a,"b"']) {
      expect(parseTokenList(other), other).toBe(null);
    }
  });

  it('finds a token in a list, whatever its case and neighbours', () => {
    for (const list of ['upgrade', 'Upgrade', 'keep-alive, Upgrade', ',,UPGRADE ,', 'x/1, upgrade', '"q", upgrade']) {
      expect(listsToken(list, 'upgrade'), list).toBe(true);
    }
    for (const list of [undefined, '', 'upgraded', 'up grade', 'upgrade/1', 'x upgrade', 'keep-alive']) {
      expect(listsToken(list, 'upgrade'), list).toBe(false);
    }
  });

  it('FR-23 reads extensions with parameters, quoted or not', () => {
    expect(parseExtensions('permessage-deflate')).toEqual([{ name: 'permessage-deflate', parameters: [] }]);
    expect(parseExtensions('a; b ;c=1 , d; e="x\\y" ;f = g')).toEqual([
      {
        name: 'a',
        parameters: [
          ['b', null],
          ['c', '1'],
        ],
      },
      {
        name: 'd',
        parameters: [
          ['e', 'xy'],
          ['f', 'g'],
        ],
      },
    ]);
    // Names like members of Object.prototype are names like others.
    expect(parseExtensions('__proto__; constructor=toString')).toEqual([
      { name: '__proto__', parameters: [['constructor', 'toString']] },
    ]);
  });

  it.each([
    '',
    ',',
    'a,',
    ',a',
    'a,,b',
    ';',
    'a;',
    'a;;b',
    'a;=b',
    'a;b=',
    'a;b=;c',
    'a;b="',
    'a;b=""',
    'a;b="x y"',
    'a;b="x',
    'a;b="x"y',
    'a;b="x\\',
    'a b',
    'a=b',
    'a;b c',
    'ä',
  ])('FR-23 refuses the extensions %j', (text) => {
    expect(parseExtensions(text)).toBe(null);
  });

  it('collects fields by lower-case name into a map without a prototype', () => {
    const { fields, repeated } = collectFields([
      'Host',
      'x',
      'Cookie',
      'a',
      'cookie',
      'b',
      'X-A',
      '1',
      'x-a',
      '2',
      '__proto__',
      'p',
    ]);
    expect({ ...fields }).toEqual({ host: 'x', cookie: 'a; b', 'x-a': '1, 2', ['__proto__']: 'p' });
    expect(Object.getPrototypeOf(fields)).toBe(null);
    expect([...repeated]).toEqual(['cookie', 'x-a']);
  });

  it('never throws, whatever the text', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.string({ unit: fc.constantFrom(...'a,;="\\ \t') })), (text) => {
        const offers = parseExtensions(text);
        for (const { name, parameters } of offers ?? []) {
          expect(isToken(name)).toBe(true);
          expect(parameters.every(([key, value]) => isToken(key) && (value === null || isToken(value)))).toBe(true);
        }
        expect((parseTokenList(text) ?? []).every(isToken)).toBe(true);
        expect(typeof listsToken(text, 'a')).toBe('boolean');
      }),
      { numRuns: 2_000 },
    );
  });
});
