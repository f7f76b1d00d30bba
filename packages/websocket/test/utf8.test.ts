import { isUtf8 } from 'node:buffer';
import { describe, expect, it } from 'vitest';
import { checkUtf8, UTF8_COMPLETE, UTF8_INVALID } from '../src/utf8.js';
import { fc } from './support/property.js';
import { breach, Recorded } from './support/recorded.js';
import { CONTINUATION, hex, masked, plain, TEXT } from './support/wire.js';

const VALID = [
  '',
  '24',
  'c2a2',
  'ed9fbf',
  'ee8080',
  'efbfbf',
  'f0908080',
  'f48fbfbf',
  'cebae1bdb9cf83cebcceb5',
  'efbbbf41',
];

const INVALID = [
  '80',
  'bf',
  'c080',
  'c1bf',
  'c2',
  'c220',
  'c22080',
  'e28220ac',
  'e08080',
  'e09fbf',
  'eda080',
  'edbfbf',
  'f08080 80',
  'f08fbfbf',
  'f4908080',
  'f5808080',
  'f888808080',
  'fe',
  'ff',
  'cebae1bdb9cf83cebcceb5eda080656469746564',
];

describe('UTF-8', () => {
  it.each(VALID)('FR-16 accepts %s, whole, in fragments and byte by byte', (text) => {
    const bytes = hex(text);
    const expected = [bytes.toString()];
    expect(new Recorded().receive(masked(TEXT, bytes)).texts()).toEqual(expected);
    expect(new Recorded({ role: 'client' }).receive(plain(TEXT, bytes)).texts()).toEqual(expected);
    const fragments = new Recorded().receive(masked(TEXT, '', false));
    for (const byte of bytes) fragments.receive(masked(CONTINUATION, Buffer.of(byte), false));
    expect(fragments.receive(masked(CONTINUATION)).texts()).toEqual(expected);
    const cut = new Recorded().receive(...Array.from(masked(TEXT, bytes), (byte) => Buffer.of(byte)));
    expect(cut.texts()).toEqual(expected);
  });

  it.each(INVALID)('FR-16 fails %s with 1007, whole, in fragments and byte by byte', (text) => {
    const bytes = hex(text);
    const events = breach('text_invalid', 1007);
    expect(new Recorded().receive(masked(TEXT, bytes)).events).toEqual(events);
    expect(new Recorded({ role: 'client' }).receive(plain(TEXT, bytes)).events).toEqual(events);
    const cut = new Recorded().receive(...Array.from(masked(TEXT, bytes), (byte) => Buffer.of(byte)));
    expect(cut.events).toEqual(events);
    expect(cut.sentClose).toBe(1007);
    const fragments = new Recorded().receive(masked(TEXT, '', false));
    for (const byte of bytes) fragments.receive(masked(CONTINUATION, Buffer.of(byte), false));
    expect(fragments.receive(masked(CONTINUATION)).events).toEqual(events);
  });

  it('FR-16 fails at the first impossible byte, while the frame is still arriving', () => {
    const bytes = masked(TEXT, hex('cebae1bdb9cf83cebcceb5 f4 90 8080 656469746564'));
    const decidable = bytes.length - 8;
    const server = new Recorded().receive(bytes.subarray(0, decidable - 1));
    expect(server.events).toEqual([]);
    server.receive(bytes.subarray(decidable - 1, decidable));
    expect(server.events).toEqual(breach('text_invalid', 1007));
  });

  it('FR-16 fails a fragment at once, before the message ends', () => {
    const long = Buffer.concat([Buffer.alloc(200, 'a'), hex('eda080')]);
    expect(new Recorded().receive(masked(TEXT, long, false)).sentClose).toBe(1007);
  });

  it('does not look at binary messages', () => {
    expect(new Recorded().receive(masked(2, hex('eda080'))).events).toEqual([{ type: 'binary', data: 'eda080' }]);
  });

  it('agrees with Node on any bytes in any pieces', () => {
    const bytes = fc.oneof(
      fc.uint8Array({ maxLength: 200 }),
      fc.string({ unit: 'binary', maxLength: 120 }).map((text) => new Uint8Array(Buffer.from(text))),
      fc.tuple(fc.string({ unit: 'binary', maxLength: 120 }), fc.nat(), fc.nat(255)).map(([text, at, byte]) => {
        const valid = new Uint8Array(Buffer.from(text));
        if (valid.length > 0) valid[at % valid.length] = byte;
        return valid;
      }),
    );
    fc.assert(
      fc.property(bytes, fc.array(fc.nat(200), { maxLength: 5 }), (all, cuts) => {
        const at = [0, ...cuts.map((cut) => cut % (all.length + 1)).sort((a, b) => a - b), all.length];
        let state = UTF8_COMPLETE;
        for (let index = 1; index < at.length; index++) {
          state = checkUtf8(state, all, at[index - 1] as number, at[index] as number);
        }
        expect(state === UTF8_COMPLETE).toBe(isUtf8(all));
        // Failing fast must not be failing early: what can still become valid is not refused.
        if (state !== UTF8_INVALID && state !== UTF8_COMPLETE) {
          const endings = ['80', '8080', '808080', 'a0', 'a080', '9080', '908080', '8f', '8f80', '8f8080'];
          expect(endings.some((ending) => isUtf8(Buffer.concat([all, hex(ending)])))).toBe(true);
        }
      }),
      { numRuns: 1_000 },
    );
  });
});
