// What the memory broker knows of a stream's producers: which offset each of their publishes got, for 7 days after the last.

import { type Offset, PRODUCER_MEMORY_MS, type StreamName } from '@trunkline/protocol';
import type { ProducerSeq } from './broker.js';
import { BrokerUnavailableError, OutOfOrderError } from './errors.js';

/** The publishes of one producer to one stream, in parallel arrays: `seqs` only ever grows, so a search halves it. */
interface Producer {
  readonly seqs: number[];
  readonly offsets: number[];
  readonly ats: number[];
  usedAtMs: number;
}

/** What was stored under a source. */
export interface Remembered {
  readonly offset: Offset;
  readonly at: number;
}

export class ProducerMemory {
  /** In order of last use, so that the forgotten ones are in front. */
  readonly #producers = new Map<string, Producer>();

  lookup({ producer: key, seq }: ProducerSeq): Remembered | null {
    const producer = this.#producers.get(key);
    const index = producer === undefined ? -1 : indexOfSeq(producer.seqs, seq);
    const offset = producer?.offsets[index];
    const at = producer?.ats[index];
    return offset === undefined || at === undefined ? null : { offset, at };
  }

  /** The highest seq of the producer that is stored; 0 if there is none. */
  lastOf(producer: string): number {
    return this.#producers.get(producer)?.seqs.at(-1) ?? 0;
  }

  /**
   * What is stored under the source, or `null` if it may be stored now.
   * @param last highest seq of the producer so far
   * @throws OutOfOrderError
   */
  admit(stream: StreamName, source: ProducerSeq, last = this.lastOf(source.producer)): Remembered | null {
    const stored = this.lookup(source);
    if (stored === null && source.seq < last) throw new OutOfOrderError(stream, source.producer, source.seq, last);
    return stored;
  }

  /** @throws BrokerUnavailableError unless `after` of the source's producer is stored: what follows it must not overtake it. */
  mustKnow(source: ProducerSeq | undefined, after: number): void {
    const last = source === undefined ? 0 : this.lastOf(source.producer);
    if (last >= after) return;
    throw new BrokerUnavailableError(`seq ${after} of the producer is not stored: this comes after it`);
  }

  remember({ producer: key, seq }: ProducerSeq, offset: Offset, at: number): void {
    let producer = this.#producers.get(key);
    if (producer === undefined) {
      producer = { seqs: [], offsets: [], ats: [], usedAtMs: 0 };
      this.#producers.set(key, producer);
    }
    producer.seqs.push(seq);
    producer.offsets.push(offset);
    producer.ats.push(at);
  }

  touch(key: string, nowMs: number): void {
    const producer = this.#producers.get(key);
    if (producer === undefined || producer.usedAtMs === nowMs) return;
    producer.usedAtMs = nowMs;
    this.#producers.delete(key);
    this.#producers.set(key, producer);
  }

  forget(nowMs: number): void {
    for (const [key, producer] of this.#producers) {
      if (producer.usedAtMs > nowMs - PRODUCER_MEMORY_MS) return;
      this.#producers.delete(key);
    }
  }
}

function indexOfSeq(seqs: readonly number[], seq: number): number {
  let low = 0;
  let high = seqs.length - 1;
  while (low <= high) {
    const middle = (low + high) >>> 1;
    const found = seqs[middle] ?? 0;
    if (found === seq) return middle;
    if (found < seq) low = middle + 1;
    else high = middle - 1;
  }
  return -1;
}
