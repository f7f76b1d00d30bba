// What all who are interested in a table want together: every row that one of them wants, as often as the one who wants it most often. Counted, so
// that one more or one less costs the same among a thousand.

import { MAX_KEY_BYTES } from '@trunkline/protocol';
import type { Sight } from './link.js';
import { bytesOf } from './requests.js';
import type { TableInterest } from './table-handle.js';
import type { Keys } from './table-replica.js';

/** The largest rate that there is on the wire. */
const MAX_RATE = 100;
/** News for a page that nobody sees: enough to be there at once when it is shown. */
const HIDDEN_RATE = 1;

export interface Wishes {
  /** `undefined`: all rows. */
  readonly list: Keys;
  /** Slices a second; `undefined`: at every change. */
  readonly rate: number | undefined;
  readonly paused: boolean;
}

export interface WishCount {
  add(interest: TableInterest): void;
  remove(interest: TableInterest): void;
  /** The same list object until the keys are others. */
  sum(maxKeys: number, sight: Sight): Wishes;
}

export function createWishCount(): WishCount {
  const keyCounts = new Map<string, number>();
  const rates = new Map<number, number>();
  /** How many want all rows. */
  let wholes = 0;
  let list: Keys;

  const count = ({ keys, ratePerSecond = Number.POSITIVE_INFINITY, paused }: TableInterest, by: 1 | -1) => {
    if (!paused) add(rates, Number.isFinite(ratePerSecond) ? Math.min(ratePerSecond, MAX_RATE) : ratePerSecond, by);
    if (!keys) wholes += by;
    else for (const key of new Set(keys)) if (isKey(key) && add(keyCounts, key, by)) list = undefined;
  };
  return {
    add: (interest) => count(interest, 1),
    remove: (interest) => count(interest, -1),
    sum(maxKeys, sight) {
      const isWhole = wholes > 0 || keyCounts.size > maxKeys;
      if (!isWhole) list ??= new Set(keyCounts.keys());
      const rate = Math.min(Math.max(0, ...rates.keys()), sight === 'shown' ? Number.POSITIVE_INFINITY : HIDDEN_RATE);
      return {
        list: isWhole ? undefined : list,
        rate: Number.isFinite(rate) && rate > 0 ? rate : undefined,
        paused: rates.size === 0 || sight === 'asleep',
      };
    },
  };
}

/** Whether it is the first, or was the last. */
function add<T>(counts: Map<T, number>, of: T, by: 1 | -1): boolean {
  const now = (counts.get(of) ?? 0) + by;
  if (now > 0) counts.set(of, now);
  else counts.delete(of);
  return now === 0 || (now === 1 && by === 1);
}

/** No row has another key, and the server would refuse the list for it. */
export const isKey = (key: string): boolean =>
  key !== '' && (key.length * 3 <= MAX_KEY_BYTES || bytesOf(key) <= MAX_KEY_BYTES);

export const isSameList = (one: Keys, other: Keys): boolean =>
  one === other || (one?.size === other?.size && one !== undefined && [...one].every((key) => other?.has(key)));
