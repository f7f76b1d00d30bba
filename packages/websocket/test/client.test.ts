import { randomBytes } from 'node:crypto';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import {
  type ConnectOptions,
  connect,
  MisuseError,
  type NodeSocket,
  prepareText,
  TransportError,
  upgradeResponse,
} from '../src/index.js';
import { FakeClock, Log, onStop, RawPeer, RecordingHandler, serve, stopAll, turn } from './support/node.js';
import { CLOSE, closeBody, hex, PING, PONG, parseFrames, plain, TEXT } from './support/wire.js';

afterEach(stopAll);

/** A TCP server that answers by hand. */
class RawServer {
  readonly peers = new Log<RawPeer>();
  readonly #server: Server;

  constructor() {
    this.#server = createServer({ allowHalfOpen: true }, (socket: Socket) => this.peers.add(new RawPeer(socket)));
  }

  static async start(): Promise<RawServer> {
    const raw = new RawServer();
    await new Promise<void>((resolve) => raw.#server.listen(0, '127.0.0.1', resolve));
    onStop(() => new Promise((resolve) => raw.#server.close(resolve)));
    return raw;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  get url(): string {
    return `ws://127.0.0.1:${this.port}`;
  }

  /** The nth connection, with its request received. */
  async request(index = 0): Promise<{ peer: RawPeer; text: string; key: string }> {
    const peer = (await this.peers.count(index + 1))[index] as RawPeer;
    const text = await peer.head();
    return { peer, text, key: /Sec-WebSocket-Key: (.*)\r\n/.exec(text)?.[1] ?? '' };
  }

  async accept(index = 0, protocol = ''): Promise<RawPeer> {
    const { peer, key } = await this.request(index);
    return peer.send(upgradeResponse(key, protocol));
  }
}

function dial(url: string, options: Partial<ConnectOptions> = {}, handler = new RecordingHandler()) {
  const socket = connect(url, { ...options, handler });
  onStop(() => socket.abort());
  return { handler, socket };
}

describe('a client', () => {
  it('HC-06 asks, and is open when the answer is right', async () => {
    const raw = await RawServer.start();
    const { handler, socket } = dial(`${raw.url}/chat?room=1`, { protocols: ['v2', 'v1'] });
    expect(socket.readyState).toBe('connecting');
    const peer = await raw.accept(0, 'v1');
    const { handshake } = await handler.opened();
    expect(peer.received.toString('latin1').startsWith('GET /chat?room=1 HTTP/1.1\r\n')).toBe(true);
    expect(handshake).toMatchObject({ url: `${raw.url}/chat?room=1`, path: '/chat', address: '127.0.0.1' });
    expect(handshake.headers['sec-websocket-protocol']).toBe('v1');
    expect(socket).toMatchObject({ readyState: 'open', protocol: 'v1', remoteAddress: '127.0.0.1' });
  });

  it('HC-09 sends a fresh key of 16 random bytes each time', async () => {
    const raw = await RawServer.start();
    const keys = new Set<string>();
    for (let index = 0; index < 5; index++) {
      const { socket } = dial(raw.url);
      const { key } = await raw.request(index);
      expect(Buffer.from(key, 'base64')).toHaveLength(16);
      keys.add(key);
      socket.abort();
    }
    expect(keys.size).toBe(5);
  });

  it('HC-13 sends no frame before the answer was validated', async () => {
    const raw = await RawServer.start();
    const { handler, socket } = dial(raw.url);
    expect([socket.send('early'), socket.sendFrame(prepareText('early')), socket.ping()]).toEqual(
      Array(3).fill('dropped'),
    );
    const { peer, text, key } = await raw.request();
    expect(socket.send('early')).toBe('dropped');
    expect(socket.bufferedBytes).toBe(0);
    peer.send(upgradeResponse(key, '').slice(0, -1));
    for (let index = 0; index < 10; index++) await turn();
    expect([peer.received.length, handler.log.items]).toEqual([text.length, []]);
    peer.send('\n');
    await handler.opened();
    expect(socket.send('now')).toBe('sent');
    await peer.framesUntil(1);
  });

  it('HC-03 has one connection in its handshake per address and port; the others wait', async () => {
    const raw = await RawServer.start();
    const elsewhere = await RawServer.start();
    const dials = [dial(raw.url), dial(raw.url), dial(`ws://localhost:${raw.port}`), dial(elsewhere.url)];
    await raw.request(0);
    await elsewhere.request(0);
    for (let index = 0; index < 20; index++) await turn();
    expect(raw.peers.items).toHaveLength(1);
    await raw.accept(0);
    await dials[0]?.handler.opened();
    const second = await raw.request(1);
    for (let index = 0; index < 20; index++) await turn();
    expect(raw.peers.items).toHaveLength(2);
    // A failure lets the next one in as well.
    second.peer.socket.destroy();
    await dials[1]?.handler.closed();
    await raw.accept(2);
    await dials[2]?.handler.opened();
    expect(raw.peers.items).toHaveLength(3);
  });

  it('HC-03 one that is given up while it waits lets the others in', async () => {
    const raw = await RawServer.start();
    const first = dial(raw.url);
    const second = dial(raw.url);
    const third = dial(raw.url);
    await raw.request(0);
    second.socket.close();
    expect(await second.handler.closed()).toMatchObject({ code: 1006 });
    first.socket.abort();
    await raw.accept(1);
    await third.handler.opened();
  });

  it('reads frames that came with the answer', async () => {
    const raw = await RawServer.start();
    const { handler } = dial(raw.url);
    const { peer, key } = await raw.request();
    peer.send(Buffer.concat([Buffer.from(upgradeResponse(key, '')), plain(TEXT, 'with it')]));
    expect(await handler.received(1)).toEqual(['with it']);
  });

  it('HC-16 fails a wrong accept key, and never opens', async () => {
    const raw = await RawServer.start();
    const { handler, socket } = dial(raw.url);
    const { peer } = await raw.request();
    peer.send(upgradeResponse(randomBytes(16).toString('base64'), ''));
    expect(await handler.closed()).toMatchObject({ code: 1006, wasClean: false });
    expect(handler.log.items.map(({ type }) => type)).toEqual(['error', 'close']);
    expect(handler.errorCodes).toEqual(['handshake_invalid']);
    expect([socket.readyState, socket.send('x')]).toEqual(['closed', 'dropped']);
    await peer.ended();
  });

  it('reports another status with its number, and the reason when nobody listens', async () => {
    const raw = await RawServer.start();
    const refused = dial(raw.url);
    const { peer } = await raw.request();
    peer.send('HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\n\r\n');
    const event = await refused.handler.log.until((item) => item.type === 'error');
    expect(event.error).toMatchObject({ code: 'handshake_refused', status: 401, retryable: false });

    const closedPort = raw.port;
    await stopAll();
    const nobody = dial(`ws://127.0.0.1:${closedPort}`);
    const failure = await nobody.handler.log.until((item) => item.type === 'error');
    expect(failure.error).toBeInstanceOf(TransportError);
    expect(failure.error).toMatchObject({ code: 'connect_failed', retryable: true, cause: { code: 'ECONNREFUSED' } });
  });

  it('fails when the server leaves in the middle of its answer', async () => {
    const raw = await RawServer.start();
    const { handler } = dial(raw.url);
    const { peer } = await raw.request();
    peer.send('HTTP/1.1 101 Switching');
    peer.socket.end();
    expect(await handler.closed()).toMatchObject({ code: 1006 });
    expect(handler.errorCodes).toEqual(['connect_failed']);
  });

  it.each([
    [9_999, 'connecting'],
    [10_000, 'closed'],
  ])('gives the handshake 10 s: after %i ms it is %s', async (ms, state) => {
    const clock = new FakeClock();
    const raw = await RawServer.start();
    const { handler, socket } = dial(raw.url, { clock });
    await raw.request();
    clock.advance(ms);
    expect(socket.readyState).toBe(state);
    if (state === 'closed') expect(handler.errorCodes).toEqual(['connect_timeout']);
    socket.abort();
    expect(clock.timers).toBe(0);
  });

  it('does not count the time in the queue', async () => {
    const clock = new FakeClock();
    const raw = await RawServer.start();
    const first = dial(raw.url, { clock });
    const second = dial(raw.url, { clock });
    await raw.request();
    clock.advance(9_000);
    await raw.accept(0);
    await first.handler.opened();
    await raw.request(1);
    clock.advance(9_000);
    expect(second.socket.readyState).toBe('connecting');
    clock.advance(1_500);
    expect(second.handler.errorCodes).toEqual(['connect_timeout']);
  });

  it('gives up connecting on a signal, and not once open', async () => {
    const raw = await RawServer.start();
    const before = dial(raw.url, { signal: AbortSignal.abort() });
    expect(before.handler.log.items).toEqual([]);
    await before.handler.closed();
    expect(before.handler.errorCodes).toEqual(['connect_aborted']);

    const controller = new AbortController();
    const during = dial(raw.url, { signal: controller.signal });
    await raw.request(0);
    const reason = new Error('changed my mind');
    controller.abort(reason);
    const event = await during.handler.log.until((item) => item.type === 'error');
    expect(event.error).toMatchObject({ code: 'connect_aborted', cause: reason });

    const late = new AbortController();
    const open = dial(raw.url, { signal: late.signal });
    await raw.accept(1);
    await open.handler.opened();
    late.abort();
    expect(open.socket.readyState).toBe('open');
  });

  it('HC-02 throws for what can never work, and connects nowhere', () => {
    const handler = new RecordingHandler();
    for (const [url, options] of [
      ['http://127.0.0.1:9', {}],
      ['ws://127.0.0.1:9/#x', {}],
      ['ws://127.0.0.1:9', { protocols: ['a', 'a'] }],
      ['ws://127.0.0.1:9', { headers: { Host: 'x' } }],
      ['ws://127.0.0.1:9', { limits: { maxMessageBytes: -1 } }],
    ] as const) {
      expect(() => connect(url, { ...options, handler })).toThrow(MisuseError);
    }
    expect(handler.log.items).toEqual([]);
  });

  it('FR-01 FR-07 masks each frame with another key', async () => {
    const raw = await RawServer.start();
    const { handler, socket } = dial(raw.url);
    const peer = await raw.accept();
    await handler.opened();
    for (let index = 0; index < 50; index++) socket.send('same text');
    socket.sendFrame(prepareText('prepared'));
    const frames = await peer.framesUntil(51);
    expect(frames.every(({ isMasked }) => isMasked)).toBe(true);
    expect(new Set(frames.map(({ key }) => key)).size).toBe(51);
    expect(frames.map(({ payload }) => payload.toString())).toEqual([...Array(50).fill('same text'), 'prepared']);
  });

  it('FR-02 fails a server that masks', async () => {
    const raw = await RawServer.start();
    const { handler } = dial(raw.url);
    const peer = await raw.accept();
    peer.send(hex('81 81 00 00 00 00 61'));
    expect(await handler.closed()).toMatchObject({ code: 1006 });
    expect((await peer.framesUntil(1))[0]?.payload.readUInt16BE(0)).toBe(1002);
  });

  it('FR-14 leaves the end of TCP to the server', async () => {
    const clock = new FakeClock();
    const raw = await RawServer.start();
    const { handler, socket } = dial(raw.url, { clock });
    const peer = await raw.accept();
    await handler.opened();
    socket.close(4000, 'done');
    expect(await peer.framesUntil(1)).toMatchObject([{ opcode: CLOSE, payload: closeBody(4000, 'done') }]);
    peer.send(plain(CLOSE, closeBody(4000)));
    expect(await handler.closed()).toMatchObject({ code: 4000, wasClean: true });
    for (let index = 0; index < 20; index++) await turn();
    expect(peer.hasEnded).toBe(false);
    peer.socket.end();
    await peer.ended();
    while (clock.timers > 0) await turn();
  });

  it('FR-14 but not for longer than closeWaitMs', async () => {
    const clock = new FakeClock();
    const raw = await RawServer.start();
    const { handler } = dial(raw.url, { clock });
    const peer = await raw.accept();
    await handler.opened();
    peer.send(plain(CLOSE, closeBody(1000)));
    await handler.closed();
    await peer.framesUntil(1);
    clock.advance(10_000);
    await peer.ended();
  });

  it('answers pings, and FR-20 reports the loss of the server', async () => {
    const raw = await RawServer.start();
    const { handler } = dial(raw.url);
    const peer = await raw.accept();
    peer.send(plain(PING, 'hi'));
    expect(await peer.framesUntil(1)).toMatchObject([{ opcode: PONG, payload: Buffer.from('hi'), isMasked: true }]);
    peer.socket.resetAndDestroy();
    expect(await handler.closed()).toMatchObject({ code: 1006 });
    expect(handler.errorCodes).toEqual(['connection_lost']);
  });

  it('ws@8.5.0 sends Authorization to the host of the URL only: redirects are not followed', async () => {
    const raw = await RawServer.start();
    const target = await RawServer.start();
    const { handler } = dial(raw.url, { headers: { Authorization: 'Bearer secret' } });
    const { peer, text } = await raw.request();
    expect(text).toContain('\r\nAuthorization: Bearer secret\r\n');
    peer.send(`HTTP/1.1 302 Found\r\nLocation: ${target.url}\r\nContent-Length: 0\r\n\r\n`);
    await handler.closed();
    expect(target.peers.items).toEqual([]);
  });
});

describe('client and server together', () => {
  it('echo texts and bytes of all sizes over loopback', async () => {
    const { url } = await serve({ handler: { message: (socket, data) => void socket.send(data) } });
    const { handler, socket } = dial(url);
    await handler.opened();
    const sizes = [0, 1, 124, 125, 126, 127, 65_535, 65_536, 300_000];
    const sent = sizes.flatMap((size) => ['é'.repeat(size / 2), randomBytes(size)]);
    for (const data of sent) {
      socket.send(data);
      await handler.received(handler.messages.length + 1);
    }
    for (const [index, data] of handler.messages.entries()) {
      expect(Buffer.from(data as string).equals(Buffer.from(sent[index] as string))).toBe(true);
    }
  });

  it('close from either side, cleanly', async () => {
    for (const side of ['client', 'server'] as const) {
      const atServer = new RecordingHandler();
      const { url, server } = await serve({ handler: atServer });
      const { handler, socket } = dial(url);
      await handler.opened();
      await atServer.opened();
      const first = side === 'client' ? socket : atServer.socket;
      first.close(4321, 'enough');
      const expected = { code: 4321, wasClean: true };
      expect(await handler.closed()).toMatchObject(expected);
      expect(await atServer.closed()).toMatchObject(expected);
      await server.drain();
    }
  });

  it('carry a flood in both directions with backpressure', async () => {
    const { url } = await serve({ handler: { message: (socket, data) => void socket.send(data) } });
    const total = 3_000;
    let sent = 0;
    let isOrdered = true;
    const pump = (socket: NodeSocket): void => {
      while (sent < total) {
        if (socket.send(`${sent++} ${'x'.repeat(sent % 2_000)}`) === 'queued') return;
      }
    };
    const done = new Log<number>();
    let received = 0;
    const socket = connect(url, {
      handler: {
        open: pump,
        drain: pump,
        message(_socket, data) {
          isOrdered &&= (data as string).startsWith(`${received} `);
          if (++received === total) done.add(received);
        },
      },
    });
    onStop(() => socket.abort());
    await done.count(1);
    expect(isOrdered).toBe(true);
  });

  it('speak what each other understands when frames are observed raw', async () => {
    const { port } = await serve({ handler: { message: (socket, data) => void socket.send(data) } });
    const peer = await RawPeer.open(port);
    peer.send(hex('81 85 37 fa 21 3d 7f 9f 4d 51 58'));
    await peer.framesUntil(1);
    expect(parseFrames(peer.received.subarray(-7)).frames).toMatchObject([
      { opcode: TEXT, payload: Buffer.from('Hello') },
    ]);
  });
});
