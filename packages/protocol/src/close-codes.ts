// Close codes of a Trunkline connection. The RANGE carries the advice, so that an old client obeys a code it never met:
// 4000–4499 come back later, 4500–4999 do not come back by yourself (RFC 6455 §7.4.2 leaves 4000–4999 to applications).

/** Close codes by name. */
export const CLOSE = {
  /** The client left on purpose (RFC 6455 §7.4.1). */
  normal: 1000,
  /** The server is stopping. */
  goingAway: 1001,
  /** No `hello` came within the handshake deadline. */
  helloTimeout: 4000,
  /** Nothing was received for two ping intervals. */
  silent: 4001,
  /** The peer did not take what was sent to it for 60 s. */
  stalled: 4002,
  /** The server cannot serve now, for instance because `authenticate` failed by itself. */
  unavailable: 4003,
  /** The app ended the user's connections; they may come back. */
  disconnected: 4004,
  /** The peer broke the protocol too often, or before `welcome`. */
  badMessage: 4500,
  /** The token is missing, invalid or expired. */
  unauthorized: 4501,
  /** The app ended the user's connections, and they are not to come back by themselves. */
  dismissed: 4502,
  /** This origin may not connect. */
  forbidden: 4503,
  /** The server does not speak the version that `hello` named. */
  badVersion: 4504,
} as const;

/** Whether a client should come back by itself after this close code: yes for everything that may pass, no for refusals. */
export function mayReconnect(code: number): boolean {
  if (code >= 4500 && code <= 4999) return false;
  // 1008 policy violation and 1010 missing extension will not change by asking again; all else may pass.
  return code !== 1008 && code !== 1010;
}
