import { constants, createDeflateRaw, deflateRawSync, inflateRawSync } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { agreementOf, DEFAULT_OFFER, Deflation, offerText } from './lib/deflate.mjs';
import { InflateError, Inflater } from './lib/inflate.mjs';

const END = Buffer.from([0, 0, 0xff, 0xff]);

/** Repetitive and random octets in turn, as references need something to refer to. */
const message = fc
  .array(
    fc.oneof(
      fc.uint8Array({ maxLength: 300 }),
      fc.uint8Array({ maxLength: 12 }).map((part) => repeat(part, 60)),
    ),
    {
      maxLength: 6,
    },
  )
  .map((parts) => Buffer.concat(parts));

function repeat(part: Uint8Array, times: number): Buffer {
  return Buffer.concat(new Array<Uint8Array>(times).fill(part));
}

/** What a server with a window would send for these messages. */
async function deflated(messages: readonly Buffer[], windowBits: number, level: number): Promise<Buffer[]> {
  const deflater = createDeflateRaw({ windowBits, level });
  const results: Buffer[] = [];
  for (const data of messages) {
    const parts: Buffer[] = [];
    deflater.on('data', (part: Buffer) => parts.push(part));
    deflater.write(data);
    await new Promise<void>((resolve) => deflater.flush(constants.Z_SYNC_FLUSH, resolve));
    deflater.removeAllListeners('data');
    results.push(data.length === 0 ? Buffer.from([0]) : Buffer.concat(parts).subarray(0, -4));
  }
  deflater.close();
  return results;
}

describe('the inflater', () => {
  it('gives back what zlib deflated, message after message, and never reaches beyond the window', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(message, { minLength: 1, maxLength: 5 }),
        fc.integer({ min: 9, max: 15 }),
        fc.integer({ min: 0, max: 9 }),
        async (messages, windowBits, level) => {
          const inflater = new Inflater(windowBits, true);
          const wire = await deflated(messages, windowBits, level);
          expect(wire.map((bytes) => inflater.inflate(bytes).toString('hex'))).toEqual(
            messages.map((data) => data.toString('hex')),
          );
          expect(inflater.maxDistance).toBeLessThanOrEqual(2 ** windowBits);
        },
      ),
      { numRuns: 150 },
    );
  });

  it('agrees with zlib about damaged data, or refuses it', () => {
    fc.assert(
      fc.property(message, fc.nat(), fc.integer({ min: 1, max: 255 }), (data, place, change) => {
        const wire = deflateRawSync(data, { finishFlush: constants.Z_SYNC_FLUSH }).subarray(0, -4);
        const at = place % Math.max(wire.length, 1);
        if (wire.length > 0) wire[at] = Number(wire[at]) ^ change;
        let ours: Buffer;
        try {
          ours = new Inflater(15, false).inflate(wire);
        } catch (error) {
          expect(error).toBeInstanceOf(InflateError);
          return;
        }
        const theirs = inflateRawSync(Buffer.concat([wire, END]), { finishFlush: constants.Z_SYNC_FLUSH });
        // Behind a final block zlib stops, and we go on (RFC 7692 §7.2.1).
        expect(ours.subarray(0, theirs.length).equals(theirs)).toBe(true);
      }),
      { numRuns: 300 },
    );
  });

  it('refuses a reference beyond the window', async () => {
    const noise = Buffer.from(Array.from({ length: 600 }, (_, at) => (at * at * 31 + at * 7) & 0xff));
    const [wire = END] = await deflated([Buffer.concat([noise, noise])], 15, 9);
    expect(new Inflater(15, true).inflate(wire)).toHaveLength(1_200);
    expect(() => new Inflater(8, true).inflate(wire)).toThrow(InflateError);
  });

  it('refuses a reference to an earlier message where no window is kept', async () => {
    const noise = Buffer.from(Array.from({ length: 600 }, (_, at) => (at * at * 31 + at * 7) & 0xff));
    const [first = END, second = END] = await deflated([noise, noise], 15, 9);
    const inflater = new Inflater(15, false);
    inflater.inflate(first);
    expect(() => inflater.inflate(second)).toThrow(InflateError);
  });
});

describe('an agreement', () => {
  it('is what the answer says', () => {
    expect(
      agreementOf('permessage-deflate; server_max_window_bits="10"; client_no_context_takeover', [DEFAULT_OFFER]),
    ).toEqual({
      serverNoContextTakeover: false,
      clientNoContextTakeover: true,
      serverMaxWindowBits: 10,
      clientMaxWindowBits: 15,
    });
  });

  it.each([
    ['permessage-deflate; client_max_window_bits=10', [{}], 'PM-08'],
    ['permessage-deflate; client_max_window_bits=12', [{ clientMaxWindowBits: 10 }], 'PM-08'],
    ['permessage-deflate', [{ serverMaxWindowBits: 10 }], 'PM-07'],
    ['permessage-deflate; server_max_window_bits=11', [{ serverMaxWindowBits: 10 }], 'PM-07'],
    ['permessage-deflate; server_max_window_bits=07', [{}], 'PM-07'],
    ['permessage-deflate', [{ serverNoContextTakeover: true }], 'PM-05'],
    ['permessage-deflate; x', [{}], 'PM-03'],
    ['permessage-deflate, permessage-deflate', [{}], 'HS-07'],
  ])('is none for "%s"', (answer, offers, rule) => {
    expect(agreementOf(answer, offers)).toContain(rule);
  });

  it('may answer the second of two offers', () => {
    const offers = [{ serverMaxWindowBits: 9 }, {}];
    expect(offerText(offers)).toBe('permessage-deflate; server_max_window_bits=9, permessage-deflate');
    expect(agreementOf('permessage-deflate', offers)).toMatchObject({ serverMaxWindowBits: 15 });
  });
});

describe('our own deflater', () => {
  it.each([8, 9, 15])('keeps within a window of 2^%i', async (clientMaxWindowBits) => {
    const deflation = new Deflation({
      serverNoContextTakeover: false,
      clientNoContextTakeover: false,
      serverMaxWindowBits: 15,
      clientMaxWindowBits,
    });
    const noise = Buffer.from(Array.from({ length: 3_000 }, (_, at) => (at * at * 31 + at * 7) & 0xff));
    const inflater = new Inflater(clientMaxWindowBits, true);
    for (const data of [noise, Buffer.alloc(0), noise, Buffer.from('short')]) {
      expect(inflater.inflate(await deflation.deflate(data)).equals(data)).toBe(true);
    }
    deflation.close();
  });
});
