// The client's side of an opening handshake (RFC 6455 §4.1), as bytes.

import { createHash, randomBytes } from 'node:crypto';

const GUID = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11';

/**
 * @typedef {object} HandshakeOptions
 * @property {number} port
 * @property {string} [path] Default `/`.
 * @property {string} [subprotocol]
 * @property {readonly string[]} [extension] An extension and its parameters: offered, and to be agreed on with all of them.
 */

export class RawHandshake {
  /** @type {Buffer} */
  request;
  #accept;
  #extension;

  /** @param {HandshakeOptions} options */
  constructor({ port, path = '/', subprotocol, extension = [] }) {
    const key = randomBytes(16).toString('base64');
    this.#accept = createHash('sha1').update(`${key}${GUID}`).digest('base64');
    this.#extension = extension;
    const fields = [
      `Host: 127.0.0.1:${port}`,
      'Upgrade: websocket',
      'Connection: Upgrade',
      'Sec-WebSocket-Version: 13',
      `Sec-WebSocket-Key: ${key}`,
      ...(subprotocol === undefined ? [] : [`Sec-WebSocket-Protocol: ${subprotocol}`]),
      ...(extension.length === 0 ? [] : [`Sec-WebSocket-Extensions: ${extension.join('; ')}`]),
    ];
    this.request = Buffer.from(`GET ${path} HTTP/1.1\r\n${fields.join('\r\n')}\r\n\r\n`);
  }

  /**
   * Judges a response.
   * @param {Buffer} bytes
   * @param {number} end
   * @returns {number} Where the frames begin; 0 while the response is incomplete. Throws at one that does not upgrade.
   */
  check(bytes, end) {
    const text = bytes.toString('latin1', 0, end);
    const headEnd = text.indexOf('\r\n\r\n');
    if (headEnd === -1) return 0;
    const head = text.slice(0, headEnd);
    if (!head.startsWith('HTTP/1.1 101 ')) throw new Error(`the handshake was refused: ${head.split('\r\n')[0]}`);
    if (!head.includes(this.#accept)) throw new Error('the handshake has a wrong Sec-WebSocket-Accept');
    const missing = this.#extension.find((name) => !head.includes(name));
    if (missing !== undefined) throw new Error(`the server did not agree on ${missing}: ${head}`);
    return headEnd + 4;
  }
}
