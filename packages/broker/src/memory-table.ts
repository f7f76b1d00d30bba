// One table of the memory broker: its rows and deletions in the order of their last change, its producers and its fence.
// Every method is synchronous and either changes everything it is about or throws before it changed anything.

import type { Epoch, Offset, Position, StreamName } from '@trunkline/protocol';
import type { PageLimit, ProducerSeq, StreamState } from './broker.js';
import { FencedError, RowConflictError, TableFullError, UnrecoverablePositionError } from './errors.js';
import { ProducerMemory, type Remembered } from './producer-memory.js';
import { changedRow, rowBytes } from './row-text.js';
import {
  type ChangeOptions,
  DEFAULT_MAX_ROWS,
  DEFAULT_TOMBSTONES,
  type Row,
  type RowChange,
  type RowsPage,
  type Tombstone,
} from './table.js';

interface Grave extends Tombstone {
  readonly atMs: number;
}

/** What a step did: nothing, if `from` is `to`. */
export interface Changed {
  readonly from: Offset;
  readonly to: Offset;
  readonly rows: readonly Row[];
  readonly gone: readonly Tombstone[];
}

/** A step that may be taken: the new rows, and the keys of those that go. */
interface Plan {
  readonly rows: readonly Omit<Row, 'offset' | 'born'>[];
  readonly gone: readonly string[];
  /** Only their expiry is another: nobody sees that. */
  readonly renewed: readonly { readonly key: string; readonly expiresAt: number | undefined }[];
}

export class MemoryTable {
  head: Offset = 0;
  floor: Offset = 0;
  #fence = 0;
  #tombstones = DEFAULT_TOMBSTONES;
  /** Both in the order of the last change: what changes is put to the end. */
  readonly #rows = new Map<string, Row>();
  readonly #graves = new Map<string, Grave>();
  readonly #producers = new ProducerMemory();
  /** No row expires before this moment. */
  #expiryMs = Number.POSITIVE_INFINITY;

  constructor(
    readonly name: StreamName,
    readonly epoch: Epoch,
  ) {}

  get state(): StreamState {
    return { epoch: this.epoch, offset: this.head, floor: this.floor };
  }

  lookup(source: ProducerSeq): Remembered | null {
    return this.#producers.lookup(source);
  }

  row(key: string): Row | null {
    return this.#rows.get(key) ?? null;
  }

  /** `null`: the step was taken before, under the same source. */
  change(step: readonly RowChange[], options: ChangeOptions | undefined, nowMs: number): Changed | null {
    const { source, fence, after, tombstones, maxRows = DEFAULT_MAX_ROWS } = options ?? {};
    if (fence !== undefined && fence < this.#fence) throw new FencedError(this.name, fence, this.#fence);
    this.#producers.forget(nowMs);
    const isRepeat = source !== undefined && this.#producers.admit(this.name, source) !== null;
    if (source !== undefined && after !== undefined && !isRepeat) this.#producers.mustKnow(source, after);
    const plan = isRepeat ? null : this.#plan(step, maxRows);
    if (fence !== undefined) this.#fence = fence;
    if (tombstones !== undefined) this.#tombstones = { ...DEFAULT_TOMBSTONES, ...tombstones };
    const changed = plan && this.#take(plan, nowMs);
    if (source !== undefined) {
      if (!isRepeat) this.#producers.remember(source, this.head, nowMs);
      this.#producers.touch(source.producer, nowMs);
    }
    return changed;
  }

  /** Deletes what has expired, as one step. */
  expire(nowMs: number): Changed {
    const due: string[] = [];
    if (this.#expiryMs <= nowMs) {
      this.#expiryMs = Number.POSITIVE_INFINITY;
      for (const { key, expiresAt } of this.#rows.values()) {
        if (expiresAt === undefined) continue;
        if (expiresAt <= nowMs) due.push(key);
        else this.#expiryMs = Math.min(this.#expiryMs, expiresAt);
      }
    }
    return this.#take({ rows: [], gone: due, renewed: [] }, nowMs);
  }

  read(after: Position, limit: PageLimit, begunAt: Offset): RowsPage {
    const known = after.epoch === this.epoch ? after.offset <= this.head : after.epoch === null && after.offset === 0;
    const oldest = { epoch: this.epoch, offset: this.floor };
    if (!known) throw new UnrecoverablePositionError(this.name, 'epoch', after, oldest);
    if (after.offset !== 0 && Math.max(after.offset, begunAt) < this.floor) {
      throw new UnrecoverablePositionError(this.name, 'trimmed', after, oldest);
    }
    const rows = [...this.#rows.values()].filter(({ offset }) => offset > after.offset);
    const gone = [...this.#graves.values()].filter(({ offset }) => offset > after.offset);
    const to = reach([...rows, ...gone], limit) ?? this.head;
    return {
      ...this.state,
      rows: rows.filter(({ offset }) => offset <= to),
      gone: gone.filter(({ offset }) => offset <= to).map(({ key, offset }) => ({ key, offset })),
      to,
    };
  }

  /** Forgets deletions that are too many or too old. */
  trim(nowMs: number): void {
    const { count, ageMs } = this.#tombstones;
    for (const { key, offset, atMs } of this.#graves.values()) {
      if (this.#graves.size <= count && atMs >= nowMs - ageMs) return;
      this.#graves.delete(key);
      this.floor = offset;
    }
  }

  #plan(step: readonly RowChange[], maxRows: number): Plan {
    const rows: { key: string; data: string; expiresAt?: number }[] = [];
    const gone: string[] = [];
    const renewed: { key: string; expiresAt: number | undefined }[] = [];
    let count = this.#rows.size;
    for (const change of step) {
      const { key } = change;
      const row = this.#rows.get(key);
      const actual = row?.offset ?? 0;
      if (change.if !== undefined && change.if !== actual) {
        throw new RowConflictError(this.name, key, change.if, actual);
      }
      if ('delete' in change) {
        if (row !== undefined) gone.push(key);
        continue;
      }
      const data = changedRow(row?.data, change);
      const { expiresAt } = change;
      if (data === undefined) renewed.push({ key, expiresAt });
      else {
        if (row === undefined) count += 1;
        rows.push({ key, data, ...(expiresAt === undefined ? {} : { expiresAt }) });
      }
    }
    // Deletions of the same step make room; a table that is over the limit already may still be changed.
    if (count > this.#rows.size && count - gone.length > maxRows) throw new TableFullError(this.name, maxRows);
    return { rows, gone, renewed };
  }

  #take({ rows, gone, renewed }: Plan, nowMs: number): Changed {
    for (const { key, expiresAt } of renewed) {
      const row = this.#rows.get(key);
      // In its place: a new expiry is no change of the row.
      if (row !== undefined) this.#rows.set(key, withExpiry(row, expiresAt));
      this.#expiryMs = Math.min(this.#expiryMs, expiresAt ?? Number.POSITIVE_INFINITY);
    }
    const from = this.head;
    if (rows.length + gone.length === 0) return { from, to: from, rows: [], gone: [] };
    this.head += 1;
    const offset = this.head;
    const changed = rows.map((given): Row => {
      const row = { ...given, born: this.#rows.get(given.key)?.born ?? offset, offset };
      this.#rows.delete(row.key);
      this.#rows.set(row.key, row);
      this.#graves.delete(row.key);
      this.#expiryMs = Math.min(this.#expiryMs, row.expiresAt ?? Number.POSITIVE_INFINITY);
      return row;
    });
    for (const key of gone) {
      this.#rows.delete(key);
      this.#graves.set(key, { key, offset, atMs: nowMs });
    }
    return { from, to: offset, rows: changed, gone: gone.map((key) => ({ key, offset })) };
  }
}

function withExpiry({ expiresAt: _, ...row }: Row, expiresAt: number | undefined): Row {
  return expiresAt === undefined ? row : { ...row, expiresAt };
}

/** The last offset of which everything fits into the limit, or `undefined` if all of it does. The first step always fits. */
function reach(changed: readonly (Row | Tombstone)[], limit: PageLimit): Offset | undefined {
  let left = limit.bytes ?? Number.POSITIVE_INFINITY;
  let count = 0;
  let whole: Offset | undefined;
  let last: Offset | undefined;
  for (const one of [...changed].sort((a, b) => a.offset - b.offset)) {
    if (one.offset !== last) whole = last;
    last = one.offset;
    left -= 'data' in one ? rowBytes(one) : one.key.length;
    count += 1;
    if (whole !== undefined && (left < 0 || count > limit.entries)) return whole;
  }
  return undefined;
}
