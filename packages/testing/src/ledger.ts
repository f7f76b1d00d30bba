// What is true in the simulated world: every entry that a store has ever committed, which of them somebody was shown, and how
// much retention has left of them. Everything that servers and clients say is held against it.

import type { Journal } from './journal.js';
import type { Simulator } from './simulator.js';

/** An entry as the store got it. */
export interface Stored {
  readonly stream: string;
  readonly epoch: string;
  readonly offset: number;
  readonly at: number;
  /** As JSON text. */
  readonly data: string;
  readonly user: string | null;
  /** The producer's key, with its user. */
  readonly producer: string | undefined;
  readonly seq: number | undefined;
  /** The word that its publisher put into it. */
  readonly id: string | undefined;
  readonly committedMs: number;
  /** From when on it survives everything. */
  durableMs: number;
  /** Somebody was told of it: acknowledged, or delivered. */
  isShown: boolean;
}

export type NewStored = Omit<Stored, 'id' | 'isShown' | 'committedMs'>;

/** One epoch of a stream. */
export class History {
  readonly entries: Stored[] = [];
  /** Entries up to here are no longer kept. */
  floor = 0;
  readonly bySource = new Map<string, Stored>();
  readonly byId = new Map<string, Stored>();
  readonly lastSeq = new Map<string, number>();

  constructor(
    readonly stream: string,
    readonly epoch: string,
  ) {}

  get head(): number {
    return this.entries.length;
  }
  at(offset: number): Stored | undefined {
    return this.entries[offset - 1];
  }
}

export class Ledger {
  readonly #histories = new Map<string, History>();
  /** The epoch that a stream is in. */
  readonly #current = new Map<string, History>();

  constructor(
    private readonly simulator: Simulator,
    private readonly journal: Journal,
  ) {}

  get streams(): readonly string[] {
    return [...this.#current.keys()];
  }

  current(stream: string): History | undefined {
    return this.#current.get(stream);
  }
  history(stream: string, epoch: string | null): History | undefined {
    return this.#histories.get(`${stream} ${epoch}`);
  }
  find(stream: string, epoch: string | null, offset: number): Stored | undefined {
    return this.history(stream, epoch)?.at(offset);
  }

  /** All entries with this word: more than one only where the store has forgotten the first with its whole history. */
  withId(id: string): Stored[] {
    return [...this.#histories.values()].flatMap((history) => history.byId.get(id) ?? []);
  }

  /** The store committed an entry. */
  committed(given: NewStored): void {
    const { stream, epoch, offset, producer, seq } = given;
    const history = this.#begin(stream, epoch);
    const { id } = JSON.parse(given.data) as { id?: string };
    const entry: Stored = { ...given, id, committedMs: this.simulator.nowMs, isShown: false };
    const name = `${stream} ${epoch}:${offset}`;
    if (offset !== history.head + 1) {
      this.journal.broken('G1 order', `${name} was stored while the head is ${history.head}`);
      return;
    }
    if (producer !== undefined && seq !== undefined) {
      const first = history.bySource.get(`${producer} ${seq}`);
      if (first !== undefined) {
        this.journal.broken('G3 once', `${name} repeats ${producer} ${seq}, stored at ${first.offset}`);
      }
      const last = history.lastSeq.get(producer) ?? 0;
      if (seq < last) this.journal.broken('G11 producer order', `${name}: ${producer} ${seq} was stored after ${last}`);
      history.bySource.set(`${producer} ${seq}`, entry);
      history.lastSeq.set(producer, Math.max(seq, last));
    }
    if (id !== undefined) {
      const first = history.byId.get(id);
      if (first !== undefined) this.journal.broken('G3 once', `${name} is "${id}", as ${first.offset} is already`);
      history.byId.set(id, entry);
    }
    history.entries.push(entry);
    this.journal.count('entries stored');
  }

  /** Retention has let go of everything up to `floor`. */
  trimmed(stream: string, floor: number): void {
    const history = this.#current.get(stream);
    if (history === undefined || floor <= history.floor) return;
    this.journal.count('entries trimmed', floor - history.floor);
    history.floor = floor;
  }

  /** The store came back, and this is what it has. What it lost must not have been shown to anyone. */
  recovered(stream: string, epoch: string, head: number, floor: number): void {
    const history = this.#begin(stream, epoch);
    if (head > history.head) {
      this.journal.broken('G10 restart', `${stream} came back with ${head} entries, ${history.head} were stored`);
      return;
    }
    for (const lost of history.entries.splice(head)) {
      this.journal.count('entries lost that nobody was told of');
      if (lost.isShown) {
        this.journal.broken('G2 stored', `${stream} ${lost.offset} "${lost.id}" was told of, and is lost`);
      }
      history.bySource.delete(`${lost.producer} ${lost.seq}`);
      if (lost.id !== undefined) history.byId.delete(lost.id);
    }
    history.lastSeq.clear();
    for (const entry of history.entries) {
      const { producer, seq } = entry;
      // Who opens the file syncs what is in its log.
      entry.durableMs = Math.min(entry.durableMs, this.simulator.nowMs);
      if (producer !== undefined && seq !== undefined) history.lastSeq.set(producer, seq);
    }
    // What was let go of comes back too, if that was not on the disk.
    history.floor = floor;
  }

  /** The store came back, and has nothing of these streams. */
  vanished(streams: readonly string[]): void {
    for (const stream of streams) {
      const history = this.#current.get(stream);
      if (history !== undefined) this.recovered(stream, history.epoch, 0, 0);
      this.#current.delete(stream);
    }
  }

  /** The store was thrown away, as a memory broker is with its process: what comes now is another history. */
  abandoned(): void {
    this.#current.clear();
  }

  #begin(stream: string, epoch: string): History {
    const key = `${stream} ${epoch}`;
    const known = this.#histories.get(key);
    if (known !== undefined) {
      this.#current.set(stream, known);
      return known;
    }
    const history = new History(stream, epoch);
    this.#histories.set(key, history);
    this.#current.set(stream, history);
    return history;
  }
}
