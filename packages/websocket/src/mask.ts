/**
 * Masking (RFC 6455 §5.3): XOR with a repeated 4-byte key, in place; the same function masks and unmasks. A key is
 * an int32 whose lowest byte is applied first. While at it the bytes are OR-ed together, which tells for free whether
 * a text is plain ASCII. Longer payloads go word by word, because a byte loop in JavaScript is about four times slower, and
 * large ones by vectors where the runtime can (`mask-vector.ts`).
 */
import { VECTOR_STEP_BYTES, VectorMask } from './mask-vector.js';

const LITTLE_ENDIAN = new Uint8Array(new Uint32Array([1]).buffer)[0] === 1;

/** Below this a word view costs more than it saves. */
const WORDS_FROM_BYTES = 64;

/** Below this the copies into the vectors' memory and back cost more than they save. */
const VECTORS_FROM_BYTES = 1_024;

/** Larger buffers are not kept alive by the cache below. One read of a Node socket is at most 64 KiB. */
const CACHED_BYTES_MAX = 65_536;

// Many frames share the buffer of one read, so the last word view is kept.
let cachedBuffer: ArrayBufferLike | null = null;
let cachedWords: Int32Array | null = null;

function wordsOf(buffer: ArrayBufferLike): Int32Array {
  if (buffer === cachedBuffer && cachedWords !== null) return cachedWords;
  const words = new Int32Array(buffer, 0, buffer.byteLength >>> 2);
  if (buffer.byteLength <= CACHED_BYTES_MAX) {
    cachedBuffer = buffer;
    cachedWords = words;
  }
  return words;
}

/** The key as it stands after `bytes` bytes were masked with it. */
export function rotateKey(key: number, bytes: number): number {
  const bits = (bytes & 3) << 3;
  return bits === 0 ? key : (key >>> bits) | (key << (32 - bits));
}

/** Made when it is needed first; `null` where the runtime cannot. */
let vectors: VectorMask | null | undefined;

function vectorsFor(bytes: number, key: number): VectorMask | null {
  if (bytes < VECTORS_FROM_BYTES || key === 0) return null;
  if (vectors === undefined) {
    try {
      vectors = new VectorMask();
    } catch {
      // Nothing is lost but time: the loops below give the same bytes.
      vectors = null;
    }
  }
  return vectors;
}

/**
 * Copies `from[start, end)` to `to[at …]`, XORed with the key, beginning at the key's first byte. Both may be the same bytes.
 * @returns 0 if every resulting byte is ASCII, else 0x80.
 */
export function maskInto(
  from: Uint8Array,
  start: number,
  end: number,
  key: number,
  to: Uint8Array,
  at: number,
): number {
  const bytes = end - start;
  const vector = vectorsFor(bytes, key);
  let done = 0;
  let seen = 0;
  if (vector !== null) {
    done = bytes - (bytes % VECTOR_STEP_BYTES);
    seen = vector.apply(from, start, start + done, key, to, at);
  }
  // A step is a multiple of the key's length, so the rest begins with its first byte again.
  if (done < bytes) to.set(from.subarray(start + done, end), at + done);
  return seen | maskInLoop(to, at + done, at + bytes, key);
}

/**
 * XORs `bytes[start, end)` with the key, beginning at the key's first byte.
 * @returns 0 if every resulting byte is ASCII, else 0x80.
 */
export function applyMask(bytes: Uint8Array, start: number, end: number, key: number): number {
  if (end - start >= VECTORS_FROM_BYTES) return maskInto(bytes, start, end, key, bytes, start);
  return maskInLoop(bytes, start, end, key);
}

function maskInLoop(bytes: Uint8Array, start: number, end: number, key: number): number {
  if (key === 0) return highBits(bytes, start, end);
  let at = start;
  let turned = key;
  let seen = 0;
  if (LITTLE_ENDIAN && end - start >= WORDS_FROM_BYTES) {
    const offset = bytes.byteOffset;
    while (((offset + at) & 3) !== 0) {
      const value = (bytes[at] as number) ^ (turned & 0xff);
      bytes[at++] = value;
      seen |= value;
      turned = (turned >>> 8) | (turned << 24);
    }
    const words = wordsOf(bytes.buffer);
    let word = (offset + at) >>> 2;
    const wordsEnd = (offset + end) >>> 2;
    let seenWords = 0;
    for (const four = wordsEnd - 3; word < four; word += 4) {
      const a = (words[word] as number) ^ turned;
      const b = (words[word + 1] as number) ^ turned;
      const c = (words[word + 2] as number) ^ turned;
      const d = (words[word + 3] as number) ^ turned;
      words[word] = a;
      words[word + 1] = b;
      words[word + 2] = c;
      words[word + 3] = d;
      seenWords |= a | b | c | d;
    }
    for (; word < wordsEnd; word++) {
      const value = (words[word] as number) ^ turned;
      words[word] = value;
      seenWords |= value;
    }
    if ((seenWords & 0x80808080) !== 0) seen |= 0x80;
    at = (word << 2) - offset;
  }
  const k0 = turned & 0xff;
  const k1 = (turned >>> 8) & 0xff;
  const k2 = (turned >>> 16) & 0xff;
  const k3 = turned >>> 24;
  for (const four = end - 3; at < four; at += 4) {
    const a = (bytes[at] as number) ^ k0;
    const b = (bytes[at + 1] as number) ^ k1;
    const c = (bytes[at + 2] as number) ^ k2;
    const d = (bytes[at + 3] as number) ^ k3;
    bytes[at] = a;
    bytes[at + 1] = b;
    bytes[at + 2] = c;
    bytes[at + 3] = d;
    seen |= a | b | c | d;
  }
  if (at < end) seen |= bytes[at] = (bytes[at] as number) ^ k0;
  if (at + 1 < end) seen |= bytes[at + 1] = (bytes[at + 1] as number) ^ k1;
  if (at + 2 < end) seen |= bytes[at + 2] = (bytes[at + 2] as number) ^ k2;
  return seen & 0x80;
}

/** 0 if every byte of `bytes[start, end)` is ASCII, else 0x80. */
export function highBits(bytes: Uint8Array, start: number, end: number): number {
  let at = start;
  let seen = 0;
  if (end - start >= WORDS_FROM_BYTES) {
    const offset = bytes.byteOffset;
    while (((offset + at) & 3) !== 0) seen |= bytes[at++] as number;
    const words = wordsOf(bytes.buffer);
    let word = (offset + at) >>> 2;
    const wordsEnd = (offset + end) >>> 2;
    let seenWords = 0;
    for (; word < wordsEnd; word++) seenWords |= words[word] as number;
    if ((seenWords & 0x80808080) !== 0) return 0x80;
    at = (word << 2) - offset;
  }
  while (at < end) seen |= bytes[at++] as number;
  return seen & 0x80;
}
