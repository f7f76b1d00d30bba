// What is true in the simulated world: every entry that a store has ever committed, which of them somebody was shown, and how
// much retention has left of them. Everything that servers and clients say is held against it.

import { changesOf, type Form, formOf } from './entry-forms.js';
import type { Journal } from './journal.js';
import type { Simulator } from './simulator.js';

/** An entry as the store got it. */
export interface Stored {
  readonly stream: string;
  readonly epoch: string;
  readonly offset: number;
  readonly at: number;
  readonly user: string | null;
  /** The producer's key, with its user. */
  readonly producer: string | undefined;
  readonly seq: number | undefined;
  /** The word that its publisher put into it, or into the edit that it records. */
  readonly id: string | undefined;
  /** Of a record: the offset of the entry that it amends. */
  readonly amends: number | undefined;
  /** Of an entry: what it was, the newest last. A record has none. */
  readonly forms: Form[];
  readonly committedMs: number;
  /** From when on it survives everything. */
  durableMs: number;
  /** Somebody was told of it: acknowledged, or delivered. */
  isShown: boolean;
}

export interface NewStored extends Omit<Stored, 'id' | 'isShown' | 'committedMs' | 'amends' | 'forms'> {
  /** As JSON text: of the entry, or what the record makes of one. */
  readonly data: string;
  /** Of a record. */
  readonly amends?: { readonly offset: number; readonly state: string };
}

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

  isRecord(offset: number): boolean {
    return this.at(offset)?.amends !== undefined;
  }
  /** Entries in `(from, to]`: records are none. */
  count(from: number, to: number): number {
    let count = 0;
    for (let offset = from + 1; offset <= to; offset++) if (!this.isRecord(offset)) count += 1;
    return count;
  }
  /** Where the newest `count` entries up to `head` begin; 0 if there are not as many. */
  back(head: number, count: number): number {
    let offset = head;
    for (let left = count; offset > 0 && left > 0; offset--) if (!this.isRecord(offset)) left -= 1;
    // Records before the first one of them are no more than those.
    return offset;
  }
  /** The newest entry. */
  get last(): number {
    let offset = this.head;
    while (this.isRecord(offset)) offset -= 1;
    return offset;
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

  /** The history in which an entry of the stream stands in this place. One that had this look is better than one that had not. */
  holding(stream: string, offset: number, at: number, look: string): History | undefined {
    const all = [...this.#histories.values()].filter((history) => {
      const entry = history.stream === stream ? history.at(offset) : undefined;
      return entry?.at === at && entry.amends === undefined;
    });
    const hadLook = (history: History) => history.at(offset)?.forms.some((form) => form.look === look) === true;
    return all.findLast(hadLook) ?? all.at(-1);
  }

  /** The store committed an entry, or the record of an amendment. */
  committed(given: NewStored): void {
    const { stream, epoch, offset, producer, seq } = given;
    const history = this.#begin(stream, epoch);
    const { data, amends, ...rest } = given;
    const form = formOf(offset, data, amends?.state);
    const amended = amends && history.at(amends.offset);
    // A reaction leaves the word of the entry as it is: it is nobody's new one.
    const id = amended?.forms.some((known) => known.data === data) === true ? undefined : form.word;
    const committedMs = this.simulator.nowMs;
    const forms = amends === undefined ? [form] : [];
    const entry: Stored = { ...rest, id, amends: amends?.offset, forms, committedMs, isShown: false };
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
    if (amends === undefined) return this.journal.count('entries stored');
    if (amended === undefined || amended.amends !== undefined || amended.forms.at(-1)?.isDeleted === true) {
      this.journal.broken('AMD-4', `${name} amends ${amends.offset}, which is no entry, or was deleted`);
    }
    if (form.isDeleted && data !== 'null')
      this.journal.broken('AMD-4', `${name} deletes an entry that still says ${data}`);
    const before = amended?.forms.at(-1);
    const changes = before === undefined ? [] : changesOf(before, form);
    if (changes.length > 1) this.journal.broken('AMD-4', `${name} does more than one thing: ${changes.join(', ')}`);
    amended?.forms.push(form);
    this.journal.count(form.isDeleted ? 'entries deleted' : 'entries amended');
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
      const { forms } = history.at(lost.amends ?? 0) ?? {};
      if (forms?.at(-1)?.offset === lost.offset) forms.pop();
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
