// Appends of one entry each that were called one behind the other in a turn, as those of a client's burst are. They travel to the
// writing thread as one call, and what became of them comes back as one answer: a message for each costs more than its row. What is
// the same as in the append before is not said again. Each is still stored, or refused, by itself.

import type { Retention } from '@trunkline/broker';
import type { KeptThread } from './kept-thread.js';
import { keyText } from './key-text.js';
import type { AppendCall, AppendDone, Refusal, WriterCall } from './messages.js';
import type { OneAppend } from './one-append.js';

/** So many in one call at most: a group of the writer, which takes calls as a whole, stays as small as it is meant to be. */
export const MAX_BURST = 128;

/** Stands for a stream, retention, user, producer or owner that is the one of the append before. */
const SAME = 0;
/**
 * Words of an append: at, stream, epoch of a history that begins with it, retention (`null`: as it is), user, producer, owner, seq, after (0: of none),
 * outbox (1: from now on), data. Of one that follows the append before there is nothing but data, which is no number as `at` is: all else
 * is the same, its seq is the next one, and it comes after the append before.
 */
const WORDS = 11;

export interface BurstCall {
  readonly type: 'burst';
  readonly words: unknown[];
  /** Appends in it. */
  count: number;
}

/**
 * What became of each in turn: a number is the offset of a new entry, an object anything else. A text is no answer but the epoch of the
 * answers after it.
 */
export type BurstDone = readonly (string | number | BurstOther)[];
type BurstOther = { readonly refusal: Refusal } | { readonly repeat: readonly [offset: number, at: number] };

/** Who is told what became of the appends, in the order of commits. */
export interface BurstSettle {
  stored(one: OneAppend, epoch: string, offset: number, at: number, duplicate: boolean): void;
  refused(one: OneAppend, refusal: Refusal): void;
}

/** The calling side. */
export class Bursts {
  readonly #link: KeptThread<WriterCall>;
  readonly #randomEpoch: () => string;
  readonly #settle: BurstSettle;
  #call: BurstCall | null = null;
  /** Of the newest call. */
  #appends: OneAppend[] = [];
  /** Of the append before. */
  #retain: Retention | null = null;

  constructor(link: KeptThread<WriterCall>, randomEpoch: () => string, settle: BurstSettle) {
    this.#link = link;
    this.#randomEpoch = randomEpoch;
    this.#settle = settle;
  }

  /** @param after 0: of none. */
  append(one: OneAppend, retain: Retention | null, after: number): void {
    const call = this.#call;
    const before = this.#appends.at(-1);
    // Only what is last and has not left can be added to: calls keep their order.
    if (call === null || before === undefined || this.#link.newestUnsent !== call || call.count === MAX_BURST) {
      return this.#begin(one, retain, after);
    }
    const isSameRetain = isSame(retain, this.#retain);
    if (isSameRetain && follows(one, before, after)) call.words.push(one.data);
    else this.#say(call, one, before, isSameRetain ? SAME : retain && { ...retain }, after);
    call.count += 1;
    this.#retain = retain;
    this.#appends.push(one);
  }

  #begin(one: OneAppend, retain: Retention | null, after: number): void {
    const appends = [one];
    const call: BurstCall = { type: 'burst', words: [], count: 1 };
    this.#say(call, one, undefined, retain && { ...retain }, after);
    this.#call = call;
    this.#appends = appends;
    this.#retain = retain;
    this.#link.call(call, {
      done: (value) => this.#tell(appends, value as BurstDone),
      refused: (refusal) => {
        for (const append of appends) this.#settle.refused(append, refusal);
      },
    });
  }

  #say(call: BurstCall, one: OneAppend, before: OneAppend | undefined, retain: unknown, after: number): void {
    const { stream, user, producer, owner } = one;
    const isSameStream = stream === before?.stream;
    call.words.push(
      one.at,
      isSameStream ? SAME : keyText(stream),
      isSameStream ? SAME : this.#randomEpoch(),
      retain,
      user === before?.user ? SAME : user,
      producer === before?.producer ? SAME : producer && keyText(producer),
      owner === before?.owner ? SAME : owner && keyText(owner),
      one.seq,
      after,
      one.outbox ? 1 : 0,
      one.data,
    );
  }

  #tell(appends: readonly OneAppend[], done: BurstDone): void {
    let [epoch, next] = ['', 0];
    for (const word of done) {
      if (typeof word === 'string') {
        epoch = word;
        continue;
      }
      const one = appends[next] as OneAppend;
      next += 1;
      if (typeof word === 'number') this.#settle.stored(one, epoch, word, one.at, false);
      else if ('refusal' in word) this.#settle.refused(one, word.refusal);
      else this.#settle.stored(one, epoch, word.repeat[0], word.repeat[1], true);
    }
  }
}

/** Whether nothing but its data has to be said. */
function follows(one: OneAppend, before: OneAppend, after: number): boolean {
  return (
    one.stream === before.stream &&
    one.at === before.at &&
    one.user === before.user &&
    one.producer === before.producer &&
    one.owner === before.owner &&
    one.outbox === before.outbox &&
    (one.seq === null || before.seq === null
      ? one.seq === before.seq && after === 0
      : one.seq === before.seq + 1 && after === before.seq)
  );
}

function isSame(one: Retention | null, other: Retention | null): boolean {
  if (one === null || other === null) return one === other;
  return one.entries === other.entries && one.ageMs === other.ageMs && one.bytes === other.bytes;
}

/** An append, and those that follow it. */
export interface AppendRun {
  readonly stream: string;
  readonly newEpoch: string;
  readonly retain: Retention | null;
  readonly user: string | null;
  readonly producer: string | null;
  readonly owner: string | null;
  readonly at: number;
  /** Of the first, as is `after`. */
  readonly seq: number | null;
  readonly after: number;
  readonly outbox: boolean;
  readonly data: readonly string[];
}

/** The writing side. */
export function* runsOf({ words }: BurstCall): Generator<AppendRun> {
  let [stream, newEpoch] = ['', ''];
  let retain: Retention | null = null;
  let user: string | null = null;
  let producer: string | null = null;
  let owner: string | null = null;
  for (let base = 0; base < words.length; ) {
    if (words[base + 1] !== SAME) stream = words[base + 1] as string;
    if (words[base + 2] !== SAME) newEpoch = words[base + 2] as string;
    if (words[base + 3] !== SAME) retain = words[base + 3] as Retention | null;
    if (words[base + 4] !== SAME) user = words[base + 4] as string | null;
    if (words[base + 5] !== SAME) producer = words[base + 5] as string | null;
    if (words[base + 6] !== SAME) owner = words[base + 6] as string | null;
    let end = base + WORDS;
    while (typeof words[end] === 'string') end += 1;
    yield {
      stream,
      newEpoch,
      retain,
      user,
      producer,
      owner,
      at: words[base] as number,
      seq: words[base + 7] as number | null,
      after: words[base + 8] as number,
      outbox: words[base + 9] === 1,
      data: words.slice(base + WORDS - 1, end) as string[],
    };
    base = end;
  }
}

/** One append of a run, as a call of its own. */
export function appendOf(run: AppendRun, index: number): AppendCall {
  const { stream, newEpoch, retain, user, producer, owner, at, outbox, data } = run;
  const seq = run.seq === null ? null : run.seq + index;
  const after = index === 0 || seq === null ? run.after : seq - 1;
  return {
    type: 'append',
    stream,
    entries: [at, data[index] as string, user, producer, seq, owner],
    newEpoch,
    ...(retain === null ? {} : { retain }),
    ...(after === 0 ? {} : { after }),
    ...(outbox ? { outbox } : {}),
  };
}

/** Its appends, each as a call of its own. */
export function* appendsOf(call: BurstCall): Generator<AppendCall> {
  for (const run of runsOf(call)) {
    for (const index of run.data.keys()) yield appendOf(run, index);
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

  /** A new entry of the stream of the answer before. */
  addStored(offset: number): void {
    this.words.push(offset);
  }
}

/** About the bytes that will be written: characters of texts, and some for all else. */
export function sizeOf({ words, count }: BurstCall): number {
  let size = 64 * count;
  for (const word of words) if (typeof word === 'string') size += word.length;
  return size;
}
