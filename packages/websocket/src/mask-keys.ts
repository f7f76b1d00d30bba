/** Mask keys for clients: unpredictable ones, a new one per frame (RFC 6455 §5.3, §10.3). */
import { randomFillSync } from 'node:crypto';

// One call into the random generator serves 1,024 frames.
const pool = new Int32Array(1_024);
let used = pool.length;

/** A fresh key from the system's strong source. No key is given out twice. */
export function nextMaskKey(): number {
  if (used === pool.length) {
    randomFillSync(pool);
    used = 0;
  }
  return pool[used++] as number;
}
