// Who asks over HTTP: a user, by the token that `authenticate` knows, or a back end, by an API key of the server's options. Both
// come in `Authorization: Bearer`, and nowhere else: a URL is written down by proxies, and a cookie is sent by pages of others.

import { createHash, timingSafeEqual } from 'node:crypto';
import { TrunklineError } from '@trunkline/protocol';

/** What an API key may do. */
export interface ApiKey {
  /** The key itself, of at least 32 characters, or `sha256:` and the SHA-256 of it in 64 hexadecimal digits, so that the key need not stand here. */
  readonly secret: string;
  /** Names of the app's channels that it is for: `['quotes']`. Default: all of them. */
  readonly channels?: readonly string[];
  /** Writes per second in the long run, and at once. Default 1_000. Answer: `rate_limited`. */
  readonly ratePerSecond?: number;
}

/** API keys by a name of your choice, which tells them apart. */
export type ApiKeys = Readonly<Record<string, string | ApiKey>>;

/** The same, filled in. */
export interface KnownKey {
  readonly name: string;
  readonly channels: ReadonlySet<string> | null;
  readonly ratePerSecond: number;
}

const MIN_SECRET_LENGTH = 32;
const RATE_PER_SECOND = 1_000;
const HASHED = /^sha256:([0-9a-f]{64})$/i;

export class KeyRing {
  readonly #keys: readonly { readonly hash: Buffer; readonly key: KnownKey }[];

  /**
   * @param channels names of the app's
   * @throws TypeError for a key that makes no sense, naming it.
   */
  constructor(keys: ApiKeys, channels: ReadonlySet<string>) {
    this.#keys = Object.entries(keys).map(([name, given]) => {
      const key = typeof given === 'string' ? { secret: given } : given;
      return { hash: hashOf(name, key?.secret), key: checked(name, key, channels) };
    });
    const hashes = this.#keys.map(({ hash }) => hash.toString('hex'));
    if (new Set(hashes).size !== hashes.length) throw new TypeError('apiKeys: two of them are the same key');
  }

  /** The key that was presented, or `null`. Takes as long for any that is none. */
  find(token: string): KnownKey | null {
    const presented = sha256(token);
    let found: KnownKey | null = null;
    for (const { hash, key } of this.#keys) if (timingSafeEqual(hash, presented)) found = key;
    return found;
  }
}

/**
 * The token of an `Authorization` header.
 * @throws TrunklineError `unauthorized` for any other way to say who one is.
 */
export function bearerToken(header: string | undefined): string | undefined {
  if (header === undefined) return undefined;
  const token = /^Bearer +([^\s]+) *$/i.exec(header)?.[1];
  if (token === undefined) throw new TrunklineError('unauthorized', 'write: Authorization: Bearer and your token');
  return token;
}

function sha256(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}

function hashOf(name: string, secret: unknown): Buffer {
  const hex = typeof secret === 'string' ? HASHED.exec(secret)?.[1] : undefined;
  if (hex !== undefined) return Buffer.from(hex, 'hex');
  if (
    typeof secret !== 'string' ||
    secret.length < MIN_SECRET_LENGTH ||
    /\s/.test(secret) ||
    secret.startsWith('sha256:')
  ) {
    throw new TypeError(
      `apiKeys: ${name} must have at least ${MIN_SECRET_LENGTH} characters and no space, or be "sha256:" and 64 hexadecimal digits`,
    );
  }
  return sha256(secret);
}

function checked(
  name: string,
  { channels, ratePerSecond = RATE_PER_SECOND }: ApiKey,
  all: ReadonlySet<string>,
): KnownKey {
  const stray = channels?.find((channel) => !all.has(channel));
  if (stray !== undefined) throw new TypeError(`apiKeys: ${name} is for "${stray}", which is no channel of the app`);
  if (!(Number.isSafeInteger(ratePerSecond) && ratePerSecond >= 1)) {
    throw new TypeError(`apiKeys: ratePerSecond of ${name} must be a whole number from 1`);
  }
  return { name, channels: channels === undefined ? null : new Set(channels), ratePerSecond };
}
