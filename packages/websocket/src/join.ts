/**
 * Small parts of one write as one buffer. The last result is kept until the turn ends: frames that go to a thousand
 * connections in one turn are copied once, and every write is of the same memory.
 *
 * The same parts are the same bytes: a shared frame is never changed, and a region of a slab is handed out as a view of
 * its own each time. So parts are compared by identity; what they hold is not looked at.
 */

let lastParts: readonly Uint8Array[] | null = null;
let lastJoined: Buffer | null = null;

/** @param bytes of all parts together. */
export function join(parts: readonly Uint8Array[], bytes: number): Buffer {
  if (lastJoined !== null && lastParts !== null && areSame(parts, lastParts)) return lastJoined;
  const joined = Buffer.allocUnsafe(bytes);
  let at = 0;
  for (const part of parts) {
    joined.set(part, at);
    at += part.length;
  }
  lastParts = parts;
  lastJoined = joined;
  return joined;
}

/** Ends what `join` remembers: no memory is kept from one turn to the next. */
export function forgetJoined(): void {
  lastParts = null;
  lastJoined = null;
}

function areSame(some: readonly Uint8Array[], others: readonly Uint8Array[]): boolean {
  const count = some.length;
  if (count !== others.length) return false;
  for (let index = 0; index < count; index++) {
    if (some[index] !== others[index]) return false;
  }
  return true;
}
