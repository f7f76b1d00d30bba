// The options of a back end, their defaults, and the one place that fills them in.

import { keyOf } from './webhook.js';

/** Where a back end is, what requests to it are signed with, and how much is asked of it. */
export interface BackendOptions {
  /** Where requests are sent, by POST: `https://app.example.com/trunkline`. No user or password in it. */
  readonly url: string;
  /**
   * What requests are signed with: `whsec_` and 24 to 64 bytes in base64. Of several each signs: to replace one, add the new one here and at the
   * receiver, then take the old one away.
   */
  readonly secret: string | readonly string[];
  /**
   * What becomes of a publish when `publish.before` cannot be asked. `refuse` (default): it is refused with `unavailable` and a hint when to try
   * again, which clients follow by themselves. `accept`: it is stored unseen. `authorize` that cannot be asked always refuses.
   */
  readonly whenDown?: 'refuse' | 'accept';
  /** A request that is not answered within this many milliseconds has failed. Default 5_000; at most 60_000. */
  readonly timeoutMs?: number;
  /** Requests of one type (`authorize`, `publish.before`) at a time; so many more as `maxWaiting` wait. Default 64. Beyond both: `unavailable`. */
  readonly maxInWork?: number;
  /** Default 1_000. */
  readonly maxWaiting?: number;
  /** Channels that are told of what was stored (`publish.after`) at a time; each in order, one request after the other. Default 16. */
  readonly maxDeliveries?: number;
  /** After so many failures of one type in a row no request of it is sent for `breakMs`; then one tries. Default 5. */
  readonly breakAfter?: number;
  /** In milliseconds. Default 10_000. */
  readonly breakMs?: number;
  /** How long an answer to `authorize` counts, by user id, stream and action, in milliseconds. Default 0: not at all; at most 60_000. `trunk.revoke` ends it. */
  readonly authorizeCacheMs?: number;
  /**
   * How often the back end may answer `publish.after` with an error, or not in time, before the entry becomes a dead letter. While it cannot be
   * reached at all nothing is counted. Counted anew after a restart. Default 12.
   */
  readonly maxAttempts?: number;
  /** The first retry of `publish.after` comes within this many milliseconds, at random; the next within twice as many, and so on. Default 1_000. */
  readonly retryMs?: number;
  /** … up to this many. Default 300_000. */
  readonly retryMsMax?: number;
  /** Dead letters that are kept; while there are so many, what fails goes on being tried and holds up its channel. Default 10_000. */
  readonly maxDeadLetters?: number;
  /** Bytes of an answer; a longer one has failed. Default 262_144. */
  readonly maxAnswerBytes?: number;
}

/** The least and most that makes sense of each, and the default. */
const NUMBERS = {
  timeoutMs: [1, 5_000, 60_000],
  maxInWork: [1, 64, 10_000],
  maxWaiting: [0, 1_000, 100_000],
  maxDeliveries: [1, 16, 1_000],
  breakAfter: [1, 5, 1_000],
  breakMs: [1, 10_000, 3_600_000],
  authorizeCacheMs: [0, 0, 60_000],
  maxAttempts: [1, 12, 1_000],
  retryMs: [1, 1_000, 3_600_000],
  retryMsMax: [1, 300_000, 86_400_000],
  maxDeadLetters: [0, 10_000, 1_000_000],
  maxAnswerBytes: [64, 262_144, 16_777_216],
} as const;
type Numbers = { readonly [K in keyof typeof NUMBERS]: number };

/** The same, filled in. */
export interface FilledBackend extends Numbers {
  readonly url: URL;
  readonly keys: readonly Buffer[];
  readonly whenDown: 'refuse' | 'accept';
}

/** @throws TypeError for an option that makes no sense, naming it. No message shows a secret. */
export function fillInBackend(options: BackendOptions): FilledBackend {
  const { secret, whenDown = 'refuse' } = options;
  const secrets = Array.isArray(secret) ? (secret as readonly unknown[]) : [secret];
  if (secrets.length === 0) throw new TypeError('backend: secret is missing');
  if (whenDown !== 'refuse' && whenDown !== 'accept') throw new TypeError("backend: whenDown is 'refuse' or 'accept'");
  const numbers: { -readonly [K in keyof Numbers]?: number } = {};
  for (const name of Object.keys(NUMBERS) as (keyof Numbers)[]) {
    const [least, usual, most] = NUMBERS[name];
    const value = options[name] ?? usual;
    if (!(Number.isSafeInteger(value) && value >= least && value <= most)) {
      throw new TypeError(`backend: ${name} must be a whole number from ${least} to ${most}`);
    }
    numbers[name] = value;
  }
  const keys = secrets.map((one) => {
    try {
      return keyOf(one);
    } catch (error) {
      throw new TypeError(`backend: ${(error as Error).message}`);
    }
  });
  return { url: checkedUrl(options.url), keys, whenDown, ...(numbers as Numbers) };
}

function checkedUrl(text: unknown): URL {
  if (typeof text === 'string' && URL.canParse(text)) {
    const url = new URL(text);
    const isPlain = url.username === '' && url.password === '' && url.hash === '';
    if (isPlain && (url.protocol === 'http:' || url.protocol === 'https:')) return url;
  }
  // Not shown: somebody may have put a password into it.
  throw new TypeError('backend: url must be a http: or https: URL without user, password and fragment');
}
