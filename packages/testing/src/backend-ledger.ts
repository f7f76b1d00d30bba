// What is true of a simulated back end that is told of entries: what servers sent it and in which order, what it took, what became a dead letter.
// All that servers do about it is held against that and the log (docs/guarantees.md, Told).

import type { DeadLetter } from '@trunkline/broker';
import type { Position } from '@trunkline/protocol';
import type { BackendRequest } from '@trunkline/server/parts';
import type { Journal } from './journal.js';
import type { History, Ledger } from './ledger.js';
import type { Simulator } from './simulator.js';

/** What is told of an entry. */
export type After = Extract<BackendRequest, { type: 'publish.after' }>['data'];

/** What one server knows of the telling: gone with it. */
export interface TellingLife {
  /** Of each log, what was told last. */
  readonly last: Map<string, number>;
  /** Taken, as far as this server heard. */
  readonly acked: Set<string>;
  /** Answers that were errors, or none in time. */
  readonly failures: Map<string, number>;
  /** Statuses that say never. */
  readonly refused: Set<string>;
  /** Logs of which nothing could die when something was told last: the store failed, or has as many dead letters as it may have. */
  readonly held: Set<string>;
  /** Under way. */
  readonly open: Map<string, string>;
}

export const newLife = (): TellingLife => ({
  last: new Map(),
  acked: new Set(),
  failures: new Map(),
  refused: new Set(),
  held: new Set(),
  open: new Map(),
});

/** `perhaps`: the store was asked to keep it · `sure`: it does · `going`: it is asked to forget it · `gone`. */
type Dead = 'perhaps' | 'sure' | 'going' | 'gone';

export interface BackendBounds {
  readonly maxAttempts: number;
  readonly maxDeadLetters: number;
}

export class BackendLedger {
  /** By place, `stream epoch offset`. */
  readonly #dead = new Map<string, Dead>();
  readonly #acked = new Set<string>();
  readonly #received = new Set<string>();
  readonly #places = new Map<string, string>();
  /** Of each history: told up to here without a hole, noted in the store, and taken first last. */
  readonly #done = new Map<string, number>();
  readonly #noted = new Map<string, number>();
  readonly #newest = new Map<string, number>();

  constructor(
    private readonly simulator: Simulator,
    private readonly ledger: Ledger,
    private readonly journal: Journal,
    private readonly bounds: BackendBounds,
    private readonly isTold: (stream: string) => boolean,
  ) {}

  /** A server sends an entry. @param isReplay as an operator wanted it */
  sent(life: TellingLife, id: string, told: After): void {
    const { stream, epoch, offset } = told;
    const place = placeOf(told);
    const isReplay = this.#isDead(place);
    this.journal.count(isReplay ? 'dead letters sent again' : 'entries told of');
    this.#isStored(told);
    const other = this.#places.get(id);
    if (other !== undefined && other !== place) this.#broken(`${place} is told of as ${id}, as was ${other}`);
    this.#places.set(id, place);
    if (isReplay) return;
    const history = this.ledger.history(stream, epoch);
    const missing = history && this.#firstMissing(history);
    if (missing !== undefined && missing < offset) this.#broken(`${place} is told of before ${missing}`);
    const underWay = life.open.get(stream);
    if (underWay !== undefined) this.#broken(`${place} is told of while ${underWay} is`);
    const before = life.last.get(`${stream} ${epoch}`) ?? 0;
    if (offset < before) this.#broken(`${place} is told of after ${before}`);
    if (life.acked.has(place)) this.#broken(`${place} is told of again, and was taken`);
    if (offset <= (this.#noted.get(`${stream} ${epoch}`) ?? 0))
      this.#broken(`${place} is told of again, and was noted`);
    const { maxAttempts } = this.bounds;
    const failures = life.failures.get(place) ?? 0;
    const couldDie = !life.held.delete(stream);
    if (failures >= maxAttempts && couldDie) this.#broken(`${place} is told of a ${failures + 1}th time`);
    if (life.last.get(`${stream} ${epoch}`) === offset || this.#acked.has(place))
      this.journal.count('entries told of again');
    life.last.set(`${stream} ${epoch}`, offset);
    life.open.set(stream, place);
  }

  /** The server has the answer, or gave up. @param status `undefined`: none in time; `null`: it did not reach the back end */
  answered(life: TellingLife, told: After, status: number | null | undefined): void {
    const place = placeOf(told);
    if (life.open.get(told.stream) === place) life.open.delete(told.stream);
    if (this.#lettersAtMost >= this.bounds.maxDeadLetters) life.held.add(told.stream);
    if (status === null) return;
    if (status !== undefined && status >= 200 && status < 300) {
      life.acked.add(place);
      this.#acked.add(place);
      return;
    }
    life.failures.set(place, (life.failures.get(place) ?? 0) + 1);
    if (status === 422) life.refused.add(place);
  }

  /** The back end takes an entry. Whether it is the first time. */
  received(told: After): boolean {
    const place = placeOf(told);
    if (this.#received.has(place)) {
      this.journal.count('entries taken again');
      return false;
    }
    this.#received.add(place);
    this.journal.count('entries taken');
    if (this.#isDead(place)) return true;
    const history = `${told.stream} ${told.epoch}`;
    const newest = this.#newest.get(history) ?? 0;
    if (told.offset < newest) this.#broken(`${place} comes to the back end for the first time after ${newest}`);
    this.#newest.set(history, told.offset);
    return true;
  }

  // ── what servers have the store do ─────────────────────────────────────────────────────────────────────────────────

  settling(stream: string, { epoch, offset }: Position): void {
    const history = this.ledger.history(stream, epoch);
    const missing = history && this.#firstMissing(history);
    if (missing !== undefined && missing <= offset)
      this.#broken(`${stream} is noted as told up to ${offset}, and ${missing} is not`);
  }
  unsettled(life: TellingLife, stream: string): void {
    life.held.add(stream);
  }
  settled(stream: string, { epoch, offset }: Position): void {
    const history = `${stream} ${epoch}`;
    this.#noted.set(history, Math.max(offset, this.#noted.get(history) ?? 0));
  }

  burying(life: TellingLife, stream: string, { epoch, offset }: Position): void {
    const place = placeOf({ stream, epoch: epoch ?? '', offset });
    const failures = life.failures.get(place) ?? 0;
    if (failures < this.bounds.maxAttempts && !life.refused.has(place))
      this.#broken(`${place} becomes a dead letter after ${failures} failures`);
    if (!this.#dead.has(place)) this.#dead.set(place, 'perhaps');
  }
  buried(stream: string, position: Position, isStored: boolean): void {
    const { epoch, offset } = position;
    const place = placeOf({ stream, epoch: epoch ?? '', offset });
    if (!isStored) return void this.#dead.delete(place);
    this.#dead.set(place, 'sure');
    this.settled(stream, position);
    this.journal.count('dead letters');
  }

  /** @param isStored `undefined`: that is about to happen */
  forgot(letter: DeadLetter | undefined, isStored?: boolean): void {
    if (letter === undefined) return;
    const place = placeOf({ ...letter, offset: letter.entry.offset });
    if (
      isStored === undefined &&
      !this.#received.has(place) &&
      !this.#isReplaced(letter.stream, letter.epoch, letter.entry.offset)
    )
      this.#broken(`the dead letter of ${place} is forgotten, and the back end does not have it`);
    this.#dead.set(place, isStored === undefined ? 'going' : isStored ? 'gone' : 'sure');
  }

  /** A server begins, and these are the dead letters that it finds. */
  found(letters: readonly DeadLetter[]): void {
    // What a crash took may have been looked at.
    this.#done.clear();
    const there = new Set(letters.map((letter) => placeOf({ ...letter, offset: letter.entry.offset })));
    for (const place of there) {
      const state = this.#dead.get(place);
      if (state === undefined || state === 'gone')
        this.#broken(`there is a dead letter of ${place}, which did not die`);
      this.#dead.set(place, 'sure');
    }
    for (const [place, state] of this.#dead) {
      if (there.has(place)) continue;
      if (state === 'sure') this.#broken(`the dead letter of ${place} is lost`);
      if (state === 'perhaps') this.#dead.delete(place);
      if (state === 'going') this.#dead.set(place, 'gone');
    }
  }

  /** The store was thrown away. */
  abandoned(): void {
    this.#dead.clear();
  }

  /** Dead letters that a store must have. */
  get letters(): number {
    return [...this.#dead.values()].filter((state) => state === 'sure').length;
  }
  get #lettersAtMost(): number {
    return [...this.#dead.values()].filter((state) => state !== 'gone').length;
  }

  /** What is still to be told of, or taken. @param all with what became a dead letter */
  lacking(all: boolean): string | undefined {
    for (const stream of this.ledger.streams) {
      const history = this.isTold(stream) ? this.ledger.current(stream) : undefined;
      const missing = history && this.#firstMissing(history);
      if (missing !== undefined && missing <= (history?.head ?? 0)) return `${stream} ${missing} is not told of`;
    }
    if (!all) return undefined;
    const dead = [...this.#dead].find(([place, state]) => {
      const [stream = '', epoch = '', offset] = place.split(' ');
      return state === 'sure' || !(this.#received.has(place) || this.#isReplaced(stream, epoch, Number(offset)));
    });
    return dead && `${dead[0]} is dead, and is not taken (${dead[1]})`;
  }

  #isDead(place: string): boolean {
    return this.#dead.has(place);
  }

  /** The first offset of which nothing is known, or `head + 1`. */
  #firstMissing(history: History): number {
    const name = `${history.stream} ${history.epoch}`;
    let done = this.#done.get(name) ?? 0;
    // What a crash took was told to nobody: what comes in its place is another entry.
    done = Math.min(done, history.head);
    while (done < history.head && this.#isOver(history, done + 1)) done += 1;
    this.#done.set(name, done);
    return done + 1;
  }

  #isOver(history: History, offset: number): boolean {
    const place = placeOf({ stream: history.stream, epoch: history.epoch, offset });
    if (this.#acked.has(place) || this.#dead.has(place)) return true;
    return this.#isReplaced(history.stream, history.epoch, offset);
  }

  /** A record that another one has replaced says nothing any more, nor does that of an entry that is no longer kept. */
  #isReplaced(stream: string, epoch: string, offset: number): boolean {
    const history = this.ledger.history(stream, epoch);
    const { amends } = history?.at(offset) ?? {};
    if (history === undefined || amends === undefined) return false;
    return amends <= history.floor || history.at(amends)?.forms.at(-1)?.offset !== offset;
  }

  #isStored({ stream, epoch, offset, at, kind, entry, amends }: After): void {
    const stored = this.ledger.find(stream, epoch, offset);
    const place = placeOf({ stream, epoch, offset });
    if (stored === undefined || stored.at !== at) return this.#broken(`${place} is told of, and is not stored`);
    if (stored.durableMs > this.simulator.nowMs) this.#broken(`${place} is told of before it is on the disk`);
    stored.isShown = true;
    if ((kind === 'amend') !== (stored.amends !== undefined) || amends !== stored.amends)
      return this.#broken(`${place} is told of as ${kind} of ${amends}, and amends ${stored.amends}`);
    const said = JSON.stringify(entry);
    const forms = (stored.amends === undefined ? stored : this.ledger.find(stream, epoch, stored.amends))?.forms ?? [];
    if (!forms.some(({ data }) => JSON.stringify(JSON.parse(data)) === said))
      this.#broken(`${place} is told of as ${said.slice(0, 80)}, which it never was`);
  }

  #broken(what: string): void {
    this.journal.broken('Told', what);
  }
}

const placeOf = ({ stream, epoch, offset }: { stream: string; epoch: string; offset: number }): string =>
  `${stream} ${epoch} ${offset}`;
