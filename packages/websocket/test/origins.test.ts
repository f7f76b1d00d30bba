/** Which pages may connect: the `origins` option (RFC 6455 §10.2). */
import { createServer as createSecureServer } from 'node:https';
import { afterEach, describe, expect, it } from 'vitest';
import {
  connect,
  createWebSocketServer,
  MisuseError,
  type Refusal,
  type WebSocketServerOptions,
} from '../src/index.js';
import { originRule } from '../src/origins.js';
import { listen, onStop, RawPeer, RecordingHandler, requestText, serve, stopAll } from './support/node.js';
import { TEST_CERTIFICATE, TEST_KEY } from './support/test-certificate.js';

afterEach(stopAll);

/** Whether a page may connect. */
function isWelcome(origin: string | undefined, fields: Record<string, string>, origins?: string[], isSecure = false) {
  const handshake = { url: '/', path: '/', headers: fields, origin, offeredProtocols: [], address: '', isSecure };
  return originRule(origins).judge(handshake) === undefined;
}

describe('the rule', () => {
  it.each([
    // Origin, host, whether we speak TLS.
    ['https://example.com', 'example.com', true],
    ['https://example.com', 'example.com', false],
    ['http://example.com', 'example.com', false],
    ['http://localhost:5173', 'localhost:5173', false],
    ['http://[::1]:80', '[::1]', false],
    ['https://example.com', 'example.com:443', true],
    ['https://example.com', 'EXAMPLE.com', true],
    [undefined, 'example.com', true],
  ])('HS-04 HS-12 lets a page of its own host in, and who is no page: %s at %s', (origin, host, isSecure) => {
    // Only a browser's way to write an origin counts, so the port of the scheme is for `Host` alone.
    const isOwn = origin !== 'http://[::1]:80';
    expect(isWelcome(origin, { host }, [], isSecure)).toBe(isOwn);
    expect(isWelcome(origin, { ':authority': host, host: 'other.example' }, undefined, isSecure)).toBe(isOwn);
  });

  it.each([
    ['https://evil.example', 'example.com', false],
    ['https://example.com.evil.example', 'example.com', false],
    ['https://evil.example/example.com', 'example.com', false],
    ['https://example.com', 'example.com:8443', false],
    ['http://localhost:5173', 'localhost:7400', false],
    ['http://127.0.0.1:7400', 'localhost:7400', false],
    // Whoever can change a page without TLS must not reach what is behind it.
    ['http://example.com', 'example.com', true],
    ['null', 'example.com', false],
    ['null', 'null', false],
    ['', 'example.com', false],
    ['https://', '', false],
    ['file://', 'example.com', false],
    ['https://example.com, https://evil.example', 'example.com', false],
    ['https://example.com@evil.example', 'example.com', false],
    ['https://example.com', 'evil.example@example.com', false],
    ['https://example.com', 'exa mple.com', false],
    ['chrome-extension://abcdef', 'abcdef', false],
  ])('HS-12 keeps other pages out: %s at %s', (origin, host, isSecure) => {
    expect(isWelcome(origin, { host }, [], isSecure)).toBe(false);
    expect(isWelcome(origin, {}, [], isSecure)).toBe(false);
    expect(isWelcome(origin, { host }, ['*'], isSecure)).toBe(true);
  });

  it('lets in whom it names, as they are written', () => {
    const origins = ['https://app.example', 'null', 'chrome-extension://abcdef', 'http://localhost:5173'];
    for (const origin of origins) expect(isWelcome(origin, { host: 'api.example' }, origins)).toBe(true);
    for (const origin of ['http://app.example', 'https://app.example:444', 'https://app.example.', 'nul']) {
      expect(isWelcome(origin, { host: 'api.example' }, origins)).toBe(false);
    }
  });

  it.each([
    'example.com',
    'https://example.com/',
    'https://Example.com',
    'https://example.com:443',
    'https://*.example.com/x',
    'chrome-extension://abcdef/page',
    'data:x',
    '',
    7 as unknown as string,
  ])('refuses %j as an origin', (origin) => {
    expect(() => createWebSocketServer({ handler: {}, origins: [origin] })).toThrow(MisuseError);
  });
});

describe('a server', () => {
  async function ask(options: Partial<WebSocketServerOptions>, fields: Record<string, string>): Promise<string> {
    const { port } = await serve({ handler: new RecordingHandler(), ...options });
    const peer = await RawPeer.connect(port);
    peer.send(requestText({ Host: `127.0.0.1:${port}`, ...fields }));
    const head = await peer.head();
    await (head.startsWith('HTTP/1.1 101') ? undefined : peer.ended());
    return peer.received.toString('latin1');
  }

  it('CVE-2025-30360 HS-12 answers 403 to pages of other sites, without being told to', async () => {
    const refused: Refusal[] = [];
    const asked: string[] = [];
    const options: Partial<WebSocketServerOptions> = {
      refused: (refusal) => refused.push(refusal),
      checkAddress: (address) => void asked.push(address),
      check: ({ path }) => void asked.push(path),
    };
    const answer = await ask(options, { Origin: 'http://evil.example' });
    expect(answer).toMatch(
      /^HTTP\/1\.1 403 Forbidden\r\n.*\r\n\r\nThis page's origin may not connect; .* origins .*\n$/s,
    );
    expect(refused).toMatchObject([{ status: 403 }]);
    expect(asked).toEqual([]);
    expect(await ask({ origins: ['http://evil.example'] }, { Origin: 'http://evil.example' })).toMatch(
      /^HTTP\/1\.1 101 /,
    );
    expect(await ask({ origins: ['*'] }, { Origin: 'null' })).toMatch(/^HTTP\/1\.1 101 /);
    expect(await ask({ path: '/other' }, { Origin: 'http://evil.example' })).toMatch(/^HTTP\/1\.1 404 /);
    expect(await ask({}, {})).toMatch(/^HTTP\/1\.1 101 /);
  });

  it('lets in the pages that it serves itself, over TLS too', async () => {
    const plain = await serve({ handler: new RecordingHandler() });
    const https = createSecureServer({ key: TEST_KEY, cert: TEST_CERTIFICATE });
    createWebSocketServer({ handler: new RecordingHandler() }).attach(https);
    const secureUrl = `wss://localhost:${await listen(https)}`;
    for (const [url, origin, opens] of [
      [plain.url, plain.url.replace('ws', 'http'), true],
      [secureUrl, secureUrl.replace('wss', 'https'), true],
      [secureUrl, secureUrl.replace('wss', 'http'), false],
    ] as const) {
      const handler = new RecordingHandler();
      const socket = connect(url, { handler, headers: { Origin: origin }, tls: { ca: TEST_CERTIFICATE } });
      onStop(() => socket.abort());
      await handler.log.until(({ type }) => type === 'open' || type === 'close');
      expect(handler.errorCodes).toEqual(opens ? [] : ['handshake_refused']);
    }
  });
});
