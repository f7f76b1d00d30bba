// Judges what a server says of tables on one connection, at the moment in which it says it: slices that continue the connection's position, of
// the rows that it watches and of no others, with nothing that was never stored; and nothing while it is paused.

import type { Change, ChangeOk, RowData, Rows, Subscribe, SubscribeOk, Tune } from '@trunkline/protocol';
import type { Journal } from './journal.js';
import type { PresenceLedger } from './presence-ledger.js';
import type { TableLedger } from './table-ledger.js';
import { tableOf } from './tables.js';
import { type ToldStream, ToldStreams } from './told-streams.js';

/** A subscription, as its connection was told of it. */
interface Told extends ToldStream {
  epoch: string | null;
  /** `undefined`: all rows. */
  keys: ReadonlySet<string> | undefined;
  isPaused: boolean;
  /** Its watch list began or ended: it begins anew. */
  isOther: boolean;
}

/** 64 KiB of rows, and what is around them. */
const MAX_SLICE_BYTES = 65_536 + 300;

export class TableOracle extends ToldStreams<Told> {
  constructor(
    private readonly name: string,
    private readonly ledger: TableLedger,
    private readonly presence: PresenceLedger,
    private readonly journal: Journal,
  ) {
    super('TAB-4', (promise, what) => this.#broken(promise, what));
  }

  subscribed({ stream, after, keys, paused }: Subscribe, { ch, epoch, head, floor, from }: SubscribeOk): void {
    this.begin(ch, {
      stream,
      epoch,
      cursor: from,
      keys: keys && new Set(keys),
      isPaused: paused === true,
      isSynced: false,
      isOther: false,
    });
    this.journal.count(after === undefined ? 'tables subscribed' : 'tables resumed');
    if (tableOf(stream) !== undefined) {
      const history = this.ledger.history(stream, epoch);
      const known = history?.head ?? 0;
      if (head > known) this.#broken('SUB-3', `${stream}: the head is said to be ${head}, it is ${known}`);
      const forgotten = history?.graves.floor ?? 0;
      if (floor > forgotten)
        this.#broken(
          'SUB-3',
          `${stream}: deletions are said to be forgotten up to ${floor}, and are up to ${forgotten}`,
        );
      if (from === 0 && after?.epoch === epoch && after.offset > 0 && after.offset <= head)
        this.#late(stream, after.offset, floor);
    }
    if (from !== 0 && from !== after?.offset)
      this.#broken('SUB-2', `${stream} resumes at ${from}, not ${after?.offset}`);
    if (from === 0 && after !== undefined && after.offset > 0) this.journal.count('tables that begin anew');
  }

  tuned({ stream, keys, paused }: Tune): void {
    const told = this.all.find((one) => one.stream === stream);
    if (told === undefined) return this.#broken('TAB-6', `${stream} is tuned, and not subscribed`);
    // Whose keys enter hears when their rows are told.
    if (told.keys && keys?.some((key) => told.keys?.has(key) === false)) told.isSynced = false;
    if (keys !== undefined) {
      if ((told.keys === undefined) !== (keys === null)) told.isOther = true;
      told.keys = keys === null ? undefined : new Set(keys);
    }
    if (paused !== undefined) told.isPaused = paused;
    this.journal.count('tables tuned');
  }

  rows(message: Rows, bytes: number): void {
    const { ch, from, to, epoch, reset, set = {}, patch = {}, unset = {}, delete: gone = [], drop = [] } = message;
    const told = this.get(ch);
    if (told === undefined) return;
    const { stream } = told;
    this.journal.count('slices of tables');
    if (from === 0 && to === 0 && !told.isSynced) this.journal.count('tables told in parts');
    if (told.isPaused) this.#broken('TAB-2', `${stream}: a slice, though it is paused`);
    if (reset === true) {
      this.journal.count('resets');
      const { graves, head } = this.ledger.history(stream, told.epoch) ?? {};
      // Whose position a store that came back does not have begins anew too.
      const isHere = told.cursor > 0 && told.cursor <= (head ?? 0) && told.epoch === epoch && !told.isOther;
      if (isHere && tableOf(stream) !== undefined) this.#late(stream, told.cursor, graves?.floor ?? 0);
      told.cursor = 0;
      told.isOther = false;
      told.isSynced = false;
      told.epoch = epoch ?? null;
    }
    if (from !== told.cursor || to < from) {
      this.#broken('G6 forward', `${stream}: a slice (${from}, ${to}], the position is ${told.cursor}`);
    }
    if (from === 0 && to > 0 && epoch === undefined)
      this.#broken('TAB-5', `${stream}: a slice from 0 without an epoch`);
    if (from > 0 && epoch !== undefined && epoch !== told.epoch) {
      this.#broken('TAB-5', `${stream}: ${epoch} goes on from ${told.epoch}`);
    }
    told.epoch = epoch ?? told.epoch;
    told.cursor = to;
    if (from === to && from > 0) this.journal.count('slices that leave the position');
    const keys = [...Object.keys(set), ...Object.keys(patch), ...Object.keys(unset), ...gone];
    const strange = told.keys && keys.find((key) => told.keys?.has(key) === false);
    if (strange !== undefined) this.#broken('TAB-6', `${stream}: ${strange}, which is not on the watch list`);
    const kept = drop.find((key) => told.keys === undefined || told.keys.has(key));
    if (kept !== undefined) this.#broken('TAB-6', `${stream}: ${kept} is dropped, and on the watch list`);
    const [log = '', side] = stream.split(':');
    if (side !== undefined) {
      // A deletion that is told to somebody who begins anew is none.
      for (const key of gone) if (side === 'presence') this.presence.gone(log, key.slice('user/'.length));
      return;
    }
    const steps = this.#stored(told, [...Object.values(set), ...Object.values(patch)]);
    // The rows of one step are told together, however many they are.
    if (bytes > MAX_SLICE_BYTES && steps.size > 1) this.#broken('TAB-4', `${stream}: a slice of ${bytes} bytes`);
  }

  /** @param source the producer, with its user, and its number */
  changed({ stream }: Change, { epoch, offset }: ChangeOk, source: string): void {
    if (tableOf(stream)?.keep === 'durable' && offset > 0) {
      const step = this.ledger.history(stream, epoch)?.bySource.get(source);
      if (step === undefined) return this.#broken('G2 stored', `${stream} ${offset} is acknowledged, not stored`);
      if (step.offset !== offset) {
        this.#broken('G3 once', `${source} is acknowledged with ${offset}, and was taken at ${step.offset}`);
      }
    }
    this.ledger.shown(stream, epoch, offset);
  }

  /** Who has a position of this history begins anew: only deletions that are forgotten excuse that. */
  #late(stream: string, position: number, floor: number): void {
    if (position >= floor)
      this.#broken('TAB-5', `${stream} begins anew at ${position}, and deletions are forgotten up to ${floor}`);
    this.journal.count('readers who came too late for deletions');
    this.ledger.late.add(`${this.name.split('#')[0]} ${stream}`);
  }

  /** The words in the rows say of which steps they are. */
  #stored({ stream, epoch, cursor }: Told, rows: readonly RowData[]): ReadonlySet<number> {
    const history = this.ledger.history(stream, epoch);
    const steps = new Set<number>();
    for (const { by } of rows) {
      if (typeof by !== 'string') continue;
      const offset = history?.byWord.get(by);
      if (offset === undefined) this.#broken('G2 stored', `${stream}: "${by}" was never stored`);
      else steps.add(offset);
    }
    this.ledger.shown(stream, epoch, Math.max(cursor, ...steps));
    return steps;
  }

  #broken(promise: string, what: string): void {
    this.journal.broken(promise, `to ${this.name}: ${what}`);
  }
}
