import { spawnSync } from 'node:child_process';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { MODULE, VectorMask } from '../src/mask-vector.js';
import { maskModule } from './support/mask-module.js';
import { fc } from './support/property.js';

const PAGE_BYTES = 65_536;
const FILLER = 0x5a;

afterEach(() => {
  vi.unstubAllGlobals();
  vi.resetModules();
});

/** Byte by byte, as RFC 6455 §5.3 has it. */
function reference(bytes: Uint8Array, key: number): Uint8Array {
  return bytes.map((byte, index) => byte ^ ((key >>> ((index % 4) * 8)) & 0xff));
}

/** The mask module as it is loaded where `globalThis.WebAssembly` is something else. */
async function loadWith(webAssembly: unknown): Promise<typeof import('../src/mask.js')> {
  vi.resetModules();
  vi.stubGlobal('WebAssembly', webAssembly);
  return await import('../src/mask.js');
}

const lengths = fc.oneof(
  fc.nat(200),
  fc.integer({ min: 990, max: 1_100 }),
  fc.integer({ min: PAGE_BYTES - 40, max: PAGE_BYTES + 40 }),
  fc.integer({ min: 2 * PAGE_BYTES - 40, max: 3 * PAGE_BYTES }),
);
const keys = fc.oneof(fc.constant(0), fc.integer({ min: -0x8000_0000, max: 0x7fff_ffff }));
/** Where bytes begin in their memory: vectors want sixteen, words four. */
const places = fc.nat(17);

/** Holds a build of `mask.ts` to the definition: any length, alignment and key, to other memory and in place. */
function holdsFor({ applyMask, maskInto }: typeof import('../src/mask.js'), numRuns = 100): void {
  fc.assert(
    fc.property(lengths, places, places, keys, fc.nat(255), fc.boolean(), (length, start, at, key, fill, isText) => {
      const payload = Uint8Array.from({ length }, (_, index) => (fill + index * 31 + (index >>> 8)) & 0xff);
      // Half of them come out as ASCII, but for one byte anywhere.
      const masked = isText
        ? reference(
            payload.map((byte) => byte & 0x7f),
            key,
          )
        : payload;
      if (isText && fill > 127 && length > 0)
        masked[(fill * 7_919) % length] = (masked[(fill * 7_919) % length] ?? 0) ^ 0x80;
      const expected = Buffer.from(reference(masked, key));
      const high = expected.some((byte) => byte >= 0x80) ? 0x80 : 0;

      const from = Buffer.alloc(start + length + 9, FILLER);
      from.set(masked, start);
      const before = Buffer.from(from);
      const to = Buffer.alloc(at + length + 9, FILLER);
      expect(maskInto(from, start, start + length, key, to, at)).toBe(high);
      expect(from.equals(before)).toBe(true);
      const around = (memory: Buffer, place: number) =>
        Buffer.concat([memory.subarray(0, place), memory.subarray(place + length)]).every((byte) => byte === FILLER);
      expect(to.subarray(at, at + length).equals(expected)).toBe(true);
      expect(around(to, at)).toBe(true);

      expect(applyMask(from, start, start + length, key)).toBe(high);
      expect(from.subarray(start, start + length).equals(expected)).toBe(true);
      expect(around(from, start)).toBe(true);
    }),
    { numRuns },
  );
}

describe('masking by vectors', () => {
  it('is done by the module whose source is here', () => {
    expect(MODULE).toBe(maskModule.toString('base64'));
  });

  it('gives the bytes of the definition, and leaves those around alone', async () => {
    holdsFor(await import('../src/mask.js'), 300);
  });

  it('gives them at every length up to 200 times 32 bytes, and tells ASCII apart at every byte', () => {
    const vector = new VectorMask();
    const key = 0x7f3a_91c4;
    for (let length = 32; length <= 6_400; length += 32) {
      const clean = reference(new Uint8Array(length).fill(0x41), key);
      const to = new Uint8Array(length);
      // What longer payloads left behind in the module's memory is not looked at.
      vector.apply(new Uint8Array(length + 32).fill(0xff), 0, length + 32, 1, new Uint8Array(length + 32), 0);
      expect(vector.apply(clean, 0, length, key, to, 0)).toBe(0);
      expect(to.every((byte) => byte === 0x41)).toBe(true);
    }
    for (let place = 0; place < 64; place++) {
      const bytes = new Uint8Array(64);
      bytes[place] = 0x80;
      expect(vector.apply(bytes, 0, 64, 0, bytes, 0)).toBe(0x80);
    }
  });

  it('needs no WebAssembly: loops give the same bytes where it is missing, forbidden or lacks vectors', async () => {
    const refused = vi.fn(function refuse(): never {
      throw new Error('not allowed');
    });
    for (const webAssembly of [undefined, {}, { Module: refused, Instance: refused }]) {
      holdsFor(await loadWith(webAssembly));
    }
    expect(refused).toHaveBeenCalledTimes(1);
  });

  it('makes its module once, at the first payload of 1,024 bytes', async () => {
    const { WebAssembly } = globalThis as unknown as { WebAssembly: Record<string, new (...all: never[]) => object> };
    const made = vi.fn();
    class Counted extends (WebAssembly.Module as new (bytes: Uint8Array) => object) {
      constructor(bytes: Uint8Array) {
        super(bytes);
        made();
      }
    }
    const { applyMask } = await loadWith({ Module: Counted, Instance: WebAssembly.Instance });
    applyMask(Buffer.alloc(1_023), 0, 1_023, 1);
    expect(made).toHaveBeenCalledTimes(0);
    for (let times = 0; times < 3; times++) applyMask(Buffer.alloc(1_024), 0, 1_024, 1);
    expect(made).toHaveBeenCalledTimes(1);
  });

  it('does without it under --jitless', () => {
    const url = new URL('../dist/mask.js', import.meta.url).href;
    const program = `
      const { applyMask } = await import(${JSON.stringify(url)});
      const bytes = Buffer.alloc(2_000, 1);
      applyMask(bytes, 0, 2_000, 0x01010101);
      console.log(typeof WebAssembly, bytes.every((byte) => byte === 0));`;
    const run = spawnSync(process.execPath, ['--jitless', '--input-type=module', '--eval', program], {
      encoding: 'utf8',
    });
    expect([run.stdout.trim(), run.status]).toEqual(['undefined true', 0]);
  });
});
