// Times as people say them, and one clock for all of them.

import { createTickingClock } from '../ticking-clock.js';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;

const clock = new Intl.DateTimeFormat('en-GB', { hour: '2-digit', minute: '2-digit' });
const exact = new Intl.DateTimeFormat('en-GB', { dateStyle: 'full', timeStyle: 'medium' });
const day = new Intl.DateTimeFormat('en-GB', { weekday: 'long', day: 'numeric', month: 'long' });

/** "now", "4 min ago", "14:05": within a day that a separator names. */
export function relativeTime(at: number, nowMs: number): string {
  const age = nowMs - at;
  if (age < MINUTE) return 'now';
  if (age < HOUR) return `${Math.floor(age / MINUTE)} min ago`;
  return clock.format(at);
}

/** "Friday, 20 November 2026 at 21:55:03" */
export function exactTime(at: number): string {
  return exact.format(at);
}

export function dayName(at: number, nowMs: number): string {
  if (isSameDay(at, nowMs)) return 'Today';
  if (isSameDay(at, nowMs - 24 * HOUR)) return 'Yesterday';
  return day.format(at);
}

export function isSameDay(a: number, b: number): boolean {
  return new Date(a).toDateString() === new Date(b).toDateString();
}

/** The time, four times a minute. */
export const useNow = createTickingClock(15_000);
