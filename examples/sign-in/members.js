// The members and their passwords. In real life: a table of users, each with a salt and a hash.

import { randomBytes, scrypt, timingSafeEqual } from 'node:crypto';
import { promisify } from 'node:util';

const hash = /** @type {(password: string, salt: Buffer, bytes: number) => Promise<Buffer>} */ (promisify(scrypt));

/** @type {Map<string, { salt: Buffer, hash: Buffer }>} */
const members = new Map();
for (const [name, password] of [
  ['ada', 'notes on the engine'],
  ['bob', 'correct horse'],
]) {
  const salt = randomBytes(16);
  members.set(String(name), { salt, hash: await hash(String(password), salt, 32) });
}
const nobody = { salt: randomBytes(16), hash: randomBytes(32) };

/**
 * @param {unknown} name
 * @param {unknown} password
 * @returns {Promise<import('./tokens.js').User | null>}
 */
export async function signIn(name, password) {
  if (typeof name !== 'string' || typeof password !== 'string') return null;
  // Whoever does not exist takes as long to be refused as whoever does.
  const known = members.get(name) ?? nobody;
  const isRight = timingSafeEqual(await hash(password, known.salt, 32), known.hash);
  return isRight && known !== nobody ? { id: `member-${name}`, name, isMember: true } : null;
}
