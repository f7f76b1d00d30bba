// How a reader of each system speaks: what it says once it is open, what a message tells, and how it asks for a procedure.

/**
 * What one message tells: rows, whole or in part.
 * @typedef {object} Told
 * @property {number} from Batches that the reader must have had before.
 * @property {number} to Batches that it has then.
 * @property {number} count Rows.
 * @property {boolean} isWhole It begins anew: these are all rows that there are.
 * @property {Readonly<import('./market.mjs').Rows>} set
 * @property {Readonly<import('./market.mjs').Rows>} patch
 */

/**
 * @typedef {object} Wish
 * @property {number} [rate]
 * @property {readonly string[]} [keys]
 */

/**
 * @typedef {object} Dialect
 * @property {string} path
 * @property {string} [subprotocol]
 * @property {boolean} reports Whether readers say what they have processed.
 * @property {boolean} hasWishes Whether a reader gets only what it wished for.
 * @property {(wish: Wish) => string | null} greeting
 * @property {(bytes: Buffer, start: number, end: number) => number} headOf A number that is equal in equal messages of rows, read at a known
 *   place; -1 for other messages.
 * @property {(text: string) => Told} decode A message of rows.
 * @property {(text: string) => { ready?: boolean, reply?: string, answer?: { id: number, result: unknown } }} other What any other message means.
 * @property {(id: number, order: object) => string} call
 */

/** The table is filled by the first step. */
const FILLING = 1;
const LETTER_R = 0x72;
const LETTER_O = 0x6f;

/** `{"type":"rows","ch":1,"from":1,"to":2,"patch":{…}}` @type {Dialect} */
const trunkline = {
  path: '/line',
  subprotocol: 'trunkline.v1.json',
  reports: true,
  hasWishes: true,
  greeting: (wish) =>
    [
      { type: 'hello', version: 1, features: ['seen'] },
      { type: 'subscribe', id: 1, stream: 'quotes/all', ...wish },
    ]
      .map((message) => JSON.stringify(message))
      .join('\n'),
  headOf(bytes, start, end) {
    if (bytes[start + 9] !== LETTER_R || bytes[start + 10] !== LETTER_O) return -1;
    const ch = numberAt(bytes, start + '{"type":"rows","ch":'.length, end);
    const from = numberAt(bytes, ch.end + ',"from":'.length, end);
    return numberAt(bytes, from.end + ',"to":'.length, end).value;
  },
  decode(text) {
    const { from, to, set = {}, patch = {}, unset, delete: gone, drop, reset = false } = JSON.parse(text);
    if (unset !== undefined || gone !== undefined || drop !== undefined)
      throw new Error(`nobody removed that: ${text}`);
    const count = Object.keys(set).length + Object.keys(patch).length;
    return { from: reset ? 0 : from - FILLING, to: to - FILLING, count, isWhole: reset, set, patch };
  },
  other(text) {
    const messages = text.split('\n').map((line) => JSON.parse(line));
    const bad = messages.find(({ type }) => ['error', 'ended', 'gap', 'goodbye'].includes(type));
    if (bad !== undefined) throw new Error(`trunkline said ${JSON.stringify(bad)}`);
    const result = messages.find(({ type, id }) => type === 'ok' && id > 1);
    return {
      ready: messages.some(({ type }) => type === 'synced'),
      ...(messages.some(({ type }) => type === 'ping') ? { reply: '{"type":"pong"}' } : {}),
      ...(result === undefined ? {} : { answer: { id: result.id, result: result.data } }),
    };
  },
  call: (id, order) => JSON.stringify({ type: 'call', id, procedure: 'placeOrder', data: order }),
};

/** @param {{ n: number, rows?: import('./market.mjs').Rows, table?: import('./market.mjs').Rows }} message @returns {Told} */
function toldBy({ n, rows = {}, table }) {
  if (table !== undefined) return { from: 0, to: n, count: 0, isWhole: true, set: table, patch: {} };
  return { from: n - 1, to: n, count: Object.keys(rows).length, isWhole: false, set: {}, patch: rows };
}

/** `{"n":1,"rows":{…}}`, and `{"n":0,"table":{…}}` at the beginning. @type {Dialect} */
const plain = {
  path: '/',
  reports: false,
  hasWishes: false,
  greeting: () => null,
  headOf: (bytes, start, end) => (bytes[start + 2] === 0x6e ? numberAt(bytes, start + '{"n":'.length, end).value : -1),
  decode: (text) => toldBy(JSON.parse(text)),
  other: (text) => ({ answer: JSON.parse(text) }),
  call: (id, order) => JSON.stringify({ id, order }),
};

const ROWS_EVENT = '42["rows",{"n":';

/** Engine.IO 4 over a WebSocket from the start, Socket.IO 5 in it. @type {Dialect} */
const socketIo = {
  path: '/socket.io/?EIO=4&transport=websocket',
  reports: false,
  hasWishes: false,
  greeting: () => null,
  headOf(bytes, start, end) {
    if (bytes[start + 1] !== 0x32) return -1;
    // `42["rows"` or `42["table"`, which is longer by one.
    const at = bytes[start + 4] === LETTER_R ? start + ROWS_EVENT.length : start + ROWS_EVENT.length + 1;
    return numberAt(bytes, at, end).value;
  },
  decode: (text) => toldBy(JSON.parse(text.slice(2))[1]),
  other(text) {
    if (text.startsWith('0')) return { reply: '40' };
    if (text.startsWith('40')) return {};
    if (text === '2') return { reply: '3' };
    const answer = /^43(\d+)(.*)$/.exec(text);
    if (answer === null) throw new Error(`socket.io said ${text}`);
    return { answer: { id: Number(answer[1]), result: JSON.parse(answer[2] ?? '')[0] } };
  },
  call: (id, order) => `42${id}${JSON.stringify(['placeOrder', order])}`,
};

/** @type {Readonly<Record<string, Dialect>>} */
const DIALECTS = { trunkline, plain, 'socket.io': socketIo };

/** @param {string} name */
export function dialectOf(name) {
  const dialect = DIALECTS[name];
  if (dialect === undefined) throw new Error(`nobody speaks ${name}`);
  return dialect;
}

/**
 * The decimal number that begins at `at`, and where it ends.
 * @param {Buffer} bytes
 * @param {number} at
 * @param {number} limit
 */
function numberAt(bytes, at, limit) {
  let value = 0;
  let end = at;
  for (; end < limit; end += 1) {
    const digit = /** @type {number} */ (bytes[end]) - 0x30;
    if (digit < 0 || digit > 9) break;
    value = value * 10 + digit;
  }
  return { value, end };
}
