/** Holes that other WebSocket libraries had, by their public ids: none of them may open here. */
import { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { buildRequest, parseTarget, ResponseReader } from '../src/client-handshake.js';
import { parseExtensions, parseTokenList } from '../src/header-fields.js';
import { checkUpgrade, createWebSocketServer, DEFAULT_LIMITS, MisuseError } from '../src/index.js';
import {
  accept,
  FakeTransport,
  fakeRequest,
  KEY,
  RawPeer,
  RecordingHandler,
  requestText,
  serve,
  stopAll,
  turn,
} from './support/node.js';
import { breach, Recorded } from './support/recorded.js';
import { BINARY, CLOSE, CONTINUATION, hex, masked, PING, PONG, plain, TEXT } from './support/wire.js';

afterEach(stopAll);

describe('regressions', () => {
  it('CVE-2016-10518 a ping with a number sends no uninitialised memory: it is refused', () => {
    const server = new Recorded();
    for (const wrong of [100, '100', {}, [1, 2], null, new ArrayBuffer(8)]) {
      expect(() => server.connection.ping(wrong as unknown as Uint8Array)).toThrow(MisuseError);
    }
    expect(() => server.connection.ping(Buffer.alloc(126))).toThrow(MisuseError);
    expect(server.outgoing).toHaveLength(0);
  });

  it('CVE-2026-65623 fragments are joined without copying the message for each of them', () => {
    const allocate = vi.spyOn(Buffer, 'allocUnsafeSlow');
    const server = new Recorded();
    const fragment = Buffer.alloc(256, 0x61);
    for (let n = 0; n < 4_096; n++) {
      server.receive(masked(n === 0 ? TEXT : CONTINUATION, fragment, n === 4_095));
    }
    const allocated = allocate.mock.calls.reduce((sum, [bytes]) => sum + bytes, 0);
    allocate.mockRestore();
    expect(server.sentClose).toBe(undefined);
    expect(allocated).toBeLessThan(4 * 1_048_576);
  });

  it('CVE-2016-10542 there is a limit on messages without being asked for', () => {
    expect(DEFAULT_LIMITS.maxMessageBytes).toBe(1_048_576);
    expect(new Recorded().receive(masked(BINARY, Buffer.alloc(1_048_577))).sentClose).toBe(1009);
    expect(new Recorded().receive(masked(BINARY, Buffer.alloc(1_048_576))).sentClose).toBe(undefined);
  });

  it('WS-2017-0421 names like members of Object.prototype are data', () => {
    for (const name of ['__proto__', 'constructor', 'toString', 'hasOwnProperty']) {
      expect(parseExtensions(`${name}; ${name}=${name}`)).toEqual([{ name, parameters: [[name, name]] }]);
      const rawHeaders = ['Host', 'x', 'Upgrade', 'websocket', 'Connection', 'Upgrade', name, 'y'];
      rawHeaders.push('Sec-WebSocket-Key', KEY, 'Sec-WebSocket-Version', '13');
      expect(checkUpgrade({ method: 'GET', url: '/', httpVersion: '1.1', rawHeaders }, 100)).toHaveProperty('key');
    }
  });

  it('CVE-2021-32640 CVE-2020-7662 lists and extensions are read in one pass: work grows with the length', () => {
    // Counted and not timed: each position is looked at a fixed number of times.
    const reads = (text: string, parse: (text: string) => unknown): number => {
      let count = 0;
      const spied = {
        length: text.length,
        charCodeAt: (at: number) => {
          count++;
          return text.charCodeAt(at);
        },
        slice: (start: number, end: number) => text.slice(start, end),
      };
      parse(spied as unknown as string);
      return count;
    };
    for (const make of [
      (size: number) => `a${' '.repeat(size)}b`,
      (size: number) => `${' '.repeat(size)},`,
      (size: number) => 'a,'.repeat(size),
      (size: number) => `a; b="${'\\x'.repeat(size)}`,
      (size: number) => `a${'; b'.repeat(size)}`,
    ]) {
      for (const parse of [parseTokenList, parseExtensions]) {
        const [small, large] = [reads(make(1_000), parse), reads(make(10_000), parse)];
        expect(large).toBeLessThan(small * 11 + 100);
      }
    }
  });

  it('CVE-2024-37890 headers may be missing, all of them, also when Node dropped some', async () => {
    for (let cut = 0; cut <= 10; cut += 2) {
      const { rawHeaders } = fakeRequest();
      const decision = checkUpgrade(
        { url: '/', method: 'GET', httpVersion: '1.1', rawHeaders: rawHeaders.slice(cut) },
        100,
      );
      expect('status' in decision).toBe(cut > 0);
    }
    const { http, port } = await serve({ handler: new RecordingHandler() });
    http.maxHeadersCount = 40;
    const peer = await RawPeer.connect(port);
    const filler = Array.from({ length: 60 }, (_, index) => [`X-${index}`, 'y']);
    const wanted = { Host: 'x', Upgrade: 'websocket', Connection: 'Upgrade' };
    peer.send(
      requestText({
        ...wanted,
        'Sec-WebSocket-Key': undefined,
        ...Object.fromEntries(filler),
        'sec-websocket-key': KEY,
      }),
    );
    expect(await peer.head()).toMatch(/^HTTP\/1\.1 400 /);
  });

  it('CVE-2026-45736 a close reason that is a typed array sends no memory: it is refused', () => {
    const server = new Recorded();
    for (const wrong of [new Uint32Array(30), Buffer.from('x'), 1, null, {}]) {
      expect(() => server.connection.close(1000, wrong as unknown as string, 0)).toThrow(MisuseError);
    }
    expect(server.outgoing).toHaveLength(0);
    expect(() => server.connection.close('1000' as unknown as number, '', 0)).toThrow(MisuseError);
  });

  it('CVE-2026-45736 a binary message is sized by its bytes and not by its elements', async () => {
    const handler = new RecordingHandler();
    const transport = await accept(createWebSocketServer({ handler }));
    const words = new Uint32Array([1, 2, 3]);
    expect(() => handler.socket.send(words as unknown as Uint8Array)).toThrow(MisuseError);
    handler.socket.send(new Uint8Array(words.buffer, 4, 4));
    await turn();
    expect(transport.frames).toMatchObject([{ payload: hex('02000000') }]);
  });

  it('CVE-2026-48779 CVE-2026-12151 a flood of tiny fragments ends with 1008, one in single bytes holds little', () => {
    const flood = new Recorded().receive(masked(TEXT, 'x', false));
    let sent = 1;
    for (; flood.closed === undefined; sent++) flood.receive(masked(CONTINUATION, '', false));
    expect(flood.events).toEqual(breach('too_many_fragments', 1008));
    expect(sent).toBe(4_097);
    // Chunks of one byte are copied into one buffer; there is no object per chunk.
    const before = process.memoryUsage().arrayBuffers;
    const trickle = new Recorded();
    for (const byte of masked(BINARY, Buffer.alloc(50_000)).subarray(0, -1)) {
      trickle.connection.receive(Buffer.of(byte), 0);
    }
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(2_000_000);
    expect(trickle.events).toEqual([]);
  });

  it('CVE-2026-1528 CVE-2020-27813 a 64-bit length overflows nothing', () => {
    for (const length of [
      'ffffffffffffffff',
      '8000000000000000',
      '7fffffffffffffff',
      '0020000000000000',
      '001fffffffffffff',
    ]) {
      for (const role of ['server', 'client'] as const) {
        const bytes = hex(`82 ${role === 'server' ? 'ff' : '7f'} ${length} 00000000`);
        const peer = new Recorded({ role }).receive(bytes, Buffer.alloc(1_000));
        expect(peer.events.map(({ type }) => type)).toEqual(['failed', 'closed']);
      }
    }
  });

  it('CVE-2026-1527 no line break gets into a request or a response', async () => {
    for (const value of ['a\r\nX: y', 'a\nb', 'a\rb', 'a\0b', 'ä€']) {
      expect(() => buildRequest(parseTarget('ws://x'), KEY, [], { 'X-Y': value })).toThrow(MisuseError);
      expect(() => buildRequest(parseTarget('ws://x'), KEY, [], { [value]: 'y' })).toThrow(MisuseError);
      expect(() => buildRequest(parseTarget('ws://x'), KEY, [value], {})).toThrow(MisuseError);
      const server = createWebSocketServer({ handler: new RecordingHandler(), protocols: () => value });
      const request = fakeRequest();
      request.rawHeaders.push('Sec-WebSocket-Protocol', 'a');
      const transport = new FakeTransport();
      expect(() => server.handleUpgrade(request, transport, Buffer.alloc(0))).toThrow(MisuseError);
      expect(transport.written.toString()).toMatch(/^HTTP\/1\.1 500 /);
      expect(() => createWebSocketServer({ handler: new RecordingHandler(), protocols: [value] })).toThrow(MisuseError);
      const refusing = createWebSocketServer({
        handler: new RecordingHandler(),
        check: () => ({ status: 302, message: 'Elsewhere.', headers: { Location: value } }),
      });
      expect(() => refusing.handleUpgrade(fakeRequest(), new FakeTransport(), Buffer.alloc(0))).toThrow(MisuseError);
    }
    expect(parseTarget('ws://x/a\r\nX:y').resource).toBe('/aX:y');
  });

  it('CVE-2023-43669 a response that trickles in is searched once, not again for each byte', () => {
    const reader = new ResponseReader(16_384, 100);
    const text = `HTTP/1.1 101 x\r\nX: ${'y'.repeat(16_000)}`;
    const started = process.cpuUsage();
    for (const byte of Buffer.from(text)) expect(reader.push(Buffer.of(byte))).toBe(null);
    // 16 KB squared would be 130 million steps for the search alone.
    expect(process.cpuUsage(started).user).toBeLessThan(2_000_000);
  });

  it('CVE-2022-41940 CVE-2022-21676 an error on the transport at any moment has a listener', async () => {
    const server = createWebSocketServer({ handler: new RecordingHandler() });
    const bad = fakeRequest();
    bad.rawHeaders.length = 0;
    const refused = new FakeTransport();
    server.handleUpgrade(bad, refused, Buffer.alloc(0));
    refused.destroy(new Error('reset while refused'));
    const handler = new RecordingHandler();
    const transport = await accept(createWebSocketServer({ handler }));
    expect(transport.listenerCount('error')).toBe(1);
    transport.destroy(new Error('reset'));
    await turn();
    expect(handler.errorCodes).toEqual(['connection_lost']);
    const gone = new FakeTransport();
    gone.destroy();
    server.handleUpgrade(fakeRequest(), gone, Buffer.alloc(0));
    expect(server.connections).toEqual([]);
  });

  it('userver#1308 a ping of more than 125 bytes is not echoed', () => {
    for (const size of [126, 127, 65_536]) {
      const server = new Recorded().receive(masked(PING, Buffer.alloc(size, 'x')));
      expect(server.frames.map(({ opcode }) => opcode)).toEqual([CLOSE]);
    }
  });

  it('PRISMA-2021-0118 any number of pongs is harmless', () => {
    const server = new Recorded();
    server.connection.ping(hex('01'));
    for (let index = 0; index < 100; index++) server.receive(masked(PONG, hex('01')));
    expect(server.closed).toBe(undefined);
  });

  it('CVE-2020-13935 a length that is never fulfilled loops nowhere and holds nothing', () => {
    const before = process.memoryUsage().arrayBuffers;
    const waiting = Array.from({ length: 200 }, () =>
      new Recorded({ role: 'client' }).receive(hex('82 7f 00 00 00 00 00 10 00 00'), hex('01')),
    );
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(10_000_000);
    expect(waiting.every(({ events }) => events.length === 0)).toBe(true);
  });

  it('CVE-2026-65623 many fragments are joined without copying all of them each time', () => {
    const server = new Recorded({ role: 'client' });
    const fragment = plain(CONTINUATION, Buffer.alloc(256, 'x'), false);
    const started = process.cpuUsage();
    server.receive(plain(TEXT, '', false));
    for (let index = 0; index < 4_000; index++) server.receive(fragment);
    server.receive(plain(CONTINUATION));
    expect(server.texts()[0]).toHaveLength(1_024_000);
    expect(process.cpuUsage(started).user).toBeLessThan(2_000_000);
  });

  it('uWS#1497 a body announced on the upgrade is refused, so that no proxy can read it otherwise', async () => {
    const { port } = await serve({ handler: new RecordingHandler() });
    for (const fields of [{ 'Content-Length': '10' }, { 'Transfer-Encoding': 'chunked' }]) {
      const peer = await RawPeer.connect(port);
      peer.send(`${requestText(fields)}GET / HTTP/1.1\r\n`);
      expect(await peer.head()).toMatch(/^HTTP\/1\.1 400 /);
    }
  });

  it('an error in a handler closes its connection with 1011 and no other', async () => {
    const handler = new RecordingHandler({
      message(_socket, data) {
        if (data === 'bad') throw new Error('mine');
      },
    });
    const server = createWebSocketServer({ handler });
    const transports = [await accept(server), await accept(server)];
    transports[0]?.receive(Buffer.concat([masked(TEXT, 'bad'), masked(TEXT, 'never')]));
    const event = await handler.log.until((item) => item.type === 'error');
    expect(event.error).toMatchObject({ code: 'handler_threw', cause: new Error('mine') });
    await handler.closed();
    await turn();
    expect(transports[0]?.frames[0]?.payload.readUInt16BE(0)).toBe(1011);
    transports[1]?.receive(masked(TEXT, 'good'));
    expect(await handler.received(2)).toEqual(['bad', 'good']);
    expect(server.connections).toHaveLength(1);
  });

  it('an error in a handler is not swallowed when nobody listens for errors', async () => {
    const thrown: unknown[] = [];
    const nextTick = process.nextTick;
    const spy = vi.spyOn(process, 'nextTick').mockImplementation((callback, ...rest) => {
      nextTick(() => {
        try {
          (callback as (...values: unknown[]) => void)(...rest);
        } catch (error) {
          thrown.push(error);
        }
      });
    });
    const server = createWebSocketServer({
      handler: {
        message() {
          throw new Error('mine');
        },
      },
    });
    const transport = await accept(server);
    transport.receive(masked(TEXT, 'x'));
    // How many turns that takes depends on what else the process does.
    while (thrown.length === 0 || transport.frames.length === 0) await turn();
    spy.mockRestore();
    expect(thrown).toEqual([new Error('mine')]);
    expect(transport.frames[0]?.opcode).toBe(CLOSE);
  });

  it('sockjs CVE-2020-7693 strange Upgrade headers are refused', () => {
    for (const value of ['', 'websocket websocket', 'web socket', '\u00ff', 'websocket;', `${','.repeat(1_000)}`]) {
      const request = Object.assign(new IncomingMessage(null as unknown as Socket), fakeRequest());
      request.rawHeaders[3] = value;
      expect(checkUpgrade(request, 100)).toMatchObject({ status: 400 });
    }
  });
});
