// @ts-check
// Frames as octets, right or wrong on purpose: each rule of RFC 6455 §5 can be broken by one option.

import { numbersFrom } from './random.mjs';

export const CONTINUATION = 0;
export const TEXT = 1;
export const BINARY = 2;
export const CLOSE = 8;
export const PING = 9;
export const PONG = 10;

export const EMPTY = Buffer.alloc(0);

const nextMask = numbersFrom(6455);

/**
 * @typedef {object} FrameOptions
 * @property {number} opcode
 * @property {Buffer | string} [payload]
 * @property {boolean} [fin] Default true.
 * @property {number} [rsv] The three reserved bits, 0 to 7; 4 is RSV1. Default 0.
 * @property {number | null} [mask] The key; `null` leaves the frame unmasked, which a client may not. Default a new one.
 * @property {7 | 16 | 64} [form] Bits of the length field. Default the smallest that fits.
 * @property {bigint} [declared] A length to declare in place of the true one.
 */

/** @param {FrameOptions} options */
export function frame({ opcode, payload = EMPTY, fin = true, rsv = 0, mask, form, declared }) {
  const body = typeof payload === 'string' ? Buffer.from(payload) : payload;
  const length = declared ?? BigInt(body.length);
  const bits = form ?? (length < 126n ? 7 : length < 65_536n ? 16 : 64);
  const key = mask === undefined ? nextMask() : mask;
  const head = Buffer.alloc(2 + (bits === 7 ? 0 : bits / 8) + (key === null ? 0 : 4));
  head[0] = (fin ? 0x80 : 0) | (rsv << 4) | opcode;
  head[1] = (key === null ? 0 : 0x80) | (bits === 7 ? Number(length) : bits === 16 ? 126 : 127);
  if (bits === 16) head.writeUInt16BE(Number(length), 2);
  if (bits === 64) head.writeBigUInt64BE(length, 2);
  if (key === null) return Buffer.concat([head, body]);
  head.writeUInt32BE(key, head.length - 4);
  return Buffer.concat([head, masked(body, key)]);
}

/**
 * A message in fragments of at most `size` octets.
 * @param {number} opcode
 * @param {Buffer | string} payload
 * @param {number} size
 * @param {number} [rsv] Of the first fragment.
 * @returns {Buffer[]}
 */
export function fragments(opcode, payload, size, rsv = 0) {
  const body = Buffer.from(payload);
  const frames = [];
  for (let at = 0; at === 0 || at < body.length; at += size) {
    frames.push(
      frame({
        opcode: at === 0 ? opcode : CONTINUATION,
        payload: body.subarray(at, at + size),
        fin: at + size >= body.length,
        rsv: at === 0 ? rsv : 0,
      }),
    );
  }
  return frames;
}

/**
 * @param {number | null} code `null` for an empty body.
 * @param {Buffer | string} [reason]
 */
export function closeBody(code, reason = EMPTY) {
  if (code === null) return EMPTY;
  const head = Buffer.alloc(2);
  head.writeUInt16BE(code);
  return Buffer.concat([head, Buffer.from(reason)]);
}

/**
 * @param {number | null} [code]
 * @param {Buffer | string} [reason]
 */
export function closeFrame(code = 1000, reason = EMPTY) {
  return frame({ opcode: CLOSE, payload: closeBody(code, reason) });
}

/**
 * @param {Buffer} body
 * @param {number} key
 */
function masked(body, key) {
  const result = Buffer.allocUnsafe(body.length);
  const octets = [key >>> 24, (key >>> 16) & 0xff, (key >>> 8) & 0xff, key & 0xff];
  for (let at = 0; at < body.length; at++) result[at] = Number(body[at]) ^ Number(octets[at & 3]);
  return result;
}
