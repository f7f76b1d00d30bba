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

/** Runs in a server: hands the next `count` payloads to `publish`, in this turn. @param {(payload: Payload) => void} publish */
export function burstOf(publish) {
  let next = FIRST_SEQ;
  return (/** @type {number} */ count) => {
    for (let published = 0; published < count; published += 1) {
      publish(payloadOf(next));
      next += 1;
    }
  };
}
