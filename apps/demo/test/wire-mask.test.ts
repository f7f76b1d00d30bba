import { describe, expect, it } from 'vitest';
import { maskHead, maskText } from '../server/wire/mask.js';

const JWT = 'eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJhZGEifQ.c2lnbmF0dXJlLW9mLWl0';

describe('a head', () => {
  it('keeps what shows a handshake and masks what opens doors', () => {
    const head = [
      'GET /line?tab=0123456789abcdef0123456789abcdef&x=1 HTTP/1.1',
      'Upgrade: websocket',
      'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==',
      'Cookie: session=crumbs; theme=dark',
      'Authorization: Bearer abc.def',
      'proxy-authorization: abc',
      '',
      '',
    ].join('\r\n');
    expect(maskHead(head)).toBe(
      [
        'GET /line?tab=••••&x=1 HTTP/1.1',
        'Upgrade: websocket',
        'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==',
        'Cookie: session=••••; theme=••••',
        'Authorization: Bearer ••••',
        'proxy-authorization: ••••',
      ].join('\n'),
    );
  });
});

describe('text', () => {
  it('masks tokens and keeps the rest', () => {
    const text = `{"type":"hello","version":1,"token":"${JWT}","features":[]}\n{"type":"subscribe","id":1}`;
    expect(maskText(text)).toBe(
      '{"type":"hello","version":1,"token":"••••","features":[]}\n{"type":"subscribe","id":1}',
    );
  });

  it('masks a token wherever the preview ends', () => {
    const text = `{"type":"refresh","id":9,"token":"${JWT}"}`;
    for (let end = 0; end <= text.length; end += 1) {
      const masked = maskText(text.slice(0, end));
      // The first letters of every token are the same: they tell nothing.
      for (const part of JWT.split('.').slice(1)) expect(masked).not.toContain(part.slice(0, 4));
    }
  });

  it('masks an escaped token, and a bare one in other fields', () => {
    expect(maskText('{"token":"a\\"b\\\\c"}')).toBe('{"token":"••••"}');
    expect(maskText(`{"data":{"text":"mine is ${JWT} now"}}`)).toBe('{"data":{"text":"mine is •••• now"}}');
  });
});
