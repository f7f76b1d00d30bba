// The native WebSocket of a page in Chromium, against our server.

import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { closeInPage, echoInPage, launch, openPage } from './support/browser.js';
import { startEcho } from './support/ours.js';

let browser: Browser;
beforeAll(async () => {
  browser = await launch();
});
afterAll(() => browser.close());

const GOING_AWAY = { code: 1001, reason: '', wasClean: true };
const CUT = { code: 1006, reason: '', wasClean: false };

const WAYS = [
  { way: 'HTTP/1.1', kind: 'http', handshake: 'upgrade', goodbye: GOING_AWAY },
  { way: 'HTTP/1.1 over TLS', kind: 'https', handshake: 'upgrade', goodbye: GOING_AWAY },
  // The page comes over HTTP/2, and the WebSocket as one more stream of that session (RFC 8441). When the page goes,
  // Chromium resets the stream with CANCEL: a bare server of `node:http2` sees no byte of a close frame either.
  { way: 'HTTP/2 over TLS', kind: 'http2', handshake: 'stream', goodbye: CUT },
] as const;

describe.each(WAYS)('Chromium over $way', ({ kind, handshake, goodbye }) => {
  it.each([
    ['without compression', false, ''],
    ['with compression', true, 'permessage-deflate; server_no_context_takeover; client_no_context_takeover'],
    [
      'with compression and context takeover',
      { serverContextTakeover: true, clientContextTakeover: true },
      'permessage-deflate',
    ],
  ])('gets its messages back %s', async (_name, compression, extensions) => {
    const server = await startEcho({ kind, compression, protocols: ['chat.v1'] });
    const page = await openPage(browser, server.page);
    const result = await echoInPage(page, server.url, ['chat.v2', 'chat.v1']);
    expect(result).toEqual({ extensions, protocol: 'chat.v1', changed: [], echoed: 12 });
    expect(server.handshakes).toEqual([handshake]);
    expect(await server.closed.next()).toEqual({ code: 1000, reason: '', wasClean: true });
  });

  it('closes with a code and a reason from either side', async () => {
    const server = await startEcho({ kind });
    const page = await openPage(browser, server.page);
    const reason = `ü${'r'.repeat(121)}`;
    for (const code of [1000, 3000, 4999]) {
      expect(await closeInPage(page, server.url, { close: [code, reason] })).toEqual({ code, reason, wasClean: true });
      expect(await server.closed.next()).toEqual({ code, reason, wasClean: true });
    }
    for (const code of [1000, 1001, 1008, 1011, 1012, 4999]) {
      const closed = await closeInPage(page, server.url, { send: `!close ${code} ${reason}` });
      expect(closed).toEqual({ code, reason, wasClean: true });
      // Chromium too answers a close frame with its code and reason.
      expect(await server.closed.next()).toEqual({ code, reason, wasClean: true });
    }
    expect(new Set(server.handshakes)).toEqual(new Set([handshake]));
  });

  it('closes without a code, and without a word', async () => {
    const server = await startEcho({ kind });
    const page = await openPage(browser, server.page);
    const bare = { code: 1005, reason: '', wasClean: true };
    expect(await closeInPage(page, server.url, { close: [] })).toEqual(bare);
    expect(await server.closed.next()).toEqual(bare);
    expect(await closeInPage(page, server.url, { send: '!close' })).toEqual(bare);
    expect(await server.closed.next()).toEqual(bare);
    expect(await closeInPage(page, server.url, { send: '!abort' })).toEqual(CUT);
    expect(await server.closed.next()).toEqual(CUT);
  });

  it('answers pings, and tells when its page goes', async () => {
    const server = await startEcho({ kind });
    const page = await openPage(browser, server.page);
    await page.evaluate(
      (url) =>
        new Promise((resolve) => {
          const socket = new WebSocket(url);
          socket.onopen = () => resolve(socket.send('!ping hello'));
        }),
      server.url,
    );
    expect(await server.pongs.next()).toBe('hello');
    await page.close();
    expect(await server.closed.next()).toEqual(goodbye);
  });
});
