import { Buffer } from 'node:buffer';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type ClientMessage, decodeClient, decodeServer, encode, MAX_DATA_DEPTH, utf8Bytes } from '../src/index.js';
import { CLIENT_SAMPLES, SERVER_SAMPLES } from './samples.js';

const clientMessage = fc.constantFrom(...Object.values(CLIENT_SAMPLES));
const publishing = (data: unknown) => JSON.stringify({ ...CLIENT_SAMPLES.publish, data });

describe('decoding', () => {
  it('TRA-3: gives every message of a WebSocket message, in order', () => {
    fc.assert(
      fc.property(fc.array(clientMessage, { maxLength: 20 }), fc.constantFrom('\n', '\r\n', '\n\n'), (sent, end) => {
        expect(decodeClient(sent.map(encode).join(end), 20)).toEqual(sent);
        expect(decodeClient(sent.map((message) => encode(message) + end).join(''), 20)).toEqual(sent);
      }),
    );
  });

  it('reads every message of the server', () => {
    const sent = Object.values(SERVER_SAMPLES);
    expect(decodeServer(sent.map(encode).join('\n'))).toEqual(sent);
  });

  it('finds nothing in empty text', () => {
    expect(decodeClient('', 1)).toEqual([]);
    expect(decodeClient('\n\r\n\n', 1)).toEqual([]);
  });

  it('gives the messages around a malformed one', () => {
    expect(decodeClient('{"type":"pong"}\n{oops\n{"type":"ping","id":1}', 9)).toEqual([
      { type: 'pong' },
      { type: 'problem', code: 'invalid', message: expect.stringContaining('not JSON') },
      { type: 'ping', id: 1 },
    ]);
  });

  it('TRA-5: counts objects, and obeys none of a message that has too many', () => {
    const lines = (count: number) => Array.from({ length: count }, () => '{"type":"pong"}').join('\n');
    expect(decodeClient(lines(2), 3)).toHaveLength(2);
    expect(decodeClient(lines(3), 3)).toHaveLength(3);
    expect(decodeClient(`${lines(3)}\n`, 3)).toHaveLength(3);
    expect(decodeClient(lines(4), 3)).toEqual([{ type: 'problem', code: 'too_large', message: expect.any(String) }]);
  });

  it('never throws: any text gives messages or problems', () => {
    const anything = fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.json(),
      fc.array(fc.oneof(fc.json(), clientMessage.map(encode), fc.string())).map((lines) => lines.join('\n')),
      fc
        .record({
          type: fc.constantFrom(...Object.keys({ ...CLIENT_SAMPLES, ...SERVER_SAMPLES }), 'ok'),
          id: fc.anything(),
        })
        .map((message) => stringify(message)),
    );
    fc.assert(
      fc.property(anything, (text) => {
        for (const decoded of [...decodeClient(text, 100), ...decodeServer(text)])
          expect(decoded.type).toBeTypeOf('string');
      }),
    );
  });

  it('TRA-6: a problem carries the id of its request when there is a usable one', () => {
    const idOf = (text: string) => decodeClient(text, 1)[0];
    expect(idOf('{"type":"read","id":4}')).toMatchObject({ type: 'problem', code: 'invalid', id: 4 });
    expect(idOf('{"type":"nonsense","id":9}')).toMatchObject({ type: 'problem', id: 9 });
    for (const id of ['0', '-1', '1.5', '"4"', 'null', '1e300', '{}']) {
      expect(idOf(`{"type":"read","id":${id}}`)).not.toHaveProperty('id');
    }
    for (const value of ['null', '7', '"id"', '[1]', 'true']) expect(idOf(value)).not.toHaveProperty('id');
  });

  it('names the type that it does not know, in a bounded sentence', () => {
    expect(decodeClient('{"type":"subscribed"}', 1)).toMatchObject([{ message: 'unknown type "subscribed"' }]);
    const [problem] = decodeClient(JSON.stringify({ type: 'x'.repeat(10_000) }), 1);
    expect(problem).toMatchObject({ type: 'problem' });
    expect(JSON.stringify(problem).length).toBeLessThan(200);
  });

  it.each(['constructor', '__proto__', 'toString', 'hasOwnProperty'])('does not know a type named %s', (type) => {
    expect(decodeClient(JSON.stringify({ type }), 1)).toMatchObject([{ type: 'problem', code: 'invalid' }]);
    expect(decodeServer(JSON.stringify({ type }))).toMatchObject([{ type: 'problem', code: 'invalid' }]);
  });

  it('keeps keys named __proto__ and constructor as data', () => {
    const data = '{"__proto__":{"admin":true},"constructor":{"prototype":1},"deep":[{"__proto__":null}]}';
    const [message] = decodeClient(`{"type":"publish","id":1,"stream":"a","producer":"p","seq":1,"data":${data}}`, 1);
    expect(JSON.stringify((message as { data: unknown }).data)).toBe(data);
    expect(({} as { admin?: unknown }).admin).toBeUndefined();
  });

  it('does not read fields from a __proto__ key', () => {
    const text = '{"type":"refresh","id":1,"__proto__":{"token":"x"}}';
    expect(decodeClient(text, 1)).toMatchObject([{ type: 'problem', message: expect.stringContaining('token') }]);
  });

  it('ignores fields that it does not know', () => {
    expect(decodeClient('{"type":"ping","id":1,"colour":"red"}', 1)).toMatchObject([{ type: 'ping', id: 1 }]);
  });
});

describe('depth', () => {
  const nested = (depth: number): unknown => JSON.parse('['.repeat(depth) + ']'.repeat(depth));
  const inObjects = (depth: number): unknown => JSON.parse(`${'{"a":'.repeat(depth)}1${'}'.repeat(depth)}`);

  it('PUB-1: data may be nested 100 deep, not deeper', () => {
    for (const make of [nested, inObjects]) {
      for (const depth of [MAX_DATA_DEPTH - 1, MAX_DATA_DEPTH]) {
        expect(decodeClient(publishing(make(depth)), 1)).toMatchObject([{ type: 'publish' }]);
      }
      expect(decodeClient(publishing(make(MAX_DATA_DEPTH + 1)), 1)).toMatchObject([
        { type: 'problem', id: 3, code: 'invalid', message: expect.stringContaining('data') },
      ]);
    }
  });

  it('survives brackets without end', () => {
    const deep = '['.repeat(100_000) + ']'.repeat(100_000);
    const text = JSON.stringify(CLIENT_SAMPLES.publish).replace('{"text":"hello"}', deep);
    expect(decodeClient(text, 1)).toMatchObject([{ type: 'problem', id: 3, code: 'invalid' }]);
    expect(decodeClient(deep, 1)).toMatchObject([{ type: 'problem' }]);
    expect(decodeClient(`{"type":"pong","x":${deep}}`, 1)).toMatchObject([{ type: 'pong' }]);
    expect(decodeClient('['.repeat(100_000), 1)).toMatchObject([{ type: 'problem' }]);
  });
});

describe('encode', () => {
  it('writes one line, whatever the data', () => {
    fc.assert(
      fc.property(fc.jsonValue(), (data) => {
        const message = { ...CLIENT_SAMPLES.publish, data } as ClientMessage;
        const line = encode(message);
        expect(line).not.toContain('\n');
        expect(JSON.stringify(decodeClient(line, 1))).toBe(JSON.stringify([message]));
      }),
    );
  });
});

describe('utf8Bytes', () => {
  it('counts what Node counts, for any string', () => {
    const halves = fc.constantFrom('\ud83d', '\ude80', 'a', 'é', '€', '\u{10ffff}', '\0', '\u07ff', '\u0800', '\uffff');
    fc.assert(
      fc.property(fc.oneof(fc.string({ unit: 'binary' }), fc.string({ unit: halves })), (text) => {
        expect(utf8Bytes(text)).toBe(Buffer.byteLength(text));
      }),
    );
  });
});

function stringify(value: unknown): string {
  try {
    return JSON.stringify(value) ?? '';
  } catch {
    return '';
  }
}
