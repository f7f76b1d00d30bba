// What every broker refuses before it looks at its store: calls that can never be right. They are mistakes of the calling
// program, so they are plain TypeErrors and RangeErrors, not `BrokerError`s.

import type { Amendment } from './amendments.js';
import type { AppendOptions, NewEntry, PageLimit, ProducerSeq } from './broker.js';

/** Longest `producer` of a source, in UTF-16 code units. */
export const MAX_PRODUCER_LENGTH = 512;

/**
 * @throws TypeError or RangeError when an entry is malformed, two entries share a source, or an option is out of range.
 */
export function checkAppend(entries: readonly NewEntry[], options: AppendOptions | undefined): void {
  for (const entry of entries) checkEntry(entry);
  if (entries.length > 1) checkSources(entries);
  if (options === undefined) return;
  const { fence, retain, after } = options;
  checkFence(fence);
  checkAfter(after);
  if (retain?.entries !== undefined && !isPositiveInteger(retain.entries)) {
    throw new RangeError(`retain.entries must be an integer of at least 1, not ${retain.entries}`);
  }
  if (retain?.ageMs !== undefined && !(retain.ageMs > 0)) {
    throw new RangeError(`retain.ageMs must be above 0, not ${retain.ageMs}`);
  }
  if (retain?.bytes !== undefined && !isPositiveInteger(retain.bytes)) {
    throw new RangeError(`retain.bytes must be an integer of at least 1, not ${retain.bytes}`);
  }
}

/** @throws TypeError or RangeError when an amendment is malformed, or an option is out of range. */
export function checkAmend(
  amendment: Amendment,
  options: Pick<AppendOptions, 'fence' | 'after' | 'outbox'> | undefined,
): void {
  checkAppend([amendment], options);
  const { offset, expects, state } = amendment;
  if (!isPositiveInteger(offset)) throw new RangeError(`offset must be 1, 2, 3 …, not ${offset}`);
  if (expects !== 0 && !isPositiveInteger(expects)) throw new RangeError(`expects must be an offset, not ${expects}`);
  if (!isStorable(state)) throw new TypeError('state must be JSON text');
}

/** @throws RangeError when what `tail` is asked is no offset, or no count. */
export function checkTail(after: number, count: number): void {
  for (const value of [after, count]) {
    if (!Number.isSafeInteger(value) || value < 0) throw new RangeError(`must be a whole number from 0, not ${value}`);
  }
}

/** @throws RangeError when it is no time. */
export function checkTime(at: number): void {
  if (!Number.isSafeInteger(at)) throw new RangeError(`at must be whole milliseconds, not ${at}`);
}

/** @throws RangeError when it is no fencing token. */
export function checkFence(fence: number | undefined): void {
  if (fence === undefined || (Number.isSafeInteger(fence) && fence >= 0)) return;
  throw new RangeError(`fence must be a token from lease(), not ${fence}`);
}

/** @throws RangeError when it is no `seq`. */
export function checkAfter(after: number | undefined): void {
  if (after !== undefined && !isPositiveInteger(after)) throw new RangeError(`after must be a seq, not ${after}`);
}

/** @throws TypeError or RangeError when it names no publish of a producer. */
export function checkSource({ producer, seq }: ProducerSeq): void {
  if (typeof producer !== 'string' || producer.length > MAX_PRODUCER_LENGTH) {
    throw new TypeError(`producer must be text of at most ${MAX_PRODUCER_LENGTH} characters`);
  }
  if (!isPositiveInteger(seq)) throw new RangeError(`seq must be 1, 2, 3 …, not ${seq}`);
}

/** @throws TypeError when it is no text that every store can keep. */
export function checkResult(result: string): void {
  if (!isStorable(result)) throw new TypeError('result must be text without NUL and halves of surrogate pairs');
}

/** @throws RangeError when a bound of the page is not positive. */
export function checkLimit(limit: PageLimit): void {
  if (!isPositiveInteger(limit.entries)) {
    throw new RangeError(`limit.entries must be an integer of at least 1, not ${limit.entries}`);
  }
  if (limit.bytes !== undefined && !(limit.bytes >= 0)) {
    throw new RangeError(`limit.bytes must be at least 0, not ${limit.bytes}`);
  }
}

/** @throws RangeError when a lease's time is not positive. */
export function checkTtl(ttlMs: number): void {
  if (!(ttlMs > 0 && ttlMs < Number.POSITIVE_INFINITY)) throw new RangeError(`ttlMs must be above 0, not ${ttlMs}`);
}

function checkEntry(entry: NewEntry): void {
  if (!Number.isSafeInteger(entry.at)) throw new TypeError(`at must be whole milliseconds, not ${entry.at}`);
  if (!isStorable(entry.data)) throw new TypeError('data must be JSON text');
  if (entry.user !== null && !isStorable(entry.user)) throw new TypeError('user must be JSON text or null');
  if (entry.owner !== undefined && typeof entry.owner !== 'string') throw new TypeError('owner must be text');
  if (entry.source !== undefined) checkSource(entry.source);
}

function checkSources(entries: readonly NewEntry[]): void {
  const seqs = new Map<string, Set<number>>();
  for (const { source } of entries) {
    if (source === undefined) continue;
    const seen = seqs.get(source.producer);
    if (seen === undefined) seqs.set(source.producer, new Set([source.seq]));
    else if (seen.has(source.seq))
      throw new TypeError(`two entries of one append have seq ${source.seq} of a producer`);
    else seen.add(source.seq);
  }
}

/**
 * Whether every store can keep the text: it lacks what no JSON text has (JSON.stringify escapes both), NUL and half of a surrogate pair. Asked of every
 * entry, and several times as fast as an expression.
 */
export function isStorable(text: unknown): text is string {
  return typeof text === 'string' && !text.includes('\0') && text.isWellFormed();
}

export function isPositiveInteger(value: number): boolean {
  return Number.isSafeInteger(value) && value >= 1;
}
