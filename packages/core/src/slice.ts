// Encoding of entries, once each, and of slices from those encodings. A slice's bytes are the same for every subscriber.

import type { Entry } from '@trunkline/broker';
import { type Epoch, MAX_SLICE_BYTES, type Offset, utf8Bytes } from '@trunkline/protocol';
import type { SharedText } from './ports.js';

/** An entry as it stands in `items`. */
export interface EncodedItem {
  readonly text: string;
  /** Size of `text` in UTF-8. */
  readonly bytes: number;
  readonly at: number;
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
  text += `,"data":${entry.data}}`;
  return { text, bytes: utf8Bytes(text), at: entry.at };
}

/**
 * Slices over `(from, from + items.length]`, each of at most 64 KB of items or one item.
 * @param epoch Named in a slice that starts at 0, where an epoch begins.
 */
export function encodeSlices(ch: number, epoch: Epoch | null, from: Offset, items: readonly EncodedItem[]): Slice[] {
  const slices: Slice[] = [];
  let start = 0;
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
    const sliceFrom = from + start;
    const named = sliceFrom === 0 && epoch !== null ? `,"epoch":"${epoch}"` : '';
    const head = `{"type":"entries","ch":${ch},"from":${sliceFrom},"to":${from + end}${named},"items":[`;
    // Items are not measured again: a comma between each two, and what ends the slice.
    const sliceBytes = utf8Bytes(head) + bytes + (end - start - 1) + 2;
    slices.push({ from: sliceFrom, to: from + end, text: `${head}${body}]}`, bytes: sliceBytes, wire: null });
    start = end;
  }
  return slices;
}
