/**
 * Masking sixteen bytes at a time, which JavaScript cannot: a WebAssembly module of 125 bytes. It masks in a memory of its
 * own, one page (64 KiB), so bytes are copied into it and out again. From about a thousand bytes on that is faster than a
 * loop over words all the same, at 64 KiB twice as fast, and the copy out may go where the bytes are wanted.
 *
 * Made at the first large payload. Where WebAssembly is missing (`--jitless`), forbidden or without SIMD there is none,
 * and `mask.ts` loops. What the module does, and that these bytes are it, is in `test/support/mask-module.ts`.
 */

/** Base64. */
export const MODULE =
  'AGFzbQEAAAABBwFgAn9/AX8DAgEABQQBAQEBBwkCAW0CAAFmAAAKVQFTAgF/A3sgAf0RIQMDQCACIAL9AAQAIAP9USIF/QsEACAEIAX9UCEEIAIgAv0ABBAgA/1RIgX9CwQQIAQgBf1QIQQgAkEgaiICIABJDQALIAT9ZAs=';

/** The module masks two vectors per turn of its loop: what it is given is a multiple of this. */
export const VECTOR_STEP_BYTES = 32;

const PAGE_BYTES = 65_536;

/** What is used of WebAssembly; Node's types leave it to those of browsers. */
interface WebAssemblyApi {
  readonly Module: new (bytes: Uint8Array) => object;
  readonly Instance: new (module: object) => { readonly exports: MaskExports };
}

interface MaskExports {
  readonly m: { readonly buffer: ArrayBuffer };
  /** Masks the first `end` bytes of `m`. @returns not 0 if one of them is not ASCII then. */
  f(end: number, key: number): number;
}

export class VectorMask {
  readonly #exports: MaskExports;
  readonly #page: Buffer;

  /** @throws where the runtime has no WebAssembly, or not what is needed of it. */
  constructor() {
    const { WebAssembly } = globalThis as unknown as { WebAssembly: WebAssemblyApi };
    this.#exports = new WebAssembly.Instance(new WebAssembly.Module(Buffer.from(MODULE, 'base64'))).exports;
    this.#page = Buffer.from(this.#exports.m.buffer);
  }

  /**
   * Copies `from[start, end)`, a multiple of 32 bytes, to `to[at …]`, XORed with the key. Both may be the same bytes.
   * @returns 0 if every resulting byte is ASCII, else 0x80.
   */
  apply(from: Uint8Array, start: number, end: number, key: number, to: Uint8Array, at: number): number {
    const page = this.#page;
    let seen = 0;
    for (let done = start; done < end; done += PAGE_BYTES) {
      const bytes = Math.min(PAGE_BYTES, end - done);
      page.set(from.subarray(done, done + bytes));
      seen |= this.#exports.f(bytes, key);
      to.set(bytes === PAGE_BYTES ? page : page.subarray(0, bytes), at + done - start);
    }
    return seen === 0 ? 0 : 0x80;
  }
}
