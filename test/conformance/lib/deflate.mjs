// @ts-check
// permessage-deflate (RFC 7692) from the client's side: offers, the check of the server's answer, and the two coders.

import { constants, createDeflateRaw } from 'node:zlib';
import { Inflater } from './inflate.mjs';

const NAME = 'permessage-deflate';
const BITS = /^(?:8|9|1[0-5])$/;

/**
 * @typedef {object} Offer
 * @property {boolean} [serverNoContextTakeover]
 * @property {number} [serverMaxWindowBits]
 * @property {boolean} [clientNoContextTakeover] A hint.
 * @property {boolean | number} [clientMaxWindowBits] `true`: without a value.
 */

/** The offer of a client that takes what the server likes. @type {Offer} */
export const DEFAULT_OFFER = { clientNoContextTakeover: true, clientMaxWindowBits: true };

/** @param {readonly Offer[]} offers In order of preference. */
export function offerText(offers) {
  return offers
    .map(({ serverNoContextTakeover, serverMaxWindowBits, clientNoContextTakeover, clientMaxWindowBits }) => {
      const params = [NAME];
      if (serverNoContextTakeover) params.push('server_no_context_takeover');
      if (serverMaxWindowBits !== undefined) params.push(`server_max_window_bits=${serverMaxWindowBits}`);
      if (clientNoContextTakeover) params.push('client_no_context_takeover');
      if (clientMaxWindowBits === true) params.push('client_max_window_bits');
      if (typeof clientMaxWindowBits === 'number') params.push(`client_max_window_bits=${clientMaxWindowBits}`);
      return params.join('; ');
    })
    .join(', ');
}

/**
 * @typedef {object} Agreement
 * @property {boolean} serverNoContextTakeover
 * @property {boolean} clientNoContextTakeover
 * @property {number} serverMaxWindowBits
 * @property {number} clientMaxWindowBits
 */

/**
 * What the server's answer agrees to.
 * @param {string} value Of Sec-WebSocket-Extensions.
 * @param {readonly Offer[]} offers
 * @returns {Agreement | string} A text says which rule the answer breaks.
 */
export function agreementOf(value, offers) {
  const [name = '', ...parts] = value.split(';').map((part) => part.trim());
  if (name !== NAME || value.includes(',')) return `HS-07: the answer is "${value}"`;
  /** @type {Map<string, string | undefined>} */
  const params = new Map();
  for (const part of parts) {
    const [param = '', quoted] = part.split('=').map((side) => side.trim());
    if (params.has(param)) return `PM-03: ${param} appears twice in the answer`;
    params.set(param, quoted?.replace(/^"(.*)"$/, '$1'));
  }
  const problem = [...params].map(([param, text]) => problemOf(param, text)).find((text) => text !== null);
  if (problem) return problem;
  const breaches = offers.map((offer) => breachOf(params, offer));
  if (breaches.every((breach) => breach !== null)) return breaches[0] ?? 'no offer was made';
  return {
    serverNoContextTakeover: params.has('server_no_context_takeover'),
    clientNoContextTakeover: params.has('client_no_context_takeover'),
    serverMaxWindowBits: Number(params.get('server_max_window_bits') ?? 15),
    clientMaxWindowBits: Number(params.get('client_max_window_bits') ?? 15),
  };
}

/**
 * @param {string} param
 * @param {string | undefined} text
 */
function problemOf(param, text) {
  if (param === 'server_no_context_takeover' || param === 'client_no_context_takeover') {
    return text === undefined ? null : `PM-05: ${param} has a value in the answer`;
  }
  if (param === 'server_max_window_bits' || param === 'client_max_window_bits') {
    return text !== undefined && BITS.test(text) ? null : `PM-07: ${param}=${text} in the answer`;
  }
  return `PM-03: the answer has the unknown parameter "${param}"`;
}

/**
 * Which rule an answer breaks, if it answers this offer.
 * @param {Map<string, string | undefined>} params
 * @param {Offer} offer
 */
function breachOf(params, offer) {
  if (offer.serverNoContextTakeover && !params.has('server_no_context_takeover')) {
    return 'PM-05: the answer does not repeat server_no_context_takeover';
  }
  const serverBits = params.get('server_max_window_bits');
  const asked = offer.serverMaxWindowBits;
  if (asked !== undefined && (serverBits === undefined || Number(serverBits) > asked)) {
    return `PM-07: server_max_window_bits=${asked} was offered, ${serverBits ?? 'nothing'} answered`;
  }
  const clientBits = params.get('client_max_window_bits');
  if (clientBits === undefined) return null;
  if (offer.clientMaxWindowBits === undefined) return 'PM-08: client_max_window_bits was not offered';
  const most = offer.clientMaxWindowBits === true ? 15 : Number(offer.clientMaxWindowBits);
  return Number(clientBits) > most ? `PM-08: client_max_window_bits=${clientBits} is more than offered` : null;
}

/** Both directions of one connection. */
export class Deflation {
  /** The server's messages that came compressed. */
  compressedReceived = 0;
  agreement;
  #inflater;
  #deflater;

  /** @param {Agreement} agreement */
  constructor(agreement) {
    this.agreement = agreement;
    this.#inflater = new Inflater(agreement.serverMaxWindowBits, !agreement.serverNoContextTakeover);
    // zlib has no window of 256 octets. With Huffman codes alone nothing refers back, so any window suffices.
    const isTiny = agreement.clientMaxWindowBits === 8;
    this.#deflater = createDeflateRaw({
      windowBits: isTiny ? 9 : agreement.clientMaxWindowBits,
      strategy: isTiny ? constants.Z_HUFFMAN_ONLY : constants.Z_DEFAULT_STRATEGY,
    });
    this.#deflater.on('error', () => {});
  }

  /** The farthest that the server's messages reached back, in octets. */
  get maxDistance() {
    return this.#inflater.maxDistance;
  }

  /** @param {Buffer} message */
  inflate(message) {
    this.compressedReceived++;
    return this.#inflater.inflate(message);
  }

  /**
   * @param {Buffer} data
   * @returns {Promise<Buffer>} The payload of a message whose first frame has RSV1.
   */
  deflate(data) {
    // PM-09: an empty message is one empty stored block without its end.
    if (data.length === 0) return Promise.resolve(Buffer.from([0]));
    return new Promise((resolve) => {
      /** @type {Buffer[]} */
      const parts = [];
      const onData = (/** @type {Buffer} */ part) => parts.push(part);
      this.#deflater.on('data', onData);
      this.#deflater.write(data);
      this.#deflater.flush(constants.Z_SYNC_FLUSH, () => {
        this.#deflater.off('data', onData);
        if (this.agreement.clientNoContextTakeover) this.#deflater.reset();
        resolve(Buffer.concat(parts).subarray(0, -4));
      });
    });
  }

  close() {
    this.#deflater.close();
  }
}
