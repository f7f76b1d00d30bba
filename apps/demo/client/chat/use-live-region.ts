// What a screen reader hears of the list of messages.

import { useEffect, useState } from 'react';
import type { ChatView } from './room.js';

/**
 * What a screen reader hears of the list: what is added at its end while the reader is there. Older pages, the first page, and what
 * scrolling draws are additions to the document too, so the region is silent while they are made. `ready`: the first page is there and drawn.
 */
export function useLiveRegion(
  { entries, state, loadingOlder }: ChatView,
  atEnd: boolean,
): { readonly live: 'polite' | 'off'; readonly ready: boolean } {
  const first = entries[0]?.offset;
  const [settled, setSettled] = useState<{ first: number | undefined; live: boolean }>({
    first: undefined,
    live: false,
  });
  const isSettled = settled.live && (settled.first === first || settled.first === undefined);
  useEffect(() => {
    if (state !== 'live') return;
    // Two frames: the additions of this render are drawn and past before the next ones are heard.
    let frame = requestAnimationFrame(() => {
      frame = requestAnimationFrame(() => setSettled({ first, live: true }));
    });
    return () => cancelAnimationFrame(frame);
  }, [first, state]);
  return { live: isSettled && atEnd && !loadingOlder ? 'polite' : 'off', ready: settled.live };
}
