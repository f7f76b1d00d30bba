/** WebSockets on HTTP/2 streams: RFC 8441. */
import type { IncomingMessage } from 'node:http';
import { constants, createSecureServer, createServer, type Http2SecureServer, type Http2Server } from 'node:http2';
import { Duplex } from 'node:stream';
import type { TLSSocket } from 'node:tls';
import { afterEach, describe, expect, it } from 'vitest';
import { checkConnect } from '../src/http2.js';
import { connect, createWebSocketServer, type FrameObserver, type WebSocketServerOptions } from '../src/index.js';
import { H2Peer, session } from './support/h2.js';
import { FakeClock, FakeTransport, listen, onStop, RecordingHandler, stopAll, turn } from './support/node.js';
import { TEST_CERTIFICATE, TEST_KEY } from './support/test-certificate.js';
import { CLOSE, closeBody, masked, PING, PONG, plain, TEXT } from './support/wire.js';

afterEach(stopAll);

type Listening<Server> = { server: Server; options: Partial<WebSocketServerOptions> };

async function start<Server extends Http2Server | Http2SecureServer>({ server: http2, options }: Listening<Server>) {
  const handler = new RecordingHandler({ message: (socket, data) => void socket.send(data) });
  const server = createWebSocketServer({ handler, ...options });
  http2.on('sessionError', () => {});
  server.attach(http2);
  const port = await listen(http2);
  const sessions = new Set<{ destroy(): void }>();
  http2.on('session', (made) => sessions.add(made));
  onStop(() => {
    for (const made of sessions) made.destroy();
  });
  return { handler, server, http2, port };
}

/** HTTP/2 without TLS. */
async function serveClear(options: Partial<WebSocketServerOptions> = {}) {
  const running = await start({ server: createServer(), options });
  return { ...running, client: await session(`http://127.0.0.1:${running.port}`) };
}

/** HTTP/2 and HTTP/1.1 on one port. */
function serveBoth(options: Partial<WebSocketServerOptions> = {}) {
  const server = createSecureServer({ key: TEST_KEY, cert: TEST_CERTIFICATE, allowHTTP1: true });
  return start({ server, options });
}

const FIELDS = {
  ':method': 'CONNECT',
  ':protocol': 'websocket',
  ':scheme': 'https',
  ':path': '/line?x=1',
  ':authority': 'example.com',
  'sec-websocket-version': '13',
};

function raw(changes: Readonly<Record<string, string | undefined>> = {}): string[] {
  return Object.entries({ ...FIELDS, ...changes }).flatMap(([name, value]) =>
    value === undefined ? [] : [name, value],
  );
}

describe('the decision', () => {
  it('H2-03 H2-04 needs the four pseudo-fields and version 13, and neither key nor upgrade', () => {
    expect(checkConnect(raw(), 100)).toMatchObject({ url: '/line?x=1', path: '/line', offeredProtocols: [] });
    for (const wrong of [
      { ':scheme': undefined },
      { ':scheme': 'ftp' },
      { ':path': undefined },
      { ':path': '' },
      { ':path': '*' },
      { ':path': '/a#b' },
      { ':authority': undefined },
      { ':authority': '' },
      { 'sec-websocket-version': undefined },
      { 'sec-websocket-version': '8' },
      { 'sec-websocket-version': '13, 13' },
      { 'sec-websocket-protocol': 'a,,b' },
      { 'sec-websocket-extensions': ';' },
    ]) {
      expect(checkConnect(raw(wrong), 100)).toMatchObject({ status: 400 });
    }
  });

  it.each([
    [5, 431],
    [6, undefined],
    [7, undefined],
  ])('admits at most maxHandshakeFields: %i for six', (most, status) => {
    expect((checkConnect(raw(), most) as { status?: number }).status).toBe(status);
  });
});

describe('a server', () => {
  it('H2-01 announces that it takes extended CONNECT', async () => {
    const { client } = await serveClear();
    expect(client.remoteSettings.enableConnectProtocol).toBe(true);
    const { port } = await serveBoth();
    const secure = await session(`https://localhost:${port}`);
    expect(secure.remoteSettings.enableConnectProtocol).toBe(true);
  });

  it('H2-05 answers 200 and speaks RFC 6455 on the stream, masks included', async () => {
    const { client, handler } = await serveClear({ protocols: ['b'], origins: ['https://o'] });
    const peer = await H2Peer.open(client, '/line?x=1', { 'sec-websocket-protocol': 'a, b', origin: 'https://o' });
    expect(peer.status).toBe(200);
    expect(peer.headers?.['sec-websocket-protocol']).toBe('b');
    for (const name of ['sec-websocket-accept', 'upgrade', 'connection', 'sec-websocket-extensions']) {
      expect(peer.headers).not.toHaveProperty(name);
    }
    expect((await handler.opened()).handshake).toMatchObject({
      url: '/line?x=1',
      path: '/line',
      origin: 'https://o',
      offeredProtocols: ['a', 'b'],
      address: '127.0.0.1',
      isSecure: false,
    });
    expect(handler.socket).toMatchObject({ protocol: 'b', remoteAddress: '127.0.0.1' });
    peer.send(masked(TEXT, 'hello')).send(masked(PING, 'p'));
    expect(await peer.framesUntil(2)).toMatchObject([
      { opcode: TEXT, isMasked: false, payload: Buffer.from('hello') },
      { opcode: PONG, payload: Buffer.from('p') },
    ]);
    // An unmasked frame is a breach here too.
    peer.send(plain(TEXT, 'x'));
    expect((await peer.framesUntil(3))[2]?.payload.readUInt16BE(0)).toBe(1002);
  });

  it('HS-12 H2-04 lets in pages of its :authority, and refuses others with 403', async () => {
    const { client } = await serveClear();
    const statuses: unknown[] = [];
    for (const origin of ['https://localhost', 'https://evil.example', 'null']) {
      statuses.push((await H2Peer.open(client, '/', { origin })).status);
    }
    expect(statuses).toEqual([200, 403, 403]);
  });

  it('H2-05 compresses on streams too', async () => {
    const { client, handler } = await serveClear({ compression: true });
    const peer = await H2Peer.open(client, '/', { 'sec-websocket-extensions': 'permessage-deflate' });
    expect(peer.headers?.['sec-websocket-extensions']).toContain('permessage-deflate');
    peer.send(masked(TEXT, 'again and '.repeat(1_000)));
    expect((await peer.framesUntil(1))[0]?.rsv).toBe(4);
    expect(handler.socket.extensions).toContain('permessage-deflate');
  });

  it('H2-02 is asked by our client in HTTP/1.1 alone, so nothing is used that was not announced', async () => {
    const { port, http2 } = await serveBoth();
    const seen: unknown[] = [];
    http2.on('secureConnection', ({ alpnProtocol }: TLSSocket) => seen.push(alpnProtocol));
    http2.on('upgrade', ({ httpVersion }: IncomingMessage) => seen.push(httpVersion));
    const handler = new RecordingHandler();
    const socket = connect(`wss://localhost:${port}/`, { handler, tls: { ca: TEST_CERTIFICATE } });
    onStop(() => socket.abort());
    await handler.opened();
    expect(seen).toEqual(['http/1.1', '1.1']);
  });

  it('serves HTTP/1.1 and HTTP/2 on one port, chosen by ALPN, messages of any size', async () => {
    const { port, handler } = await serveBoth({ limits: { maxBufferedBytes: 4_000_000 } });
    const h1 = new RecordingHandler();
    const socket = connect(`wss://localhost:${port}/`, { handler: h1, tls: { ca: TEST_CERTIFICATE } });
    onStop(() => socket.abort());
    await h1.opened();
    const client = await session(`https://localhost:${port}`);
    const peers = [await H2Peer.open(client), await H2Peer.open(client)];
    const large = 'x'.repeat(800_000);
    socket.send(large);
    expect(await h1.received(1)).toEqual([large]);
    for (const peer of peers) {
      peer.send(masked(TEXT, large)).send(masked(TEXT, 'small'));
      expect((await peer.framesUntil(2)).map(({ payload }) => payload.length)).toEqual([800_000, 5]);
    }
    expect(handler.sockets.map(({ remoteAddress }) => remoteAddress)).toEqual(Array(3).fill('127.0.0.1'));
    expect(handler.log.items.flatMap((event) => (event.type === 'open' ? [event.handshake.isSecure] : []))).toEqual(
      Array(3).fill(true),
    );
  });

  it('H2-06 ends the stream in order after a clean close, whoever began', async () => {
    const { client, handler, server } = await serveClear();
    const peer = await H2Peer.open(client);
    peer.send(masked(CLOSE, closeBody(4_000, 'bye')));
    await peer.until(() => peer.hasEnded);
    peer.stream.end();
    await peer.until(() => peer.isClosed);
    expect(peer.stream.rstCode).toBe(constants.NGHTTP2_NO_ERROR);
    expect(await handler.closed()).toMatchObject({ code: 4_000, reason: 'bye', wasClean: true });

    const other = await H2Peer.open(client);
    const drained = server.drain({ code: 1012 });
    expect((await other.framesUntil(1))[0]?.payload.readUInt16BE(0)).toBe(1012);
    other.send(masked(CLOSE, closeBody(1012)));
    await other.until(() => other.hasEnded);
    other.stream.end();
    await drained;
    expect(other.stream.rstCode).toBe(constants.NGHTTP2_NO_ERROR);
  });

  it('H2-06 resets the stream with CANCEL to abort, and reports 1006 for a reset', async () => {
    const { client, handler, server } = await serveClear();
    const peer = await H2Peer.open(client);
    handler.socket.abort();
    await peer.until(() => peer.isClosed);
    expect(peer.stream.rstCode).toBe(constants.NGHTTP2_CANCEL);

    const other = await H2Peer.open(client);
    handler.log.items.length = 0;
    other.stream.close(constants.NGHTTP2_CANCEL);
    expect(await handler.closed()).toMatchObject({ code: 1006, wasClean: false });
    expect(handler.errorCodes).toEqual(['connection_lost']);
    await server.drain();
  });

  it('H2-06 takes the end of the stream, and of the session, for the loss that it is without a close frame', async () => {
    const { client, handler } = await serveClear();
    (await H2Peer.open(client)).stream.end();
    expect(await handler.closed()).toMatchObject({ code: 1006 });
    await H2Peer.open(client);
    handler.log.items.length = 0;
    client.destroy();
    expect(await handler.closed()).toMatchObject({ code: 1006 });
  });

  it('H2-07 answers another :protocol with 501, a plain CONNECT with 405, another path with 404', async () => {
    for (const isCompatible of [false, true]) {
      const { client, http2 } = await serveClear({ path: '/line' });
      if (isCompatible) http2.on('request', (_request, response) => response.end('page'));
      expect((await H2Peer.open(client, '/line', { ':protocol': 'webtransport' })).status).toBe(501);
      expect((await H2Peer.open(client, '/other')).status).toBe(404);
      const proxy = { ':protocol': undefined, ':scheme': undefined, ':path': undefined };
      expect((await H2Peer.open(client, '/', proxy)).status).toBe(405);
      expect((await H2Peer.open(client, '/line')).status).toBe(200);
      const page = new H2Peer(client.request({ ':path': '/line' }));
      await page.until(() => page.hasEnded);
      expect([page.status, page.text]).toEqual(isCompatible ? [200, 'page'] : [404, 'There is nothing here.\n']);
    }
  });

  it('leaves streams to other listeners, and stops listening', async () => {
    const handler = new RecordingHandler();
    const http2 = createServer();
    const detach = createWebSocketServer({ handler, path: '/line' }).attach(http2);
    http2.on('stream', (stream, headers) => {
      if (headers[':path'] === '/line' && http2.listenerCount('stream') === 2) return;
      stream.respond({ ':status': 299 });
      stream.end();
    });
    const client = await session(`http://127.0.0.1:${await listen(http2)}`);
    expect((await H2Peer.open(client, '/mine')).status).toBe(299);
    expect((await H2Peer.open(client, '/line')).status).toBe(200);
    detach();
    expect((await H2Peer.open(client, '/line')).status).toBe(299);
    expect(http2.listenerCount('connect')).toBe(0);
  });

  it('answers, with others of its kind, what none of them takes', async () => {
    const http2 = createServer();
    for (const path of ['/one', '/two']) createWebSocketServer({ handler: {}, path }).attach(http2);
    const client = await session(`http://127.0.0.1:${await listen(http2)}`);
    expect((await H2Peer.open(client, '/two')).status).toBe(200);
    expect((await H2Peer.open(client, '/three')).status).toBe(404);
    expect((await H2Peer.open(client, '/two', { ':protocol': 'webtransport' })).status).toBe(501);
    // Where requests are listened to, Node asks for CONNECT by another event.
    http2.on('request', (_request, response) => response.end('page'));
    expect((await H2Peer.open(client, '/one')).status).toBe(200);
    expect((await H2Peer.open(client, '/three')).status).toBe(404);
  });

  it('lets the application refuse, with fields that HTTP/2 can carry', async () => {
    const refused: unknown[] = [];
    const { client, handler, server } = await serveClear({
      check: ({ headers }) =>
        headers.authorization === 'yes'
          ? undefined
          : { status: 401, message: 'Who?', headers: { 'WWW-Authenticate': 'Bearer', Connection: 'close' } },
      refused: ({ status }, { url, httpVersion }) => refused.push([status, url, httpVersion]),
    });
    const peer = await H2Peer.open(client);
    await peer.until(() => peer.isClosed);
    expect([peer.status, peer.text, peer.headers?.['www-authenticate']]).toEqual([401, 'Who?\n', 'Bearer']);
    expect((await H2Peer.open(client, '/', { authorization: 'yes' })).status).toBe(200);
    expect((await H2Peer.open(client, '/', { 'sec-websocket-version': '7' })).headers).toMatchObject({
      ':status': 400,
      'sec-websocket-version': '13',
    });
    handler.socket.abort();
    await server.drain();
    expect((await H2Peer.open(client, '/', { authorization: 'yes' })).status).toBe(503);
    expect(refused).toEqual([
      [401, '/', '2.0'],
      [400, undefined, '2.0'],
      [503, '/', '2.0'],
    ]);
  });

  it('shows an observer both heads and the frames', async () => {
    const heads: string[] = [];
    const frames: string[] = [];
    const observer: FrameObserver = {
      handshake: (request, response) => heads.push(request, response),
      frame: ({ direction, opcode }) => frames.push(`${direction} ${opcode}`),
    };
    const { client } = await serveClear({ observe: () => observer });
    const peer = await H2Peer.open(client);
    await peer.send(masked(TEXT, 'x')).framesUntil(1);
    expect(heads[0]).toContain('CONNECT / HTTP/2.0\r\n');
    expect(heads[0]).toContain(':protocol: websocket\r\n');
    expect(heads[1]).toMatch(/^HTTP\/2\.0 200\r\n/);
    expect(frames).toEqual(['in 1', 'out 1']);
  });

  it('feels the backpressure of one stream, and counts what it took', async () => {
    const { client, handler } = await serveClear({ limits: { maxBufferedBytes: 4_000_000 } });
    const peer = await H2Peer.open(client);
    await handler.opened();
    peer.stream.pause();
    expect(handler.socket.send('x'.repeat(1_000_000))).toBe('queued');
    handler.socket.flush();
    expect(handler.socket.send('more')).toBe('queued');
    expect(handler.socket.takenBytes).toBeLessThan(1_000_000);
    peer.stream.resume();
    await handler.log.until(({ type }) => type === 'drain');
    await peer.framesUntil(2);
    expect(handler.socket.takenBytes + handler.socket.bufferedBytes).toBe(1_000_010 + 6);
    expect(handler.socket.bufferedBytes).toBeLessThan(10);
  });
});

describe('accept', () => {
  it('takes any Duplex as a transport whose handshake is done', async () => {
    const handler = new RecordingHandler({ message: (socket, data) => void socket.send(data) });
    const server = createWebSocketServer({ handler, clock: new FakeClock() });
    const transport = new FakeTransport();
    const socket = server.accept(transport, { path: '/pipe' }, { protocol: 'p', head: masked(TEXT, 'early') });
    expect(socket.protocol).toBe('p');
    expect((await handler.opened()).handshake).toMatchObject({ path: '/pipe', address: '', offeredProtocols: [] });
    transport.receive(masked(TEXT, 'late'));
    await handler.received(2);
    await turn();
    expect(transport.frames.map(({ payload }) => payload.toString())).toEqual(['early', 'late']);
    expect(server.connections).toEqual([socket]);
    transport.receive(masked(CLOSE, closeBody(1000)));
    await handler.closed();
    expect(server.connections).toEqual([]);
  });

  it('knows nothing of a transport that it is not told', async () => {
    const handler = new RecordingHandler();
    const server = createWebSocketServer({ handler });
    const transport = new Duplex({ read() {}, write: (_chunk, _encoding, done) => done() });
    onStop(() => transport.destroy());
    expect(server.accept(transport).readyState).toBe('open');
    transport.destroy(new Error('gone'));
    expect(await handler.closed()).toMatchObject({ code: 1006 });
    expect(handler.errorCodes).toEqual(['connection_lost']);
  });
});
