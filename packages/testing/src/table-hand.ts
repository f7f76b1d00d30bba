// What somebody does with tables: looks at all rows or at some, at a rate or paused, and changes rows, now and then on a condition.

import { type Line, type RowChange, type TableHandle, TrunklineError, type UntypedApp } from '@trunkline/client';
import type { AppState } from './app.js';
import type { Host } from './host.js';
import type { Journal } from './journal.js';
import type { Random } from './random.js';
import type { TableLedger } from './table-ledger.js';
import { TableView } from './table-view.js';
import { KEYS, type SimulatedTable } from './tables.js';

/** What became of a change. */
interface Change {
  readonly table: SimulatedTable;
  /** The word that it writes; `undefined`: it only deletes. */
  readonly word: string | undefined;
  readonly isConditional: boolean;
  outcome: 'open' | 'stored' | 'refused' | 'unknown';
}

export interface TableHandParts {
  readonly host: Host;
  readonly user: string;
  readonly random: Random;
  readonly ledger: TableLedger;
  readonly journal: Journal;
  readonly rules: AppState;
  readonly tables: readonly SimulatedTable[];
  readonly isHeavy: boolean;
}

export class TableHand {
  readonly views: TableView[] = [];
  readonly changes: Change[] = [];
  readonly #parts: TableHandParts;
  readonly #writable: readonly {
    readonly table: SimulatedTable;
    readonly handle: TableHandle<unknown, object, 'client'>;
  }[];
  #count = 0;

  constructor(line: Line<UntypedApp>, parts: TableHandParts) {
    this.#parts = parts;
    const { host, ledger, journal, tables } = parts;
    const handles = tables.map((table) => {
      const [key = '', name = ''] = table.stream.split('/');
      const handle = line.channel[key]?.(name).asTable();
      if (handle === undefined) throw new Error(`no channel ${key}`);
      return { table, handle };
    });
    this.#writable = handles.filter(({ table }) => table.write === 'client');
    for (const { handle } of handles) {
      const followsAll = parts.random.chance(0.5);
      // Two components that look at one table share its subscription.
      for (let twins = parts.random.chance(0.5) ? 2 : 1; twins > 0; twins--) {
        this.views.push(new TableView(host.name, handle, followsAll, !parts.isHeavy, ledger, journal));
      }
    }
  }

  start(): void {
    for (const view of this.views) if (this.#parts.random.chance(0.5)) view.open(this.#interest(view));
  }

  act(): void {
    const { random } = this.#parts;
    const dice = random.next();
    if (dice < 0.45 && this.#writable.length > 0) {
      if (random.chance(0.8)) return this.change();
      // Whole rows need no look at what is stored: the server hands them to the store without waiting for each other.
      const areWhole = random.chance(0.5);
      for (let count = random.whole(3, 8); count > 0; count--) this.change(areWhole);
      return;
    }
    const view = random.pick(this.views);
    if (view.isOpen && dice > 0.85) view.close();
    else view.open(this.#interest(view));
  }

  /** Looks at everything, nothing paused: some at all rows, some at theirs. */
  rest(): void {
    for (const view of this.views) {
      const { interest } = view;
      view.open(view.isOpen ? { ...interest, paused: false } : {});
    }
  }
  leave(): void {
    for (const view of this.views) view.close();
  }

  /** Those that are looked at. */
  get handles(): readonly TableView['handle'][] {
    return this.views.filter(({ isOpen }) => isOpen).map(({ handle }) => handle);
  }

  get open(): readonly Change[] {
    return this.changes.filter(({ outcome }) => outcome === 'open');
  }

  /** What was refused must not be there. */
  judge(): void {
    const { ledger, journal, host } = this.#parts;
    for (const { table, word, outcome } of this.changes) {
      // A process that is gone took what it knew of tables in its memory with it, also what was refused the second time only.
      if (table.keep !== 'durable' || outcome !== 'refused' || word === undefined) continue;
      if (ledger.current(table.stream)?.byWord.has(word) === true) {
        journal.broken('REQ-4', `${host.name}: ${table.stream} "${word}" was refused, and is stored`);
      }
    }
  }

  #interest({ followsAll }: TableView) {
    const { random } = this.#parts;
    const keys = followsAll || random.chance(0.3) ? undefined : KEYS.filter(() => random.chance(0.3));
    return {
      keys: keys?.length === 0 ? [KEYS[0] as string] : keys,
      ratePerSecond: random.pick([undefined, undefined, 0.5, 2, 10]),
      paused: random.chance(0.1),
    };
  }

  /** Changes some rows of one of the tables as one step. @param areWhole patches none */
  change(areWhole = false): void {
    const { random, host, journal, isHeavy } = this.#parts;
    const { table, handle } = random.pick(this.#writable);
    this.#count += 1;
    const by = `${host.name}-${this.#count}`;
    const keys = new Set(Array.from({ length: random.pick([1, 1, 2, 3]) }, () => random.pick(KEYS)));
    const pad = () => 'x'.repeat(Math.round(random.skewed(1, isHeavy ? 3_000 : 60)));
    let isConditional = false;
    let writes = false;
    const steps = [...keys].map((key): RowChange<object> => {
      const condition = random.chance(0.15) ? this.#condition(table, key) : undefined;
      isConditional ||= condition !== undefined;
      const given = { key, if: condition };
      const dice = random.between(0, areWhole ? 0.5 : 1);
      if (dice < 0.2) return { ...given, delete: true };
      writes = true;
      if (dice < 0.5) return { ...given, set: { by, pad: pad(), [`f${random.whole(1, 3)}`]: random.whole(0, 99) } };
      const unset = random.chance(0.3) ? [`f${random.whole(1, 3)}`] : undefined;
      return { ...given, patch: { by, [`f${random.whole(4, 6)}`]: random.whole(0, 99) }, unset };
    });
    const change: Change = { table, word: writes ? by : undefined, isConditional, outcome: 'open' };
    this.changes.push(change);
    journal.count('changes');
    journal.trace(host.name, () => `changes ${table.stream} ${JSON.stringify(steps).slice(0, 200)}`);
    handle.change(steps).then(
      ({ offset }) => this.#stored(change, offset),
      (error: unknown) => this.#failed(change, error),
    );
  }

  /** As an application would take it from what it was shown last, and wrong now and then. */
  #condition({ stream }: SimulatedTable, key: string): number {
    const row = this.#parts.ledger.current(stream)?.row(key);
    const offset = row?.hash === undefined ? 0 : row.offset;
    return this.#parts.random.chance(0.7) ? offset : offset + 1;
  }

  #stored(change: Change, offset: number): void {
    const { ledger, journal, host } = this.#parts;
    const { table, word } = change;
    change.outcome = 'stored';
    journal.count('changes acknowledged');
    if (word === undefined) return;
    // Taken again by the next server, that has loaded what it did, it changes nothing.
    const mayRepeat = table.keep === 'checkpoint';
    const isThere = ledger.all(table.stream).some(({ byWord }) => {
      return byWord.get(word) === offset || (mayRepeat && byWord.has(word));
    });
    if (!isThere) journal.broken('G2 stored', `${host.name}: ${table.stream} "${word}" is said to be at ${offset}`);
  }

  #failed(change: Change, error: unknown): void {
    const { journal, host, rules, user } = this.#parts;
    const { table, word, isConditional } = change;
    if (!(error instanceof TrunklineError)) return journal.broken('clients work', `${host.name}: ${String(error)}`);
    journal.trace(host.name, `the change "${word}" of ${table.stream} failed: ${error.code} (${error.outcome})`);
    change.outcome = error.outcome;
    journal.count(`changes failed: ${error.code}`);
    // A refusal whose answer was lost is met again as a conflict: what came after it is stored by then.
    const wasRefused = isConditional || rules.everDenied.has(`${user} ${table.stream}`);
    if (error.code === 'conflict' && !wasRefused && table.keep === 'durable') {
      journal.broken('G11 producer order', `${host.name}: ${table.stream} "${word}": ${error.message}`);
    }
  }
}
