// Slices of a table. A reader's place is two offsets: it has everything up to `since`, and of the rows whose last change lies
// in `(since, at]` their newest value. Where a range is too long for one slice its parts leave the reader's position at
// `since`, and only the last one moves it: a row that changed at 5 and at 9 is not told by a part up to 7, so whoever is cut
// off there must begin at `since` again.

import { type Epoch, MAX_SLICE_BYTES, type Offset, utf8Bytes } from '@trunkline/protocol';
import type { SharedText } from './ports.js';
import type { TableRows, Telling } from './table-rows.js';

/** How far a reader has been served. */
export interface Place {
  readonly since: Offset;
  readonly at: Offset;
  /** Of who began at 0: the head when it was told the first row. What was deleted until then it never knew. */
  readonly began?: Offset;
}

/** The place of who begins: it is told to forget what it may have, and then all there is. */
export const BEGINNING: Place = { since: 0, at: 0 };

/** Whether nothing was told yet. */
export const isBeginning = ({ since, began }: Place): boolean => since === 0 && began === undefined;

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
}

/**
 * Slices that lead from a place to the head: none if it is there. Otherwise at least one, also when no row of `keys` changed, as the
 * position moves all the same. Each has at most 64 KB of rows, or those of one step.
 */
export function rowSlices(rows: TableRows, options: RowSliceOptions): RowSlice[] {
  const { place, keys } = options;
  const slices: RowSlice[] = [];
  let { at } = place;
  const began = place.since === 0 ? { began: place.began ?? rows.head } : undefined;
  const isFresh = isBeginning(place);
  let part = new Part();
  const cut = (to: Offset, isLast: boolean) => {
    const next = { since: isLast ? rows.head : place.since, at: to, ...began };
    slices.push(sliceOf(textOf(part, options, next.since, isFresh && slices.length === 0), next));
    part = new Part();
  };
  // Cut between two steps only: a reader never sees half of one. So how large a step is has to be known before it is added.
  let step: Telling[] = [];
  let stepBytes = 0;
  let stepAt = at;
  const addStep = () => {
    if (part.bytes > 0 && part.bytes + stepBytes > MAX_SLICE_BYTES) cut(at, false);
    for (const telling of step) part.add(telling);
    at = stepAt;
    step = [];
    stepBytes = 0;
  };
  for (const node of rows.after(at)) {
    if (keys !== undefined && !keys.has(node.key)) continue;
    if (began !== undefined && node.fields === null && node.offset <= began.began) continue;
    if (node.offset > stepAt) addStep();
    stepAt = node.offset;
    const telling = node.since(place.since);
    step.push(telling);
    stepBytes += telling.bytes;
  }
  addStep();
  if (isFresh || place.since < rows.head) cut(rows.head, true);
  return slices;
}

/**
 * A slice that tells rows whole and drops others, and moves nothing: keys enter and leave a watch list. Takes from both what it
 * tells, about 64 KB, and those that enter without there being a row.
 */
export function watchListSlice(
  rows: TableRows,
  options: Pick<RowSliceOptions, 'ch' | 'epoch' | 'place'>,
  entering: Set<string>,
  leaving: Set<string>,
): RowSlice {
  const part = new Part();
  for (const key of leaving) {
    if (part.bytes >= MAX_SLICE_BYTES) break;
    leaving.delete(key);
    part.drop(key);
  }
  for (const key of entering) {
    const telling = rows.node(key)?.whole();
    if (telling !== undefined && part.bytes > 0 && part.bytes + telling.bytes > MAX_SLICE_BYTES) break;
    entering.delete(key);
    if (telling !== undefined) part.add(telling);
  }
  const { place } = options;
  return sliceOf(textOf(part, options, place.since, false), place);
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

  drop(key: string): void {
    const text = JSON.stringify(key);
    this.bytes += utf8Bytes(text);
    this.dropped += this.dropped === '' ? text : `,${text}`;
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
