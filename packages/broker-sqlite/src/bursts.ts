// Runs of entries that were appended one behind the other in a turn, as clients' bursts are. They travel to the writing thread as one
// call, and what became of them comes back as one answer: a message for each costs more than its row. What is the same as in the entry
// before is not said again. Each is still stored, or refused, by itself.

import type { Retention } from '@trunkline/broker';
import type { KeptThread } from './kept-thread.js';
import { keyText } from './key-text.js';
import type { AppendCall, AppendDone, Refusal, WriterCall } from './messages.js';
import type { PendingRun } from './pending-run.js';

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
 * What became of each in turn: a number is the offset of a new entry, a negative one says how many new ones there are from the offset after it
 * on, and an object is anything else. A text is no answer but the epoch of the answers after it.
 */
export type BurstDone = readonly (string | number | BurstOther)[];
type BurstOther = { readonly refusal: Refusal } | { readonly repeat: readonly [offset: number, at: number] };

/** Who is told what became of the entries of each run, in the order of commits. */
export interface BurstSettle {
  stored(
    run: PendingRun,
    index: number,
    count: number,
    epoch: string,
    offset: number,
    at: number,
    duplicate: boolean,
  ): void;
  refused(run: PendingRun, index: number, refusal: Refusal): void;
}

/** The calling side. */
export class Bursts {
  readonly #link: KeptThread<WriterCall>;
  readonly #randomEpoch: () => string;
  readonly #settle: BurstSettle;
  #call: BurstCall | null = null;
  /** Of the newest call. */
  #runs: PendingRun[] = [];
  /** Of the run before. */
  #retain: Retention | null = null;

  constructor(link: KeptThread<WriterCall>, randomEpoch: () => string, settle: BurstSettle) {
    this.#link = link;
    this.#randomEpoch = randomEpoch;
    this.#settle = settle;
  }

  /** Appends a run that begins. @param after 0: of none. */
  append(run: PendingRun, retain: Retention | null, after: number): void {
    const call = this.#open;
    const before = this.#runs.at(-1);
    if (call === null || before === undefined) return this.#begin(run, retain, after);
    const isSameRetain = isSame(retain, this.#retain);
    if (isSameRetain && follows(run, before, after)) call.words.push(run.data[0]);
    else this.#say(call, run, before, isSameRetain ? SAME : retain && { ...retain }, after);
    call.count += 1;
    this.#retain = retain;
    this.#runs.push(run);
  }

  /** Whether one more could still be appended to the run: it is the last of all, and has not left. */
  add(run: PendingRun, data: string): boolean {
    const call = this.#open;
    if (call === null || this.#runs.at(-1) !== run) return false;
    call.words.push(data);
    run.data.push(data);
    call.count += 1;
    return true;
  }

  /** The call that may be added to: only what is last and has not left, as calls keep their order. */
  get #open(): BurstCall | null {
    const call = this.#call;
    return call !== null && this.#link.newestUnsent === call && call.count < MAX_BURST ? call : null;
  }

  #begin(run: PendingRun, retain: Retention | null, after: number): void {
    const runs = [run];
    const call: BurstCall = { type: 'burst', words: [], count: 1 };
    this.#say(call, run, undefined, retain && { ...retain }, after);
    this.#call = call;
    this.#runs = runs;
    this.#retain = retain;
    this.#link.call(call, {
      done: (value) => this.#tell(runs, value as BurstDone),
      refused: (refusal) => {
        for (const one of runs) for (const index of one.data.keys()) this.#settle.refused(one, index, refusal);
      },
    });
  }

  #say(call: BurstCall, run: PendingRun, before: PendingRun | undefined, retain: unknown, after: number): void {
    const { stream, user, producer, owner } = run;
    const isSameStream = stream === before?.stream;
    call.words.push(
      run.at,
      isSameStream ? SAME : keyText(stream),
      isSameStream ? SAME : this.#randomEpoch(),
      retain,
      user === before?.user ? SAME : user,
      producer === before?.producer ? SAME : producer && keyText(producer),
      owner === before?.owner ? SAME : owner && keyText(owner),
      run.seq,
      after,
      run.outbox ? 1 : 0,
      run.data[0],
    );
  }

  #tell(runs: readonly PendingRun[], done: BurstDone): void {
    let [epoch, next, index, count] = ['', 0, 0, 1];
    for (const word of done) {
      if (typeof word === 'string') epoch = word;
      else if (typeof word === 'number' && word < 0) count = -word;
      else {
        // New entries of one answer may be of several runs that follow each other.
        for (let told = 0; told < count; ) {
          const run = runs[next] as PendingRun;
          const ofRun = Math.min(count - told, run.data.length - index);
          if (typeof word === 'number') {
            this.#settle.stored(run, index, ofRun, epoch, word + told, run.at, false);
          } else if ('refusal' in word) this.#settle.refused(run, index, word.refusal);
          else this.#settle.stored(run, index, 1, epoch, word.repeat[0], word.repeat[1], true);
          told += ofRun;
          index += ofRun;
          if (index === run.data.length) [next, index] = [next + 1, 0];
        }
        count = 1;
      }
    }
  }
}

/** Whether nothing but its data has to be said. */
function follows(run: PendingRun, before: PendingRun, after: number): boolean {
  const last = before.seq === null ? null : before.seq + before.data.length - 1;
  return (
    run.stream === before.stream &&
    run.at === before.at &&
    run.user === before.user &&
    run.producer === before.producer &&
    run.owner === before.owner &&
    run.outbox === before.outbox &&
    (run.seq === null || last === null ? run.seq === last && after === 0 : run.seq === last + 1 && after === last)
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

/** Puts the answers of a burst's entries together. */
export class BurstAnswer {
  readonly words: (string | number | BurstOther)[] = [];
  #epoch = '';

  /** What became of one that is no new entry. */
  add(result: { readonly done: AppendDone } | { readonly refusal: Refusal }): void {
    if ('refusal' in result) {
      this.words.push({ refusal: result.refusal });
      return;
    }
    const [repeat] = result.done.repeats;
    if (repeat === undefined) return this.addStored(result.done.epoch, result.done.from + 1, 1);
    this.#of(result.done.epoch);
    this.words.push({ repeat: [repeat[1], repeat[2]] });
  }

  /** New entries. */
  addStored(epoch: string, offset: number, count: number): void {
    this.#of(epoch);
    if (count > 1) this.words.push(-count);
    this.words.push(offset);
  }

  #of(epoch: string): void {
    if (epoch !== this.#epoch) this.words.push(epoch);
    this.#epoch = epoch;
  }
}

/** About the bytes that will be written: characters of texts, and some for all else. */
export function sizeOf({ words, count }: BurstCall): number {
  let size = 64 * count;
  for (const word of words) if (typeof word === 'string') size += word.length;
  return size;
}
