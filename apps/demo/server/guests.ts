// Guests: a name someone gave and an id we gave, signed, so that nobody can write under another's id. There are no accounts.

import { randomBytes } from 'node:crypto';
import { chmod, mkdir, readFile, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { jwtVerify, SignJWT } from 'jose';
import * as z from 'zod';
import type { GuestPass } from '../shared/guest.js';
import { checkName } from '../shared/names.js';
import { StartError } from './settings.js';

export interface Guest {
  readonly id: string;
  readonly name: string;
  /** When the token ends, in milliseconds since 1970. */
  readonly expiresAt: number;
}

const TOKEN_SECONDS = 60 * 60;
// A tab that slept over the weekend comes back as the guest it was: an expired token still renews itself, and does nothing else.
const RENEWAL_SECONDS = 7 * 24 * 60 * 60;
const SECRET_BYTES = 32;
const ISSUER = 'trunkline-demo';

const Claims = z.object({ sub: z.string().regex(/^[\w-]{1,64}$/), name: z.string(), exp: z.number() });

export class Guests {
  readonly #secret: Uint8Array;

  constructor(secret: Uint8Array) {
    this.#secret = secret;
  }

  /** A new pass. With an `oldToken` of ours, even an expired one, its id is kept. */
  async issue(name: string, oldToken: string | undefined): Promise<GuestPass> {
    const old = oldToken === undefined ? null : await this.#read(oldToken, RENEWAL_SECONDS);
    const id = old?.id ?? randomBytes(9).toString('base64url');
    const expiresAtSeconds = Math.floor(Date.now() / 1000) + TOKEN_SECONDS;
    const token = await new SignJWT({ name })
      .setProtectedHeader({ alg: 'HS256' })
      .setIssuer(ISSUER)
      .setSubject(id)
      .setIssuedAt()
      .setExpirationTime(expiresAtSeconds)
      .sign(this.#secret);
    return { token, expiresAt: expiresAtSeconds * 1000, id, name };
  }

  /** Who the token is of; `null` if it is not ours, was changed, or has expired. */
  verify(token: string | undefined): Promise<Guest | null> {
    return token === undefined ? Promise.resolve(null) : this.#read(token, 0);
  }

  async #read(token: string, toleranceSeconds: number): Promise<Guest | null> {
    try {
      const { payload } = await jwtVerify(token, this.#secret, {
        algorithms: ['HS256'],
        issuer: ISSUER,
        clockTolerance: toleranceSeconds,
      });
      const claims = Claims.parse(payload);
      const checked = checkName(claims.name);
      return 'name' in checked ? { id: claims.sub, name: checked.name, expiresAt: claims.exp * 1000 } : null;
    } catch {
      return null;
    }
  }
}

/**
 * Reads the secret that signs guests' tokens, or makes one at the first start. Only its owner may read the file.
 * @throws StartError if the file cannot be read or written, or does not hold a secret.
 */
export async function loadSecret(file: string): Promise<Uint8Array> {
  try {
    await mkdir(dirname(file), { recursive: true });
    const found = await readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') return null;
      throw error;
    });
    if (found !== null) return parseSecret(found, file);
    const made = randomBytes(SECRET_BYTES);
    await writeFile(file, `${made.toString('base64url')}\n`, { mode: 0o600, flag: 'wx' });
    await chmod(file, 0o600);
    return made;
  } catch (error) {
    if (error instanceof StartError) throw error;
    throw new StartError(
      `The guests' secret ${file} cannot be used: ${error instanceof Error ? error.message : error}`,
    );
  }
}

function parseSecret(text: string, file: string): Uint8Array {
  const secret = Buffer.from(text.trim(), 'base64url');
  if (secret.length >= SECRET_BYTES) return secret;
  throw new StartError(`${file} does not hold a secret of ${SECRET_BYTES} bytes. Delete it to get a new one.`);
}
