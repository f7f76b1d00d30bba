// Brings indexes of words up to date in steps of a few milliseconds, each a transaction of its own between the writer's groups. A search waits
// until the index has all that was stored when it came; what nobody waits for is put in by the hundred, so that most publishes cost the
// disk nothing more.

import type { Answer, IndexCall, Refusal } from './messages.js';
import type { Writer } from './writer.js';

const STEP_MS = 3;
const ENTRIES_MIN = 16;
// FTS5 merges segments while it takes entries in: with 256 in a step one in a hundred took 200 ms.
const ENTRIES_MAX = 64;
/** With so many to do a search is not kept waiting: that would be a second or more. */
export const LAG_MAX = 10_000;

/** Also what a restart or a failed step left undone is for the next search. */
export class Filler {
  readonly #writer: Writer;
  readonly #waiting = new Map<string, { readonly id: number; readonly upTo: number }[]>();
  #entries = ENTRIES_MAX;

  constructor(writer: Writer) {
    this.#writer = writer;
  }

  get idle(): boolean {
    return this.#writer.lagging.size === 0;
  }

  /** A search came. Gives the answer, if there is one already. */
  want(id: number, { stream: name, fields }: IndexCall): Answer | null {
    const { streams, words, lagging } = this.#writer;
    const stream = streams.find(name);
    if (stream?.kind === 'table') return { id, refusal: { type: 'wrong_kind', kind: 'table' } };
    if (stream === undefined) return { id, done: null };
    if (!words.has(stream, fields)) this.#writer.inTransaction(() => words.want(stream, fields));
    const left = words.lag(stream);
    if (left === 0) return { id, done: null };
    lagging.add(name);
    if (left > LAG_MAX) return { id, refusal: { type: 'indexing', left } };
    const waiting = this.#waiting.get(name) ?? [];
    this.#waiting.set(name, [...waiting, { id, upTo: stream.head }]);
    return null;
  }

  /** One step. `clock` measures it. Gives answers to those who need wait no longer. */
  step(clock: () => number): Answer[] {
    // Those that a search waits for first.
    const [first] = this.#writer.lagging;
    const [name = first] = this.#waiting.keys();
    if (name === undefined) return [];
    const began = clock();
    this.#writer.inTransaction(() => {
      const stream = this.#writer.streams.find(name);
      if (stream !== undefined) this.#writer.words.fill(stream, this.#entries);
    });
    const tookMs = clock() - began;
    if (tookMs > STEP_MS) this.#entries = Math.max(ENTRIES_MIN, this.#entries >> 1);
    else if (tookMs < STEP_MS / 3) this.#entries = Math.min(ENTRIES_MAX, this.#entries * 2);
    return this.#answers(name);
  }

  #answers(name: string): Answer[] {
    const { streams, words, lagging } = this.#writer;
    const stream = streams.find(name);
    // Removed meanwhile: there is nothing to find.
    const isDone = stream === undefined || words.lag(stream) === 0;
    if (isDone) lagging.delete(name);
    const upTo = stream?.index?.next === null ? stream.index.upTo : 0;
    const waiting = this.#waiting.get(name) ?? [];
    const late = waiting.filter((one) => !isDone && one.upTo > upTo);
    if (late.length === 0) this.#waiting.delete(name);
    else this.#waiting.set(name, late);
    return waiting.filter((one) => !late.includes(one)).map(({ id }) => ({ id, done: null }));
  }

  /** Something failed. */
  giveUp(refusal: Refusal): Answer[] {
    const waiting = [...this.#waiting.values()].flat();
    this.#waiting.clear();
    this.#writer.lagging.clear();
    return waiting.map(({ id }) => ({ id, refusal }));
  }
}
