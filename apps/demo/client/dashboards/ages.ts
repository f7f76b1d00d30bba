// How old readings are, in words, and by which clock: the one that stamped them need not go as this computer's does.

import { useEffect, useState } from 'react';
import { createTickingClock } from '../ticking-clock.js';

/** Nothing new for so long is worth a word, in milliseconds. */
export const STALE_MS = 30_000;

/** How old something of that time is, in milliseconds, as far as one can tell. */
export type AgeOf = (at: number) => number;

interface Seen {
  /** The newest time of all. */
  readonly at: number;
  /** How far this clock is ahead of theirs, plus the shortest way a reading has had. 0 until one has come while the page looked. */
  readonly aheadMs: number | undefined;
}

/** @param isLive whether what is told now is news, and not what was missed or there before */
export function useAges(rows: ReadonlyMap<string, { readonly at: number }>, isLive: boolean, nowMs: number): AgeOf {
  const newest = newestOf(rows);
  const [seen, setSeen] = useState<Seen>();
  useEffect(() => {
    if (newest === undefined) return;
    setSeen((before) => {
      if (before === undefined || !isLive) return { at: newest, aheadMs: before?.aheadMs };
      if (newest <= before.at) return before;
      const aheadMs = Date.now() - newest;
      return { at: newest, aheadMs: Math.min(before.aheadMs ?? aheadMs, aheadMs) };
    });
  }, [newest, isLive]);
  const aheadMs = seen?.aheadMs ?? 0;
  return (at) => Math.max(0, nowMs - at - aheadMs);
}

/** Of all rows; `undefined` without any. */
export function newestOf(rows: ReadonlyMap<string, { readonly at: number }>): number | undefined {
  let newest: number | undefined;
  for (const { at } of rows.values()) newest = Math.max(newest ?? at, at);
  return newest;
}

/** "now", "12 s ago", "4 min ago" */
export function agoWords(ageMs: number): string {
  if (ageMs < 1_500) return 'now';
  return `${lengthWords(ageMs)} ago`;
}

/** "12 s", "4 min", "2 h" */
export function lengthWords(ms: number): string {
  const seconds = Math.round(ms / 1_000);
  if (seconds < 60) return `${seconds} s`;
  const minutes = Math.floor(seconds / 60);
  return minutes < 60 ? `${minutes} min` : `${Math.floor(minutes / 60)} h`;
}

/** The time, once a second, the same for all who ask. */
export const useSecond = createTickingClock(1_000);
