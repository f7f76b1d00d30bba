/** Compression over real sockets: negotiation, large messages in the thread pool, order, and one compression for many. */
import { constants, deflateRawSync, inflateRawSync } from 'node:zlib';
import { afterEach, describe, expect, it } from 'vitest';
import {
  type CompressionOptions,
  connect,
  createWebSocketServer,
  MisuseError,
  type NodeSocket,
  prepareText,
} from '../src/index.js';
import {
  FakeTransport,
  fakeRequest,
  onStop,
  RawPeer,
  RecordingHandler,
  requestText,
  serve,
  stopAll,
  turn,
} from './support/node.js';
import { BINARY, CLOSE, frame, hex, masked, PING, TEXT } from './support/wire.js';

afterEach(stopAll);

const OFFER = { 'Sec-WebSocket-Extensions': 'permessage-deflate; client_max_window_bits' };
const NO_TAKEOVER = 'permessage-deflate; server_no_context_takeover; client_no_context_takeover';
const TAKEOVER = { serverContextTakeover: true, clientContextTakeover: true };

/** Text that neither repeats nor is random. */
function prose(chars: number, seed = 1): string {
  let text = '';
  for (let at = seed; text.length < chars; at++) text += `${(at * 2_654_435_761) % 99_991} items of ${at % 13}; `;
  return text.slice(0, chars);
}

function inflated(payload: Buffer): string {
  return inflateRawSync(Buffer.concat([payload, hex('0000ffff')]), { finishFlush: constants.Z_SYNC_FLUSH }).toString();
}

function pressed(data: string | Uint8Array, opcode = TEXT): Buffer {
  const payload = deflateRawSync(data, { finishFlush: constants.Z_SYNC_FLUSH }).subarray(0, -4);
  return frame({ opcode, payload, rsv: 4, mask: '37fa213d' });
}

/** A server that echoes and a client of ours. */
async function pair(server: CompressionOptions | boolean, client: CompressionOptions | boolean) {
  const atServer = new RecordingHandler({ message: (socket, data) => void socket.send(data) });
  const limits = { maxMessageBytes: 4_000_000, maxBufferedBytes: 40_000_000 };
  const running = await serve({ handler: atServer, compression: server, limits });
  const atClient = new RecordingHandler();
  const socket = connect(running.url, { handler: atClient, compression: client, limits });
  onStop(() => socket.abort());
  await atClient.opened();
  return { ...running, atServer, atClient, socket };
}

describe('the handshake', () => {
  it('HS-07 PM-05 answers an offer only where compression is on', async () => {
    const handler = new RecordingHandler();
    const off = await serve({ handler });
    expect(await (await RawPeer.open(off.port, '/', OFFER)).head()).not.toContain('Extensions');
    const on = await serve({ handler, compression: true });
    expect(await (await RawPeer.open(on.port)).head()).not.toContain('Extensions');
    const head = await (await RawPeer.open(on.port, '/', OFFER)).head();
    expect(head).toContain(`\r\nSec-WebSocket-Extensions: ${NO_TAKEOVER}\r\n`);
    expect(handler.sockets.map(({ extensions }) => extensions)).toEqual(['', '', NO_TAKEOVER]);
  });

  it('PM-03 goes without for an offer it cannot honour', async () => {
    const { port } = await serve({ handler: new RecordingHandler(), compression: true });
    const fields = { 'Sec-WebSocket-Extensions': 'permessage-deflate; server_max_window_bits=77' };
    expect(await (await RawPeer.open(port, '/', fields)).head()).not.toContain('Extensions');
  });

  it('HC-17 PM-03 fails a server that answers what was not offered', async () => {
    const { url } = await serve({ handler: new RecordingHandler(), compression: { clientMaxWindowBits: 10 } });
    const fine = new RecordingHandler();
    const socket = connect(url, { handler: fine, compression: true });
    onStop(() => socket.abort());
    await fine.opened();
    expect(socket.extensions).toBe(`${NO_TAKEOVER}; client_max_window_bits=10`);

    const liar = await RawServer.answering('permessage-deflate; server_max_window_bits=99');
    const handler = new RecordingHandler();
    connect(liar.url, { handler, compression: true });
    await handler.closed();
    expect(handler.errorCodes).toEqual(['handshake_invalid']);
  });

  it('refuses options that can never work', () => {
    const handler = new RecordingHandler();
    expect(() => connect('ws://127.0.0.1:1', { handler, compression: { level: 0 } })).toThrow(MisuseError);
    return expect(serve({ handler, compression: { memLevel: 10 } })).rejects.toThrow(MisuseError);
  });
});

describe('messages', () => {
  it.each([
    ['off', false, false],
    ['on', true, true],
    ['with takeover', TAKEOVER, TAKEOVER],
    ['small windows', { serverMaxWindowBits: 9 }, { ...TAKEOVER, clientMaxWindowBits: 10 }],
    ['bound to 8 bits', { serverMaxWindowBits: 8 }, { clientMaxWindowBits: 8 }],
  ] as const)('PM-02 PM-11 of all sizes come back as they were: %s', async (_what, server, client) => {
    const { socket, atClient } = await pair(server, client);
    const sent: (string | Uint8Array)[] = [];
    for (const chars of [0, 1, 1_023, 1_024, 20_000, 65_536, 300_000, 5, 1_500, 2_000_000, 10]) {
      sent.push(prose(chars), Buffer.from(prose(chars, 7)), `€${prose(chars, 3)}`);
    }
    for (const data of sent) socket.send(data);
    const received = await atClient.received(sent.length);
    expect(received.map(String)).toEqual(sent.map(String));
  });

  it('PM-12 keeps the order of messages and pongs behind one that is inflated in the thread pool', async () => {
    const handler = new RecordingHandler();
    const { port } = await serve({ handler, compression: true });
    const peer = await RawPeer.open(port, '/', OFFER);
    const large = prose(500_000);
    peer.send(Buffer.concat([masked(TEXT, 'a'), pressed(large), masked(PING, 'p'), pressed('b'), masked(CLOSE)]));
    await handler.closed();
    expect(handler.log.items.map(({ type }) => type)).toEqual([
      'open',
      'message',
      'message',
      'ping',
      'message',
      'close',
    ]);
    expect(handler.messages).toEqual(['a', large, 'b']);
    expect((await peer.framesUntil(2)).map(({ opcode }) => opcode)).toEqual([10, CLOSE]);
  });

  it('PM-12 judges in the thread pool what it judges at once', async () => {
    const cases: [Buffer, number][] = [
      [pressed(Buffer.alloc(100_000_000), BINARY), 1009],
      [pressed(Buffer.concat([Buffer.from(prose(200_000)), hex('ff')])), 1007],
      [frame({ opcode: TEXT, rsv: 4, payload: Buffer.alloc(50_000, 0xff), mask: '00000000' }), 1007],
    ];
    for (const [bytes, code] of cases) {
      expect(bytes.length).toBeGreaterThan(32_768);
      const handler = new RecordingHandler();
      const { port } = await serve({ handler, compression: true });
      const peer = await RawPeer.open(port, '/', OFFER);
      peer.send(bytes).send(masked(TEXT, 'not read'));
      await handler.closed();
      expect(handler.messages).toEqual([]);
      expect((await peer.framesUntil(1))[0]?.payload.readUInt16BE(0)).toBe(code);
    }
  });

  it('delivers what was being inflated when the peer ended its side', async () => {
    const handler = new RecordingHandler();
    const { port } = await serve({ handler, compression: true });
    const peer = await RawPeer.open(port, '/', OFFER);
    peer.socket.end(pressed(prose(400_000)));
    expect(await handler.closed()).toMatchObject({ code: 1006 });
    expect(handler.messages).toEqual([prose(400_000)]);
  });

  it('delivers nothing while paused, also what is inflated meanwhile', async () => {
    const handler = new RecordingHandler({ message: (socket) => socket.pause() });
    const { port } = await serve({ handler, compression: true });
    const peer = await RawPeer.open(port, '/', OFFER);
    peer.send(Buffer.concat([pressed(prose(400_000)), pressed(prose(300_000)), masked(TEXT, 'c')]));
    for (const [count, last] of [prose(400_000), prose(300_000), 'c'].entries()) {
      expect((await handler.received(count + 1)).at(-1)).toBe(last);
      await new Promise((resolve) => setImmediate(resolve));
      expect(handler.messages).toHaveLength(count + 1);
      handler.socket.resume();
    }
  });

  it('an error in a handler for an inflated message closes its connection with 1011', async () => {
    const handler = new RecordingHandler({
      message: () => {
        throw new Error('on purpose');
      },
    });
    const { port } = await serve({ handler, compression: true });
    const peer = await RawPeer.open(port, '/', OFFER);
    peer.send(pressed(prose(400_000)));
    expect((await peer.framesUntil(1))[0]?.payload.readUInt16BE(0)).toBe(1011);
    expect(handler.errorCodes).toEqual(['handler_threw']);
  });

  it('FR-13 sends what is compressed in the thread pool before what follows it, the close included', async () => {
    const handler = new RecordingHandler({
      open(socket) {
        expect(socket.send(prose(500_000))).toBe('queued');
        socket.send('small');
        socket.ping(Buffer.from('x'));
        socket.sendFrame(prepareText(prose(200_000)));
        expect(socket.bufferedBytes).toBeGreaterThan(700_000);
        socket.close(4_000, 'done');
        expect(socket.send('late')).toBe('dropped');
      },
    });
    const { port } = await serve({ handler, compression: true });
    const peer = await RawPeer.open(port, '/', OFFER);
    const frames = await peer.framesUntil(5);
    expect(frames.map(({ opcode, rsv }) => [opcode, rsv])).toEqual([
      [TEXT, 4],
      [TEXT, 0],
      [PING, 0],
      [TEXT, 4],
      [CLOSE, 0],
    ]);
    expect(inflated(frames[0]?.payload ?? hex(''))).toBe(prose(500_000));
    expect(inflated(frames[3]?.payload ?? hex(''))).toBe(prose(200_000));
  });

  it('FR-13 answers a close behind what is still compressed in the thread pool, and ends TCP behind both', async () => {
    const handler = new RecordingHandler({ message: (socket) => void socket.send(prose(500_000)) });
    const { port } = await serve({ handler, compression: true });
    const peer = await RawPeer.open(port, '/', OFFER);
    peer.send(Buffer.concat([masked(TEXT, 'go'), masked(CLOSE, hex('0fa0'))]));
    await peer.ended();
    expect(peer.frames.map(({ opcode }) => opcode)).toEqual([TEXT, CLOSE]);
    expect(inflated(peer.frames[0]?.payload ?? hex(''))).toBe(prose(500_000));
    expect(handler.errorCodes).toEqual([]);
  });

  it('does not read on while a message is inflated in the thread pool', async () => {
    const handler = new RecordingHandler();
    const request = fakeRequest();
    request.rawHeaders.push('Sec-WebSocket-Extensions', 'permessage-deflate');
    const transport = new FakeTransport();
    createWebSocketServer({ handler, compression: true }).handleUpgrade(request, transport, Buffer.alloc(0));
    await turn();
    transport.receive(pressed(prose(400_000)));
    expect(transport.isPaused()).toBe(true);
    await handler.received(1);
    expect(transport.isPaused()).toBe(false);
  });

  it('drain follows once a message that was compressed in the thread pool is written', async () => {
    const handler = new RecordingHandler({ open: (socket) => void socket.send(prose(100_000)) });
    const { port } = await serve({ handler, compression: true });
    await RawPeer.open(port, '/', OFFER);
    await handler.log.until(({ type }) => type === 'drain');
    expect(handler.socket.bufferedBytes).toBe(0);
  });

  it('forgets what is in the thread pool when the connection is aborted', async () => {
    const handler = new RecordingHandler({
      open(socket) {
        socket.send(prose(300_000));
        socket.abort();
      },
    });
    const { port, server } = await serve({ handler, compression: true });
    const peer = await RawPeer.connect(port);
    await peer.send(requestText(OFFER)).ended();
    expect(server.connections).toHaveLength(0);
    expect(handler.socket.bufferedBytes).toBe(0);
  });

  it.each([
    ['small', 2_000],
    ['in the thread pool', 200_000],
  ])('PM-09 a broadcast compresses once for all connections: %s', async (_what, chars) => {
    const handler = new RecordingHandler();
    const { port } = await serve({ handler, compression: true });
    const peers: RawPeer[] = [];
    for (let index = 0; index < 5; index++) peers.push(await RawPeer.open(port, '/', OFFER));
    const plain = await RawPeer.open(port);
    const shared = prepareText(prose(chars));
    const made: unknown[] = [];
    const form = shared.deflatedFor.bind(shared);
    shared.deflatedFor = (...args) => {
      const result = form(...args);
      made.push(result);
      return result;
    };
    for (const socket of handler.sockets as NodeSocket[]) socket.sendFrame(shared);
    for (const peer of peers) {
      const [sent] = await peer.framesUntil(1);
      expect(sent?.rsv).toBe(4);
      expect(inflated(sent?.payload ?? hex(''))).toBe(prose(chars));
    }
    expect(made).toHaveLength(5);
    expect(new Set(made).size).toBe(1);
    expect((await plain.framesUntil(1))[0]).toMatchObject({ rsv: 0, payload: Buffer.from(prose(chars)) });
  });

  it('an observer is told which messages are compressed', async () => {
    const seen: string[] = [];
    const observe = () => ({
      frame: ({ direction, opcode, isDeflated }: { direction: string; opcode: number; isDeflated?: true }) =>
        void seen.push(`${direction} ${opcode}${isDeflated === true ? ' deflated' : ''}`),
    });
    const handler = new RecordingHandler({
      message: (socket, data) => void socket.sendFrame(prepareText(String(data))),
    });
    const { port } = await serve({ handler, observe, compression: true });
    const peer = await RawPeer.open(port, '/', OFFER);
    peer
      .send(pressed(prose(2_000)))
      .send(masked(TEXT, 'x'))
      .send(pressed(prose(200_000)));
    await peer.framesUntil(3);
    expect(seen).toEqual(['in 1 deflated', 'out 1 deflated', 'in 1', 'out 1', 'in 1 deflated', 'out 1 deflated']);
  });
});

/** A server that completes any handshake with an extension of our choice. */
const RawServer = {
  async answering(extensions: string): Promise<{ url: string }> {
    const { createServer } = await import('node:net');
    const { acceptFor } = await import('../src/server-handshake.js');
    const server = createServer((socket) => {
      socket.on('error', () => {});
      socket.on('data', (bytes) => {
        const key = /Sec-WebSocket-Key: (\S+)/.exec(bytes.toString())?.[1] ?? '';
        const head = 'HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n';
        socket.end(`${head}Sec-WebSocket-Accept: ${acceptFor(key)}\r\nSec-WebSocket-Extensions: ${extensions}\r\n\r\n`);
      });
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    onStop(() => new Promise((resolve) => server.close(resolve)));
    const address = server.address();
    return { url: `ws://127.0.0.1:${typeof address === 'object' ? address?.port : 0}` };
  },
};
