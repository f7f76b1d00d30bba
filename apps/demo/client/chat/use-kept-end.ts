// The end of the list stays in view while nobody has left it, and what comes while somebody has is counted.

import { type RefObject, useEffect, useLayoutEffect, useState } from 'react';
import type { ChatView } from './room.js';

/** How many messages came since the reader was last at the end. */
export function useFresh({ entries }: ChatView, atEnd: boolean): number {
  const newest = entries.at(-1)?.offset ?? 0;
  const [seen, setSeen] = useState(newest);
  if (atEnd && seen !== newest) setSeen(newest);
  if (atEnd) return 0;
  const index = entries.findLastIndex((entry) => entry.offset <= seen);
  return entries.length - 1 - index;
}

/**
 * Begins at the end, and stays there while messages turn out higher than they were taken for, and when the list's own height
 * changes: a keyboard that opens, a composer that grows.
 */
export function useKeptEnd(
  scroller: RefObject<HTMLDivElement | null>,
  following: RefObject<boolean>,
  toEnd: () => void,
  totalSize: number,
): void {
  // biome-ignore lint/correctness/useExhaustiveDependencies: follows the size
  useLayoutEffect(() => {
    if (following.current) toEnd();
  }, [toEnd, totalSize]);
  useEffect(() => {
    const { current } = scroller;
    if (current === null) return;
    const observer = new ResizeObserver(() => {
      if (following.current) toEnd();
    });
    observer.observe(current);
    return () => observer.disconnect();
  }, [scroller, following, toEnd]);
}
