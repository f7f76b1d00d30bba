// Encoding of entries, once each, and of slices from those encodings. A slice's bytes are the same for every subscriber.

import type { Amends, Entry } from '@trunkline/broker';
import { type Epoch, type Item, MAX_SLICE_BYTES, type Offset, utf8Bytes } from '@trunkline/protocol';
import type { SharedText } from './ports.js';

/** An entry as it stands in `items`. */
export interface EncodedItem {
  readonly offset: Offset;
  readonly text: string;
  /** Size of `text` in UTF-8. */
  readonly bytes: number;
  readonly at: number;
  /** Of a record: offset of the entry that it amends; 0: it is an entry. */
  readonly amends: Offset;
}

/** One `entries` message for the range `(from, to]`. */
export interface Slice extends SharedText {
  readonly from: Offset;
  readonly to: Offset;
}

/** The key under which a broker knows a producer: bound to its user, so that no user can speak as another's producer. */
export function producerKey(userId: string, producer: string): string {
  return `${userId}/${producer}`;
}

export function encodeItem(entry: Entry): EncodedItem {
  let text = `{"offset":${entry.offset},"at":${entry.at}`;
  if (entry.user !== null) text += `,"user":${entry.user}`;
  if (entry.source !== undefined) {
    // A producer's word has no "/": what follows the last one is the client's part of the key.
    const { producer, seq } = entry.source;
    text += `,"producer":"${producer.slice(producer.lastIndexOf('/') + 1)}","seq":${seq}`;
  }
  const { amends } = entry;
  if (amends === undefined) text += `,${presentText(entry.data, entry.amended?.state)}}`;
  else text += `,${amendsText(amends)}}`;
  return { offset: entry.offset, text, bytes: utf8Bytes(text), at: entry.at, amends: amends?.offset ?? 0 };
}

/**
 * The same item with other content. Made anew down to its first character: a text cut out of another keeps that one in memory, and what
 * it said may have been erased.
 */
export function recodeItem(item: EncodedItem, content: string): EncodedItem {
  const { offset, at, user, producer, seq } = JSON.parse(item.text) as Item;
  const text = `${JSON.stringify({ offset, at, user, producer, seq }).slice(0, -1)},${content}}`;
  return { offset, text, bytes: utf8Bytes(text), at, amends: item.amends };
}

/** What of an entry can change, as members of its item. @param state a JSON object */
export function presentText(data: string, state = '{}'): string {
  return state === '{}' ? `"data":${data}` : `"data":${data},${state.slice(1, -1)}`;
}

/** What a record says. */
export function amendsText({ offset, data, state }: Amends): string {
  return `"amends":{"offset":${offset}${data === undefined ? '' : `,${presentText(data, state)}`}}`;
}

/**
 * Slices over what lies after `from` up to the last item, each of at most 64 KB of items or one item. Between items there is nothing but
 * records that were erased.
 * @param epoch Named in a slice that starts at 0, where an epoch begins.
 */
export function encodeSlices(ch: number, epoch: Epoch | null, from: Offset, items: readonly EncodedItem[]): Slice[] {
  const slices: Slice[] = [];
  let start = 0;
  let sliceFrom = from;
  while (start < items.length) {
    let end = start;
    let bytes = 0;
    let body = '';
    for (let item = items[end]; item !== undefined; item = items[end]) {
      if (end > start && bytes + item.bytes > MAX_SLICE_BYTES) break;
      body += end === start ? item.text : `,${item.text}`;
      bytes += item.bytes;
      end += 1;
    }
    const to = items[end - 1]?.offset ?? sliceFrom;
    const named = sliceFrom === 0 && epoch !== null ? `,"epoch":"${epoch}"` : '';
    const head = `{"type":"entries","ch":${ch},"from":${sliceFrom},"to":${to}${named},"items":[`;
    // Items are not measured again: a comma between each two, and what ends the slice.
    const sliceBytes = utf8Bytes(head) + bytes + (end - start - 1) + 2;
    slices.push({ from: sliceFrom, to, text: `${head}${body}]}`, bytes: sliceBytes, wire: null });
    start = end;
    sliceFrom = to;
  }
  return slices;
}
