import { describe, expect, it } from 'vitest';
import { Connection } from '../src/index.js';
import { breach, Recorded } from './support/recorded.js';
import { BINARY, CONTINUATION, frame, hex, masked, PING, PONG, plain, TEXT } from './support/wire.js';

describe('frames', () => {
  it('reads the examples of RFC 6455 §5.7', () => {
    expect(new Recorded({ role: 'client' }).receive(hex('81 05 48 65 6c 6c 6f')).texts()).toEqual(['Hello']);
    expect(new Recorded().receive(hex('81 85 37 fa 21 3d 7f 9f 4d 51 58')).texts()).toEqual(['Hello']);
    const fragments = new Recorded({ role: 'client' }).receive(hex('01 03 48 65 6c'), hex('80 02 6c 6f'));
    expect(fragments.texts()).toEqual(['Hello']);
    const ping = new Recorded({ role: 'client' }).receive(hex('89 05 48 65 6c 6c 6f'));
    expect(ping.frames).toMatchObject([{ opcode: PONG, isMasked: true, payload: Buffer.from('Hello') }]);
  });

  it('writes the examples of RFC 6455 §5.7', () => {
    const server = new Recorded();
    server.connection.sendText('Hello');
    expect(server.outgoing).toEqual(hex('81 05 48 65 6c 6c 6f'));
    const client = new Recorded({ role: 'client', nextMask: () => 0x3d21fa37 });
    client.connection.sendText('Hello');
    expect(client.outgoing).toEqual(hex('81 85 37 fa 21 3d 7f 9f 4d 51 58'));
  });

  it.each([0, 125, 126, 127, 128, 65_535, 65_536, 200_000])('carries %i bytes each way', (size) => {
    const payload = Buffer.alloc(size, 'x');
    for (const role of ['server', 'client'] as const) {
      const incoming = role === 'server' ? masked : plain;
      const text = new Recorded({ role }).receive(incoming(TEXT, payload));
      expect(text.texts()).toEqual([payload.toString()]);
      const binary = new Recorded({ role }).receive(incoming(BINARY, payload));
      expect(binary.events).toEqual([{ type: 'binary', data: payload.toString('hex') }]);
      text.connection.sendText(payload.toString());
      text.connection.sendBinary(payload);
      expect(text.frames.map(({ opcode }) => opcode)).toEqual([TEXT, BINARY]);
      expect(text.frames.every((sent) => sent.payload.equals(payload))).toBe(true);
    }
  });

  it.each(['é'.repeat(60), 'é'.repeat(63), '€'.repeat(125), '€'.repeat(22_000), '😀 and \ud800 alone'])(
    'sends text that is longer in bytes than in characters (%#)',
    (text) => {
      for (const role of ['server', 'client'] as const) {
        const sender = new Recorded({ role });
        sender.connection.sendText(text);
        expect(sender.frames).toMatchObject([{ opcode: TEXT, fin: true }]);
        expect(sender.frames[0]?.payload.equals(Buffer.from(text))).toBe(true);
      }
    },
  );

  it('FR-01 a server fails an unmasked frame with 1002', () => {
    const server = new Recorded().receive(plain(TEXT, 'hi'));
    expect(server.events).toEqual(breach('frame_invalid', 1002));
    expect(server.sentClose).toBe(1002);
  });

  it('FR-01 a client masks every frame, control frames included', () => {
    const client = new Recorded({ role: 'client' }).receive(plain(PING, 'p'));
    client.connection.sendText('t');
    client.connection.sendBinary(hex('00'));
    client.connection.ping(hex('01'));
    client.close();
    expect(client.frames.map(({ isMasked }) => isMasked)).toEqual([true, true, true, true, true]);
  });

  it('FR-02 a client fails a masked frame with 1002', () => {
    expect(new Recorded({ role: 'client' }).receive(masked(TEXT, 'hi')).sentClose).toBe(1002);
  });

  it('FR-02 a server never masks', () => {
    const server = new Recorded().receive(masked(PING, 'p'));
    server.connection.sendText('t');
    server.close();
    expect(server.frames.some(({ isMasked }) => isMasked)).toBe(false);
  });

  it.each([1, 2, 3, 4, 5, 6, 7])('FR-03 fails reserved bits %i with 1002, on every opcode', (rsv) => {
    for (const opcode of [TEXT, BINARY, PING, PONG, 8]) {
      const server = new Recorded().receive(frame({ opcode, rsv, mask: '00000000' }));
      expect(server.events).toEqual(breach('frame_invalid', 1002));
    }
  });

  it('FR-03 delivers what came before the wrong frame and answers no ping behind it', () => {
    const wrong = frame({ opcode: TEXT, rsv: 4, payload: 'x', mask: '01020304' });
    const server = new Recorded().receive(Buffer.concat([masked(TEXT, 'good'), wrong, masked(PING)]));
    expect(server.texts()).toEqual(['good']);
    expect(server.frames.map(({ opcode }) => opcode)).toEqual([8]);
  });

  it.each([3, 4, 5, 6, 7, 11, 12, 13, 14, 15])('FR-04 fails opcode %i with 1002', (opcode) => {
    expect(new Recorded().receive(masked(opcode, 'x')).events).toEqual(breach('frame_invalid', 1002));
    expect(new Recorded().receive(masked(opcode)).sentClose).toBe(1002);
  });

  it.each([
    ['16 bits for 125', 16, 125, false],
    ['16 bits for 126', 16, 126, true],
    ['64 bits for 125', 64, 125, false],
    ['64 bits for 65535', 64, 65_535, false],
    ['64 bits for 65536', 64, 65_536, true],
  ] as const)('FR-05 refuses a length that is not minimal: %s', (_name, lengthBits, size, isLegal) => {
    const bytes = frame({ opcode: BINARY, payload: Buffer.alloc(size), lengthBits, mask: '01020304' });
    const server = new Recorded().receive(bytes);
    expect(server.sentClose).toBe(isLegal ? undefined : 1002);
  });

  it('FR-06 fails a 64-bit length with its top bit set, and one above 2^53 - 1', () => {
    const headers: [string, number][] = [
      ['82 ff 80 00 00 00 00 00 00 00', 1002],
      ['82 ff ff ff ff ff ff ff ff ff', 1002],
      ['82 ff 7f ff ff ff ff ff ff ff', 1009],
      ['82 ff 00 20 00 00 00 00 00 00', 1009],
      ['82 ff 00 1f ff ff ff ff ff ff', 1009],
    ];
    for (const [header, closeCode] of headers) {
      expect(new Recorded().receive(hex(header)).sentClose, header).toBe(closeCode);
    }
  });

  it('FR-07 takes a new mask key for each frame, and masking keeps the length', () => {
    const keys = [0x11223344, 0, -1, 0x7fffffff];
    const client = new Recorded({ role: 'client', nextMask: () => keys.shift() ?? 0 });
    for (const text of ['one', 'two', 'x'.repeat(300), '']) client.connection.sendText(text);
    expect(client.frames.map(({ key }) => key)).toEqual(['44332211', '00000000', 'ffffffff', 'ffffff7f']);
    expect(client.frames.map(({ payload }) => payload.length)).toEqual([3, 3, 300, 0]);
  });

  it('FR-08 joins fragments in order', () => {
    const server = new Recorded().receive(
      masked(TEXT, 'a', false),
      masked(CONTINUATION, '', false),
      masked(CONTINUATION, 'b', false),
      masked(CONTINUATION, 'c'),
      masked(BINARY, hex('01'), false),
      masked(CONTINUATION, hex('02')),
    );
    expect(server.events).toEqual([
      { type: 'text', data: 'abc' },
      { type: 'binary', data: '0102' },
    ]);
  });

  it('FR-08 fails a continuation without a message and a new message inside one with 1002', () => {
    for (const fin of [true, false]) {
      expect(new Recorded().receive(masked(CONTINUATION, 'x', fin)).sentClose).toBe(1002);
      const inside = new Recorded().receive(masked(TEXT, 'a', false), masked(BINARY, 'b', fin));
      expect(inside.events).toEqual(breach('frame_invalid', 1002));
      // A finished message leaves nothing to continue.
      expect(new Recorded().receive(masked(TEXT, 'a'), masked(CONTINUATION, 'x', fin)).sentClose).toBe(1002);
    }
  });

  it('FR-09 answers a ping between fragments before the message is complete', () => {
    const server = new Recorded().receive(masked(TEXT, 'a', false), masked(PING, 'now'));
    expect(server.frames).toMatchObject([{ opcode: PONG, payload: Buffer.from('now') }]);
    expect(server.receive(masked(CONTINUATION, 'b')).texts()).toEqual(['ab']);
  });

  it('FR-09 a cut control frame between the pieces of a cut message keeps both apart', () => {
    const bytes = Buffer.concat([masked(TEXT, 'left', false), masked(PING, 'ping'), masked(CONTINUATION, 'right')]);
    const server = new Recorded().receive(...Array.from(bytes, (byte) => Buffer.of(byte)));
    expect(server.texts()).toEqual(['leftright']);
    expect(server.frames).toMatchObject([{ opcode: PONG, payload: Buffer.from('ping') }]);
  });

  it('FR-10 receives fragments of any size, one byte and empty ones included', () => {
    const text = 'fragments of any size: κόσμε';
    for (const role of ['server', 'client'] as const) {
      const piece = role === 'server' ? masked : plain;
      const peer = new Recorded({ role }).receive(piece(TEXT, '', false));
      for (const byte of Buffer.from(text)) peer.receive(piece(CONTINUATION, Buffer.of(byte), false));
      expect(peer.receive(piece(CONTINUATION)).texts()).toEqual([text]);
    }
  });

  it('FR-11 fails a control frame that is fragmented or longer than 125 bytes with 1002', () => {
    for (const opcode of [8, PING, PONG]) {
      expect(new Recorded().receive(masked(opcode, '', false)).sentClose).toBe(1002);
      expect(new Recorded().receive(masked(opcode, Buffer.alloc(126, 'x'))).sentClose).toBe(1002);
    }
    const longest = new Recorded().receive(masked(PING, Buffer.alloc(125, 0xfe)));
    expect(longest.frames).toMatchObject([{ opcode: PONG, payload: Buffer.alloc(125, 0xfe) }]);
  });

  it('FR-15 answers each ping with its data, in order', () => {
    const pings = Array.from({ length: 10 }, (_, index) => `ping ${index}`);
    const server = new Recorded().receive(Buffer.concat(pings.map((payload) => masked(PING, payload))));
    expect(server.frames.map(({ payload }) => payload.toString())).toEqual(pings);
    expect(server.events.map(({ type }) => type)).toEqual(pings.map(() => 'ping'));
  });

  it('FR-15 answers only the last ping while the transport is blocked', () => {
    const server = new Recorded();
    server.connection.setBlocked(true);
    server.receive(masked(PING, 'a'), masked(PING, 'b'), masked(PING, 'c'));
    expect(server.connection.outgoingBytes).toBe(0);
    server.connection.setBlocked(false);
    expect(server.frames).toMatchObject([{ opcode: PONG, payload: Buffer.from('c') }]);
  });

  it('FR-15 keeps the payload of the pong that waits, whatever is received meanwhile', () => {
    const server = new Recorded();
    server.connection.setBlocked(true);
    const chunks = [masked(PING, 'first'), masked(PONG, 'other')].flatMap((bytes) => [
      bytes.subarray(0, 8),
      bytes.subarray(8),
    ]);
    server.receive(...chunks);
    server.connection.setBlocked(false);
    expect(server.frames).toMatchObject([{ opcode: PONG, payload: Buffer.from('first') }]);
  });

  it('FR-15 ignores a pong nobody asked for, and a second one', () => {
    const server = new Recorded().receive(masked(PONG, 'x'), masked(PONG), masked(PING, 'y'));
    expect(server.frames).toMatchObject([{ opcode: PONG, payload: Buffer.from('y') }]);
    expect(server.events.map(({ type }) => type)).toEqual(['pong', 'pong', 'ping']);
  });

  it('FR-26 judges a frame as soon as two bytes of it are there', () => {
    expect(new Recorded().receive(hex('c1'), hex('80')).sentClose).toBe(1002);
    expect(new Recorded().receive(hex('89 fe')).sentClose).toBe(1002);
    expect(new Recorded({ role: 'client' }).receive(hex('81 80')).sentClose).toBe(1002);
  });

  it('delivers what lies in one chunk as a view of it', () => {
    const kept: Uint8Array[] = [];
    const connection = new Connection({
      role: 'server',
      context: null,
      events: { message: (_context, data) => kept.push(data as Uint8Array), failed() {}, closed() {} },
    });
    const chunk = Buffer.concat([masked(BINARY, 'first'), masked(BINARY, 'second')]);
    connection.receive(chunk, 0);
    expect(kept.map((data) => Buffer.from(data).toString())).toEqual(['first', 'second']);
    expect(kept.every((data) => data.buffer === chunk.buffer)).toBe(true);
  });
});
