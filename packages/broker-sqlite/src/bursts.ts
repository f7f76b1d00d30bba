// Appends of one entry each that were called one behind the other in a turn, as those of a client's burst are. They travel to the
// writing thread as one call, and what became of them comes back as one answer: a message for each costs more than its row. What is
// the same as in the append before is not said again. Each is still stored, or refused, by itself.

import type { NewEntry, Retention } from '@trunkline/broker';
import type { KeptThread } from './kept-thread.js';
import { keyText } from './key-text.js';
import type { AppendCall, AppendDone, Refusal, WriterCall } from './messages.js';

/** So many in one call at most: a group of the writer, which takes calls as a whole, stays as small as it is meant to be. */
export const MAX_BURST = 128;

/** Stands for a stream, retention, user or producer that is the one of the append before. */
const SAME = 0;
/**
 * Words of an append: stream, epoch of a history that begins with it, retention (`null`: as it is), user, producer, at, data, seq, after (0: of none),
 * outbox (1: from now on), owner.
 */
const WORDS = 11;

export interface BurstCall {
  readonly type: 'burst';
  readonly words: unknown[];
}

/**
 * What became of each in turn: a number is the offset of a new entry, an object anything else. A text is no answer but the epoch of the
 * answers after it.
 */
export type BurstDone = readonly (string | number | BurstOther)[];
type BurstOther = { readonly refusal: Refusal } | { readonly repeat: readonly [offset: number, at: number] };

/** One append, and who is told what became of it. */
export interface BurstEntry {
  readonly entry: NewEntry;
  stored(epoch: string, offset: number, at: number, duplicate: boolean): void;
  refused(refusal: Refusal): void;
}

export function countOf({ words }: BurstCall): number {
  return words.length / WORDS;
}

/** The calling side. */
export class Bursts {
  readonly #link: KeptThread<WriterCall>;
  readonly #randomEpoch: () => string;
  #call: BurstCall | null = null;
  #entries: BurstEntry[] = [];
  // Of the append before.
  #stream = '';
  #retain: Retention | null = null;
  #user: string | null = null;
  #producer: string | null = null;
  #owner: string | null = null;

  constructor(link: KeptThread<WriterCall>, randomEpoch: () => string) {
    this.#link = link;
    this.#randomEpoch = randomEpoch;
  }

  /** @param after 0: of none. */
  append(stream: string, one: BurstEntry, retain: Retention | null, after: number, outbox: boolean): void {
    // Only what is last and has not left can be added to: calls keep their order.
    const isFirst = this.#call === null || this.#link.newestUnsent !== this.#call || this.#entries.length === MAX_BURST;
    const call = isFirst ? { type: 'burst' as const, words: [] } : (this.#call as BurstCall);
    const isSameStream = !isFirst && stream === this.#stream;
    const { at, data, user, source, owner = null } = one.entry;
    const producer = source?.producer ?? null;
    call.words.push(
      isSameStream ? SAME : keyText(stream),
      isSameStream ? SAME : this.#randomEpoch(),
      !isFirst && isSame(retain, this.#retain) ? SAME : retain && { ...retain },
      !isFirst && user === this.#user ? SAME : user,
      !isFirst && producer === this.#producer ? SAME : producer && keyText(producer),
      at,
      data,
      source?.seq ?? null,
      after,
      outbox ? 1 : 0,
      !isFirst && owner === this.#owner ? SAME : owner && keyText(owner),
    );
    this.#stream = stream;
    this.#retain = retain;
    this.#user = user;
    this.#producer = producer;
    this.#owner = owner;
    if (!isFirst) {
      this.#entries.push(one);
      return;
    }
    const entries = [one];
    this.#call = call;
    this.#entries = entries;
    this.#link.call(call, {
      done: (value) => tell(entries, value as BurstDone),
      refused: (refusal) => {
        for (const { refused } of entries) refused(refusal);
      },
    });
  }
}

function isSame(one: Retention | null, other: Retention | null): boolean {
  if (one === null || other === null) return one === other;
  return one.entries === other.entries && one.ageMs === other.ageMs && one.bytes === other.bytes;
}

function tell(entries: readonly BurstEntry[], done: BurstDone): void {
  let [epoch, next] = ['', 0];
  for (const word of done) {
    if (typeof word === 'string') {
      epoch = word;
      continue;
    }
    const one = entries[next] as BurstEntry;
    next += 1;
    if (typeof word === 'number') one.stored(epoch, word, one.entry.at, false);
    else if ('refusal' in word) one.refused(word.refusal);
    else one.stored(epoch, word.repeat[0], word.repeat[1], true);
  }
}

/** The writing side: its appends, each as a call of its own. */
export function* appendsOf({ words }: BurstCall): Generator<AppendCall> {
  let owner = words[WORDS - 1] as string | null;
  let [stream, newEpoch, retain, user, producer] = words as [
    string,
    string,
    Retention | null,
    string | null,
    string | null,
  ];
  for (let base = 0; base < words.length; base += WORDS) {
    if (words[base] !== SAME) stream = words[base] as string;
    if (words[base + 1] !== SAME) newEpoch = words[base + 1] as string;
    if (words[base + 2] !== SAME) retain = words[base + 2] as Retention | null;
    if (words[base + 3] !== SAME) user = words[base + 3] as string | null;
    if (words[base + 4] !== SAME) producer = words[base + 4] as string | null;
    if (words[base + 10] !== SAME) owner = words[base + 10] as string | null;
    const after = words[base + 8] as number;
    yield {
      type: 'append',
      stream,
      entries: [
        words[base + 5] as number,
        words[base + 6] as string,
        user,
        producer,
        words[base + 7] as number | null,
        owner,
      ],
      newEpoch,
      ...(retain === null ? {} : { retain }),
      ...(after === 0 ? {} : { after }),
      ...(words[base + 9] === 1 ? { outbox: true } : {}),
    };
  }
}

/** Puts the answers of a burst's appends together. */
export class BurstAnswer {
  readonly words: (string | number | BurstOther)[] = [];
  #epoch = '';

  add(result: { readonly done: AppendDone } | { readonly refusal: Refusal }): void {
    if ('refusal' in result) {
      this.words.push({ refusal: result.refusal });
      return;
    }
    const { epoch, from, repeats } = result.done;
    if (epoch !== this.#epoch) this.words.push(epoch);
    this.#epoch = epoch;
    const [repeat] = repeats;
    if (repeat === undefined) this.words.push(from + 1);
    else this.words.push({ repeat: [repeat[1], repeat[2]] });
  }
}

/** About the bytes that will be written: characters of texts, and some for all else. */
export function sizeOf({ words }: BurstCall): number {
  let size = 0;
  for (const word of words) size += typeof word === 'string' ? word.length : 16;
  return size;
}
