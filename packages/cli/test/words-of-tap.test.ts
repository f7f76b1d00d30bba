import { describe, expect, it } from 'vitest';
import { parseCommand } from '../src/arguments.js';
import { closeWords } from '../src/tap/close-words.js';
import { FrameWords } from '../src/tap/frames.js';
import { bytesOf, hexRows, printable } from '../src/tap/printable.js';

const failing = (...words: string[]) => {
  try {
    parseCommand(words);
  } catch (error) {
    return (error as Error).message.replace('; see trunkline --help', '');
  }
  return 'nothing';
};

describe('the words of tap', () => {
  const tap = (...words: string[]) => parseCommand(['tap', ...words], { TRUNKLINE_TOKEN: 'env' });

  it('have defaults', () => {
    expect(tap('ws://x')).toEqual({
      name: 'tap',
      url: new URL('ws://x/'),
      subprotocols: [],
      headers: {},
      binary: false,
      deflate: false,
      ca: null,
      insecure: false,
      lingerMs: 1_000,
      shownBytes: 4_096,
      follow: null,
    });
  });

  it.each([
    ['localhost:80/a', 'ws://localhost/a'],
    ['http://x/a?b', 'ws://x/a?b'],
    ['HTTPS://x', 'wss://x/'],
    ['wss://x:444', 'wss://x:444/'],
  ])('take %s for %s', (given, url) => {
    expect(tap(given)).toMatchObject({ url: new URL(url) });
  });

  it('name a stream, whose server is at /line unless it is said', () => {
    expect(tap('http://x', '--stream', 'chat/a%20b/c d')).toMatchObject({
      url: new URL('ws://x/line'),
      follow: {
        key: 'chat',
        params: ['a b', 'c d'],
        token: 'env',
        last: null,
        keys: null,
        ratePerSecond: null,
        json: false,
      },
    });
    expect(tap('http://x/other', '--stream', 'news', '--token', 't', '--last', '0')).toMatchObject({
      url: new URL('ws://x/other'),
      follow: { key: 'news', params: [], token: 't', last: 0 },
    });
  });

  it('say which rows of a table, how often, and in what form', () => {
    const words = ['http://x', '--stream', 'q', '--keys', 'A,B%2CC', '--keys', 'D', '--rate', '0.5', '--json'];
    expect(tap(...words)).toMatchObject({ follow: { keys: ['A', 'B,C', 'D'], ratePerSecond: 0.5, json: true } });
    expect(tap('http://x', '--stream', 'q', '--rate', '100')).toMatchObject({ follow: { ratePerSecond: 100 } });
  });

  it.each([
    [[], 'tap needs a URL'],
    [['ws://a', 'ws://b'], 'tap takes one URL, not 2'],
    [['ftp://a'], '"ftp://a" is not a WebSocket URL'],
    [['ws://'], '"ws://" is not a WebSocket URL'],
    [['ws://a', '-H', 'no colon'], 'a header is written "Name: value", not "no colon"'],
    [['ws://a', '--linger', 'x'], '--linger must be a number from 0 to 2147483647, not "x"'],
    [['ws://a', '--port', '1'], 'tap has no option --port'],
    [['ws://a', '--token', 't'], '--token is for --stream'],
    [['ws://a', '--last', '5'], '--last is for --stream'],
    [['ws://a', '--keys', 'A'], '--keys is for --stream'],
    [['ws://a', '--json'], '--json is for --stream'],
    [
      ['ws://a', '--stream', 'a', '--keys', 'A,'],
      '--keys takes keys with commas between them, and none of them is empty',
    ],
    [['ws://a', '--stream', 'a', '--rate', '0'], '--rate must be a number above 0 and at most 100, not "0"'],
    [['ws://a', '--stream', 'a', '--rate', '100.1'], '--rate must be a number above 0 and at most 100, not "100.1"'],
    [['ws://a', '--stream', 'a', '--rate', 'fast'], '--rate must be a number above 0 and at most 100, not "fast"'],
    [
      ['ws://a', '--stream', 'a', '--last', '1', '--rate', '1'],
      '--last is for logs and --rate for tables: a stream is one of them',
    ],
    [['ws://a', '--stream', 'a', '--binary'], '--binary cannot be used with --stream'],
    [['ws://a', '--stream', 'a//b'], '--stream takes a name like chat/lobby, not "a//b"'],
  ])('%j: %s', (words, problem) => {
    expect(failing('tap', ...words)).toBe(problem);
  });

  it.each([
    [['x'], 'echo takes options only, not "x"'],
    [['--key', 'k'], 'TLS needs both --cert FILE and --key FILE, in PEM format, or neither'],
    [['--tls', '--cert', 'c'], 'TLS needs both --cert FILE and --key FILE, in PEM format, or neither'],
    [['--max-message', '1073741824'], '--max-message must be a number from 0 to 1073741823, not "1073741824"'],
    [['--data', 'd'], 'echo has no option --data'],
  ])('echo %j: %s', (words, problem) => {
    expect(failing('echo', ...words)).toBe(problem);
  });
});

describe('what is printed', () => {
  it('is on one line and only text', () => {
    expect(printable('a\tb\n\u0000\u007f\u0085\u2028é€😀')).toBe('a\\tb\\n\\u0000\\u007f\\u0085\\u2028é€😀');
  });

  it('is hex in rows', () => {
    expect(hexRows(Buffer.from('0001020304050607080910', 'hex'))).toEqual([
      '00000000  00 01 02 03 04 05 06 07 08 09 10                 ...........',
    ]);
    expect(bytesOf(' 0x00 fF ')).toEqual(Buffer.from([0, 255]));
    expect(bytesOf('abc')).toBeNull();
    expect(bytesOf('zz')).toBeNull();
  });

  it('explains every close code', () => {
    for (const code of [1000, 1006, 1015, 4501]) expect(closeWords(code)).toMatch(/: /);
    expect(closeWords(3123)).toMatch(/registered/);
    expect(closeWords(4999)).toMatch(/application/);
    for (const code of [0, 999, 1016, 2999, 5000]) expect(closeWords(code)).toBe('not a valid code');
  });

  it('knows a fragment by the frame before it, per direction', () => {
    const words = new FrameWords();
    const frame = (direction: 'in' | 'out', opcode: number, fin: boolean, text: string) =>
      words.lines({ direction, opcode, fin, payloadBytes: text.length, preview: Buffer.from(text) });
    expect(frame('in', 1, false, 'ab')).toEqual(['← text            2 B (more follows)  ab']);
    expect(frame('out', 2, true, 'x')).toEqual(['→ binary          1 B  78']);
    expect(frame('in', 9, true, '')).toEqual(['← ping            0 B']);
    expect(frame('in', 0, true, 'cd')).toEqual(['← continued       2 B  cd']);
    expect(frame('in', 8, true, '')).toEqual(['← close           0 B']);
  });
});
