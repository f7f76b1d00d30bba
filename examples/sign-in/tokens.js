// Signed tokens (JWT, HS256), of two kinds: one of five minutes that the page shows to the line, and one of thirty days in a cookie
// that no script can read, with which the page gets the next one. Nothing is stored: the signature is the proof.

import { randomBytes } from 'node:crypto';
import { jwtVerify, SignJWT } from 'jose';

/**
 * Who somebody is. `exp`: when the token ends, in seconds since 1970 (RFC 7519 §4.1.4).
 * @typedef {{ id: string, name: string, isMember: boolean }} User
 * @typedef {User & { exp: number }} TokenUser
 */

/** What a token is for: one of these must not pass for the other. */
export const LIFETIME_SECONDS = { line: 5 * 60, cookie: 30 * 24 * 60 * 60 };

/** `TOKEN_SECRET` of the environment, in hexadecimal; else made now, and all tokens end with this process. */
const secret = Buffer.from(process.env.TOKEN_SECRET ?? randomBytes(32).toString('hex'), 'hex');
// A key of HS256 has at least as many bits as its hash (RFC 7518 §3.2).
if (secret.length < 32) throw new Error('TOKEN_SECRET must have 64 hexadecimal digits: openssl rand -hex 32');

/**
 * @param {User} user
 * @param {'line' | 'cookie'} use
 * @returns {Promise<{ token: string, expiresAt: number }>} `expiresAt` in milliseconds since 1970.
 */
export async function issue({ id, name, isMember }, use) {
  const exp = Math.floor(Date.now() / 1000) + LIFETIME_SECONDS[use];
  const token = await new SignJWT({ name, isMember })
    .setProtectedHeader({ alg: 'HS256' })
    .setSubject(id)
    .setAudience(use)
    .setIssuedAt()
    .setExpirationTime(exp)
    .sign(secret);
  return { token, expiresAt: exp * 1000 };
}

/**
 * @param {string | undefined} token
 * @param {'line' | 'cookie'} use
 * @returns {Promise<TokenUser | null>} `null`: not ours, changed, of the other use, or expired.
 */
export async function verify(token, use) {
  if (token === undefined) return null;
  try {
    // The algorithm is named: what a token says about itself is not to be believed.
    const options = { algorithms: ['HS256'], audience: use, requiredClaims: ['sub', 'exp'] };
    const { payload } = await jwtVerify(token, secret, options);
    const { sub, name, isMember, exp } = payload;
    return { id: String(sub), name: String(name), isMember: isMember === true, exp: Number(exp) };
  } catch {
    return null;
  }
}

/** A guest: an id that nobody can guess, so that no two are taken for one. */
export function newGuest() {
  const id = randomBytes(9).toString('base64url');
  return { id: `guest-${id}`, name: `Guest ${id.slice(0, 4)}`, isMember: false };
}
