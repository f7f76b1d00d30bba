// What every broker refuses of a change before it looks at its store: mistakes of the calling program.

import { utf8Bytes } from '@trunkline/protocol';
import { checkAfter, checkFence, checkSource, isPositiveInteger, isStorable } from './check-arguments.js';
import type { ChangeOptions, RowChange } from './table.js';

/** Longest key of a row, in bytes of UTF-8. */
export const MAX_KEY_BYTES = 256;

/** @throws TypeError or RangeError when a change is malformed, a key comes twice, or an option is out of range. */
export function checkChange(step: readonly RowChange[], options: ChangeOptions | undefined): void {
  const keys = new Set<string>();
  for (const change of step) {
    checkRow(change);
    if (keys.has(change.key)) throw new TypeError(`one step changes the row ${JSON.stringify(change.key)} twice`);
    keys.add(change.key);
  }
  if (options === undefined) return;
  const { source, fence, maxRows, tombstones, after } = options;
  if (source !== undefined) checkSource(source);
  checkFence(fence);
  checkAfter(after);
  if (maxRows !== undefined && !isPositiveInteger(maxRows)) {
    throw new RangeError(`maxRows must be an integer of at least 1, not ${maxRows}`);
  }
  if (tombstones?.count !== undefined && !isPositiveInteger(tombstones.count)) {
    throw new RangeError(`tombstones.count must be an integer of at least 1, not ${tombstones.count}`);
  }
  if (tombstones?.ageMs !== undefined && !(tombstones.ageMs > 0)) {
    throw new RangeError(`tombstones.ageMs must be above 0, not ${tombstones.ageMs}`);
  }
}

function checkRow(change: RowChange): void {
  const { key } = change;
  if (!isStorable(key) || key === '' || utf8Bytes(key) > MAX_KEY_BYTES) {
    throw new TypeError(`a row's key must be text of 1 to ${MAX_KEY_BYTES} bytes`);
  }
  if (change.if !== undefined && !(Number.isSafeInteger(change.if) && change.if >= 0)) {
    throw new RangeError(`if must be a row's offset or 0, not ${change.if}`);
  }
  if ('delete' in change) return;
  const data = 'set' in change ? change.set : change.patch;
  if (!isStorable(data) || !data.startsWith('{')) throw new TypeError('a row must be a JSON object as text');
  if ('unset' in change && !change.unset?.every((name) => isStorable(name))) {
    throw new TypeError('unset must list names of fields');
  }
  if (change.expiresAt !== undefined && !Number.isSafeInteger(change.expiresAt)) {
    throw new TypeError(`expiresAt must be whole milliseconds, not ${change.expiresAt}`);
  }
}
