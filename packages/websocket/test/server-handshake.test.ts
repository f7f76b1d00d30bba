import { describe, expect, it } from 'vitest';
import { checkUpgrade, type Refusal, type Upgrade, upgradeResponse } from '../src/index.js';
import { fc } from './support/property.js';

const KEY = 'dGhlIHNhbXBsZSBub25jZQ==';
const FIELDS: Readonly<Record<string, string>> = {
  Host: 'server.example.com',
  Upgrade: 'websocket',
  Connection: 'Upgrade',
  'Sec-WebSocket-Key': KEY,
  'Sec-WebSocket-Version': '13',
};

interface Change {
  readonly method?: string;
  readonly url?: string | undefined;
  readonly httpVersion?: string;
  /** Fields to set, or to remove with `undefined`. */
  readonly fields?: Readonly<Record<string, string | undefined>>;
  /** Further raw fields. */
  readonly more?: readonly string[];
}

function check(change: Change = {}): Upgrade | Refusal {
  const fields = Object.entries({ ...FIELDS, ...change.fields });
  const rawHeaders = fields.flatMap(([name, value]) => (value === undefined ? [] : [name, value]));
  return checkUpgrade(
    {
      method: change.method ?? 'GET',
      url: 'url' in change ? change.url : '/chat?room=1',
      httpVersion: change.httpVersion ?? '1.1',
      rawHeaders: [...rawHeaders, ...(change.more ?? [])],
    },
    100,
  );
}

function status(change: Change): number {
  const decision = check(change);
  return 'status' in decision ? decision.status : 101;
}

describe('the opening handshake of a server', () => {
  it('HS-01 accepts the request of RFC 6455 §1.3', () => {
    const request = check({ fields: { Origin: 'http://example.com', 'Sec-WebSocket-Protocol': 'chat, superchat' } });
    expect(request).toMatchObject({
      key: KEY,
      url: '/chat?room=1',
      path: '/chat',
      offeredProtocols: ['chat', 'superchat'],
    });
  });

  it('HS-01 accepts what browsers and proxies make of it', () => {
    expect(status({ fields: { Upgrade: 'WebSocket', Connection: 'keep-alive, Upgrade' } })).toBe(101);
    expect(status({ url: 'http://server.example.com/chat' })).toBe(101);
    expect(status({ fields: { 'Content-Length': '0' } })).toBe(101);
    expect(status({ httpVersion: '2.0' })).toBe(101);
  });

  it.each<[string, Change, number]>([
    ['another method', { method: 'POST' }, 405],
    ['no method', { method: '' }, 405],
    ['HTTP/1.0', { httpVersion: '1.0' }, 400],
    ['HTTP/0.9', { httpVersion: '0.9' }, 400],
    ['no Host', { fields: { Host: undefined } }, 400],
    ['no Upgrade', { fields: { Upgrade: undefined } }, 400],
    ['another Upgrade', { fields: { Upgrade: 'h2c' } }, 400],
    ['no Connection', { fields: { Connection: undefined } }, 400],
    ['another Connection', { fields: { Connection: 'keep-alive' } }, 400],
    ['no key', { fields: { 'Sec-WebSocket-Key': undefined } }, 400],
    ['no version', { fields: { 'Sec-WebSocket-Version': undefined } }, 400],
    ['no target', { url: undefined }, 400],
  ])('HS-01 refuses %s', (_name, change, expected) => {
    expect(status(change)).toBe(expected);
  });

  it.each<[string, Change]>([
    ['an empty key', { fields: { 'Sec-WebSocket-Key': '' } }],
    ['a key of 15 bytes', { fields: { 'Sec-WebSocket-Key': Buffer.alloc(15).toString('base64') } }],
    ['a key of 17 bytes', { fields: { 'Sec-WebSocket-Key': Buffer.alloc(17).toString('base64') } }],
    ['a key that is not base64', { fields: { 'Sec-WebSocket-Key': 'dGhlIHNhbXBsZSBub25jZ-==' } }],
    ['a key without padding', { fields: { 'Sec-WebSocket-Key': 'dGhlIHNhbXBsZSBub25jZQ' } }],
    ['a malformed version', { fields: { 'Sec-WebSocket-Version': 'thirteen' } }],
    ['a malformed subprotocol list', { fields: { 'Sec-WebSocket-Protocol': 'a,,b' } }],
    ['an empty subprotocol list', { fields: { 'Sec-WebSocket-Protocol': '' } }],
    ['a subprotocol twice', { fields: { 'Sec-WebSocket-Protocol': 'a, b, a' } }],
    ['a target with a fragment', { url: '/chat#top' }],
    ['a target that is no path', { url: 'chat' }],
    ['a target of another scheme', { url: 'ftp://server.example.com/chat' }],
    ['an asterisk as target', { url: '*' }],
    ['a body', { fields: { 'Content-Length': '5' } }],
    ['a chunked body', { fields: { 'Transfer-Encoding': 'chunked' } }],
  ])('HS-02 refuses %s with 400 and a sentence', (_name, change) => {
    expect(check(change)).toMatchObject({ status: 400, message: expect.stringMatching(/^[A-Z].*\.$/) });
  });

  it.each(['8', '0', '12', '14', '99'])('HS-03 refuses version %s with 426 and names ours', (version) => {
    expect(check({ fields: { 'Sec-WebSocket-Version': version } })).toMatchObject({
      status: 426,
      headers: { 'Sec-WebSocket-Version': '13' },
    });
  });

  it('HS-09 refuses a repeated key, version or host', () => {
    expect(status({ more: ['Sec-WebSocket-Key', KEY] })).toBe(400);
    expect(status({ more: ['sec-websocket-version', '13'] })).toBe(400);
    expect(status({ more: ['host', 'other'] })).toBe(400);
  });

  it('HS-09 accepts repeated subprotocols and extensions', () => {
    const request = check({
      fields: { 'Sec-WebSocket-Protocol': 'a', 'Sec-WebSocket-Extensions': 'x' },
      more: ['Sec-WebSocket-Protocol', 'b, c', 'Sec-WebSocket-Extensions', 'y; z=1'],
    });
    expect(request).toMatchObject({ offeredProtocols: ['a', 'b', 'c'] });
  });

  it('FR-23 refuses malformed extensions with 400', () => {
    expect(status({ fields: { 'Sec-WebSocket-Extensions': 'permessage-deflate; =1' } })).toBe(400);
    expect(status({ fields: { 'Sec-WebSocket-Extensions': 'permessage-deflate; client_max_window_bits' } })).toBe(101);
  });

  it('HS-08 answers with the accept key of RFC 6455 §1.3', () => {
    expect(upgradeResponse(KEY, '')).toBe(
      'HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n' +
        'Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n',
    );
  });

  it('HS-06 names the chosen subprotocol, and has no such field for none', () => {
    expect(upgradeResponse(KEY, 'chat')).toContain('\r\nSec-WebSocket-Protocol: chat\r\n');
    expect(upgradeResponse(KEY, '')).not.toContain('Protocol:');
  });

  it('HS-07 answers without extensions, as it supports none', () => {
    expect(upgradeResponse(KEY, 'chat')).not.toContain('Extensions');
  });

  it.each([
    [99, 101],
    [100, 101],
    [101, 431],
  ])('answers a request with %i header fields with %i', (count, expected) => {
    const more = Array.from({ length: count - 5 }, (_, index) => [`x-${index}`, 'y']).flat();
    expect(status({ more })).toBe(expected);
  });

  it('decides about any request and never throws', () => {
    const text = fc.oneof(fc.string({ maxLength: 30 }), fc.constantFrom('websocket', 'Upgrade', '13', KEY, '/', 'GET'));
    const name = fc.oneof(fc.constantFrom(...Object.keys(FIELDS), '__proto__', 'constructor'), text);
    fc.assert(
      fc.property(
        fc.record({
          method: text,
          url: fc.option(text, { nil: undefined }),
          httpVersion: text,
          rawHeaders: fc.array(fc.oneof(name, text)),
        }),
        (request) => {
          const decision = checkUpgrade(request, 100);
          if ('status' in decision) expect([400, 405, 426, 431]).toContain(decision.status);
          else expect(decision.key).toHaveLength(24);
        },
      ),
      { numRuns: 1_000 },
    );
  });
});
