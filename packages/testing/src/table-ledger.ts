// What is true of tables in the simulated world: every step that was ever taken, what each row was at each offset, and what the table
// looked like as a whole. All that servers and clients say of tables is held against it.

import type { Row, RowChange, Tombstone } from '@trunkline/broker';
import { Graves } from './graves.js';
import type { Journal } from './journal.js';
import type { Simulator } from './simulator.js';
import { hashOf, mixed } from './table-hash.js';
import { tableOf } from './tables.js';

/** A row from an offset on; `undefined`: there is none. */
export interface Version {
  readonly offset: number;
  readonly hash: number | undefined;
  /** The row goes by itself. */
  readonly mayExpire: boolean;
}

export interface Step {
  readonly offset: number;
  /** `producer` with its user, and `seq`, where a client took it. */
  readonly source: string | undefined;
  readonly keys: readonly string[];
  /** The words that it wrote. */
  readonly words: readonly string[];
  /** What the whole table looks like after it. */
  readonly look: number;
  readonly committedMs: number;
  /** From when on it survives everything. */
  durableMs: number;
  isShown: boolean;
}

/** A step, as a store took it. */
export interface NewStep {
  readonly stream: string;
  readonly epoch: string;
  readonly from: number;
  readonly to: number;
  readonly rows: readonly Pick<Row, 'key' | 'data' | 'expiresAt'>[];
  readonly gone: readonly Pick<Tombstone, 'key'>[];
  readonly durableMs: number;
  readonly source?: { readonly producer: string; readonly seq: number } | undefined;
  /** What was asked for, where it was a change. */
  readonly asked?: readonly RowChange[] | undefined;
  /** The store's clock, where rows went by themselves. */
  readonly expiredMs?: number | undefined;
}

/** One epoch of a table. */
export class TableHistory {
  /** Offset `n` is at `n - 1`. */
  readonly steps: Step[] = [];
  readonly versions = new Map<string, Version[]>();
  readonly byWord = new Map<string, number>();
  readonly bySource = new Map<string, Step>();
  readonly lastSeq = new Map<string, number>();
  readonly expiries = new Map<string, number | undefined>();
  /** Of the rows that there are, in JSON. */
  readonly #bytes = new Map<string, number>();
  /** The offset at which a server had loaded it; 0: it began empty. */
  loaded = 0;
  /** What the table looks like now. */
  look = 0;

  readonly graves: Graves;

  /** @param tombstones deletions that are remembered */
  constructor(
    readonly stream: string,
    readonly epoch: string,
    tombstones = Number.POSITIVE_INFINITY,
  ) {
    this.graves = new Graves(tombstones);
  }

  get head(): number {
    return this.steps.length;
  }
  at(offset: number): Step | undefined {
    return this.steps[offset - 1];
  }
  row(key: string): Version | undefined {
    return this.versions.get(key)?.at(-1);
  }
  rowAt(key: string, offset: number): Version | undefined {
    return this.versions.get(key)?.findLast((version) => version.offset <= offset);
  }
  /** Keys of the rows that there are. */
  get keys(): string[] {
    return [...this.versions].filter(([, versions]) => versions.at(-1)?.hash !== undefined).map(([key]) => key);
  }
  /** Keys of the rows that were deleted, and where. */
  get gone(): (readonly [key: string, offset: number])[] {
    return [...this.versions].flatMap(([key, versions]) => {
      const last = versions.at(-1);
      return last !== undefined && last.hash === undefined ? [[key, last.offset] as const] : [];
    });
  }
  /** What the table looked like at an offset. */
  lookAt(offset: number): number | undefined {
    return offset === 0 ? 0 : this.at(offset)?.look;
  }

  /** Characters of all rows in JSON. */
  get bytes(): number {
    let bytes = 0;
    for (const size of this.#bytes.values()) bytes += size;
    return bytes;
  }

  /** Whether these could be the rows that a store has of this offset: the store lets rows go by themselves too. */
  couldBe(offset: number, rows: ReadonlyMap<string, number>): boolean {
    let found = 0;
    for (const key of this.versions.keys()) {
      const version = this.rowAt(key, offset);
      const hash = rows.get(key);
      if (hash !== undefined) found += 1;
      if (version?.hash !== hash && !(hash === undefined && version?.mayExpire === true)) return false;
    }
    return found === rows.size;
  }

  put(key: string, offset: number, hash: number | undefined, bytes = 0, mayExpire = false): void {
    if (hash === undefined) this.#bytes.delete(key);
    else this.#bytes.set(key, bytes + key.length + 4);
    const versions = this.versions.get(key) ?? [];
    this.versions.set(key, versions);
    this.look = mixed(this.look, key, versions.at(-1)?.hash, hash);
    versions.push({ offset, hash, mayExpire });
    this.graves.changed(key, offset, hash === undefined);
  }
}

export class TableLedger {
  readonly #histories = new Map<string, TableHistory[]>();
  readonly #current = new Map<string, TableHistory>();
  /** What the process that is gone had in its memory. */
  readonly #left = new Map<
    string,
    { readonly history: TableHistory; readonly atMs: number; readonly isWell: boolean }
  >();

  /** `client stream` of those who came too late for deletions, were told to begin anew, and had to be. */
  readonly late = new Set<string>();

  /** @param tombstones deletions that stores remember of a durable table */
  constructor(
    private readonly simulator: Simulator,
    private readonly journal: Journal,
    private readonly tombstones: number,
  ) {}

  current(stream: string): TableHistory | undefined {
    return this.#current.get(stream);
  }
  /** Every epoch that the table was in, the first one first. */
  all(stream: string): readonly TableHistory[] {
    return this.#histories.get(stream) ?? [];
  }
  history(stream: string, epoch: string | null): TableHistory | undefined {
    return this.all(stream).findLast((history) => history.epoch === epoch);
  }
  /** Durable tables that have a history. */
  get durable(): readonly TableHistory[] {
    return [...this.#current.values()].filter(({ stream }) => tableOf(stream)?.keep === 'durable');
  }

  begin(stream: string, epoch: string): TableHistory {
    const known = this.history(stream, epoch);
    const isDurable = tableOf(stream)?.keep === 'durable';
    const history = known ?? new TableHistory(stream, epoch, isDurable ? this.tombstones : undefined);
    if (known === undefined) this.#histories.set(stream, [...this.all(stream), history]);
    this.#current.set(stream, history);
    return history;
  }

  /** The process that had it in its memory is gone. @param isWell the store took all it was given in the last seconds */
  ended(stream: string, isWell: boolean): void {
    const history = this.#current.get(stream);
    if (history !== undefined) this.#left.set(stream, { history, atMs: this.simulator.nowMs, isWell });
    this.#current.delete(stream);
    if (tableOf(stream)?.keep === 'memory') this.#empty(stream);
  }
  /** The store was thrown away. */
  abandoned(): void {
    for (const { stream } of this.durable) {
      this.#current.delete(stream);
      this.#empty(stream);
    }
    this.#left.clear();
  }

  /** There is no row, and no history yet. */
  #empty(stream: string): void {
    this.#histories.set(stream, [...this.all(stream), new TableHistory(stream, '')]);
  }

  /** A process begins with these rows of a table that is kept by checkpoints: what they were at a moment no older than that. */
  loaded(stream: string, epoch: string | null, rows: readonly Row[], noOlderMs: number): void {
    const hashes = new Map(rows.map(({ key, data }) => [key, hashOf(JSON.parse(data) as object)]));
    const left = this.#left.get(stream);
    if (left !== undefined) {
      const { history, atMs, isWell } = left;
      const since = isWell
        ? (history.steps.findLast(({ committedMs }) => committedMs <= atMs - noOlderMs)?.offset ?? 0)
        : 0;
      let offset = history.head;
      while (offset >= since && !history.couldBe(offset, hashes)) offset -= 1;
      if (offset < since) {
        this.journal.broken(
          'G2 stored',
          `${stream} came back neither as it was after ${since} nor as at any time since`,
        );
      }
      if (offset < history.head) this.journal.count('tables that stepped back');
    }
    if (epoch === null) return this.#empty(stream);
    this.begin(stream, epoch).loaded = 1;
    this.stepped({ stream, epoch, from: 0, to: 1, rows, gone: [], durableMs: this.simulator.nowMs });
  }

  /** A store took a step, or rows went by themselves. */
  stepped(given: NewStep): void {
    const { stream, epoch, from, to, rows, gone, source, asked, expiredMs } = given;
    const history = this.begin(stream, epoch);
    const name = `${stream} ${epoch}:${to}`;
    if (asked !== undefined) this.#conditions(history, name, asked);
    if (expiredMs !== undefined) this.#expired(history, name, gone, expiredMs);
    for (const change of asked ?? []) {
      if ('delete' in change) history.expiries.delete(change.key);
      else history.expiries.set(change.key, change.expiresAt);
    }
    if (source !== undefined) this.#source(history, name, source);
    if (to === from) {
      if (source !== undefined) this.#remember(history, source, history.at(to));
      return;
    }
    if (from !== history.head || to !== from + 1) {
      this.journal.broken('G6 forward', `${name} was taken from ${from} while the head is ${history.head}`);
      return;
    }
    const words = new Set<string>();
    for (const { key, data, expiresAt } of rows) {
      const row = JSON.parse(data) as { readonly by: string };
      words.add(row.by);
      history.put(key, to, hashOf(row), data.length, expiresAt !== undefined);
    }
    for (const { key } of gone) history.put(key, to, undefined);
    history.graves.forget();
    const step: Step = {
      offset: to,
      source: source && sourceText(source),
      keys: [...rows, ...gone].map(({ key }) => key),
      words: [...words],
      look: history.look,
      committedMs: this.simulator.nowMs,
      durableMs: given.durableMs,
      isShown: false,
    };
    history.steps.push(step);
    for (const word of words) this.#word(history, name, word, to);
    if (source !== undefined) this.#remember(history, source, step);
    this.journal.count(gone.length > 0 && expiredMs !== undefined ? 'rows expired' : 'steps taken');
    const isAnew = ({ key }: { readonly key: string }) => {
      const before = history.versions.get(key)?.at(-2);
      return before !== undefined && before.hash === undefined;
    };
    if (rows.some(isAnew)) this.journal.count('rows created anew');
  }

  /** The store came back with this. What it lost must not have been shown to anyone. */
  recovered(
    stream: string,
    epoch: string,
    head: number,
    floor: number,
    rows: readonly (readonly [key: string, data: string])[],
  ): void {
    const history = this.begin(stream, epoch);
    for (const lost of history.steps.splice(head)) {
      this.journal.count('steps lost that nobody was told of');
      if (lost.isShown) this.journal.broken('G2 stored', `${stream} step ${lost.offset} was told of, and is lost`);
    }
    // Who opens the file syncs what is in its log.
    for (const step of history.steps) step.durableMs = Math.min(step.durableMs, this.simulator.nowMs);
    for (const versions of history.versions.values()) {
      while ((versions.at(-1)?.offset ?? 0) > head) versions.pop();
    }
    history.graves.recovered(floor, history.gone);
    for (const [word, offset] of history.byWord) if (offset > head) history.byWord.delete(word);
    for (const [source, { offset }] of history.bySource) if (offset > head) history.bySource.delete(source);
    history.lastSeq.clear();
    history.look = history.lookAt(history.head) ?? 0;
    history.expiries.clear();
    let look = 0;
    for (const [key, data] of rows) look = mixed(look, key, undefined, hashOf(JSON.parse(data) as object));
    if (head !== history.head || look !== history.look) {
      this.journal.broken('G10 restart', `${stream} came back at ${head} with other rows than were stored`);
    }
  }

  /** The store came back, and has only these streams. */
  vanished(names: ReadonlySet<string>): void {
    for (const { stream, epoch } of this.durable) {
      if (names.has(stream)) continue;
      this.recovered(stream, epoch, 0, 0, []);
      this.#current.delete(stream);
    }
  }

  /** Somebody was told of all steps up to `offset`. */
  shown(stream: string, epoch: string | null, offset: number): void {
    const history = this.history(stream, epoch);
    if (history === undefined) return;
    for (let at = offset; at > 0; at--) {
      const step = history.at(at);
      if (step === undefined) {
        this.journal.broken('G2 stored', `${stream} ${at} is told of, and the head is ${history.head}`);
        return;
      }
      if (step.isShown) return;
      if (step.durableMs > this.simulator.nowMs) {
        this.journal.broken('G2 stored', `${stream} ${at} is told of before it is on the disk`);
      }
      step.isShown = true;
    }
  }

  #conditions(history: TableHistory, name: string, asked: readonly RowChange[]): void {
    for (const { key, if: wanted } of asked) {
      if (wanted === undefined) continue;
      const row = history.row(key);
      const actual = row?.hash === undefined ? 0 : row.offset;
      if (actual !== wanted)
        this.journal.broken('TAB-8', `${name}: ${key} was to be at ${wanted}, and is at ${actual}`);
    }
  }

  #expired(history: TableHistory, name: string, gone: NewStep['gone'], nowMs: number): void {
    for (const { key } of gone) {
      const expiresAt = history.expiries.get(key);
      // Of what was written in an earlier life of the store nothing is known here.
      if (!history.expiries.has(key) || (expiresAt !== undefined && expiresAt <= nowMs)) continue;
      this.journal.broken('G6 expiry', `${name}: ${key} went at ${nowMs}, and expires at ${expiresAt}`);
    }
    for (const { key } of gone) history.expiries.delete(key);
  }

  #source(history: TableHistory, name: string, { producer, seq }: NonNullable<NewStep['source']>): void {
    const first = history.bySource.get(sourceText({ producer, seq }));
    if (first !== undefined) {
      this.journal.broken('G3 once', `${name} repeats ${producer} ${seq}, taken at ${first.offset}`);
    }
    const last = history.lastSeq.get(producer) ?? 0;
    if (seq < last) this.journal.broken('G11 producer order', `${name}: ${producer} ${seq} was taken after ${last}`);
    history.lastSeq.set(producer, Math.max(seq, last));
  }

  #remember(history: TableHistory, source: NonNullable<NewStep['source']>, step: Step | undefined): void {
    if (step !== undefined) history.bySource.set(sourceText(source), step);
  }

  /** A word stands for one change: it is written at one offset. */
  #word(history: TableHistory, name: string, word: string, offset: number): void {
    const first = history.byWord.get(word);
    // What came before a crash may come again after it, where a table and its producers are in a server's memory.
    if (first === undefined || first <= history.loaded) history.byWord.set(word, offset);
    else if (first !== offset) this.journal.broken('G3 once', `${name} writes "${word}", as ${first} did already`);
  }
}

function sourceText({ producer, seq }: { readonly producer: string; readonly seq: number }): string {
  return `${producer} ${seq}`;
}
