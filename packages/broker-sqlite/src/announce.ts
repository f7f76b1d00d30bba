// What the watchers of this process are told of a write that was committed.

import type { Amendment, AmendResult, Appended, Entry, OutboxNews, Watchers } from '@trunkline/broker';
import type { StreamName } from '@trunkline/protocol';
import { keyOf } from './key-text.js';
import {
  type AmendDone,
  type AppendDone,
  type ChangeDone,
  PACKED,
  type PackedEntries,
  unpack,
  unpackRows,
} from './messages.js';

export function announceChange(watchers: Watchers, done: ChangeDone): ChangeDone {
  const { epoch, from, to } = done;
  const stream = keyOf(done.stream) as StreamName;
  if (to === from || !watchers.has(stream)) return done;
  const gone = done.gone.map((key) => ({ key, offset: to }));
  watchers.announce({ stream, epoch, from, to, rows: unpackRows(done.rows), gone });
  return done;
}

export function announceAmend(
  watchers: Watchers,
  name: StreamName,
  { changed, ...done }: AmendDone,
  amendment: Amendment,
): AmendResult {
  const { epoch, offset } = done;
  if (!changed || !watchers.has(name)) return done;
  const { offset: of, expects, data, state, ...record } = amendment;
  const entry: Entry = { ...record, offset, data: 'null', amends: { offset: of, data, state } };
  watchers.announce({ stream: name, epoch, from: offset - 1, to: offset, entries: [entry] });
  return done;
}

export function announceAppend(
  watchers: Watchers,
  name: StreamName,
  { epoch, from, repeats }: AppendDone,
  packed: PackedEntries,
): void {
  const count = packed.length / PACKED - repeats.length;
  if (count === 0 || !watchers.has(name)) return;
  const repeated = new Set(repeats.map(([index]) => index));
  const entries: Entry[] = [];
  for (let index = 0; index * PACKED < packed.length; index++) {
    if (!repeated.has(index)) entries.push(unpack(packed, index, from + entries.length + 1));
  }
  watchers.announce({ stream: name, epoch, from, to: from + count, entries });
}

/** What an amendment put into the outbox, or `null`. */
export function amendNewsOf(stream: StreamName, { epoch, offset, at, changed }: AmendDone): OutboxNews | null {
  return changed ? { stream, epoch, from: offset - 1, to: offset, at } : null;
}

/** What an append put into the outbox, or `null`. */
export function newsOf(
  stream: StreamName,
  { epoch, from }: AppendDone,
  appended: readonly Appended[],
): OutboxNews | null {
  const stored = appended.filter(({ duplicate }) => !duplicate);
  const [first] = stored;
  return first === undefined ? null : { stream, epoch, from, to: from + stored.length, at: first.at };
}
