// Reads the plain feed over a slow link: a request whose answer goes on and on, a line a tick, none left out. It reads on only when the link has passed what it
// read, so the rest waits where it waits for any slow reader: in the buffers of the browser, of both kernels and of the server.

import { PLAIN_FEED_PATH, type PlainTick } from '../../../shared/market.js';
import type { SlowLink } from './slow-link.js';

/** Bytes that pass together: few, so that a tick is shown when its own last byte is there. */
const PIECE_BYTES = 256;

/** Resolves when the server ends the feed. @throws Error in words for people; an abort of `signal` too. */
export async function readPlain(link: SlowLink, signal: AbortSignal, onTick: (tick: PlainTick) => void): Promise<void> {
  const response = await fetch(PLAIN_FEED_PATH, { signal });
  if (!response.ok || response.body === null) {
    const body = (await response.json().catch(() => null)) as { problem?: string } | null;
    throw new Error(body?.problem ?? `The server answered ${response.status}.`);
  }
  const reader = response.body.getReader();
  const decoder = new TextDecoder();
  let rest = '';
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return;
    for (let at = 0; at < value.length; at += PIECE_BYTES) {
      const piece = value.subarray(at, at + PIECE_BYTES);
      await new Promise<void>((resolve, reject) => {
        signal.addEventListener('abort', reject, { once: true });
        link.pass(piece.length, () => {
          signal.removeEventListener('abort', reject);
          resolve();
        });
      });
      const lines = (rest + decoder.decode(piece, { stream: true })).split('\n');
      rest = lines.pop() ?? '';
      for (const line of lines) onTick(JSON.parse(line) as PlainTick);
    }
  }
}
