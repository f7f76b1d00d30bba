/** Compressed messages on a connection: RFC 7692 §6 and §7.2. The bytes are made and read by zlib streams, not by our codec. */
import { constants, deflateRawSync, inflateRawSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { type CompressionAgreement, prepareBinary, prepareText, type Role } from '../src/index.js';
import { fc } from './support/property.js';
import { breach, Recorded, type RecordedOptions } from './support/recorded.js';
import { BINARY, CONTINUATION, frame, hex, masked, type ParsedFrame, PING, PONG, TEXT } from './support/wire.js';

const AGREED: CompressionAgreement = {
  serverTakeover: false,
  clientTakeover: false,
  serverWindowBits: 15,
  clientWindowBits: 15,
  thresholdBytes: 0,
  level: 1,
  memLevel: 8,
  field: 'permessage-deflate',
};

function agreed(changes: Partial<CompressionAgreement> = {}, options: RecordedOptions = {}): Recorded {
  return new Recorded({ compression: { ...AGREED, ...changes }, ...options });
}

/** A message's payload as RFC 7692 §7.2.1 makes it. */
function deflated(data: string | Uint8Array, dictionary?: Uint8Array): Buffer {
  const options = dictionary === undefined ? {} : { dictionary };
  return deflateRawSync(data, { finishFlush: constants.Z_SYNC_FLUSH, ...options }).subarray(0, -4);
}

function inflated({ payload }: ParsedFrame, dictionary?: Uint8Array, windowBits = 15): string {
  const whole = Buffer.concat([payload, hex('0000ffff')]);
  const options = dictionary === undefined ? {} : { dictionary };
  return inflateRawSync(whole, { finishFlush: constants.Z_SYNC_FLUSH, windowBits, ...options }).toString();
}

/** A compressed frame as a client sends it. */
function pressed(payload: Uint8Array, opcode = TEXT, fin = true): Buffer {
  return frame({ opcode, payload, fin, rsv: 4, mask: '37fa213d' });
}

function message(text: string): Buffer {
  return pressed(deflated(text));
}

const LONG = 'the same words again and again, '.repeat(60);

describe('receiving', () => {
  it('PM-10 understands the examples of RFC 7692 §7.2.3', () => {
    const examples = [
      'f2 48 cd c9 c9 07 00', // one block
      '00 05 00 fa ff 48 65 6c 6c 6f 00', // no compression
      'f3 48 cd c9 c9 07 00 00', // a final block
      'f2 48 05 00 00 00 ff ff ca c9 c9 07 00', // two blocks
    ];
    for (const example of examples) {
      expect(agreed().receive(pressed(hex(example))).events).toEqual([{ type: 'text', data: 'Hello' }]);
    }
    // Fragments, §7.2.3.1.
    const pieces = agreed().receive(pressed(hex('f2 48 cd'), TEXT, false), masked(CONTINUATION, hex('c9 c9 07 00')));
    expect(pieces.texts()).toEqual(['Hello']);
  });

  it('PM-10 understands messages of the other example, which refer to the one before', () => {
    const server = agreed({ clientTakeover: true });
    server.receive(pressed(hex('f2 48 cd c9 c9 07 00')), pressed(hex('f2 00 11 00 00')));
    expect(server.texts()).toEqual(['Hello', 'Hello']);
  });

  it('PM-10 understands several final blocks, with the window kept across them', () => {
    const again = deflateRawSync('Hello again', { dictionary: Buffer.from('Hello again') });
    const both = Buffer.concat([deflateRawSync('Hello again'), again, hex('00')]);
    expect(again.length).toBeLessThan(8);
    for (const clientTakeover of [true, false]) {
      const server = agreed({ clientTakeover }).receive(pressed(both), message('still here'));
      expect(server.texts()).toEqual(['Hello againHello again', 'still here']);
    }
  });

  it('PM-10 understands a message that refers to one that ended with a final block, and fragments after one', () => {
    const final = Buffer.concat([deflateRawSync('Hello again', { dictionary: Buffer.from('Hello again') }), hex('00')]);
    const server = agreed({ clientTakeover: true });
    server.receive(message('Hello again'), pressed(final), pressed(final, TEXT, false), masked(CONTINUATION, ''));
    server.receive(pressed(deflated('Hello again', Buffer.from('Hello again'))));
    expect(final.length).toBeLessThan(8);
    expect(server.texts()).toEqual(Array.from({ length: 4 }, () => 'Hello again'));
  });

  it.each([
    [63, true],
    [64, true],
    [65, false],
  ])('PM-10 bounds the work of %i final blocks in one message', (count, isLegal) => {
    const blocks = Buffer.concat([...Array.from({ length: count }, () => hex('03 00')), hex('00')]);
    expect(agreed().receive(pressed(blocks)).events).toEqual(
      isLegal ? [{ type: 'text', data: '' }] : breach('deflate_invalid', 1007),
    );
  });

  it('PM-09 PM-10 understands empty messages: the byte 00, and no byte as some senders have it', () => {
    expect(
      agreed()
        .receive(pressed(hex('00')), pressed(hex('')))
        .texts(),
    ).toEqual(['', '']);
    const binary = agreed().receive(pressed(hex('00'), BINARY));
    expect(binary.events).toEqual([{ type: 'binary', data: '' }]);
  });

  it('PM-02 takes compressed and uncompressed messages in turn', () => {
    const server = agreed({ clientTakeover: true });
    server.receive(message('one'), masked(TEXT, 'two'), pressed(deflated('three', Buffer.from('one'))));
    expect(server.texts()).toEqual(['one', 'two', 'three']);
  });

  it('PM-02 takes fragments cut anywhere, in any chunks, with control frames between', () => {
    fc.assert(
      fc.property(
        fc.string({ unit: 'grapheme', maxLength: 2_000 }),
        fc.array(fc.nat()),
        fc.nat(),
        (text, cuts, size) => {
          const payload = deflated(text);
          const at = [...new Set([0, ...cuts.map((cut) => cut % (payload.length + 1)), payload.length])].sort(
            (a, b) => a - b,
          );
          const frames = at.slice(1).flatMap((end, index) => {
            const piece = payload.subarray(at[index], end);
            const isLast = end === payload.length;
            return [index === 0 ? pressed(piece, TEXT, isLast) : masked(CONTINUATION, piece, isLast), masked(PONG)];
          });
          const bytes = Buffer.concat(frames);
          const server = agreed();
          for (let from = 0; from < bytes.length; from += (size % 97) + 1) {
            server.receive(bytes.subarray(from, from + (size % 97) + 1));
          }
          expect(server.texts()).toEqual([text]);
        },
      ),
    );
  });

  it.each(['server', 'client'] as const)('PM-01 fails RSV1 where it has no place: %s', (role) => {
    const make = (opcode: number, rsv: number, payload: Uint8Array, fin = true): Buffer =>
      frame({ opcode, rsv, payload, fin, ...(role === 'server' ? { mask: '37fa213d' } : {}) });
    const hello = deflated('Hello');
    const wrong = [
      [make(PING, 4, hello)],
      [make(PONG, 4, hello)],
      [make(8, 4, hex('03e8'))],
      [make(TEXT, 4, hello.subarray(0, 2), false), make(CONTINUATION, 4, hello.subarray(2))],
      [make(BINARY, 0, hello.subarray(0, 2), false), make(CONTINUATION, 4, hello.subarray(2))],
      [make(TEXT, 6, hello)],
      [make(TEXT, 5, hello)],
      [make(TEXT, 2, hello)],
      [make(BINARY, 1, hello)],
    ];
    for (const frames of wrong) {
      const peer = agreed({}, { role }).receive(...frames);
      expect(peer.events).toEqual(breach('frame_invalid', 1002));
      expect(peer.sentClose).toBe(1002);
    }
    expect(new Recorded({ role }).receive(make(TEXT, 4, hello)).sentClose).toBe(1002);
  });

  it.each([
    ['a reserved block type', 'ff ff'],
    ['a stored block whose lengths disagree', '00 05 00 05 00 48'],
    ['a distance before the beginning', 'f2 00 11 00 00'],
    ['data cut in a block', 'f2 48 cd c9'],
    ['a stored block cut short', '00 05 00 fa ff 48 65'],
    ['a final block without a block behind it', 'f3 48 cd c9 c9 07 00'],
    ['rubbish behind a final block', 'f3 48 cd c9 c9 07 00 ff ff ff'],
  ])('PM-10 answers %s with 1007', (_what, payload) => {
    const server = agreed().receive(pressed(hex(payload)), message('not read'));
    expect(server.events).toEqual(breach('deflate_invalid', 1007));
    expect(server.sentClose).toBe(1007);
  });

  it('PM-12 checks UTF-8 after inflating, and across fragments', () => {
    const invalid = deflated(hex('ce ba e1 bd b9 cf 83 ce bc ce b5 ed a0 80'));
    expect(agreed().receive(pressed(invalid)).events).toEqual(breach('text_invalid', 1007));
    expect(agreed().receive(pressed(deflated(hex('e2 82')))).sentClose).toBe(1007);
    expect(agreed().receive(pressed(invalid, BINARY)).events).toHaveLength(1);
    const euro = deflated('€'.repeat(50));
    const pieces = Array.from(euro, (byte, index) =>
      index === 0
        ? pressed(Buffer.of(byte), TEXT, false)
        : masked(CONTINUATION, Buffer.of(byte), index === euro.length - 1),
    );
    expect(
      agreed()
        .receive(...pieces)
        .texts(),
    ).toEqual(['€'.repeat(50)]);
  });

  it.each([
    [9_999, true],
    [10_000, true],
    [10_001, false],
  ])('PM-12 CVE-2026-54490 maxMessageBytes 10000 holds for what %i bytes inflate to', (size, isLegal) => {
    for (const opcode of [TEXT, BINARY]) {
      const options = { limits: { maxMessageBytes: 10_000 } };
      const payload = deflated(Buffer.alloc(size, 'x'));
      expect(payload.length).toBeLessThan(100);
      const server = agreed({}, options).receive(pressed(payload, opcode));
      if (isLegal) expect(server.events).toHaveLength(1);
      else expect(server.events).toEqual(breach('message_too_big', 1009));
      expect(server.sentClose).toBe(isLegal ? undefined : 1009);
      // Cut by a final block, the parts count together.
      const cut = Buffer.concat([deflateRawSync(Buffer.alloc(5_000, 'x')), deflated(Buffer.alloc(size - 5_000, 'x'))]);
      expect(agreed({}, options).receive(pressed(cut, opcode)).sentClose).toBe(isLegal ? undefined : 1009);
    }
  });

  it('PM-12 maxMessageBytes 0 admits only empty messages', () => {
    const options = { limits: { maxMessageBytes: 0 } };
    expect(agreed({}, options).receive(message('')).texts()).toEqual(['']);
    expect(agreed({}, options).receive(message('x')).sentClose).toBe(1009);
  });

  it('PM-12 CVE-2026-1526 stops a bomb at the limit, before it is unpacked', () => {
    const bomb = deflateRawSync(Buffer.alloc(200_000_000), { finishFlush: constants.Z_SYNC_FLUSH }).subarray(0, -4);
    const before = process.memoryUsage().arrayBuffers;
    const server = agreed().receive(pressed(bomb, BINARY));
    expect(server.events).toEqual(breach('message_too_big', 1009));
    // The frame itself, what it is copied to for zlib, and twice the limit.
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(6 * bomb.length + 8_000_000);
  });

  it.each([
    [-1, undefined],
    [0, undefined],
    [1, 1009],
  ])('PM-12 bounds the compressed bytes too: the most that zlib could need, and %i', (beyond, closeCode) => {
    const most = 8_000 + 1_000 + 1_024 + beyond;
    const head = frame({ opcode: BINARY, rsv: 4, payload: Buffer.alloc(most), mask: '00000000' });
    expect(agreed({}, { limits: { maxMessageBytes: 8_000 } }).receive(head.subarray(0, 8)).sentClose).toBe(closeCode);
  });

  it('PM-12 counts fragments of compressed messages', () => {
    const server = agreed({}, { limits: { maxFragments: 3 } });
    server.receive(pressed(hex('00'), TEXT, false), masked(CONTINUATION, '', false), masked(CONTINUATION, '', false));
    expect(server.receive(masked(CONTINUATION)).sentClose).toBe(1008);
  });

  it('PM-11 forgets the window without takeover, and keeps it in order with it', () => {
    const second = pressed(deflated('Hello again', Buffer.from('Hello again')));
    const first = message('Hello again');
    expect(agreed().receive(first, second).events.at(-2)).toMatchObject({ code: 'deflate_invalid' });
    expect(agreed({ clientTakeover: true }).receive(first, second).texts()).toEqual(['Hello again', 'Hello again']);
  });

  it('PM-11 follows a zlib stream that lives as long as the connection, however much passes', () => {
    const server = agreed({ clientTakeover: true, clientWindowBits: 9 });
    let before = Buffer.alloc(0);
    for (let index = 0; index < 200; index++) {
      const text = `${index} ${LONG.slice(index)}`;
      const payload = deflateRawSync(text, {
        finishFlush: constants.Z_SYNC_FLUSH,
        windowBits: 9,
        ...(before.length > 0 ? { dictionary: before } : {}),
      });
      before = Buffer.concat([before, Buffer.from(text)]).subarray(-512);
      server.receive(pressed(payload.subarray(0, -4)));
      expect(server.texts().at(-1)).toBe(text);
    }
  });

  it('PM-07 PM-08 inflates windows of 8 bits', () => {
    const payload = deflated(LONG.slice(0, 200));
    expect(agreed({ clientWindowBits: 8 }).receive(pressed(payload)).texts()).toEqual([LONG.slice(0, 200)]);
  });

  it('PM-10 never throws, whatever the bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 500 }), fc.boolean(), (bytes, clientTakeover) => {
        const server = agreed({ clientTakeover }).receive(pressed(bytes), message('after'));
        const isFailed = server.failed !== undefined;
        expect([1007, 1009, undefined]).toContain(server.sentClose);
        expect(server.closed !== undefined).toBe(isFailed);
      }),
      { numRuns: 500 },
    );
  });
});

describe('sending', () => {
  it.each(['server', 'client'] as const)('PM-09 makes raw DEFLATE without its tail, RSV1 on the frame: %s', (role) => {
    const peer = agreed({}, { role });
    peer.connection.sendText(LONG);
    peer.connection.sendBinary(Buffer.from(LONG));
    peer.connection.sendPrepared(prepareText(LONG));
    peer.connection.sendPrepared(prepareBinary(Buffer.from(LONG)));
    expect(peer.frames.map(({ opcode, rsv, fin }) => [opcode, rsv, fin])).toEqual([
      [TEXT, 4, true],
      [BINARY, 4, true],
      [TEXT, 4, true],
      [BINARY, 4, true],
    ]);
    for (const sent of peer.frames) {
      expect(sent.isMasked).toBe(role === 'client');
      expect(inflated(sent)).toBe(LONG);
      expect(sent.payload.subarray(-4)).not.toEqual(hex('0000ffff'));
      expect(sent.payload.length).toBeLessThan(100);
    }
  });

  it('PM-09 makes an empty message the byte 00 where it has to be compressed', () => {
    const server = agreed({ serverTakeover: true });
    server.connection.sendText('', true);
    expect(server.frames[0]).toMatchObject({ rsv: 4, payload: hex('00') });
  });

  it('PM-01 compresses no control frame', () => {
    const server = agreed();
    server.connection.ping(Buffer.from('x'.repeat(100)));
    server.receive(masked(PING, 'y'.repeat(100)));
    server.close(1000, 'z'.repeat(100));
    expect(server.frames.map(({ opcode, rsv }) => [opcode, rsv])).toEqual([
      [PING, 0],
      [PONG, 0],
      [8, 0],
    ]);
  });

  it.each([
    [1_023, 0],
    [1_024, 4],
    [1_025, 4],
  ])('PM-02 thresholdBytes 1024: a message of %i bytes has RSV %i', (size, rsv) => {
    const server = agreed({ thresholdBytes: 1_024 });
    const text = `é${'x'.repeat(size - 2)}`;
    server.connection.sendText(text);
    server.connection.sendText('x'.repeat(size));
    server.connection.sendBinary(Buffer.alloc(size));
    server.connection.sendPrepared(prepareText(text));
    expect(server.frames.map((sent) => sent.rsv)).toEqual([rsv, rsv, rsv, rsv]);
  });

  it('PM-13 has a switch for each message', () => {
    const server = agreed({ thresholdBytes: 1_024 });
    server.connection.sendText(LONG, false);
    server.connection.sendText(LONG.slice(0, 200), true);
    server.connection.sendBinary(Buffer.from(LONG), false);
    server.connection.sendPrepared(prepareText(LONG), false);
    server.connection.sendPrepared(prepareText(LONG.slice(0, 200)), true);
    expect(server.frames.map(({ rsv }) => rsv)).toEqual([0, 4, 0, 0, 4]);
  });

  it('PM-02 sends as it is what does not get smaller', () => {
    const server = agreed();
    server.connection.sendText('x');
    server.connection.sendPrepared(prepareText('x'));
    expect(server.frames.map(({ rsv, payload }) => [rsv, payload.toString()])).toEqual([
      [0, 'x'],
      [0, 'x'],
    ]);
  });

  it.each(['server', 'client'] as const)(
    'PM-11 refers to earlier messages with takeover, and not without: %s',
    (role) => {
      const without = agreed({}, { role });
      const kept = agreed({ serverTakeover: true, clientTakeover: true }, { role });
      const texts = ['first', LONG, 'x', LONG, `${LONG}!`].map((text) => `${text}.`);
      for (const text of texts) {
        for (const peer of [without, kept]) peer.connection.sendText(text, true);
      }
      kept.connection.sendPrepared(prepareText(LONG), true);
      let before = Buffer.alloc(0);
      texts.forEach((text, index) => {
        if (without.frames[index]?.rsv === 4) expect(inflated(without.frames[index] as ParsedFrame)).toBe(text);
        expect(inflated(kept.frames[index] as ParsedFrame, before)).toBe(text);
        before = Buffer.concat([before, Buffer.from(text)]);
      });
      expect(inflated(kept.frames[5] as ParsedFrame, before)).toBe(LONG);
      expect(kept.frames[3]?.payload.length).toBeLessThan((without.frames[3]?.payload.length ?? 0) - 15);
    },
  );

  it('PM-07 keeps to the window agreed on', () => {
    const noise = Array.from({ length: 600 }, (_, index) => ((index * 7_919) % 1_000).toString(36)).join('');
    for (const serverWindowBits of [9, 10, 12, 15]) {
      const server = agreed({ serverWindowBits });
      server.connection.sendText(noise + noise);
      // zlib refuses what refers further back than the window it was told.
      expect(inflated(server.frames[0] as ParsedFrame, undefined, serverWindowBits)).toBe(noise + noise);
    }
  });

  it('PM-07 PM-08 sends uncompressed where it is bound to 8 bits, of which zlib makes 9', () => {
    for (const role of ['server', 'client'] as const) {
      const peer = agreed({ serverWindowBits: 8, clientWindowBits: 8 }, { role });
      peer.connection.sendText(LONG, true);
      peer.connection.sendPrepared(prepareText(LONG));
      expect(peer.frames.map(({ rsv, payload }) => [rsv, payload.toString()])).toEqual([
        [0, LONG],
        [0, LONG],
      ]);
    }
  });

  it('PM-09 compresses a prepared frame once for all that compress alike, and again for another window', () => {
    const shared = prepareText(LONG);
    const [one, two, three] = [agreed(), agreed(), agreed({ serverWindowBits: 9 })];
    for (const { connection } of [one, two, three]) connection.sendPrepared(shared);
    const [first, second, other] = [one, two, three].map(({ connection }) => connection.takeOutgoing());
    expect(second).toBe(first);
    expect(other).not.toBe(first);
  });

  it('PM-02 PM-11 is understood by our other end, for all agreements', () => {
    const messages = fc.array(
      fc.tuple(fc.string({ unit: 'grapheme', maxLength: 300 }), fc.option(fc.boolean(), { nil: undefined })),
      {
        maxLength: 10,
      },
    );
    const bits = fc.integer({ min: 8, max: 15 });
    fc.assert(
      fc.property(messages, fc.boolean(), fc.boolean(), bits, fc.integer({ min: 0, max: 40 }), (all, s, c, b, t) => {
        const agreement = {
          serverTakeover: s,
          clientTakeover: c,
          serverWindowBits: b,
          clientWindowBits: b,
          thresholdBytes: t,
        };
        for (const [from, to] of [
          ['server', 'client'],
          ['client', 'server'],
        ] as const satisfies [Role, Role][]) {
          const sender = agreed(agreement, { role: from });
          for (const [text, compress] of all) sender.connection.sendText(text, compress);
          expect(agreed(agreement, { role: to }).receive(sender.outgoing).texts()).toEqual(all.map(([text]) => text));
        }
      }),
      { numRuns: 100 },
    );
  });
});
