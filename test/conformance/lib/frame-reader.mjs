// @ts-check
// What a server sends, read strictly: every rule that binds a server's frames is checked on every frame of every case, and
// a breach is noted as a fault of the case, whatever the case is about.

import { isUtf8 } from 'node:buffer';
import { BINARY, CLOSE, CONTINUATION, PING, PONG, TEXT } from './wire.mjs';

/** @typedef {{ kind: 'text' | 'binary' | 'ping' | 'pong', data: Buffer }} Received */
/** @typedef {{ code: number | null, reason: Buffer }} CloseReceived */

/**
 * @typedef {object} FrameSink
 * @property {(received: Received) => void} received
 * @property {(close: CloseReceived) => void} closed
 * @property {(fault: string) => void} fault What the server did against the rules.
 */

const SENDABLE_CODES = [
  [1000, 1003],
  [1007, 1014],
  [3000, 4999],
];

/** @param {number} code */
export function isSendableCode(code) {
  return SENDABLE_CODES.some(([low, high]) => code >= Number(low) && code <= Number(high));
}

export class FrameReader {
  #sink;
  /** @type {import('./deflate.mjs').Deflation | null} */
  #deflation;
  #bytes = Buffer.allocUnsafe(65_536);
  #start = 0;
  #end = 0;
  /** @type {{ opcode: number, isCompressed: boolean, parts: Buffer[] } | null} */
  #message = null;
  #isOver = false;

  /**
   * @param {FrameSink} sink
   * @param {import('./deflate.mjs').Deflation | null} deflation
   */
  constructor(sink, deflation) {
    this.#sink = sink;
    this.#deflation = deflation;
  }

  /** Whether octets of an unfinished frame wait. */
  get isInsideFrame() {
    return this.#end > this.#start && !this.#isOver;
  }

  /** @param {Buffer} chunk */
  read(chunk) {
    if (this.#isOver) return;
    this.#append(chunk);
    while (!this.#isOver && this.#frame());
  }

  /** @param {Buffer} chunk */
  #append(chunk) {
    if (this.#end + chunk.length > this.#bytes.length) {
      const held = this.#end - this.#start;
      const target =
        held + chunk.length > this.#bytes.length / 2 ? Buffer.allocUnsafe(2 * (held + chunk.length)) : this.#bytes;
      this.#bytes.copy(target, 0, this.#start, this.#end);
      this.#bytes = target;
      this.#start = 0;
      this.#end = held;
    }
    chunk.copy(this.#bytes, this.#end);
    this.#end += chunk.length;
  }

  /** Takes one frame. @returns {boolean} whether there was a whole one */
  #frame() {
    const held = this.#end - this.#start;
    if (held < 2) return false;
    const first = this.#bytes.readUInt8(this.#start);
    const second = this.#bytes.readUInt8(this.#start + 1);
    const short = second & 0x7f;
    const lengthBytes = short === 126 ? 2 : short === 127 ? 8 : 0;
    const headBytes = 2 + lengthBytes + (second >= 0x80 ? 4 : 0);
    if (held < headBytes) return false;
    if (second >= 0x80) return this.#broken('FR-02: it sent a masked frame');
    let length = short;
    if (lengthBytes === 2) length = this.#bytes.readUInt16BE(this.#start + 2);
    if (lengthBytes === 8) length = Number(this.#bytes.readBigUInt64BE(this.#start + 2));
    if ((lengthBytes === 2 && length < 126) || (lengthBytes === 8 && length < 65_536)) {
      this.#sink.fault(`FR-05: it sent a length of ${length} in ${8 * lengthBytes} bits`);
    }
    if (length > 2 ** 31) return this.#broken(`it sent a frame of ${length} octets`);
    if (held < headBytes + length) return false;
    const payload = Buffer.from(this.#bytes.subarray(this.#start + headBytes, this.#start + headBytes + length));
    this.#start += headBytes + length;
    if (this.#start === this.#end) {
      this.#start = 0;
      this.#end = 0;
    }
    this.#take(first >= 0x80, (first >> 4) & 7, first & 15, payload);
    return true;
  }

  /** @param {string} fault */
  #broken(fault) {
    this.#sink.fault(fault);
    this.#isOver = true;
    return false;
  }

  /**
   * @param {boolean} fin
   * @param {number} rsv
   * @param {number} opcode
   * @param {Buffer} payload
   */
  #take(fin, rsv, opcode, payload) {
    const mayBeCompressed = this.#deflation !== null && (opcode === TEXT || opcode === BINARY);
    if (rsv !== 0 && !(rsv === 4 && mayBeCompressed))
      this.#sink.fault(`FR-03: it sent RSV ${rsv} with opcode ${opcode}`);
    if (opcode >= CLOSE && (!fin || payload.length > 125))
      this.#sink.fault(`FR-11: it sent a fragmented or long control frame`);
    if (opcode === PING) this.#sink.received({ kind: 'ping', data: payload });
    else if (opcode === PONG) this.#sink.received({ kind: 'pong', data: payload });
    else if (opcode === CLOSE) this.#close(payload);
    else if (opcode > BINARY) this.#sink.fault(`FR-04: it sent opcode ${opcode}`);
    else this.#data(fin, rsv === 4, opcode, payload);
  }

  /** @param {Buffer} payload */
  #close(payload) {
    this.#isOver = true;
    if (payload.length === 1) this.#sink.fault('FR-12: it sent a close body of one octet');
    const code = payload.length < 2 ? null : payload.readUInt16BE(0);
    const reason = payload.subarray(2);
    if (code !== null && !isSendableCode(code)) this.#sink.fault(`FR-21: it sent close code ${code}`);
    if (!isUtf8(reason)) this.#sink.fault('FR-12: it sent a close reason that is not UTF-8');
    if (this.#end > this.#start) this.#sink.fault('FR-13: it sent more after its close frame');
    this.#sink.closed({ code, reason });
  }

  /**
   * @param {boolean} fin
   * @param {boolean} isCompressed
   * @param {number} opcode
   * @param {Buffer} payload
   */
  #data(fin, isCompressed, opcode, payload) {
    if ((opcode === CONTINUATION) !== (this.#message !== null)) {
      this.#broken('FR-08: its fragments do not make a message');
      return;
    }
    if (this.#message === null) this.#message = { opcode, isCompressed, parts: [] };
    const message = this.#message;
    message.parts.push(payload);
    if (!fin) return;
    this.#message = null;
    let data = message.parts.length === 1 ? payload : Buffer.concat(message.parts);
    if (message.isCompressed && this.#deflation !== null) {
      try {
        data = this.#deflation.inflate(data);
      } catch (error) {
        this.#broken(`PM-09: its compressed message is wrong: ${error instanceof Error ? error.message : error}`);
        return;
      }
    }
    if (message.opcode === TEXT && !isUtf8(data)) this.#sink.fault('FR-16: it sent a text that is not UTF-8');
    this.#sink.received({ kind: message.opcode === TEXT ? 'text' : 'binary', data });
  }
}
