// What the memory broker knows of calls that must not run twice.

import type { ProducerSeq } from './broker.js';
import { checkResult, checkSource, checkTtl } from './check-arguments.js';
import type { CallState, KnownCall } from './results.js';

interface Remembered {
  readonly ttlMs: number;
  readonly forgetAtMs: number;
  readonly result: string | undefined;
}

export class ResultMemory {
  /** In the order in which they were begun or finished: with one `ttlMs` for all, the forgotten ones are in front. */
  readonly #calls = new Map<string, Remembered>();

  begin(caller: ProducerSeq, ttlMs: number, nowMs: number): CallState {
    checkTtl(ttlMs);
    this.#forget(nowMs);
    const known = this.recall(caller, nowMs);
    if (known !== null) return known;
    this.#put(caller, { ttlMs, forgetAtMs: nowMs + ttlMs, result: undefined });
    return { state: 'new' };
  }

  recall(caller: ProducerSeq, nowMs: number): KnownCall | null {
    checkSource(caller);
    const call = this.#calls.get(keyOf(caller));
    if (call === undefined || call.forgetAtMs <= nowMs) return null;
    return call.result === undefined ? { state: 'begun' } : { state: 'done', result: call.result };
  }

  finish(caller: ProducerSeq, result: string, nowMs: number): void {
    checkResult(result);
    if (this.recall(caller, nowMs)?.state !== 'begun') return;
    const { ttlMs } = this.#calls.get(keyOf(caller)) as Remembered;
    this.#put(caller, { ttlMs, forgetAtMs: nowMs + ttlMs, result });
  }

  clear(): void {
    this.#calls.clear();
  }

  #put(caller: ProducerSeq, call: Remembered): void {
    this.#calls.delete(keyOf(caller));
    this.#calls.set(keyOf(caller), call);
  }

  #forget(nowMs: number): void {
    for (const [key, { forgetAtMs }] of this.#calls) {
      if (forgetAtMs > nowMs) return;
      this.#calls.delete(key);
    }
  }
}

/** The number first: no text can be taken for another's end. */
const keyOf = ({ producer, seq }: ProducerSeq): string => `${seq}:${producer}`;
