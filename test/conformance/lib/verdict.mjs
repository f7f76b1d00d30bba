// @ts-check
// What a case can come to. Behaviour is what the server did with what it was sent; closing is how the connection ended.

/**
 * OK: as the standard says. NON-STRICT: allowed or harmless, but not as a strict server does it; the remark says what.
 * INFORMATIONAL: the standard leaves it open; the remark says what the server does. UNIMPLEMENTED: the extension that the
 * case is about was not negotiated. FAILED: against the standard.
 * @typedef {'OK' | 'NON-STRICT' | 'INFORMATIONAL' | 'UNIMPLEMENTED' | 'FAILED'} Behaviour
 */

/**
 * WRONG CODE: the server's close frame had a code that does not belong here. UNCLEAN: the closing handshake was expected and
 * did not take place. FAILED BY CLIENT: the server left it to us to drop TCP. `null`: not judged.
 * @typedef {'OK' | 'WRONG CODE' | 'UNCLEAN' | 'FAILED BY CLIENT' | null} Closing
 */

/** @typedef {{ behaviour: Behaviour, closing: Closing, remark: string }} Verdict */

/** @type {readonly Behaviour[]} */
export const BEHAVIOURS = ['OK', 'NON-STRICT', 'INFORMATIONAL', 'UNIMPLEMENTED', 'FAILED'];

/**
 * @param {Behaviour} behaviour
 * @param {string} [remark]
 * @returns {Verdict}
 */
export function verdict(behaviour, remark = '') {
  return { behaviour, closing: null, remark };
}

/**
 * Whether a server that gets it does not conform.
 * @param {Verdict} verdict
 */
export function isBad({ behaviour, closing }) {
  return behaviour === 'FAILED' || (closing !== null && closing !== 'OK');
}
