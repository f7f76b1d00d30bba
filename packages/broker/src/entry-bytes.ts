// What entries count for, where bytes are counted.

import { utf8Bytes } from '@trunkline/protocol';
import type { Entry } from './broker.js';

/** What an entry counts for in `PageLimit.bytes`. */
export function entryBytes({
  data,
  user,
  amended,
  amends,
}: Pick<Entry, 'data' | 'user' | 'amended' | 'amends'>): number {
  let bytes = 0;
  for (const text of [data, user, amended?.state, amends?.data, amends?.state]) bytes += utf8Bytes(text ?? '');
  return bytes;
}

/** What an entry counts for in `Retention.bytes`. */
export function keptBytes({ data, user, amends }: Pick<Entry, 'data' | 'user' | 'amends'>): number {
  return amends === undefined ? utf8Bytes(data) + utf8Bytes(user ?? '') : 0;
}
