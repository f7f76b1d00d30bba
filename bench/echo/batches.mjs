// What is sent and what must come back, made once. Several batches with different bytes, so that an answer that belongs to another
// message, or to another connection, is seen.

import { randomFillSync } from 'node:crypto';

/** @typedef {{ readonly request: Buffer, readonly answer: Buffer }} Batch */

const BATCHES = 16;
const TEXT = 1;
const BINARY = 2;
const LETTERS = 'abcdefghijklmnopqrstuvwxyz0123456789';

/**
 * @param {{ depth: number, payloadBytes: number, isBinary: boolean }} shape
 * @returns {Batch[]}
 */
export function makeBatches({ depth, payloadBytes, isBinary }) {
  return Array.from({ length: BATCHES }, (_, batch) => {
    const payloads = Array.from({ length: depth }, (_, place) => {
      if (isBinary) return randomFillSync(Buffer.alloc(payloadBytes));
      const text = `${batch}.${place} ${LETTERS.slice(batch)}${LETTERS}`;
      return Buffer.from(text.repeat(Math.ceil(payloadBytes / text.length)).slice(0, payloadBytes));
    });
    const first = 0x80 | (isBinary ? BINARY : TEXT);
    return {
      request: Buffer.concat(payloads.map((payload) => frame(first, payload, randomFillSync(Buffer.alloc(4))))),
      answer: Buffer.concat(payloads.map((payload) => frame(first, payload, null))),
    };
  });
}

/**
 * @param {number} first
 * @param {Buffer} payload
 * @param {Buffer | null} key
 */
function frame(first, payload, key) {
  const { length } = payload;
  const size = length < 126 ? 0 : length < 65_536 ? 2 : 8;
  const header = Buffer.alloc(2 + size);
  header[0] = first;
  header[1] = (key === null ? 0 : 0x80) | (size === 0 ? length : size === 2 ? 126 : 127);
  if (size === 2) header.writeUInt16BE(length, 2);
  if (size === 8) header.writeBigUInt64BE(BigInt(length), 2);
  if (key === null) return Buffer.concat([header, payload]);
  const masked = payload.map((byte, index) => byte ^ /** @type {number} */ (key[index & 3]));
  return Buffer.concat([header, key, masked]);
}
