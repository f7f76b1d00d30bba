// @ts-check
// The opening handshake as octets: requests, right or wrong on purpose, and answers taken apart without forgiving anything.

import { createHash } from 'node:crypto';
import { numbersFrom, randomBytes } from './random.mjs';
import { connectTo } from './target.mjs';

const GUID = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11';
const MAX_HEAD_BYTES = 65_536;
const nextNumber = numbersFrom(258);

export function freshKey() {
  return randomBytes(nextNumber, 16).toString('base64');
}

/** @param {string} key */
export function acceptOf(key) {
  return createHash('sha1').update(key).update(GUID).digest('base64');
}

/**
 * @typedef {object} RequestOptions
 * @property {string} [method]
 * @property {string} [path]
 * @property {string} [version] `HTTP/1.1`
 * @property {string} [key]
 * @property {Record<string, string | null>} [change] Values that replace those of a good request, by name; `null` leaves one out.
 * @property {readonly string[]} [more] Header lines to add, as they are.
 */

/**
 * @param {import('./target.mjs').Target} target
 * @param {RequestOptions} [options]
 */
export function requestText(target, options = {}) {
  const {
    method = 'GET',
    path = target.path,
    version = 'HTTP/1.1',
    key = freshKey(),
    change = {},
    more = [],
  } = options;
  /** @type {Record<string, string | null>} */
  const fields = {
    Host: target.authority,
    Upgrade: 'websocket',
    Connection: 'Upgrade',
    'Sec-WebSocket-Key': key,
    'Sec-WebSocket-Version': '13',
    ...change,
  };
  const lines = Object.entries(fields).flatMap(([name, value]) => (value === null ? [] : [`${name}: ${value}`]));
  return `${[`${method} ${path} ${version}`, ...lines, ...more].join('\r\n')}\r\n\r\n`;
}

/**
 * @typedef {object} Answer
 * @property {'response' | 'closed' | 'silent' | 'garbage'} kind
 * @property {string} version
 * @property {number} status 0 without a response.
 * @property {readonly (readonly [name: string, value: string])[]} fields Names in lower case.
 * @property {Buffer} rest What came behind the head.
 * @property {import('node:net').Socket} socket Paused.
 * @property {boolean} hasEnded Whether the server ended the connection already.
 */

/**
 * Sends a request and waits for the head of the answer.
 * @param {import('./target.mjs').Target} target
 * @param {(socket: import('node:net').Socket) => void | Promise<void>} send
 * @param {number} [waitMs]
 * @returns {Promise<Answer>}
 */
export async function ask(target, send, waitMs = target.patienceMs) {
  const socket = await connectTo(target);
  const answered = readHead(socket, waitMs);
  await send(socket);
  return answered;
}

/**
 * @param {import('node:net').Socket} socket
 * @param {number} waitMs
 * @returns {Promise<Answer>}
 */
function readHead(socket, waitMs) {
  return new Promise((resolve) => {
    let bytes = Buffer.alloc(0);
    let hasEnded = false;
    const timer = setTimeout(() => finish('silent'), waitMs);
    /** @param {Answer['kind']} kind */
    const finish = (kind, head = '', rest = Buffer.alloc(0)) => {
      clearTimeout(timer);
      socket.pause();
      socket.off('data', onData).off('end', onEnd).off('close', onEnd);
      resolve({ ...parseHead(kind, head), rest, socket, hasEnded });
    };
    /** @param {Buffer} chunk */
    const onData = (chunk) => {
      bytes = Buffer.concat([bytes, chunk]);
      const end = bytes.indexOf('\r\n\r\n');
      if (end >= 0) finish('response', bytes.toString('latin1', 0, end), bytes.subarray(end + 4));
      else if (bytes.length > MAX_HEAD_BYTES) finish('garbage');
    };
    const onEnd = () => {
      hasEnded = true;
      finish(bytes.length === 0 ? 'closed' : 'garbage');
    };
    // A reset is told by 'close'; without a listener it would end the process.
    socket.on('error', () => {});
    socket.on('data', onData).on('end', onEnd).on('close', onEnd);
  });
}

/**
 * @param {Answer['kind']} kind
 * @param {string} head
 * @returns {Pick<Answer, 'kind' | 'version' | 'status' | 'fields'>}
 */
function parseHead(kind, head) {
  const [first = '', ...lines] = head.split('\r\n');
  const match = /^(HTTP\/\d\.\d) (\d{3})(?: .*)?$/.exec(first);
  if (kind !== 'response' || match === null)
    return { kind: kind === 'response' ? 'garbage' : kind, version: '', status: 0, fields: [] };
  const fields = lines.map((line) => {
    const colon = line.indexOf(':');
    return /** @type {const} */ ([line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim()]);
  });
  return { kind, version: match[1] ?? '', status: Number(match[2]), fields };
}

/**
 * @param {Answer} answer
 * @param {string} name In lower case.
 */
export function valuesOf(answer, name) {
  return answer.fields.filter(([field]) => field === name).map(([, value]) => value);
}

/**
 * What is wrong with a response that claims to upgrade (HS-08, and what a client must refuse: HC-15 to HC-19).
 * @param {Answer} answer
 * @param {string} key
 * @param {readonly string[]} protocols Those that were offered.
 * @param {readonly string[]} extensions Names of those that were offered.
 * @returns {string[]}
 */
export function faultsOfUpgrade(answer, key, protocols = [], extensions = []) {
  const faults = [];
  const joined = (/** @type {string} */ name) => valuesOf(answer, name).join(', ').toLowerCase();
  if (answer.version !== 'HTTP/1.1') faults.push(`the version is ${answer.version}`);
  if (joined('upgrade') !== 'websocket') faults.push(`Upgrade is "${joined('upgrade')}"`);
  if (!tokens(joined('connection')).includes('upgrade')) faults.push(`Connection is "${joined('connection')}"`);
  const accept = valuesOf(answer, 'sec-websocket-accept');
  if (accept.length !== 1 || accept[0] !== acceptOf(key))
    faults.push(`Sec-WebSocket-Accept is "${accept.join('", "')}"`);
  const chosen = valuesOf(answer, 'sec-websocket-protocol');
  if (chosen.length > 1) faults.push('Sec-WebSocket-Protocol appears more than once');
  for (const name of chosen) if (!protocols.includes(name)) faults.push(`subprotocol "${name}" was not offered`);
  const used = valuesOf(answer, 'sec-websocket-extensions');
  if (used.length > 1) faults.push('Sec-WebSocket-Extensions appears more than once');
  for (const name of used.flatMap(tokens).map((item) => item.split(';')[0]?.trim() ?? '')) {
    if (!extensions.includes(name)) faults.push(`extension "${name}" was not offered`);
  }
  if (valuesOf(answer, 'transfer-encoding').length > 0) faults.push('a 101 has no Transfer-Encoding');
  return faults;
}

/** @param {string} list */
function tokens(list) {
  return list.split(',').map((item) => item.trim());
}
