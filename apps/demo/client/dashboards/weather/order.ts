// In which order the places stand, and which of them are looked for.

import type { Station } from '../../../server/feeds/rows.js';

export type Column = 'place' | 'condition' | 'temperature' | 'wind' | 'humidity' | 'pressure' | 'at';

export interface Order {
  readonly column: Column;
  readonly isDescending: boolean;
}

export type Place = readonly [key: string, row: Station];

export const BY_NAME: Order = { column: 'place', isDescending: false };

/** By a column; those that are equal in it by name, whichever way it goes. */
export function sorted(places: readonly Place[], { column, isDescending }: Order): readonly Place[] {
  const direction = isDescending ? -1 : 1;
  return [...places].sort(([, a], [, b]) => direction * compare(a[column], b[column]) || compare(a.place, b.place));
}

/** After a click on a column's head: names begin at A, the newest and the largest numbers come first. */
export function nextOrder(order: Order, column: Column): Order {
  if (order.column === column) return { column, isDescending: !order.isDescending };
  return { column, isDescending: column !== 'place' && column !== 'condition' };
}

/** Whether each word is the beginning of some word of its place, country, region or sky, whatever accents it has. */
export function isFound({ place, country, region, condition }: Station, words: string): boolean {
  const text = ` ${plain(`${place} ${country} ${region} ${condition}`)}`;
  return plain(words)
    .split(/\s+/)
    .every((word) => text.includes(word === '' ? '' : ` ${word}`));
}

function plain(text: string): string {
  return text.normalize('NFKD').replace(/\p{M}/gu, '').replaceAll('ø', 'o').toLowerCase();
}

function compare(a: string | number, b: string | number): number {
  if (typeof a === 'string' && typeof b === 'string') return a.localeCompare(b, 'en');
  return Number(a) - Number(b);
}
