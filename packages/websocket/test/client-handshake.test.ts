import { describe, expect, it } from 'vitest';
import { buildRequest, checkResponse, parseTarget, ResponseReader } from '../src/client-handshake.js';
import { BreachError, MisuseError, TransportError, WebSocketError } from '../src/index.js';
import { fc } from './support/property.js';

const KEY = 'dGhlIHNhbXBsZSBub25jZQ==';
const ACCEPT = 's3pPLMBiTxaQ9kYGzzhZRbK+xOo=';
const GOOD = {
  Upgrade: 'websocket',
  Connection: 'Upgrade',
  'Sec-WebSocket-Accept': ACCEPT,
};

function response(
  fields: Readonly<Record<string, string | undefined>>,
  more = '',
  statusLine = 'HTTP/1.1 101 Switching Protocols',
): string {
  const lines = Object.entries({ ...GOOD, ...fields }).flatMap(([name, value]) =>
    value === undefined ? [] : [`${name}: ${value}\r\n`],
  );
  return `${statusLine}\r\n${lines.join('')}${more}\r\n`;
}

/** The subprotocol a client agrees to; throws as the client fails. */
function judge(text: string, protocols: readonly string[] = []): string {
  const read = new ResponseReader(16_384, 100).push(Buffer.from(text, 'latin1'));
  if (read === null) throw new Error('incomplete');
  return checkResponse(read.head, KEY, protocols);
}

function lines(url: string, protocols: readonly string[] = [], headers: Record<string, string> = {}): string[] {
  const request = buildRequest(parseTarget(url), KEY, protocols, headers);
  expect(request.endsWith('\r\n\r\n')).toBe(true);
  return request.slice(0, -4).split('\r\n');
}

describe('the opening handshake of a client', () => {
  it('HC-01 knows default ports and the resource name', () => {
    expect(parseTarget('ws://example.com')).toMatchObject({
      port: 80,
      resource: '/',
      hostname: 'example.com',
      isSecure: false,
    });
    expect(parseTarget('wss://example.com/a/b?c=d%23')).toMatchObject({
      port: 443,
      resource: '/a/b?c=d%23',
      isSecure: true,
    });
    expect(parseTarget(new URL('ws://[::1]:8080/x'))).toMatchObject({
      port: 8080,
      hostname: '::1',
      host: '[::1]:8080',
    });
  });

  it.each(['ws://example.com/#top', 'ws://example.com/#', 'ws://example.com/?a#b'])(
    'HC-01 refuses the fragment in %s',
    (url) => {
      expect(() => parseTarget(url)).toThrow(MisuseError);
    },
  );

  it.each([
    '',
    'example.com',
    '/line',
    'http://example.com',
    'ftp://example.com',
    'ws://',
    'ws://exa mple.com',
    'ws://example.com:0',
    'ws://example.com:65536',
    'ws://user:secret@example.com',
  ])('HC-02 refuses %j before connecting', (url) => {
    expect(() => parseTarget(url)).toThrow(expect.objectContaining({ code: 'invalid_url' }));
  });

  it('HC-06 sends GET, HTTP/1.1 and the resource name', () => {
    expect(lines('ws://example.com/chat?room=1')[0]).toBe('GET /chat?room=1 HTTP/1.1');
    expect(lines('ws://example.com')[0]).toBe('GET / HTTP/1.1');
  });

  it('HC-07 sends Host with the port only when it is not the default', () => {
    expect(lines('ws://example.com:80/')).toContain('Host: example.com');
    expect(lines('wss://example.com:443/')).toContain('Host: example.com');
    expect(lines('ws://example.com:443/')).toContain('Host: example.com:443');
    expect(lines('wss://[::1]:7400/')).toContain('Host: [::1]:7400');
  });

  it('HC-08 sends Upgrade and Connection, HC-10 the version, HC-09 the key, each once', () => {
    const sent = lines('ws://example.com', ['a'], { 'X-Other': 'y' });
    for (const line of [
      'Upgrade: websocket',
      'Connection: Upgrade',
      'Sec-WebSocket-Version: 13',
      `Sec-WebSocket-Key: ${KEY}`,
    ]) {
      expect(
        sent.filter((other) => other.toLowerCase().startsWith(line.toLowerCase().split(':')[0] as string)),
      ).toEqual([line]);
    }
  });

  it('HC-10 a caller cannot send the version or key twice', () => {
    for (const name of [
      'Sec-WebSocket-Version',
      'sec-websocket-key',
      'Upgrade',
      'connection',
      'HOST',
      'Content-Length',
    ]) {
      expect(() => lines('ws://example.com', [], { [name]: '13' })).toThrow(MisuseError);
    }
  });

  it('HC-11 sends Origin and other headers of the caller', () => {
    const sent = lines('ws://example.com', [], { Origin: 'https://example.com', Authorization: 'Bearer x' });
    expect(sent).toContain('Origin: https://example.com');
    expect(sent).toContain('Authorization: Bearer x');
  });

  it('HC-12 asks for subprotocols that are different tokens', () => {
    expect(lines('ws://example.com', ['chat.v2', 'chat.v1'])).toContain('Sec-WebSocket-Protocol: chat.v2, chat.v1');
    expect(lines('ws://example.com').some((line) => line.includes('Protocol'))).toBe(false);
    for (const protocols of [[''], ['a b'], ['a', 'a'], ['a,b'], ['ä'], ['a\r\nX: y'], [1 as unknown as string]]) {
      expect(() => lines('ws://example.com', protocols), String(protocols)).toThrow(MisuseError);
    }
  });

  it('accepts a good answer', () => {
    expect(judge(response({}))).toBe('');
    expect(
      judge(
        response({ Upgrade: 'WebSocket', Connection: 'keep-alive, UPGRADE', 'Sec-WebSocket-Accept': `  ${ACCEPT}\t` }),
      ),
    ).toBe('');
    expect(judge(response({ 'Sec-WebSocket-Protocol': 'b' }), ['a', 'b'])).toBe('b');
    expect(judge(response({}, '', 'HTTP/1.1 101'))).toBe('');
  });

  it.each([
    ['no Upgrade', { Upgrade: undefined }],
    ['another Upgrade', { Upgrade: 'h2c' }],
    ['a longer Upgrade', { Upgrade: 'websocket2' }],
    ['no Connection', { Connection: undefined }],
    ['another Connection', { Connection: 'close' }],
  ])('HC-15 fails a 101 with %s', (_name, fields) => {
    expect(() => judge(response(fields))).toThrow(BreachError);
  });

  it.each([undefined, '', 'x', ACCEPT.toLowerCase(), `${ACCEPT}, ${ACCEPT}`, `\u00a0${ACCEPT}`])(
    'HC-16 fails the accept key %j',
    (accept) => {
      expect(() => judge(response({ 'Sec-WebSocket-Accept': accept }))).toThrow(BreachError);
    },
  );

  it.each(['permessage-deflate', '', 'x; y=1'])('HC-17 fails the extension %j nobody offered', (extension) => {
    expect(() => judge(response({ 'Sec-WebSocket-Extensions': extension }))).toThrow(BreachError);
  });

  it('FR-23 fails malformed extensions in the response', () => {
    expect(() => judge(response({ 'Sec-WebSocket-Extensions': ';;' }))).toThrow(BreachError);
  });

  it.each(['c', '', 'a, b', 'A', 'a,'])('HC-18 fails the subprotocol %j', (protocol) => {
    expect(() => judge(response({ 'Sec-WebSocket-Protocol': protocol }), ['a', 'b'])).toThrow(BreachError);
  });

  it('HC-18 fails a subprotocol when none was requested', () => {
    expect(() => judge(response({ 'Sec-WebSocket-Protocol': 'a' }))).toThrow(BreachError);
  });

  it('HC-19 fails a repeated accept key or subprotocol', () => {
    expect(() => judge(response({}, `sec-websocket-accept: ${ACCEPT}\r\n`))).toThrow(BreachError);
    const twice = 'Sec-WebSocket-Protocol: a\r\n'.repeat(2);
    expect(() => judge(response({}, twice), ['a'])).toThrow(BreachError);
  });

  it.each([
    ['HTTP/1.0', response({}, '', 'HTTP/1.0 101 Switching Protocols')],
    ['HTTP/2', response({}, '', 'HTTP/2 101 Switching Protocols')],
    ['another protocol', response({}, '', 'SSH-2.0-OpenSSH_9.2')],
    ['a short status', response({}, '', 'HTTP/1.1 10')],
    ['a long status', response({}, '', 'HTTP/1.1 1011')],
    ['a field without a colon', response({}, 'nonsense\r\n')],
    ['a field without a name', response({}, ': x\r\n')],
    ['a space before the colon', response({}, 'X : y\r\n')],
    ['a folded line', response({}, 'X: y\r\n z\r\n')],
    ['a bare line feed', response({}, 'X: y\nZ: z\r\n')],
    ['a bare carriage return', response({}, 'X: y\rZ: z\r\n')],
    ['a NUL', response({}, 'X: \0\r\n')],
    ['an empty first line', `\r\n${response({})}`],
  ])('HC-19 fails an answer with %s', (_name, text) => {
    expect(() => judge(text)).toThrow(expect.objectContaining({ code: 'handshake_invalid' }));
  });

  it.each([
    [200, true],
    [301, false],
    [401, false],
    [404, false],
    [429, true],
    [503, true],
  ])('HC-14 refuses status %i and says whether to try again: %s', (status, retryable) => {
    const attempt = (): string => judge(response({}, '', `HTTP/1.1 ${status} Whatever`));
    expect(attempt).toThrow(TransportError);
    expect(attempt).toThrow(expect.objectContaining({ code: 'handshake_refused', status, retryable }));
  });

  it.each([
    [999, true],
    [1_000, true],
    [1_001, false],
  ])('maxHandshakeBytes 1000: a head of %i bytes', (size, isLegal) => {
    const bare = response({}, 'X: \r\n').length;
    const text = response({}, `X: ${'y'.repeat(size - bare)}\r\n`);
    expect(text.length).toBe(size);
    for (const step of [1, 7, 1_000, 5_000]) {
      const attempt = (): unknown => {
        const reader = new ResponseReader(1_000, 100);
        let result: unknown = null;
        for (let at = 0; at < text.length && result === null; at += step) {
          result = reader.push(Buffer.from(text.slice(at, at + step)));
        }
        return result;
      };
      if (isLegal) expect(attempt()).not.toBe(null);
      else expect(attempt).toThrow(BreachError);
    }
  });

  it.each([
    [99, true],
    [100, true],
    [101, false],
  ])('maxHandshakeFields 100: a head with %i fields', (count, isLegal) => {
    const text = response({}, 'X: y\r\n'.repeat(count - 3));
    if (isLegal) expect(judge(text)).toBe('');
    else expect(() => judge(text)).toThrow(BreachError);
  });

  it('gives what follows the head to the frame parser, wherever the bytes are cut', () => {
    const bytes = Buffer.concat([Buffer.from(response({})), Buffer.from('\x81\x02hi', 'latin1')]);
    for (let cut = 1; cut < bytes.length; cut++) {
      const reader = new ResponseReader(16_384, 100);
      const first = reader.push(bytes.subarray(0, cut));
      const read = first ?? reader.push(bytes.subarray(cut));
      const rest = Buffer.concat([
        read?.rest ?? Buffer.alloc(0),
        first === null ? Buffer.alloc(0) : bytes.subarray(cut),
      ]);
      expect(rest.toString('latin1')).toBe('\x81\x02hi');
    }
  });

  it('FR-26 reads any bytes as an answer, as incomplete or as a documented error', () => {
    const noise = fc.oneof(
      fc.uint8Array({ maxLength: 300 }).map((bytes) => Buffer.from(bytes)),
      fc.tuple(fc.nat(200), fc.nat(255)).map(([at, byte]) => {
        const bytes = Buffer.from(response({ 'Sec-WebSocket-Protocol': 'a' }));
        bytes[at % bytes.length] = byte;
        return bytes;
      }),
    );
    fc.assert(
      fc.property(noise, (bytes) => {
        try {
          const read = new ResponseReader(16_384, 100).push(bytes);
          if (read !== null) expect(['', 'a']).toContain(checkResponse(read.head, KEY, ['a']));
        } catch (error) {
          expect(error).toBeInstanceOf(WebSocketError);
        }
      }),
      { numRuns: 1_000 },
    );
  });
});
