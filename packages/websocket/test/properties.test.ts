import { describe, expect, it } from 'vitest';
import { fc } from './support/property.js';
import { type Event, Recorded } from './support/recorded.js';
import { BINARY, CONTINUATION, closeBody, frame, PING, PONG, TEXT } from './support/wire.js';

type Message =
  | { readonly kind: 'text'; readonly text: string; readonly cuts: readonly number[]; readonly ping: boolean }
  | { readonly kind: 'binary'; readonly bytes: Uint8Array; readonly cuts: readonly number[]; readonly ping: boolean }
  | { readonly kind: 'ping' | 'pong'; readonly bytes: Uint8Array };

const cuts = fc.array(fc.nat(400), { maxLength: 4 });
const messages = fc.array(
  fc.oneof(
    fc.record({
      kind: fc.constant('text' as const),
      text: fc.string({ unit: 'grapheme', maxLength: 150 }),
      cuts,
      ping: fc.boolean(),
    }),
    fc.record({
      kind: fc.constant('binary' as const),
      bytes: fc.uint8Array({ maxLength: 400 }),
      cuts,
      ping: fc.boolean(),
    }),
    fc.record({ kind: fc.constantFrom('ping' as const, 'pong' as const), bytes: fc.uint8Array({ maxLength: 125 }) }),
  ),
  { maxLength: 8 },
);

function pieces(bytes: Uint8Array, at: readonly number[]): Uint8Array[] {
  const bounds = [0, ...at.map((cut) => cut % (bytes.length + 1)).sort((a, b) => a - b), bytes.length];
  return bounds.slice(1).map((end, index) => bytes.subarray(bounds[index] as number, end));
}

function encode(all: readonly Message[], mask: { readonly mask?: string }): { bytes: Buffer; events: Event[] } {
  const frames: Buffer[] = [];
  const events: Event[] = [];
  for (const message of all) {
    if (!('cuts' in message)) {
      frames.push(frame({ opcode: message.kind === 'ping' ? PING : PONG, payload: message.bytes, ...mask }));
      events.push({ type: message.kind, data: Buffer.from(message.bytes).toString('hex') });
      continue;
    }
    const payload = message.kind === 'text' ? Buffer.from(message.text) : message.bytes;
    const fragments = pieces(payload, message.cuts);
    for (const [index, fragment] of fragments.entries()) {
      const opcode = index > 0 ? CONTINUATION : message.kind === 'text' ? TEXT : BINARY;
      frames.push(frame({ opcode, payload: fragment, fin: index === fragments.length - 1, ...mask }));
      if (!message.ping || index === fragments.length - 1) continue;
      frames.push(frame({ opcode: PING, payload: 'between', ...mask }));
      events.push({ type: 'ping', data: Buffer.from('between').toString('hex') });
    }
    if (message.kind === 'text') events.push({ type: 'text', data: Buffer.from(message.text).toString() });
    else events.push({ type: 'binary', data: Buffer.from(message.bytes).toString('hex') });
  }
  frames.push(frame({ opcode: 8, payload: closeBody(4242, 'end'), ...mask }));
  events.push({ type: 'closed', code: 4242, reason: 'end', wasClean: true });
  return { bytes: Buffer.concat(frames), events };
}

describe('any bytes', () => {
  it('FR-10 cut anywhere give the same messages', () => {
    fc.assert(
      fc.property(
        messages,
        fc.array(fc.nat(5_000), { maxLength: 20 }),
        fc.constantFrom(undefined, '00000000', '01020304', 'deadbeef'),
        (sent, at, mask) => {
          const { bytes, events } = encode(sent, mask === undefined ? {} : { mask });
          const role = mask === undefined ? 'client' : 'server';
          expect(new Recorded({ role }).receive(bytes).events).toEqual(events);
          const cut = new Recorded({ role }).receive(...pieces(bytes, at));
          expect(cut.events).toEqual(events);
          expect(cut.outgoing).toEqual(new Recorded({ role }).receive(bytes).outgoing);
        },
      ),
      { numRuns: 400 },
    );
  });

  it('cut into single bytes give the same messages', () => {
    fc.assert(
      fc.property(messages, (sent) => {
        const { bytes, events } = encode(sent, { mask: '0badcafe' });
        expect(new Recorded().receive(...Array.from(bytes, (byte) => Buffer.of(byte))).events).toEqual(events);
      }),
      { numRuns: 50 },
    );
  });

  it('paused and resumed anywhere give the same messages', () => {
    fc.assert(
      fc.property(
        messages,
        fc.array(fc.nat(5_000), { maxLength: 6 }),
        fc.integer({ min: 1, max: 3 }),
        (sent, at, every) => {
          const { bytes, events } = encode(sent, { mask: '01020304' });
          let count = 0;
          const server = new Recorded({
            onEvent: (_event, { connection }) => {
              if (++count % every === 0) connection.pause();
            },
          });
          for (const piece of pieces(bytes, at)) {
            const before = server.events.length;
            if (server.connection.paused) {
              server.receive(piece);
              expect(server.events.length).toBe(before);
            } else {
              server.receive(piece);
            }
            if (before % 2 === 0) server.connection.resume(0);
          }
          for (let left = 0; left < 50 && server.connection.paused; left++) server.connection.resume(0);
          expect(server.events).toEqual(events);
        },
      ),
      { numRuns: 200 },
    );
  });

  it('FR-26 give events or a documented error, never a throw, and one outcome at most', () => {
    const codes = new Set([
      'frame_invalid',
      'text_invalid',
      'message_too_big',
      'too_many_fragments',
      'too_many_control_frames',
    ]);
    // Half of the headers are made plausible, or hardly any input would get past the first byte.
    const header = fc
      .tuple(
        fc.constantFrom(0x00, 0x01, 0x02, 0x80, 0x81, 0x82, 0x88, 0x89, 0x8a),
        fc.nat(255),
        fc.uint8Array({ maxLength: 150 }),
      )
      .map(([first, second, rest]) => Buffer.concat([Buffer.of(first, second), rest]));
    const noise = fc.uint8Array({ maxLength: 60 }).map((bytes) => Buffer.from(bytes));
    fc.assert(
      fc.property(
        fc.array(fc.oneof(header, noise), { maxLength: 20 }),
        fc.constantFrom('server' as const, 'client' as const),
        (chunks, role) => {
          const peer = new Recorded({ role, limits: { maxMessageBytes: 4_000, maxFragments: 5 } }).receive(...chunks);
          const ends = peer.events.filter(({ type }) => type === 'closed');
          expect(ends.length).toBeLessThanOrEqual(1);
          if (ends.length === 1) expect(peer.events.at(-1)).toBe(ends[0]);
          for (const event of peer.events) {
            if (event.type === 'failed') expect(codes.has(event.code)).toBe(true);
          }
          // What we say in return is well-formed whatever came.
          const other = new Recorded({ role: role === 'server' ? 'client' : 'server' }).receive(peer.outgoing);
          expect(other.failed).toBe(undefined);
        },
      ),
      { numRuns: 1_000 },
    );
  });
});
