import { createServer } from 'node:http';
import { afterEach, describe, expect, it } from 'vitest';
import { createWebSocketServer, type HandshakeInfo, MisuseError, type Refusal } from '../src/index.js';
import {
  accept,
  FakeClock,
  listen,
  RawPeer,
  RecordingHandler,
  requestText,
  serve,
  stopAll,
  turn,
} from './support/node.js';
import { CLOSE, closeBody, masked, PING, PONG, TEXT } from './support/wire.js';

afterEach(stopAll);

async function answer(port: number, request: string): Promise<string> {
  const peer = await RawPeer.connect(port);
  peer.send(request);
  await peer.ended();
  peer.socket.destroy();
  return peer.received.toString('latin1');
}

describe('a server over http', () => {
  it('HS-08 upgrades and tells the handshake', async () => {
    const handler = new RecordingHandler();
    const { port } = await serve({ handler, path: '/line', origins: ['http://a.example'] });
    const peer = await RawPeer.open(port, '/line?x=1', { Origin: 'http://a.example', Cookie: 'c=d' });
    expect((await peer.head()).startsWith('HTTP/1.1 101 Switching Protocols\r\n')).toBe(true);
    const { handshake } = await handler.opened();
    expect(handshake).toMatchObject({
      url: '/line?x=1',
      path: '/line',
      origin: 'http://a.example',
      address: '127.0.0.1',
      isSecure: false,
      offeredProtocols: [],
    });
    expect(handshake.headers.cookie).toBe('c=d');
    expect(handler.socket).toMatchObject({ readyState: 'open', remoteAddress: '127.0.0.1', protocol: '' });
  });

  it('HS-11 reads frames that came in the same segment as the request', async () => {
    const handler = new RecordingHandler({ message: (socket, data) => void socket.send(data) });
    const { port } = await serve({ handler });
    const peer = await RawPeer.connect(port);
    peer.send(Buffer.concat([Buffer.from(requestText()), masked(TEXT, 'early'), masked(TEXT, 'cut').subarray(0, 4)]));
    peer.send(masked(TEXT, 'cut').subarray(4));
    expect(await handler.received(2)).toEqual(['early', 'cut']);
    expect((await peer.framesUntil(2)).map(({ payload }) => payload.toString())).toEqual(['early', 'cut']);
  });

  it('HS-02 answers wrong requests with their status and one sentence', async () => {
    const refused: Refusal[] = [];
    const { port } = await serve({ handler: new RecordingHandler(), refused: (refusal) => refused.push(refusal) });
    const noKey = await answer(port, requestText({ 'Sec-WebSocket-Key': undefined }));
    expect(noKey).toMatch(/^HTTP\/1\.1 400 Bad Request\r\n/);
    expect(noKey).toContain('\r\nConnection: close\r\n');
    expect(noKey).toMatch(/\r\n\r\nSend one Sec-WebSocket-Key: .*\.\n$/);
    const post = await answer(port, requestText({ 'Content-Length': '0' }, '/', 'POST'));
    expect(post).toMatch(/^HTTP\/1\.1 405 .*\r\nAllow: GET\r\n/s);
    expect(refused.map(({ status }) => status)).toEqual([400, 405]);
  });

  it('HS-03 answers another version with 426 and the one it speaks', async () => {
    const { port } = await serve({ handler: new RecordingHandler() });
    const text = await answer(port, requestText({ 'Sec-WebSocket-Version': '8' }));
    expect(text).toMatch(/^HTTP\/1\.1 426 Upgrade Required\r\n.*\r\nSec-WebSocket-Version: 13\r\n/s);
  });

  it('HS-05 answers an unknown path with 404 when nobody else could', async () => {
    const { port } = await serve({ handler: new RecordingHandler(), path: '/line' });
    for (const path of ['/', '/line/', '/lines', '/lin', '/x?y=/line']) {
      expect(await answer(port, requestText({}, path)), path).toMatch(/^HTTP\/1\.1 404 /);
    }
  });

  it('leaves upgrades of other paths to other listeners, and plain requests to the server', async () => {
    const http = createServer((_request, response) => response.end('plain'));
    const handler = new RecordingHandler();
    const detach = createWebSocketServer({ handler, path: '/line' }).attach(http);
    http.on('upgrade', (request, socket) => {
      if (request.url !== '/line') socket.end('HTTP/1.1 418 Other\r\n\r\n');
    });
    const port = await listen(http);
    expect(await answer(port, requestText({}, '/other'))).toMatch(/^HTTP\/1\.1 418 /);
    const plainGet = 'GET /line HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n';
    expect(await answer(port, plainGet)).toMatch(/^HTTP\/1\.1 200 /);
    await RawPeer.open(port, '/line');
    await handler.opened();
    detach();
    expect(http.listenerCount('upgrade')).toBe(1);
  });

  it('HS-05 answers, with others of its kind, what none of them takes, and once', async () => {
    const http = createServer();
    const refused: unknown[] = [];
    const detaches = ['/one', '/two'].map((path) =>
      createWebSocketServer({ handler: {}, path, refused: ({ status }) => refused.push([path, status]) }).attach(http),
    );
    const port = await listen(http);
    expect(await answer(port, requestText({}, '/three'))).toMatch(/^HTTP\/1\.1 404 /);
    expect((await (await RawPeer.open(port, '/two')).head()).startsWith('HTTP/1.1 101 ')).toBe(true);
    detaches[0]?.();
    detaches[0]?.();
    expect(await answer(port, requestText({}, '/one'))).toMatch(/^HTTP\/1\.1 404 /);
    expect(refused).toEqual([
      ['/one', 404],
      ['/two', 404],
    ]);
    // With somebody else it is theirs.
    http.on('upgrade', (_request, socket) => socket.end('HTTP/1.1 418 Other\r\n\r\n'));
    expect(await answer(port, requestText({}, '/three'))).toMatch(/^HTTP\/1\.1 418 /);
  });

  it('HS-06 chooses the first subprotocol of the client that it speaks', async () => {
    const handler = new RecordingHandler();
    const { port } = await serve({ handler, protocols: ['v1', 'v2'] });
    const both = await RawPeer.open(port, '/', { 'Sec-WebSocket-Protocol': 'v3, v2, v1' });
    expect(await both.head()).toContain('\r\nSec-WebSocket-Protocol: v2\r\n');
    const none = await RawPeer.open(port, '/', { 'Sec-WebSocket-Protocol': 'v3' });
    expect(await none.head()).not.toContain('Protocol:');
    const silent = await RawPeer.open(port);
    expect(await silent.head()).not.toContain('Protocol:');
    await handler.log.count(3);
    expect(handler.sockets.map(({ protocol }) => protocol)).toEqual(['v2', '', '']);
  });

  it('HS-06 lets a function choose, from what the client offered', async () => {
    const { port } = await serve({ handler: new RecordingHandler(), protocols: (offered) => offered.at(-1) });
    const peer = await RawPeer.open(port, '/', { 'Sec-WebSocket-Protocol': 'a, b' });
    expect(await peer.head()).toContain('\r\nSec-WebSocket-Protocol: b\r\n');
  });

  it('HS-07 never answers with extensions', async () => {
    const { port } = await serve({ handler: new RecordingHandler() });
    const peer = await RawPeer.open(port, '/', { 'Sec-WebSocket-Extensions': 'permessage-deflate' });
    expect(await peer.head()).not.toContain('Extensions');
  });

  it('lets the application refuse a handshake with its own answer', async () => {
    const seen: HandshakeInfo[] = [];
    const { port, server } = await serve({
      handler: new RecordingHandler(),
      check(handshake) {
        seen.push(handshake);
        if (handshake.headers.cookie === undefined) return undefined;
        return { status: 403, message: 'Not with that.', headers: { 'X-Why': 'cookie' } };
      },
    });
    const text = await answer(port, requestText({ Cookie: 'stale' }));
    expect(text).toMatch(/^HTTP\/1\.1 403 Forbidden\r\n.*\r\nX-Why: cookie\r\n\r\nNot with that\.\n$/s);
    await RawPeer.open(port);
    expect([seen.length, server.connections.length]).toEqual([2, 1]);
  });

  it.each([
    [
      { status: 401, message: 'Who are you?', headers: { 'WWW-Authenticate': 'Basic realm="x"' } },
      /^HTTP\/1\.1 401 .*Basic/s,
    ],
    [{ status: 302, message: 'Over there.', headers: { Location: 'wss://b.example/' } }, /^HTTP\/1\.1 302 .*wss:/s],
  ])('HS-10 asks for credentials or sends elsewhere before it upgrades: $status', async (refusal, expected) => {
    const { port, server } = await serve({ handler: new RecordingHandler(), check: () => refusal });
    expect(await answer(port, requestText())).toMatch(expected);
    expect(server.connections).toEqual([]);
  });

  it('cuts off a refused peer that does not go', async () => {
    const clock = new FakeClock();
    const { port } = await serve({ handler: new RecordingHandler(), clock });
    const peer = await RawPeer.connect(port);
    peer.send(requestText({ 'Sec-WebSocket-Key': undefined }));
    await peer.ended();
    expect(clock.timers).toBe(1);
    clock.advance(2_000);
    while (clock.timers > 0) await turn();
    await peer.until(() => peer.isClosed || peer.hasEnded);
  });

  it('FR-14 ends TCP first, and is rid of the connection when the peer ends too', async () => {
    const handler = new RecordingHandler();
    const { port, server } = await serve({ handler });
    const peer = await RawPeer.open(port);
    peer.send(masked(CLOSE, closeBody(4000, 'bye')));
    await peer.ended();
    expect(peer.frames).toMatchObject([{ opcode: CLOSE, payload: closeBody(4000, 'bye') }]);
    expect([peer.hasEnded, peer.isClosed]).toEqual([true, false]);
    expect(await handler.closed()).toMatchObject({ code: 4000, reason: 'bye', wasClean: true });
    expect(server.connections).toHaveLength(0);
    const drained = server.drain();
    peer.socket.end();
    await drained;
  });

  it('FR-14 cuts a peer off that does not end TCP after the close', async () => {
    const clock = new FakeClock();
    const { port, server } = await serve({ handler: new RecordingHandler(), clock });
    const peer = await RawPeer.open(port);
    peer.send(masked(CLOSE));
    await peer.ended();
    const drained = server.drain({ deadlineMs: 60_000 });
    clock.advance(10_000);
    await drained;
    expect(clock.timers).toBe(0);
  });

  it('closes, waits for the answer, and gives up after closeWaitMs', async () => {
    const clock = new FakeClock();
    const handler = new RecordingHandler();
    const { port } = await serve({ handler, clock, limits: { closeWaitMs: 3_000 } });
    const peer = await RawPeer.open(port);
    await handler.opened();
    handler.socket.close(1001, 'deploy');
    expect(await peer.framesUntil(1)).toMatchObject([{ opcode: CLOSE, payload: closeBody(1001, 'deploy') }]);
    expect(handler.socket.readyState).toBe('closing');
    clock.advance(2_999);
    expect(handler.socket.readyState).toBe('closing');
    clock.advance(500);
    expect(await handler.closed()).toMatchObject({ code: 1006, wasClean: false });
    expect(handler.errorCodes).toEqual(['close_timeout']);
    await peer.until(() => peer.isClosed || peer.hasEnded);
  });

  it('answers what came before the peer ended its side', async () => {
    const handler = new RecordingHandler({ message: (socket, data) => void socket.send(data) });
    const transport = await accept(createWebSocketServer({ handler }));
    transport.receive(masked(TEXT, 'last words'));
    transport.push(null);
    await handler.closed();
    expect(transport.frames).toMatchObject([{ payload: Buffer.from('last words') }]);
  });

  it('FR-20 reports 1006 when the peer is gone without a word', async () => {
    for (const leave of ['end', 'resetAndDestroy'] as const) {
      const handler = new RecordingHandler();
      const { port, server } = await serve({ handler });
      const peer = await RawPeer.open(port);
      await handler.opened();
      peer.socket[leave]();
      expect(await handler.closed()).toMatchObject({ code: 1006, wasClean: false });
      expect(handler.errorCodes).toEqual(['connection_lost']);
      await server.drain();
    }
  });

  it('answers a breach with a close frame that still arrives', async () => {
    const handler = new RecordingHandler();
    const { port } = await serve({ handler });
    const peer = await RawPeer.open(port);
    peer.send(Buffer.concat([masked(3, 'x'), Buffer.alloc(500_000)]));
    await peer.ended();
    expect(peer.frames[0]?.payload.readUInt16BE(0)).toBe(1002);
    expect(await handler.closed()).toMatchObject({ code: 1006 });
    expect(handler.errorCodes).toEqual(['frame_invalid']);
  });

  it('answers pings by itself and reports pongs', async () => {
    const handler = new RecordingHandler({ open: (socket) => void socket.ping(Buffer.from('are you there')) });
    const { port } = await serve({ handler });
    const peer = await RawPeer.open(port);
    peer.send(Buffer.concat([masked(PING, 'hi'), masked(PONG, 'yes')]));
    await handler.log.until((event) => event.type === 'pong');
    expect(await peer.framesUntil(2)).toMatchObject([
      { opcode: PING, payload: Buffer.from('are you there') },
      { opcode: PONG, payload: Buffer.from('hi') },
    ]);
  });

  it('drains: closes all, refuses new ones, resolves when the last is gone', async () => {
    const handler = new RecordingHandler();
    const { port, server } = await serve({ handler });
    const peers = [await RawPeer.open(port), await RawPeer.open(port), await RawPeer.open(port)];
    await handler.log.count(3);
    let isDrained = false;
    const drained = server.drain({ reason: 'deploy' }).then(() => {
      isDrained = true;
    });
    expect(await answer(port, requestText())).toMatch(/^HTTP\/1\.1 503 /);
    for (const peer of peers) {
      expect(await peer.framesUntil(1)).toMatchObject([{ opcode: CLOSE, payload: closeBody(1001, 'deploy') }]);
      expect(isDrained).toBe(false);
      peer.send(masked(CLOSE, closeBody(1001)));
      await peer.ended();
      peer.socket.end();
    }
    await drained;
    expect(server.connections).toEqual([]);
    await server.drain();
  });

  it('drains by force after its deadline', async () => {
    const clock = new FakeClock();
    const handler = new RecordingHandler();
    const { port, server } = await serve({ handler, clock });
    await RawPeer.open(port);
    await handler.opened();
    const drained = server.drain({ deadlineMs: 2_000 });
    clock.advance(1_999);
    expect(server.connections).toHaveLength(1);
    clock.advance(501);
    await drained;
    expect(await handler.closed()).toMatchObject({ code: 1006, wasClean: false });
  });

  it('refuses a drain that could not be said', () => {
    const server = createWebSocketServer({ handler: new RecordingHandler() });
    expect(() => server.drain({ code: 1006 })).toThrow(MisuseError);
  });

  it('keeps its list of connections right while they come and go', async () => {
    const handler = new RecordingHandler();
    const { port, server } = await serve({ handler });
    const peers = [];
    for (let index = 0; index < 5; index++) peers.push(await RawPeer.open(port));
    await handler.log.count(5);
    for (const index of [1, 4, 0]) {
      peers[index]?.send(masked(CLOSE));
      await peers[index]?.ended();
    }
    expect(new Set(server.connections)).toEqual(new Set([handler.sockets[2], handler.sockets[3]]));
  });

  it('has no timer while nobody is connected, and none but the heartbeat while nothing is closing', async () => {
    const clock = new FakeClock();
    const handler = new RecordingHandler();
    const { port, server } = await serve({ handler, clock });
    const peer = await RawPeer.open(port);
    peer.send(masked(TEXT, 'x'));
    await handler.received(1);
    expect(clock.timers).toBe(1);
    peer.socket.destroy();
    await server.drain();
    expect(clock.timers).toBe(0);
  });
});
