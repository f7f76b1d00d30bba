// What is published: JSON of exactly 64 bytes that counts itself and can be checked.

/** Sequence numbers count from here, so that all of them have as many digits. */
export const FIRST_SEQ = 1_000_001;
export const SEQ_DIGITS = 7;
/** Bytes before the number in the JSON of a payload. */
export const SEQ_AT = '{"seq":'.length;
export const PAYLOAD_BYTES = 64;

const LETTERS = 'abcdefghijklmnopqrstuvwxyz';
const TEXT_LENGTH = PAYLOAD_BYTES - '{"seq":1000001,"text":""}'.length;
const TEXTS = Array.from(LETTERS, (_, first) => LETTERS.repeat(3).slice(first, first + TEXT_LENGTH));

/** @typedef {{ readonly seq: number, readonly text: string }} Payload */

/**
 * @param {number} seq
 * @returns {Payload}
 */
export function payloadOf(seq) {
  return { seq, text: /** @type {string} */ (TEXTS[seq % TEXTS.length]) };
}

/**
 * @param {unknown} payload
 * @param {number} seq What it should be.
 */
export function isPayloadOf(payload, seq) {
  if (typeof payload !== 'object' || payload === null) return false;
  const { seq: found, text } = /** @type {Partial<Payload>} */ (payload);
  return found === seq && text === payloadOf(seq).text;
}

export const LARGE_PAYLOAD_BYTES = 1_024;
const SYMBOLS = ['ACME', 'INIT', 'WAYN', 'STRK', 'UMBR', 'TYRL', 'CYBR', 'OCPX', 'WEYL', 'HOOL'];

/**
 * What compresses as messages of applications do: JSON of exactly 1,024 bytes, quotes of ten symbols and some words.
 * @param {number} seq
 */
export function largePayloadOf(seq) {
  const rows = SYMBOLS.map((symbol, index) => {
    const cents = (seq * 7_919 + index * 104_729) % 90_000;
    return { symbol, bid: (10_000 + cents) / 100, ask: (10_003 + cents) / 100, size: (seq * (index + 3)) % 1_000 };
  });
  const payload = { seq, rows, text: '' };
  const missing = LARGE_PAYLOAD_BYTES - JSON.stringify(payload).length;
  return { ...payload, text: LETTERS.repeat(Math.ceil(missing / LETTERS.length)).slice(0, missing) };
}

/**
 * Runs in a server: hands the next `count` payloads to `publish`, in this turn.
 * @template P
 * @param {(payload: P) => void} publish
 * @param {(seq: number) => P} make
 */
export function burstOf(publish, make) {
  let next = FIRST_SEQ;
  return (/** @type {number} */ count) => {
    for (let published = 0; published < count; published += 1) {
      publish(make(next));
      next += 1;
    }
  };
}
