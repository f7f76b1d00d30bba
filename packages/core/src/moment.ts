// Moments of which only differences matter, in numbers that V8 keeps in the field itself: it does so with 32 bits, and makes an
// object of 16 bytes of anything larger. A session has five such fields, and a server ten thousand sessions.

/** @param nowMs Milliseconds on any scale. */
export function moment(nowMs: number): number {
  return nowMs | 0;
}

/** Milliseconds from one moment to a later one, right for up to 24 days; negative if the clock was set back. */
export function msBetween(earlier: number, later: number): number {
  return (later - earlier) | 0;
}
