import { spawn } from 'node:child_process';
import { afterEach, describe, expect, it } from 'vitest';
import { WebSocket } from '../../src/index.js';
import { RecordingHandler, serve, stopAll, turn } from '../support/node.js';
import { BINARY, CLOSE, closeBody, PING, PONG, plain, TEXT } from '../support/wire.js';
import { RawServer, thrown, Watched, watch } from './support.js';

afterEach(stopAll);

/** An open socket and the raw peer behind it. */
async function pair(more: Buffer[] = []) {
  const raw = await RawServer.start();
  const watched = watch(raw.url);
  const peer = await raw.accept({ more: Buffer.concat(more) });
  await watched.opened();
  return { raw, watched, socket: watched.socket, peer };
}

describe('sending', () => {
  it('WA-08 throws while connecting, and sends nothing once closing', async () => {
    const raw = await RawServer.start();
    const watched = watch(raw.url);
    const { socket } = watched;
    expect(thrown(() => socket.send('early'))).toBe('InvalidStateError');
    const peer = await raw.accept();
    await watched.opened();
    socket.close();
    socket.send('late');
    expect(socket.bufferedAmount).toBe(4);
    peer.send(plain(CLOSE));
    await watched.closed();
    socket.send(new Uint8Array(100));
    expect(socket.bufferedAmount).toBe(104);
    expect((await peer.framesUntil(1)).map(({ opcode }) => opcode)).toEqual([CLOSE]);
  });

  it('WA-08 takes text, buffers, views and blobs, and makes text of the rest', async () => {
    const { socket, peer } = await pair();
    const send = (data: unknown) => Reflect.apply(socket.send, socket, [data]);
    const bytes = Uint8Array.of(1, 2, 3, 4);
    for (const data of ['é', 'a\uD800b', 5, null, undefined, { toString: () => 'o' }]) send(data);
    for (const data of [bytes.buffer, bytes.subarray(1, 3), new DataView(bytes.buffer, 2), new Blob(['blob'])])
      send(data);
    const frames = await peer.framesUntil(10);
    expect(frames.slice(0, 6).map(({ opcode, payload }) => [opcode, payload.toString()])).toEqual(
      ['é', 'a\uFFFDb', '5', 'null', 'undefined', 'o'].map((text) => [TEXT, text]),
    );
    expect(frames.slice(6).map(({ opcode, payload }) => [opcode, payload.toString('hex')])).toEqual(
      ['01020304', '0203', '0304', '626c6f62'].map((hex) => [BINARY, hex]),
    );
    expect(() => send(Symbol('s'))).toThrow(TypeError);
    expect(() => send(new Uint8Array(new SharedArrayBuffer(1)))).toThrow(TypeError);
  });

  it('WA-08 keeps the order behind a blob that is still being read, also of a close', async () => {
    const { watched, socket, peer } = await pair();
    const reused = new Uint8Array([1]);
    socket.send(new Blob(['first']));
    socket.send('second');
    socket.send(reused);
    reused[0] = 9;
    socket.send(new Blob(['fourth']));
    socket.close(3000, 'done');
    expect(socket).toMatchObject({ readyState: 2, bufferedAmount: 18 });
    const frames = await peer.framesUntil(5);
    expect(frames.map(({ payload }) => payload.toString('latin1'))).toEqual([
      'first',
      'second',
      '\u0001',
      'fourth',
      closeBody(3000, 'done').toString('latin1'),
    ]);
    peer.send(plain(CLOSE, closeBody(3000)));
    expect((await watched.closed()).wasClean).toBe(true);
  });

  it('WA-08 fails when a blob cannot be read', async () => {
    const { watched, socket } = await pair();
    class Broken extends Blob {
      override arrayBuffer(): Promise<ArrayBuffer> {
        return Promise.reject(new Error('the file is gone'));
      }
    }
    socket.send(new Broken(['x']));
    expect(await watched.closed()).toMatchObject({ code: 1006, wasClean: false });
    expect(watched.types).toEqual(['open', 'error', 'close']);
  });

  it('WA-09 counts payload bytes, text as UTF-8, and shrinks between tasks only', async () => {
    const { socket, peer } = await pair();
    expect(socket.bufferedAmount).toBe(0);
    socket.send('é€');
    expect(socket.bufferedAmount).toBe(5);
    socket.send('\uD800');
    socket.send(new Uint8Array(10));
    socket.send(new Blob(['12345']));
    expect(socket.bufferedAmount).toBe(23);
    await Promise.resolve();
    expect(socket.bufferedAmount).toBe(23);
    await peer.framesUntil(4);
    await turn();
    expect(socket.bufferedAmount).toBe(0);
  });

  it('WA-09 counts what the system does not take, and keeps it when the connection closes', async () => {
    const { watched, socket, peer } = await pair();
    peer.socket.pause();
    const half = new Uint8Array(16_000_000);
    socket.send(half);
    socket.send(half);
    expect(socket.bufferedAmount).toBe(32_000_000);
    // More than loopback holds: the second message cannot have gone out.
    for (let count = 0; count < 20; count++) await turn();
    expect(socket.bufferedAmount).toBeGreaterThanOrEqual(16_000_000);
    peer.socket.destroy();
    await watched.closed();
    const left = socket.bufferedAmount;
    expect(left).toBeGreaterThanOrEqual(16_000_000);
    socket.send('12345');
    expect(socket.bufferedAmount).toBe(left + 5);
  });

  it('WA-09 comes down to nothing while the peer reads', async () => {
    const handler = new RecordingHandler();
    const { url } = await serve({ handler, limits: { maxMessageBytes: 4_000_000 } });
    const watched = watch(url);
    const socket = await watched.opened();
    for (let count = 0; count < 8; count++) socket.send(new Uint8Array(2_000_000));
    expect(socket.bufferedAmount).toBe(16_000_000);
    await handler.received(8);
    await turn();
    expect(socket.bufferedAmount).toBe(0);
  });

  it('WA-09 counts what was given to send, however small it becomes', async () => {
    const handler = new RecordingHandler();
    const { url } = await serve({ handler, compression: true });
    const watched = watch(url, [], { compression: true });
    const socket = await watched.opened();
    expect(socket.extensions).toMatch(/^permessage-deflate/);
    // The second one is large enough to be compressed in the thread pool.
    for (const bytes of [10_000, 500_000, 10]) socket.send('x'.repeat(bytes));
    expect(socket.bufferedAmount).toBe(510_010);
    expect((await handler.received(3)).map(({ length }) => length)).toEqual([10_000, 500_000, 10]);
    await turn();
    expect(socket.bufferedAmount).toBe(0);
  });

  it('WA-10 closes when more waits than the limit allows', async () => {
    const raw = await RawServer.start();
    const codes: string[] = [];
    const watched = watch(raw.url, [], {
      limits: { maxBufferedBytes: 1_000_000 },
      failed: ({ code }) => codes.push(code),
    });
    const peer = await raw.accept();
    const socket = await watched.opened();
    peer.socket.pause();
    for (let count = 0; count < 40; count++) socket.send(new Uint8Array(1_000_000));
    expect(socket.bufferedAmount).toBe(40_000_000);
    expect(socket.readyState).toBe(1);
    expect(await watched.closed()).toMatchObject({ code: 1006, wasClean: false });
    expect(watched.types).toEqual(['open', 'error', 'close']);
    expect(codes).toEqual(['outgoing_limit']);
  });
});

describe('receiving', () => {
  it('WA-11 gives blobs, or buffers of their own', async () => {
    const { watched, socket, peer } = await pair();
    expect(socket.binaryType).toBe('blob');
    peer.send(plain(BINARY, Buffer.from('01ff', 'hex')));
    const [blob] = await watched.received(1);
    expect(blob).toBeInstanceOf(Blob);
    expect(Buffer.from(await (blob as Blob).arrayBuffer()).toString('hex')).toBe('01ff');
    socket.binaryType = 'arraybuffer';
    peer.send(Buffer.concat([plain(BINARY, Buffer.from('02', 'hex')), plain(BINARY), plain(TEXT, 'text')]));
    const [, first, empty, text] = await watched.received(4);
    expect(first).toBeInstanceOf(ArrayBuffer);
    expect(first).toEqual(Uint8Array.of(2).buffer);
    expect(empty).toEqual(new ArrayBuffer(0));
    expect(text).toBe('text');
  });

  it('WA-11 ignores other values', async () => {
    const { socket } = await pair();
    for (const value of ['nodebuffer', '', 'Blob', null]) Reflect.set(socket, 'binaryType', value);
    expect(socket.binaryType).toBe('blob');
  });

  it('WA-12 has the data and the origin of the URL', async () => {
    const { raw, watched, socket, peer } = await pair();
    peer.send(plain(TEXT, '\uFEFFgrüße'));
    await watched.received(1);
    const event = watched.seen.items[1]?.event as MessageEvent;
    expect(event).toBeInstanceOf(MessageEvent);
    expect(event).toMatchObject({ type: 'message', data: '\uFEFFgrüße', origin: raw.url, target: socket });
    expect(event).toMatchObject({ bubbles: false, cancelable: false, lastEventId: '', source: null });
  });

  it('WA-12 drops what comes after close was called', async () => {
    const { watched, socket, peer } = await pair();
    socket.onmessage = () => socket.close();
    peer.send(Buffer.concat([plain(TEXT, 'one'), plain(TEXT, 'two'), plain(TEXT, 'three')]));
    await peer.framesUntil(1);
    peer.send(Buffer.concat([plain(TEXT, 'four'), plain(CLOSE)]));
    await watched.closed();
    expect(watched.data).toEqual(['one']);
  });

  it('WA-12 makes each message a task: open before the first, microtasks between, close after the last', async () => {
    const raw = await RawServer.start();
    const watched = watch(raw.url);
    const order: string[] = [];
    watched.socket.onopen = () => order.push('open');
    watched.socket.onmessage = ({ data }) => {
      order.push(`${data}`);
      queueMicrotask(() => order.push(`after ${data}`));
    };
    watched.socket.onclose = () => order.push('close');
    await raw.accept({ more: Buffer.concat([plain(TEXT, 'a'), plain(TEXT, 'b'), plain(CLOSE, closeBody(1000))]) });
    await watched.closed();
    await turn();
    expect(order).toEqual(['open', 'a', 'after a', 'b', 'after b', 'close']);
  });

  it('WA-17 answers pings, shows neither them nor pongs, and sends no pong unasked', async () => {
    const { watched, peer } = await pair();
    peer.send(Buffer.concat([plain(PING, 'p'), plain(PONG, 'q'), plain(TEXT, 'end')]));
    await watched.received(1);
    const frames = await peer.framesUntil(1);
    await turn();
    expect(frames.map(({ opcode, payload }) => [opcode, payload.toString()])).toEqual([[PONG, 'p']]);
    expect(peer.frames).toHaveLength(1);
    expect(watched.types).toEqual(['open', 'message']);
  });

  it('WA-17 fails the connection when the program ends', async () => {
    const handler = new RecordingHandler();
    const { url } = await serve({ handler });
    const module = new URL('../../dist/index.js', import.meta.url).href;
    const script = `import { WebSocket } from '${module}'; new WebSocket('${url}').onopen = () => process.exit(0);`;
    const child = spawn(process.execPath, ['--input-type=module', '-e', script], { stdio: 'ignore' });
    const ended = new Promise((resolve) => child.on('exit', resolve));
    expect(await handler.closed()).toMatchObject({ code: 1006, wasClean: false });
    expect(await ended).toBe(0);
  });
});

describe('handlers', () => {
  it('keep their place among listeners while they change, and lose it with null', async () => {
    const { watched, socket, peer } = await pair();
    const order: string[] = [];
    socket.onmessage = () => order.push('old');
    socket.addEventListener('message', () => order.push('listener'));
    socket.onmessage = function (event) {
      order.push(this === socket && event.data === '1' ? 'new' : 'wrong');
    };
    peer.send(plain(TEXT, '1'));
    await watched.received(1);
    expect(order.splice(0)).toEqual(['new', 'listener']);
    socket.onmessage = null;
    socket.onmessage = () => order.push('last');
    peer.send(plain(TEXT, '2'));
    await watched.received(2);
    expect(order).toEqual(['listener', 'last']);
  });

  it('are null, a function or an object', async () => {
    const { watched, socket, peer } = await pair();
    const object = { handleEvent: () => expect.unreachable() };
    for (const name of ['onopen', 'onmessage', 'onerror', 'onclose'] as const) {
      expect(socket[name]).toBeNull();
      const handler = () => {};
      for (const [given, kept] of [
        [handler, handler],
        [object, object],
        [5, null],
        ['x', null],
        [undefined, null],
      ]) {
        Reflect.set(socket, name, given);
        expect(socket[name]).toBe(kept);
      }
    }
    Reflect.set(socket, 'onmessage', object);
    peer.send(plain(TEXT, '1'));
    await watched.received(1);
  });
});

it('talks to a server of ours', async () => {
  const { url } = await serve({ handler: { message: (socket, data) => void socket.send(data) }, protocols: ['v1'] });
  const watched = new Watched(new WebSocket(url.replace('ws:', 'http:'), 'v1'));
  const socket = await watched.opened();
  expect(socket.protocol).toBe('v1');
  socket.send('hello');
  expect(await watched.received(1)).toEqual(['hello']);
  socket.close(1000, 'bye');
  expect(await watched.closed()).toMatchObject({ code: 1000, wasClean: true });
});
