// @ts-check
// One source of numbers for everything that looks random, so that two runs send the same octets.

/**
 * Numbers from 0 to 2^32 - 1 from a seed: a 32-bit state stepped by an odd constant and mixed (the Weyl-sequence family).
 * @param {number} seed
 * @returns {() => number}
 */
export function numbersFrom(seed) {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x9e3779b9) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 16), 0x21f0aaad);
    mixed = Math.imul(mixed ^ (mixed >>> 15), 0x735a2d97);
    return (mixed ^ (mixed >>> 15)) >>> 0;
  };
}

/**
 * @param {() => number} next
 * @param {number} size
 */
export function randomBytes(next, size) {
  const bytes = Buffer.allocUnsafe(size);
  for (let at = 0; at < size; at++) bytes[at] = next() >>> 24;
  return bytes;
}
