import { afterEach, describe, expect, it } from 'vitest';
import {
  createWebSocketServer,
  MisuseError,
  type NodeSocket,
  PreparedFrame,
  prepareBinary,
  prepareText,
  type WebSocketHandler,
} from '../src/index.js';
import { accept, FakeTransport, RawPeer, RecordingHandler, serve, stopAll, turn } from './support/node.js';
import { BINARY, CLOSE, hex, masked, PING, PONG, TEXT } from './support/wire.js';

afterEach(stopAll);

function opened(react: Partial<WebSocketHandler> = {}, limits = {}) {
  const handler = new RecordingHandler(react);
  return { handler, server: createWebSocketServer({ handler, limits }) };
}

describe('writes', () => {
  it('are one per turn, whatever is sent and from wherever', async () => {
    const { handler, server } = opened();
    const transport = await accept(server);
    const { socket } = handler;
    transport.writes.length = 0;
    const texts = Array.from({ length: 20 }, (_, index) => `message ${index}`);
    for (const text of texts.slice(0, 10)) socket.send(text);
    queueMicrotask(() => {
      for (const text of texts.slice(10, 15)) socket.send(text);
    });
    process.nextTick(() => {
      for (const text of texts.slice(15)) socket.send(text);
    });
    expect(transport.writes).toEqual([]);
    await turn();
    expect(transport.writes).toHaveLength(1);
    expect(transport.frames.map(({ payload }) => payload.toString()).sort()).toEqual([...texts].sort());
  });

  it('of replies to all messages of a chunk, and of chunks of one turn, are one', async () => {
    const { server } = opened({ message: (socket, data) => void socket.send(data) });
    const transport = await accept(server);
    transport.writes.length = 0;
    const chunk = Buffer.concat(Array.from({ length: 50 }, (_, index) => masked(TEXT, `${index}`)));
    transport.receive(chunk);
    transport.receive(chunk);
    await turn();
    await turn();
    expect(transport.writes).toHaveLength(1);
    expect(transport.frames).toHaveLength(100);
  });

  it('carry the 101 response together with what open sent', async () => {
    const { server } = opened({ open: (socket) => void socket.send('welcome') });
    const transport = await accept(server);
    expect(transport.writes).toHaveLength(1);
    expect(transport.written.toString('latin1').startsWith('HTTP/1.1 101 ')).toBe(true);
    expect(transport.frames).toMatchObject([{ opcode: TEXT, payload: Buffer.from('welcome') }]);
  });

  it('are one per connection when a message goes to all', async () => {
    const { handler, server } = opened({
      message(_socket, data) {
        for (const other of server.connections) other.send(data);
      },
    });
    const transports = [await accept(server), await accept(server), await accept(server)];
    for (const transport of transports) transport.writes.length = 0;
    for (const transport of transports) transport.receive(masked(TEXT, 'to all'));
    await turn();
    await turn();
    expect(transports.map(({ writes }) => writes.length)).toEqual([1, 1, 1]);
    expect(transports.map(({ frames }) => frames.length)).toEqual([3, 3, 3]);
    expect(handler.messages).toHaveLength(3);
  });

  it('of one prepared frame hand out its very buffer, to every connection', async () => {
    const { handler, server } = opened();
    const transports = [await accept(server), await accept(server)];
    for (const transport of transports) transport.writes.length = 0;
    const frame = prepareText('the same bytes for everyone');
    for (const socket of handler.sockets) expect(socket.sendFrame(frame)).toBe('sent');
    await turn();
    for (const { writes } of transports) {
      expect(writes).toHaveLength(1);
      expect(writes[0]).toHaveLength(1);
      expect(writes[0]?.[0]).toBe(frame.bytes);
    }
  });

  it('of several prepared frames are one, copied when small and gathered when large', async () => {
    const { handler, server } = opened();
    const transport = await accept(server);
    transport.writes.length = 0;
    for (let index = 0; index < 10; index++) handler.socket.sendFrame(prepareText(`small ${index}`));
    await turn();
    expect(transport.writes.map((parts) => parts.length)).toEqual([1]);
    transport.writes.length = 0;
    const large = [prepareBinary(Buffer.alloc(20_000, 1)), prepareBinary(Buffer.alloc(30_000, 2))];
    handler.socket.send('before');
    for (const frame of large) handler.socket.sendFrame(frame);
    await turn();
    expect(transport.writes).toHaveLength(1);
    expect(transport.writes[0]?.[1]).toBe(large[0]?.bytes);
    expect(transport.writes[0]?.[2]).toBe(large[1]?.bytes);
    expect(transport.frames.map(({ payload }) => payload.length)).toEqual([6, 20_000, 30_000]);
  });

  it('of the same prepared frames are one buffer for all connections, and a new one in the next turn', async () => {
    const { handler, server } = opened();
    const transports = [await accept(server), await accept(server)];
    for (const transport of transports) transport.writes.length = 0;
    const frames = [prepareText('one'), prepareText('two')];
    for (const round of [0, 1]) {
      for (const socket of handler.sockets) for (const frame of frames) socket.sendFrame(frame);
      await turn();
      expect(transports.map(({ writes }) => writes.length)).toEqual([round + 1, round + 1]);
    }
    const [first, second] = transports.map(({ writes }) => writes.map(([bytes]) => bytes));
    expect(first?.[0]).toBe(second?.[0]);
    expect(first?.[1]).toBe(second?.[1]);
    expect(first?.[0]).not.toBe(first?.[1]);
    const texts = ['one', 'two', 'one', 'two'];
    for (const { frames } of transports) expect(frames.map(({ payload }) => payload.toString())).toEqual(texts);
  });

  it('happen at once when asked for', async () => {
    const { handler, server } = opened();
    const transports = [await accept(server), await accept(server)];
    for (const transport of transports) transport.writes.length = 0;
    for (const socket of handler.sockets) socket.send('now');
    handler.sockets[0]?.flush();
    expect(transports.map(({ writes }) => writes.length)).toEqual([1, 0]);
    server.flush();
    expect(transports.map(({ writes }) => writes.length)).toEqual([1, 1]);
    await turn();
    expect(transports.map(({ writes }) => writes.length)).toEqual([1, 1]);
  });

  it('are not written over while a stream in between still has them', async () => {
    const { handler, server } = opened();
    const transport = await accept(server);
    // Long enough to fill shared memory that other tests have used.
    const texts = Array.from({ length: 30 }, (_, index) => `${index} ${'x'.repeat(2_000)}`);
    for (const text of texts) {
      handler.socket.send(text);
      await turn();
    }
    expect(transport.frames.map(({ payload }) => payload.toString())).toEqual(texts);
  });

  it('keep the order of own messages, prepared frames and pongs', async () => {
    const { server } = opened({
      message(socket) {
        socket.send('a');
        socket.sendFrame(prepareText('b'));
        socket.send(hex('63'));
      },
    });
    const transport = await accept(server);
    transport.receive(Buffer.concat([masked(TEXT), masked(PING, 'd'), masked(TEXT)]));
    await turn();
    await turn();
    expect(transport.frames.map(({ payload }) => payload.toString()).join('')).toBe('abcdabc');
  });
});

describe('a large message to a plain socket', () => {
  async function connected() {
    const handler = new RecordingHandler();
    const { port } = await serve({ handler });
    const peer = await RawPeer.open(port);
    await handler.log.count(1);
    await turn();
    return { peer, socket: handler.socket };
  }

  it.each([
    [16_383, 16_383],
    [16_384, 0],
    [16_385, 0],
  ])('is written at once from a frame of 16 KiB on: of %i bytes, %i wait', async (frameBytes, waiting) => {
    const { peer, socket } = await connected();
    expect(socket.send(Buffer.alloc(frameBytes - 4, 5))).toBe('sent');
    expect(socket.bufferedBytes).toBe(waiting);
    const [frame] = await peer.framesUntil(1);
    expect(frame?.payload.equals(Buffer.alloc(frameBytes - 4, 5))).toBe(true);
  });

  it('takes what was sent before with it', async () => {
    const { peer, socket } = await connected();
    socket.send('before');
    expect(socket.send('x'.repeat(20_000))).toBe('sent');
    expect(socket.bufferedBytes).toBe(0);
    socket.send('behind');
    const frames = await peer.framesUntil(3);
    expect(frames.map(({ payload }) => payload.length)).toEqual([6, 20_000, 6]);
  });

  it.each([100, 10_000, 65_536, 300_000])(
    'of %i bytes is what it was when it was sent, whatever becomes of its memory',
    async (bytes) => {
      const { peer, socket } = await connected();
      const memory = Buffer.alloc(bytes);
      // More than the kernel takes at once in the end, so that some wait in each of the places there are.
      for (let fill = 1; fill <= 8; fill++) socket.send(memory.fill(fill));
      memory.fill(0xee);
      const frames = await peer.framesUntil(8);
      expect(frames.map(({ payload }, index) => payload.equals(Buffer.alloc(bytes, index + 1)))).toEqual(
        Array(8).fill(true),
      );
    },
  );

  it('is queued when the kernel does not take all of it, and drain follows', async () => {
    const handler = new RecordingHandler();
    const { port } = await serve({ handler, limits: { maxBufferedBytes: 50_000_000 } });
    const peer = await RawPeer.open(port);
    await handler.log.count(1);
    peer.socket.pause();
    const { socket } = handler;
    const large = Buffer.alloc(1_000_000);
    let sent = 1;
    while (socket.send(large) === 'sent') sent++;
    expect(socket.bufferedBytes).toBeGreaterThan(0);
    peer.socket.resume();
    await handler.log.until(({ type }) => type === 'drain');
    expect(socket.bufferedBytes).toBe(0);
    expect((await peer.framesUntil(sent)).length).toBe(sent);
  });
});

it('a large message to a stream that is not a plain socket leaves with the others of its turn', async () => {
  const { handler, server } = opened();
  const transport = await accept(server);
  transport.writes.length = 0;
  handler.socket.send('x'.repeat(20_000));
  handler.socket.send('behind');
  expect(transport.writes).toEqual([]);
  await turn();
  expect(transport.writes).toHaveLength(1);
});

describe('prepared frames', () => {
  it.each([0, 125, 126, 65_535, 65_536])('hold the header and %i bytes', async (size) => {
    const text = 'x'.repeat(size);
    const { handler, server } = opened();
    const transport = await accept(server);
    handler.socket.sendFrame(prepareText(text));
    handler.socket.sendFrame(prepareText(Buffer.from(text)));
    handler.socket.sendFrame(prepareText([Buffer.from(text.slice(0, 7)), Buffer.from(text.slice(7))]));
    handler.socket.sendFrame(prepareBinary(Buffer.from(text)));
    await turn();
    expect(transport.frames.map(({ opcode }) => opcode)).toEqual([TEXT, TEXT, TEXT, BINARY]);
    expect(transport.frames.every(({ payload, isMasked }) => payload.toString() === text && !isMasked)).toBe(true);
  });

  it('refuse what is no message', () => {
    for (const wrong of [1, null, undefined, {}, ['a'], [1], new ArrayBuffer(3)]) {
      expect(() => prepareText(wrong as string)).toThrow(MisuseError);
      expect(() => prepareBinary(wrong as Uint8Array)).toThrow(MisuseError);
    }
    expect(() => prepareText(hex('ff'))).toThrow(MisuseError);
    expect(prepareBinary(hex('ff'))).toBeInstanceOf(PreparedFrame);
  });
});

describe('a slow peer', () => {
  it('makes send say queued, and drain follows when it reads again', async () => {
    const { handler, server } = opened();
    const transport = await accept(server);
    const { socket } = handler;
    transport.isStuck = true;
    expect(socket.send('x'.repeat(20_000))).toBe('sent');
    await turn();
    expect(socket.send('more')).toBe('queued');
    expect(socket.sendFrame(prepareText('and more'))).toBe('queued');
    expect(socket.bufferedBytes).toBe(20_004 + 6 + 10);
    await turn();
    // What waits is not pushed into Node's stream: it stays ours until the transport takes more.
    expect(transport.writableLength).toBe(20_004);
    transport.unstick();
    await handler.log.until((event) => event.type === 'drain');
    expect(socket.bufferedBytes).toBe(0);
    expect(socket.send('again')).toBe('sent');
    await turn();
    expect(transport.frames.map(({ payload }) => payload.length)).toEqual([20_000, 4, 8, 5]);
    expect(handler.log.items.filter(({ type }) => type === 'drain')).toHaveLength(1);
  });

  it('hears queued within one turn from 64 KiB on, and drain after the write', async () => {
    const { handler, server } = opened();
    await accept(server);
    expect(handler.socket.send('x'.repeat(60_000))).toBe('sent');
    expect(handler.socket.send('x'.repeat(6_000))).toBe('queued');
    await handler.log.until((event) => event.type === 'drain');
  });

  it('FR-15 gets one pong for many pings, the last', async () => {
    const { handler, server } = opened();
    const transport = await accept(server);
    transport.isStuck = true;
    handler.socket.send('x'.repeat(20_000));
    await turn();
    for (let index = 0; index < 500; index++) transport.receive(masked(PING, `${index}`));
    await handler.log.count(501);
    expect(handler.socket.bufferedBytes).toBe(20_004);
    transport.unstick();
    await turn();
    expect(transport.frames.slice(1)).toMatchObject([{ opcode: PONG, payload: Buffer.from('499') }]);
  });

  it.each([
    [999, 1_000, 'queued', 'open'],
    [1_000, 1_000, 'queued', 'open'],
    [1_001, 1_000, 'dropped', 'closed'],
    // The default.
    [4_194_303, undefined, 'queued', 'open'],
    [4_194_304, undefined, 'queued', 'open'],
    [4_194_305, undefined, 'dropped', 'closed'],
  ])('may have maxBufferedBytes waiting and no more: %i of %s', async (total, maxBufferedBytes, result, state) => {
    const { handler, server } = opened({}, { maxBufferedBytes });
    const transport = await accept(server, new FakeTransport(1));
    transport.isStuck = true;
    const { socket } = handler;
    socket.send('x'.repeat(498));
    await turn();
    expect(socket.bufferedBytes).toBe(502);
    const header = total > 65_536 ? 10 : 4;
    expect(socket.send('y'.repeat(total - 502 - header))).toBe(result);
    if (state === 'open') expect(socket.bufferedBytes).toBe(total);
    expect(socket.readyState).toBe(state);
    if (state === 'open') return;
    expect(handler.errorCodes).toEqual(['outgoing_limit']);
    expect(await handler.closed()).toMatchObject({ code: 1006, wasClean: false });
    expect(transport.destroyed).toBe(true);
    expect(server.connections).toEqual([]);
  });

  it('is not given up for one message larger than the limit, nor for what the kernel takes at once', async () => {
    const { handler, server } = opened({}, { maxBufferedBytes: 1_000 });
    const transport = await accept(server);
    for (let index = 0; index < 5; index++) expect(handler.socket.send('x'.repeat(5_000))).toBe('sent');
    expect(handler.socket.sendFrame(prepareText('y'.repeat(9_000)))).toBe('sent');
    await turn();
    expect(handler.socket.readyState).toBe('open');
    expect(transport.frames).toHaveLength(6);
  });

  it('gets the close frame and the end behind what waits', async () => {
    const { handler, server } = opened();
    const transport = await accept(server);
    transport.isStuck = true;
    handler.socket.send('x'.repeat(20_000));
    await turn();
    transport.receive(masked(CLOSE));
    await handler.closed();
    expect(transport.writableEnded).toBe(false);
    transport.unstick();
    await turn();
    expect(transport.frames.map(({ opcode }) => opcode)).toEqual([TEXT, CLOSE]);
    expect(transport.writableEnded).toBe(true);
  });

  it('gets them also when it ended its own side with its close frame', async () => {
    const { handler, server } = opened();
    const transport = await accept(server);
    transport.isStuck = true;
    handler.socket.send('x'.repeat(20_000));
    await turn();
    transport.receive(masked(CLOSE));
    transport.push(null);
    expect(await handler.closed()).toMatchObject({ code: 1005, wasClean: true });
    await turn();
    transport.unstick();
    await turn();
    expect(transport.frames.map(({ opcode }) => opcode)).toEqual([TEXT, CLOSE]);
    expect(transport.writableFinished).toBe(true);
  });

  it('does not get its bytes mixed with those of others', async () => {
    const handler = new RecordingHandler();
    const { port } = await serve({ handler, limits: { maxBufferedBytes: 100_000_000 } });
    const slow = await RawPeer.open(port);
    const quick = await RawPeer.open(port);
    await handler.log.count(2);
    const [toSlow, toQuick] = handler.sockets as [NodeSocket, NodeSocket];
    slow.socket.pause();
    const filler = 'f'.repeat(100_000);
    let sent = 0;
    // Until the kernel refuses, then on with small messages that share slabs with those of the quick peer.
    while (toSlow.send(`${sent} ${filler}`) !== 'queued' || toSlow.bufferedBytes < 1_000_000) {
      sent++;
      await turn();
    }
    sent++;
    for (let index = 0; index < 300; index++) {
      toSlow.send(`${sent++} slow`);
      toQuick.send(`${index} quick ${'q'.repeat(index)}`);
      if (index % 3 === 0) await turn();
    }
    const quickTexts = (await quick.framesUntil(300)).map(({ payload }) => payload.toString());
    expect(quickTexts.every((text, index) => text === `${index} quick ${'q'.repeat(index)}`)).toBe(true);
    slow.socket.resume();
    await slow.until(() => slow.received.subarray(-40).includes(`${sent - 1} slow`));
    const slowTexts = slow.frames.map(({ payload }) => payload.toString());
    expect(slowTexts.map((text) => Number(text.split(' ', 1)[0]))).toEqual(
      Array.from({ length: sent }, (_, index) => index),
    );
    expect(slowTexts.every((text) => text.endsWith(' slow') || text.endsWith(filler))).toBe(true);
  });
});

describe('send', () => {
  it('FR-17 is dropped and never throws once the connection is closing or closed', async () => {
    const { handler, server } = opened();
    const transport = await accept(server);
    const { socket } = handler;
    const all = (): string[] => [
      socket.send('x'),
      socket.send(hex('00')),
      socket.sendFrame(prepareText('y')),
      socket.ping(),
    ];
    socket.close();
    expect(all()).toEqual(['dropped', 'dropped', 'dropped', 'dropped']);
    transport.receive(masked(CLOSE));
    await handler.closed();
    expect(all()).toEqual(['dropped', 'dropped', 'dropped', 'dropped']);
    transport.destroy();
    await turn();
    expect(all()).toEqual(['dropped', 'dropped', 'dropped', 'dropped']);
    for (const call of ['abort', 'pause', 'resume', 'flush', 'close'] as const) socket[call]();
    await turn();
    expect(socket.bufferedBytes).toBe(0);
    expect(handler.log.items.filter(({ type }) => type === 'close')).toHaveLength(1);
  });

  it('refuses what is no message', async () => {
    const { handler, server } = opened();
    await accept(server);
    for (const wrong of [1, null, undefined, {}, [], new ArrayBuffer(2), new DataView(new ArrayBuffer(2))]) {
      expect(() => handler.socket.send(wrong as string)).toThrow(MisuseError);
    }
    expect(handler.socket.readyState).toBe('open');
  });

  it('copies bytes, so that the caller may change them', async () => {
    const { handler, server } = opened();
    const transport = await accept(server);
    for (const size of [10, 10_000]) {
      const bytes = Buffer.alloc(size, 1);
      handler.socket.send(bytes);
      bytes.fill(2);
    }
    await turn();
    expect(transport.frames.every(({ payload }) => payload.every((byte) => byte === 1))).toBe(true);
  });
});
