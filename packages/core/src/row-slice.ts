// Slices of a table. A reader's place is two offsets: it has everything up to `since`, and of the rows whose last change lies
// in `(since, at]` their newest value. Where a range is too long for one slice its parts leave the reader's position at
// `since`, and only the last one moves it: a row that changed at 5 and at 9 is not told by a part up to 7, so whoever is cut
// off there must begin at `since` again.

import { type Epoch, MAX_SLICE_BYTES, type Offset, utf8Bytes } from '@trunkline/protocol';
import type { SharedText } from './ports.js';
import type { RowNode, TableRows, Telling } from './table-rows.js';

/** How far a reader has been served. */
export interface Place {
  readonly since: Offset;
  readonly at: Offset;
}

/** One `rows` message, and the place of who has got it. */
export interface RowSlice extends SharedText {
  readonly place: Place;
}

export interface RowSliceOptions {
  readonly ch: number;
  readonly epoch: Epoch | null;
  readonly place: Place;
  /** Only rows of these keys. */
  readonly keys?: ReadonlySet<string> | undefined;
  /** The reader is to forget all it has. For a place of `{since: 0, at: 0}`. */
  readonly isReset?: boolean;
}

/**
 * Slices that lead from a place to the head: none if it is there, else at least one, also when no row of `keys` changed, as the
 * position moves all the same. Each has at most 64 KB of rows, or those of one step.
 */
export function rowSlices(rows: TableRows, options: RowSliceOptions): RowSlice[] {
  const { place, keys } = options;
  const slices: RowSlice[] = [];
  let { at } = place;
  let part = new Part();
  const cut = (to: Offset, isLast: boolean) => {
    const next = isLast ? { since: rows.head, at: rows.head } : { since: place.since, at: to };
    const isReset = options.isReset === true && slices.length === 0;
    slices.push(sliceOf(textOf(part, options, next.since, isReset), next));
    part = new Part();
  };
  for (const node of rows.after(at)) {
    // Whoever has nothing needs no deletions.
    if ((keys !== undefined && !keys.has(node.key)) || (place.since === 0 && node.fields === null)) continue;
    const telling = node.since(place.since);
    // Between two steps only: a reader never sees half of one.
    if (part.bytes > 0 && part.bytes + telling.bytes > MAX_SLICE_BYTES && node.offset > at) cut(at, false);
    part.add(telling);
    at = node.offset;
  }
  if (place.at < rows.head || place.since < rows.head || (options.isReset === true && slices.length === 0)) {
    cut(rows.head, true);
  }
  return slices;
}

/** A slice that tells rows whole and drops others, and moves nothing: keys enter and leave a watch list. */
export function watchListSlices(
  { ch, epoch, place }: Pick<RowSliceOptions, 'ch' | 'epoch' | 'place'>,
  entering: readonly RowNode[],
  leaving: readonly string[],
): RowSlice[] {
  const slices: RowSlice[] = [];
  let part = new Part();
  const cut = () => {
    slices.push(sliceOf(textOf(part, { ch, epoch, place }, place.since, false), place));
    part = new Part();
  };
  part.drop(leaving);
  for (const node of entering) {
    const telling = node.whole();
    if (part.bytes > 0 && part.bytes + telling.bytes > MAX_SLICE_BYTES) cut();
    part.add(telling);
  }
  if (part.bytes > 0) cut();
  return slices;
}

function sliceOf(text: string, place: Place): RowSlice {
  return { text, bytes: utf8Bytes(text), wire: null, place };
}

class Part {
  bytes = 0;
  set = '';
  patch = '';
  unset = '';
  gone = '';
  dropped = '';

  add({ set, patch, unset, gone, bytes }: Telling): void {
    this.bytes += bytes;
    if (set !== '') this.set += this.set === '' ? set : `,${set}`;
    if (patch !== '') this.patch += this.patch === '' ? patch : `,${patch}`;
    if (unset !== '') this.unset += this.unset === '' ? unset : `,${unset}`;
    if (gone !== '') this.gone += this.gone === '' ? gone : `,${gone}`;
  }

  drop(keys: readonly string[]): void {
    this.dropped = keys.map((key) => JSON.stringify(key)).join();
    this.bytes += this.dropped.length;
  }
}

function textOf(
  { set, patch, unset, gone, dropped }: Part,
  { ch, epoch, place }: Pick<RowSliceOptions, 'ch' | 'epoch' | 'place'>,
  to: Offset,
  isReset: boolean,
): string {
  const { since } = place;
  let text = `{"type":"rows","ch":${ch},"from":${since},"to":${to}`;
  if (since === 0 && epoch !== null) text += `,"epoch":"${epoch}"`;
  if (isReset) text += ',"reset":true';
  if (set !== '') text += `,"set":{${set}}`;
  if (patch !== '') text += `,"patch":{${patch}}`;
  if (unset !== '') text += `,"unset":{${unset}}`;
  if (gone !== '') text += `,"delete":[${gone}]`;
  if (dropped !== '') text += `,"drop":[${dropped}]`;
  return `${text}}`;
}
