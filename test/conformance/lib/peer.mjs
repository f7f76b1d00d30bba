// @ts-check
// A client on a raw socket: it sends any octets, remembers everything that comes back, and never waits without an end.

import { agreementOf, Deflation, offerText } from './deflate.mjs';
import { FrameReader } from './frame-reader.mjs';
import { ask, faultsOfUpgrade, freshKey, requestText, valuesOf } from './handshake.mjs';
import { BINARY, closeFrame, fragments, frame, PING, PONG, TEXT } from './wire.mjs';

/** The server did not open a connection, though nothing was wrong with the request. */
export class NotOpened extends Error {}

/** The server does not speak an extension that the case is about. */
export class NotNegotiated extends Error {}

/**
 * @typedef {object} OpenOptions
 * @property {readonly import('./deflate.mjs').Offer[]} [deflate] Offers; a server that takes none ends the case as UNIMPLEMENTED.
 * @property {string} [offer] The text of the offers, if it is not to be made from `deflate`.
 * @property {Buffer} [head] Octets to send in one write with the request.
 * @property {number} [chop] Sends the request in pieces of this size.
 */

/**
 * @param {import('./target.mjs').Target} target
 * @param {OpenOptions} [options]
 * @returns {Promise<Peer>}
 */
export async function openPeer(target, options = {}) {
  const { deflate = [], head = Buffer.alloc(0), chop } = options;
  const key = freshKey();
  const offer = options.offer ?? offerText(deflate);
  const change = offer === '' ? {} : { 'Sec-WebSocket-Extensions': offer };
  const request = Buffer.concat([Buffer.from(requestText(target, { key, change }), 'latin1'), head]);
  const answer = await ask(target, (socket) => writeChopped(socket, request, chop ?? request.length));
  if (answer.status !== 101) {
    answer.socket.destroy();
    throw new NotOpened(`the handshake was answered with ${answer.status || answer.kind}`);
  }
  const faults = faultsOfUpgrade(answer, key, [], offer === '' ? [] : ['permessage-deflate']);
  const [extensions] = valuesOf(answer, 'sec-websocket-extensions');
  let deflation = null;
  if (extensions !== undefined && faults.length === 0) {
    const agreement = agreementOf(extensions, deflate);
    if (typeof agreement === 'string') faults.push(agreement);
    else deflation = new Deflation(agreement);
  }
  const peer = new Peer(answer, target.patienceMs, deflation, faults);
  if (deflate.length > 0 && deflation === null && faults.length === 0) {
    peer.destroy();
    throw new NotNegotiated('permessage-deflate was not negotiated');
  }
  return peer;
}

/**
 * @param {import('node:net').Socket} socket
 * @param {Buffer} bytes
 * @param {number} size
 */
export async function writeChopped(socket, bytes, size) {
  for (let at = 0; at < bytes.length && socket.writable; at += size) {
    const isTaken = socket.write(bytes.subarray(at, at + size));
    if (!isTaken) await drained(socket);
    // Its own turn for each piece, so that each is its own segment.
    else if (at + size < bytes.length) await new Promise((resolve) => setImmediate(resolve));
  }
}

/** @param {import('node:net').Socket} socket */
function drained(socket) {
  return new Promise((resolve) => {
    const done = () => {
      socket.off('drain', done).off('close', done);
      resolve(undefined);
    };
    socket.on('drain', done).on('close', done);
  });
}

export class Peer {
  /** Messages, pings and pongs in the order they came. @type {import('./frame-reader.mjs').Received[]} */
  received = [];
  /** The server's close frame. @type {import('./frame-reader.mjs').CloseReceived | null} */
  closeFrame = null;
  isCloseSent = false;
  /** How the server's side of TCP ended. @type {'fin' | 'reset' | null} */
  ended = null;
  /** What the server did against the rules. @type {string[]} */
  faults;
  deflation;
  patienceMs;
  socket;
  #reader;
  #isSecure;
  /** @type {Set<() => void>} */
  #waiters = new Set();

  /**
   * @param {import('./handshake.mjs').Answer} answer
   * @param {number} patienceMs
   * @param {Deflation | null} deflation
   * @param {string[]} faults
   */
  constructor(answer, patienceMs, deflation, faults) {
    this.patienceMs = patienceMs;
    this.deflation = deflation;
    this.faults = faults;
    this.socket = answer.socket;
    this.#isSecure = 'encrypted' in answer.socket;
    this.#reader = new FrameReader(
      {
        received: (received) => this.received.push(received),
        closed: (close) => this.#closed(close),
        fault: (fault) => this.faults.push(fault),
      },
      deflation,
    );
    this.socket.on('data', (chunk) => this.#changed(() => this.#reader.read(chunk)));
    this.socket.on('end', () => this.#end('fin'));
    this.socket.on('close', () => this.#end('reset'));
    if (answer.rest.length > 0) this.#reader.read(answer.rest);
    if (answer.hasEnded) this.#end('fin');
    else this.socket.resume();
  }

  /** @param {'fin' | 'reset'} how */
  #end(how) {
    if (this.ended !== null) return;
    this.#changed(() => {
      this.ended = how;
    });
    this.socket.end();
  }

  /** @param {import('./frame-reader.mjs').CloseReceived} close */
  #closed(close) {
    this.closeFrame = close;
    if (this.isCloseSent) return;
    this.sendClose(close.code);
  }

  /** @param {() => void} change */
  #changed(change) {
    change();
    for (const waiter of [...this.#waiters]) waiter();
  }

  // ---- sending

  /** @param {readonly Buffer[]} frames In one write. */
  send(...frames) {
    const bytes = frames.length === 1 && frames[0] !== undefined ? frames[0] : Buffer.concat(frames);
    if (this.socket.writable) this.socket.write(bytes);
  }

  /**
   * Sends octets in pieces, each in a turn of its own.
   * @param {Buffer} bytes
   * @param {number} size
   */
  chop(bytes, size) {
    return writeChopped(this.socket, bytes, size);
  }

  /**
   * Sends each frame in a turn of its own, and waits when the server does not read.
   * @param {readonly Buffer[]} frames
   */
  async sendEach(frames) {
    for (const bytes of frames) await writeChopped(this.socket, bytes, bytes.length);
    await new Promise((resolve) => setImmediate(resolve));
  }

  /** @param {Buffer | string} payload */
  text(payload) {
    this.send(frame({ opcode: TEXT, payload }));
  }

  /** @param {Buffer} payload */
  binary(payload) {
    this.send(frame({ opcode: BINARY, payload }));
  }

  /** @param {Buffer | string} [payload] */
  ping(payload = '') {
    this.send(frame({ opcode: PING, payload }));
  }

  /** @param {Buffer | string} [payload] */
  pong(payload = '') {
    this.send(frame({ opcode: PONG, payload }));
  }

  /**
   * @param {number | null} [code]
   * @param {Buffer | string} [reason]
   */
  sendClose(code = 1000, reason = '') {
    this.isCloseSent = true;
    this.send(closeFrame(code, reason));
  }

  /**
   * Sends a message compressed, in fragments of at most `size` octets of compressed data.
   * @param {number} opcode
   * @param {Buffer} data
   * @param {number} [size]
   */
  async compressed(opcode, data, size = Number.POSITIVE_INFINITY) {
    if (this.deflation === null) throw new NotNegotiated('permessage-deflate was not negotiated');
    const payload = await this.deflation.deflate(data);
    this.send(...fragments(opcode, payload, Math.min(size, Math.max(payload.length, 1)), 4));
  }

  // ---- waiting

  /**
   * Waits until something holds, the connection ended, or time is up.
   * @param {() => boolean} condition
   * @param {number} [waitMs]
   * @returns {Promise<boolean>} Whether it holds.
   */
  until(condition, waitMs = this.patienceMs) {
    if (condition() || this.ended !== null) return Promise.resolve(condition());
    return new Promise((resolve) => {
      const finish = () => {
        clearTimeout(timer);
        this.#waiters.delete(waiter);
        resolve(condition());
      };
      const waiter = () => {
        if (condition() || this.ended !== null) finish();
      };
      const timer = setTimeout(finish, waitMs);
      this.#waiters.add(waiter);
    });
  }

  /**
   * @param {number} count
   * @param {number} [waitMs]
   */
  untilReceived(count, waitMs) {
    return this.until(() => this.received.length >= count || this.closeFrame !== null, waitMs);
  }

  /** @param {number} [waitMs] */
  untilEnded(waitMs) {
    return this.until(() => this.ended !== null, waitMs);
  }

  /** Ends TCP with a reset; over TLS, where Node has no such call, without its farewell. */
  reset() {
    if (this.#isSecure) this.socket.destroy();
    else this.socket.resetAndDestroy();
  }

  destroy() {
    this.deflation?.close();
    this.socket.destroy();
  }
}
