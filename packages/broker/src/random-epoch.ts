// Names for histories.

import type { Epoch } from '@trunkline/protocol';

const ALPHABET = '0123456789abcdefghjkmnpqrstvwxyz';

/**
 * 20 letters and digits: 100 random bits. `Math.random` is enough: an epoch has to be new, not secret, and a collision
 * needs two histories of the same stream.
 */
export function randomEpoch(): Epoch {
  let epoch = '';
  for (let i = 0; i < 20; i++) epoch += ALPHABET[Math.floor(Math.random() * ALPHABET.length)];
  return epoch;
}
