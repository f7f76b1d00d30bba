// Tokens: who gives them, and when they expire.

import type { ExpiringToken, TokenSource } from './line.js';
import type { Shared } from './shared.js';
import { createTimers } from './timers.js';

const TOKEN_MS = 30_000;

export interface Token {
  readonly text: string | undefined;
  /** In milliseconds since 1970, by the clock of whoever issued it. Not a number: unknown. */
  readonly expiresAt: number;
}

export interface Tokens {
  /** The one that needs no asking, now and ever. */
  readonly fixed: Token | undefined;
  /** Asks the source, or joins the question that is open. `undefined`: it gave none, which is reported, or none in 30 s. */
  ask(onToken: (given: Token | undefined) => void): void;
  /** Nobody waits for an answer any more. */
  forget(): void;
}

export function createTokens(shared: Shared, source: TokenSource | undefined): Tokens {
  const timers = createTimers<'token'>(shared);
  let asking: ((given: Token | undefined) => void)[] = [];
  const tokens: Tokens = {
    fixed: typeof source === 'function' ? undefined : readToken(source),
    ask(onToken) {
      asking.push(onToken);
      const mine = asking;
      if (mine.length > 1) return;
      const answer = (given?: Token) => {
        tokens.forget();
        for (const each of mine) each(given);
      };
      const ifAsking = (run: () => void) => mine === asking && shared.batch.run(run);
      timers.set('token', TOKEN_MS, answer);
      askForToken(source).then(
        (given) => ifAsking(() => answer(given)),
        (cause: unknown) =>
          ifAsking(() => {
            shared.onProblem('token', 'the token function failed', cause);
            answer();
          }),
      );
    },
    forget() {
      asking = [];
      timers.clear('token');
    },
  };
  return tokens;
}

const askForToken = async (source: TokenSource | undefined): Promise<Token> =>
  readToken(typeof source === 'function' ? await source() : source);

function readToken(given: string | ExpiringToken | undefined): Token {
  const { token, expiresAt }: Partial<ExpiringToken> | { token: undefined; expiresAt?: undefined } =
    typeof given === 'object' ? given : { token: given };
  return { text: token, expiresAt: expiresAt ?? jwtExpiry(token) };
}

/** `exp` of a JWT (RFC 7519 §4.1.4), unverified: it only decides when to ask for the next. */
function jwtExpiry(token: string | undefined): number {
  try {
    const claims = (token?.split('.')[1] ?? '').replaceAll('-', '+').replaceAll('_', '/');
    const { exp } = JSON.parse(atob(claims)) as { exp?: unknown };
    return typeof exp === 'number' ? exp * 1_000 : Number.NaN;
  } catch {
    return Number.NaN;
  }
}

/** When to refresh, in milliseconds from now: a minute before the end, or at half of less than two. Not a number: never. */
export function refreshDelayMs(expiresAt: number, serverNowMs: number): number {
  const leftMs = expiresAt - serverNowMs;
  // A token that comes expired would be asked for again and again.
  return leftMs > 5_000 ? Math.max(leftMs - 60_000, leftMs / 2) : Number.NaN;
}
