// How a subscriber of each system speaks: what it says once it is open, and where the messages are in what comes. Every message's
// number is read from its bytes at a fixed place and compared with the one that is due; whole messages are decoded for a sample only.

import { constants, inflateRawSync } from 'node:zlib';
import { FIRST_SEQ, largePayloadOf, SEQ_AT, SEQ_DIGITS } from './payload.mjs';

/**
 * @typedef {object} Dialect
 * @property {string} path
 * @property {string} [subprotocol]
 * @property {readonly string[]} [extension]
 * @property {string | null} greeting What the subscriber sends first, if anything.
 * @property {boolean} isReadyAtOnce Whether it is subscribed as soon as the handshake is done.
 * @property {(bytes: Buffer, start: number, end: number, received: number) => number} count
 *   How many messages a frame holds that follow the `received` ones before; 0 for what is no data. Throws at a wrong number.
 * @property {((text: string) => unknown[]) | null} decode The payloads in a frame of data; `null` if `count` compares whole messages.
 * @property {(text: string) => { ready?: boolean, reply?: string }} other A frame without data: what it means, what to answer.
 */

const STREAM = 'feed/all';
const CURLY = 0x7b;

/** A server whose messages are the payloads themselves. @type {Dialect} */
const plain = {
  path: '/',
  greeting: null,
  isReadyAtOnce: true,
  count: (bytes, start, _end, received) => expectNumber(bytes, start + SEQ_AT, FIRST_SEQ + received),
  decode: (text) => [JSON.parse(text)],
  other: () => ({}),
};

/** The end of a block, which no compressed message carries (RFC 7692 §7.2.1). */
const FLUSH_TAIL = Buffer.from([0x00, 0x00, 0xff, 0xff]);
/** The compressed form of the message that came last, once it was inflated and compared. */
let known = { seq: 0, bytes: Buffer.alloc(0) };

/**
 * Compressed messages: each is the one known by its very bytes, or is inflated and compared whole.
 * @type {Dialect}
 */
const deflated = {
  path: '/',
  extension: ['permessage-deflate', 'server_no_context_takeover', 'client_no_context_takeover'],
  greeting: null,
  isReadyAtOnce: true,
  count(bytes, start, end, received) {
    const seq = FIRST_SEQ + received;
    const isKnown = known.seq === seq && bytes.compare(known.bytes, 0, known.bytes.length, start, end) === 0;
    if (isKnown) return 1;
    const compressed = Buffer.from(bytes.subarray(start, end));
    const whole = Buffer.concat([compressed, FLUSH_TAIL]);
    const text = inflateRawSync(whole, { finishFlush: constants.Z_SYNC_FLUSH }).toString();
    if (text !== JSON.stringify(largePayloadOf(seq))) throw new Error(`wrong content: ${text.slice(0, 300)}`);
    known = { seq, bytes: compressed };
    return 1;
  },
  decode: null,
  other: () => ({}),
};

/** `{"type":"entries","ch":1,"from":0,"to":1,…,"items":[…]}` @type {Dialect} */
const trunkline = {
  path: '/line',
  subprotocol: 'trunkline.v1.json',
  greeting: `{"type":"hello","version":1}\n{"type":"subscribe","id":1,"stream":"${STREAM}"}`,
  isReadyAtOnce: false,
  count(bytes, start, end, received) {
    // The `e` of `entries`, and its `t`: no other message of the server's begins so ("error", "ended").
    if (bytes[start + 9] !== 0x65 || bytes[start + 11] !== 0x74) return 0;
    const chAt = start + '{"type":"entries","ch":'.length;
    const fromAt = chAt + digits(readNumber(bytes, chAt, end)) + ',"from":'.length;
    const from = readNumber(bytes, fromAt, end);
    const toAt = fromAt + digits(from) + ',"to":'.length;
    const to = readNumber(bytes, toAt, end);
    if (from !== received || to <= from) throw new Error(`a slice from ${from} to ${to}, due was one from ${received}`);
    return to - from;
  },
  decode: (text) => {
    const { from, to, items } = JSON.parse(text);
    if (items.length !== to - from) throw new Error(`a slice from ${from} to ${to} with ${items.length} items`);
    return items.map(
      (/** @type {{ offset: number, data: unknown }} */ { offset, data }, /** @type {number} */ index) => {
        if (offset !== from + index + 1) throw new Error(`an entry with offset ${offset} at place ${from + index + 1}`);
        return data;
      },
    );
  },
  other(text) {
    const messages = text.split('\n').map((line) => JSON.parse(line));
    const bad = messages.find(({ type }) => ['error', 'ended', 'gap', 'goodbye'].includes(type));
    if (bad !== undefined) throw new Error(`trunkline said ${JSON.stringify(bad)}`);
    return {
      ready: messages.some(({ type }) => type === 'synced'),
      ...(messages.some(({ type }) => type === 'ping') ? { reply: '{"type":"pong"}' } : {}),
    };
  },
};

const EVENT = '42["m",';

/** Engine.IO 4 over a WebSocket from the start, Socket.IO 5 in it. @type {Dialect} */
const socketIo = {
  path: '/socket.io/?EIO=4&transport=websocket',
  greeting: null,
  isReadyAtOnce: false,
  count(bytes, start, _end, received) {
    if (bytes[start] !== 0x34 || bytes[start + 1] !== 0x32 || bytes[start + EVENT.length] !== CURLY) return 0;
    return expectNumber(bytes, start + EVENT.length + SEQ_AT, FIRST_SEQ + received);
  },
  decode: (text) => JSON.parse(text.slice(2)).slice(1),
  other(text) {
    if (text.startsWith('0')) return { reply: '40' };
    if (text.startsWith('40')) return { ready: true };
    if (text === '2') return { reply: '3' };
    throw new Error(`socket.io said ${text}`);
  },
};

/** @type {Readonly<Record<string, Dialect>>} */
const DIALECTS = { trunkline, plain, deflated, 'socket.io': socketIo };

/** @param {string} name */
export function dialectOf(name) {
  const dialect = DIALECTS[name];
  if (dialect === undefined) throw new Error(`nobody speaks ${name}`);
  return dialect;
}

/**
 * @param {Buffer} bytes
 * @param {number} at
 * @param {number} due
 */
function expectNumber(bytes, at, due) {
  const found = readNumber(bytes, at, at + SEQ_DIGITS);
  if (found !== due) throw new Error(`message ${found} arrived, due was ${due}`);
  return 1;
}

/**
 * The decimal number that begins at `at`.
 * @param {Buffer} bytes
 * @param {number} at
 * @param {number} end
 */
function readNumber(bytes, at, end) {
  let value = 0;
  for (let index = at; index < end; index += 1) {
    const digit = /** @type {number} */ (bytes[index]) - 0x30;
    if (digit < 0 || digit > 9) break;
    value = value * 10 + digit;
  }
  return value;
}

/** @param {number} value */
function digits(value) {
  let count = 1;
  for (let rest = value; rest >= 10; rest = Math.floor(rest / 10)) count += 1;
  return count;
}
