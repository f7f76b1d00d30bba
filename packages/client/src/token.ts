// Tokens and when they expire.

import type { ExpiringToken, TokenSource } from './line.js';

export interface Token {
  readonly text: string | undefined;
  /** In milliseconds since 1970, by the clock of whoever issued it; `undefined` if unknown. */
  readonly expiresAt: number | undefined;
}

/** Asks the source. Rejects with what it threw, or if it gave nothing. */
export async function askForToken(source: TokenSource | undefined): Promise<Token> {
  return readToken(typeof source === 'function' ? await source() : source);
}

export function readToken(given: string | ExpiringToken | undefined): Token {
  const { token, expiresAt }: Partial<ExpiringToken> | { token: undefined; expiresAt?: undefined } =
    typeof given === 'object' ? given : { token: given };
  return { text: token, expiresAt: expiresAt ?? jwtExpiry(token) };
}

/** `exp` of a JWT (RFC 7519 §4.1.4), unverified: it only decides when to ask for the next. */
function jwtExpiry(token: string | undefined): number | undefined {
  try {
    const claims = (token?.split('.')[1] ?? '').replaceAll('-', '+').replaceAll('_', '/');
    const { exp } = JSON.parse(atob(claims)) as { exp?: unknown };
    return typeof exp === 'number' ? exp * 1_000 : undefined;
  } catch {
    return undefined;
  }
}

/** When to refresh, in milliseconds from now: a minute before the end, or at half of less than two. `undefined`: never. */
export function refreshDelayMs(expiresAt: number | undefined, serverNowMs: number): number | undefined {
  if (expiresAt === undefined) return undefined;
  const leftMs = expiresAt - serverNowMs;
  return leftMs > 5_000 ? Math.max(leftMs - 60_000, leftMs / 2) : undefined;
}
