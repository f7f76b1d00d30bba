import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { BadNameError, MAX_STREAM_NAME_BYTES, parseStreamName, streamName } from '../src/index.js';

/** Any text but lone surrogates, with the awkward ones often. */
const text = fc.oneof(
  fc.string({ unit: 'grapheme', minLength: 1, maxLength: 12 }),
  fc.constantFrom(
    '/',
    '%',
    '%2F',
    '.',
    '..',
    '~',
    "!'()*",
    '🚀',
    'é',
    'e\u0301',
    '__proto__',
    'constructor',
    '\0',
    ' ',
    '\n',
  ),
);

describe('streamName', () => {
  it('joins the key and the parameters', () => {
    expect(streamName('chat', ['lobby'])).toBe('chat/lobby');
    expect(streamName('quotes', [])).toBe('quotes');
  });

  it('encodes what has a meaning in a name', () => {
    expect(streamName('chat', ['a/b', '100%', 'ü'])).toBe('chat/a%2Fb/100%25/%C3%BC');
  });

  it('is undone by parseStreamName, whatever the parameters', () => {
    fc.assert(
      fc.property(text, fc.array(text, { maxLength: 5 }), (key, params) => {
        fc.pre(encodeURIComponent([key, ...params].join('/')).length <= MAX_STREAM_NAME_BYTES);
        const name = streamName(key, params);
        expect(parseStreamName(name)).toEqual({ key, params });
        expect(name).toMatch(/^[ -~]+$/);
      }),
    );
  });

  it('gives different names to different parameters', () => {
    fc.assert(
      fc.property(fc.array(text, { maxLength: 4 }), fc.array(text, { maxLength: 4 }), (one, other) => {
        fc.pre([one, other].every((params) => encodeURIComponent(params.join('/')).length < MAX_STREAM_NAME_BYTES - 2));
        const same = JSON.stringify(one) === JSON.stringify(other);
        expect(streamName('k', one) === streamName('k', other)).toBe(same);
      }),
    );
  });

  it('refuses an empty parameter, an empty key, and what is not text', () => {
    expect(() => streamName('chat', [''])).toThrow(BadNameError);
    expect(() => streamName('', [])).toThrow(BadNameError);
    expect(() => streamName('chat', [7 as unknown as string])).toThrow(BadNameError);
  });

  it('refuses half of a surrogate pair', () => {
    expect(() => streamName('chat', ['\ud83d'])).toThrow(BadNameError);
    expect(() => streamName('chat', ['\ude80x'])).toThrow(BadNameError);
  });

  it('allows names of up to 512 bytes', () => {
    const longest = MAX_STREAM_NAME_BYTES - 'chat/'.length;
    expect(streamName('chat', ['x'.repeat(longest - 1)])).toHaveLength(511);
    expect(streamName('chat', ['x'.repeat(longest)])).toHaveLength(512);
    expect(() => streamName('chat', ['x'.repeat(longest + 1)])).toThrow(BadNameError);
  });

  it('counts encoded bytes: an emoji is 12 of them', () => {
    expect(streamName('k', ['🚀'.repeat(42)])).toHaveLength(2 + 42 * 12);
    expect(() => streamName('k', ['🚀'.repeat(43)])).toThrow(BadNameError);
  });
});

describe('parseStreamName', () => {
  it('takes names of up to 512 bytes', () => {
    expect(parseStreamName('x'.repeat(512))).toEqual({ key: 'x'.repeat(512), params: [] });
    expect(parseStreamName('x'.repeat(513))).toBeNull();
  });

  it.each([
    ['', 'empty'],
    ['/', 'no key'],
    ['chat/', 'an empty parameter'],
    ['/lobby', 'an empty key'],
    ['chat//x', 'an empty parameter in the middle'],
    ['chat/%', 'a bare percent sign'],
    ['chat/%2', 'half an escape'],
    ['chat/%2f', 'an escape in lower case'],
    ['chat/%41', 'an escape of what needs none'],
    ['chat/%FF', 'bytes that are not UTF-8'],
    ['chat/%C0%AF', 'an overlong encoding'],
    ['chat/%ED%A0%BD', 'an encoded surrogate'],
    ['chat/ü', 'a letter that must be encoded'],
    ['chat/a b', 'a space'],
    ['chat/lobby?x', 'a question mark'],
    ['chat/lobby\n', 'a newline at the end'],
  ])('refuses %j: %s', (name) => {
    expect(parseStreamName(name)).toBeNull();
  });

  it('takes only the canonical spelling of any name', () => {
    fc.assert(
      fc.property(
        fc.oneof(fc.string(), fc.string({ unit: fc.constantFrom('%', '/', 'a', '2', 'F', 'C', '.') })),
        (name) => {
          const parsed = parseStreamName(name);
          if (parsed !== null) expect(streamName(parsed.key, parsed.params)).toBe(name);
        },
      ),
    );
  });
});
