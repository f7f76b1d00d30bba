/**
 * UTF-8 as RFC 6455 wants it (§5.6, §8.1): strict, over a whole message, a code point may be split between frames.
 *
 * Two ways in: a text that lies complete in one chunk is decoded in one go; one that arrives in pieces is checked
 * piece by piece, so that the first impossible byte fails the connection at once and not when the message ends.
 * The checker's state is one small integer, kept by the caller.
 */
import { isUtf8 } from 'node:buffer';

/** Between code points: the only state in which a message may end. */
export const UTF8_COMPLETE = 0;
/** No continuation can make this valid. */
export const UTF8_INVALID = -1;

// What the next byte must be. After E0, ED, F0 and F4 the first continuation byte has a smaller range: that excludes
// overlong forms, surrogates and everything above U+10FFFF (RFC 3629 §4).
const NEED_1 = 1;
const NEED_2 = 2;
const NEED_3 = 3;
const AFTER_E0 = 4;
const AFTER_ED = 5;
const AFTER_F0 = 6;
const AFTER_F4 = 7;

function step(state: number, byte: number): number {
  switch (state) {
    case UTF8_COMPLETE:
      return lead(byte);
    case NEED_1:
      return isBetween(byte, 0x80, 0xbf) ? UTF8_COMPLETE : UTF8_INVALID;
    case NEED_2:
      return isBetween(byte, 0x80, 0xbf) ? NEED_1 : UTF8_INVALID;
    case NEED_3:
      return isBetween(byte, 0x80, 0xbf) ? NEED_2 : UTF8_INVALID;
    case AFTER_E0:
      return isBetween(byte, 0xa0, 0xbf) ? NEED_1 : UTF8_INVALID;
    case AFTER_ED:
      return isBetween(byte, 0x80, 0x9f) ? NEED_1 : UTF8_INVALID;
    case AFTER_F0:
      return isBetween(byte, 0x90, 0xbf) ? NEED_2 : UTF8_INVALID;
    case AFTER_F4:
      return isBetween(byte, 0x80, 0x8f) ? NEED_2 : UTF8_INVALID;
    default:
      return UTF8_INVALID;
  }
}

function lead(byte: number): number {
  if (byte < 0x80) return UTF8_COMPLETE;
  if (byte < 0xc2) return UTF8_INVALID;
  if (byte < 0xe0) return NEED_1;
  if (byte < 0xf0) return byte === 0xe0 ? AFTER_E0 : byte === 0xed ? AFTER_ED : NEED_2;
  if (byte === 0xf0) return AFTER_F0;
  if (byte < 0xf4) return NEED_3;
  return byte === 0xf4 ? AFTER_F4 : UTF8_INVALID;
}

function isBetween(byte: number, low: number, high: number): boolean {
  return byte >= low && byte <= high;
}

/** Pieces shorter than this are not worth a call into native code. */
const NATIVE_FROM_BYTES = 48;

/**
 * Continues the check over `bytes[start, end)`.
 * @returns the new state; `UTF8_INVALID` stays.
 */
export function checkUtf8(state: number, bytes: Uint8Array, start: number, end: number): number {
  let at = start;
  let now = state;
  while (at < end && now > UTF8_COMPLETE) now = step(now, bytes[at++] as number);
  if (end - at >= NATIVE_FROM_BYTES && now === UTF8_COMPLETE) {
    const tail = unfinishedFrom(bytes, at, end);
    if (!isUtf8(bytes.subarray(at, tail))) return UTF8_INVALID;
    at = tail;
  }
  while (at < end && now !== UTF8_INVALID) now = step(now, bytes[at++] as number);
  return now;
}

/** Where a code point begins that needs more bytes than there are; `end` if there is none. */
function unfinishedFrom(bytes: Uint8Array, start: number, end: number): number {
  for (let back = 1; back <= 3 && end - back >= start; back++) {
    const byte = bytes[end - back] as number;
    if (byte < 0x80) return end;
    if (byte >= 0xc0) {
      const size = byte < 0xe0 ? 2 : byte < 0xf0 ? 3 : 4;
      return size > back ? end - back : end;
    }
  }
  return end;
}

/** Node's own slicers, without the argument handling of `toString`; part of every Node since 0.x. */
interface Slicers {
  latin1Slice(start: number, end: number): string;
  utf8Slice(start: number, end: number): string;
}

/** Decodes bytes that are known to be ASCII. */
export function decodeAscii(bytes: Buffer, start: number, end: number): string {
  return (bytes as Buffer & Slicers).latin1Slice(start, end);
}

/** Decodes bytes that were checked already. */
export function decodeChecked(bytes: Buffer, start: number, end: number): string {
  return (bytes as Buffer & Slicers).utf8Slice(start, end);
}

/** Checks and decodes a complete text; `null` if it is not UTF-8. */
export function decodeStrict(bytes: Buffer, start: number, end: number): string | null {
  return isUtf8(bytes.subarray(start, end)) ? decodeChecked(bytes, start, end) : null;
}

/** Whether a text has so many bytes of UTF-8. A UTF-16 unit is one to three, so few need to be measured. */
export function hasBytes(text: string, bytes: number): boolean {
  return text.length >= bytes || (text.length * 3 >= bytes && Buffer.byteLength(text) >= bytes);
}
