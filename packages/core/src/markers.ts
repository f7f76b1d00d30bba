// How far users have read (MRK-1…), and which logs they follow: two durable tables. `…:markers` beside a log has a row for each user, for the
// others to see; `:follows/<user>` a row for each log, from which the user's unread counts are made. A mark only moves forward. What others see
// of marks is bounded in number and time (`MarkBounds`), so that a log of passers-by does not keep them all; a user's own follows are not.

import {
  type Broker,
  type ChangeOptions,
  RowConflictError,
  type RowDelete,
  type RowsPage,
  TableFullError,
} from '@trunkline/broker';
import {
  type Epoch,
  type JsonValue,
  MARK_INTERVAL_MS,
  MAX_FOLLOWS,
  MAX_KEY_BYTES,
  type Mark,
  type Offset,
  type StreamName,
  TrunklineError,
  utf8Bytes,
} from '@trunkline/protocol';
import type { MarkBounds } from './app.js';
import { callBroker } from './broker-call.js';
import type { Clock, Log } from './ports.js';
import { readTable } from './read-table.js';
import { followsOf, markersOf } from './side-streams.js';
import { Turns } from './turns.js';

/** What is stored of a log that a user follows, or followed. */
export interface FollowRow {
  readonly mark: Offset;
  readonly epoch: Epoch | null;
  /** They do not follow it any more; marks do not change that. */
  readonly muted?: true;
}

/** What others see of a mark. */
export interface MarkerRow {
  readonly offset: Offset;
  readonly user: JsonValue;
  /** Of the history that the offset is of. */
  readonly epoch: Epoch | null;
}

/** Who marks. `user`, as others see them, is unknown where server code does. */
export interface Reader {
  readonly id: string;
  readonly user?: JsonValue;
}

/** Others may write the same row; who loses this often is told. */
const MAX_TRIES = 20;
/** Of rows that are looked at for the oldest. */
const PAGE = { entries: 500 };
/** Who was away longer begins anew. */
const TOMBSTONES = { count: 2_000, ageMs: 3_600_000 };

export interface MarkersOptions {
  readonly broker: Broker;
  readonly clock: Clock;
  readonly log: Log;
}

export class Markers {
  readonly #options: MarkersOptions;
  /** When a user marked a log last. */
  readonly #marked = new Map<string, number>();
  /** Of those who need room in a full table: each would make the others look again. */
  readonly #turns = new Turns();

  constructor(options: MarkersOptions) {
    this.#options = options;
  }

  /** One mark of a user and log a second. @throws TrunklineError `rate_limited` */
  admit(log: StreamName, userId: string): void {
    const now = this.#options.clock.nowMs();
    const key = `${log}\n${userId}`;
    const sinceMs = now - (this.#marked.get(key) ?? Number.NEGATIVE_INFINITY);
    if (sinceMs >= 0 && sinceMs < MARK_INTERVAL_MS) {
      const afterMs = MARK_INTERVAL_MS - sinceMs;
      throw new TrunklineError('rate_limited', `one mark a second: wait ${afterMs} ms`, { afterMs });
    }
    this.#marked.set(key, now);
  }

  /** Call about once a second. */
  sweep(): void {
    const now = this.#options.clock.nowMs();
    for (const [key, markedMs] of this.#marked)
      if (Math.abs(now - markedMs) >= MARK_INTERVAL_MS) this.#marked.delete(key);
  }

  /** Resolves when it is stored. Rejects with TrunklineError `conflict` (beyond the head), `too_large`, `unavailable`. */
  async mark(
    log: StreamName,
    bounds: MarkBounds,
    reader: Reader,
    { offset, epoch: marked }: Pick<Mark, 'offset' | 'epoch'>,
  ): Promise<void> {
    const { follows, followed, head } = await this.#look(log, reader.id);
    if (marked !== undefined && marked !== head.epoch) return;
    if (offset > head.offset) {
      throw new TrunklineError('conflict', `the log ends at ${head.offset}: ${offset} cannot be marked`);
    }
    const { epoch } = head;
    // Others see a mark no more after a while; who marks again then has not read less than before.
    const known = followed?.epoch === epoch ? followed.mark : 0;
    const isForward = (row: { readonly epoch: Epoch | null } | null, before: Offset | undefined) =>
      row === null || row.epoch !== epoch || offset > (before ?? 0);
    // What the user's own counts are made of comes with it, or before: never after.
    await Promise.all([
      this.#write<FollowRow>(follows, log, FOLLOWS, (row) =>
        isForward(row, row?.mark) ? { ...row, mark: offset, epoch } : null,
      ),
      this.#write<MarkerRow>(markersOf(log), reader.id, boundsOf(bounds), (row) => {
        if (!isForward(row, row?.offset)) return null;
        return { offset: Math.max(offset, known), user: reader.user ?? row?.user ?? reader.id, epoch };
      }),
    ]);
  }

  /** From now on: what is there counts as read. Rejects as `mark` does. */
  async follow(log: StreamName, userId: string): Promise<void> {
    const { follows, head } = await this.#look(log, userId);
    await this.#write<FollowRow>(follows, log, FOLLOWS, (row) =>
      row === null || row.muted === true ? { mark: head.offset, epoch: head.epoch } : null,
    );
  }

  async unfollow(log: StreamName, userId: string): Promise<void> {
    const { follows, head } = await this.#look(log, userId);
    await this.#write<FollowRow>(follows, log, FOLLOWS, (row) =>
      row?.muted === true ? null : { mark: row?.mark ?? head.offset, epoch: row?.epoch ?? head.epoch, muted: true },
    );
  }

  async #look(log: StreamName, userId: string) {
    const follows = followsOf(userId);
    const fits = (key: string) => utf8Bytes(key) <= MAX_KEY_BYTES;
    if (follows === null || !fits(userId) || !fits(log)) {
      const words = `a user's id and a log's name may have ${MAX_KEY_BYTES} bytes where it is marked or followed`;
      throw new TrunklineError('too_large', words);
    }
    const { broker, log: report } = this.#options;
    const [head, row] = await Promise.all([
      callBroker(report, broker.readBack(log, undefined, { entries: 1 })),
      callBroker(report, broker.readRow(follows, log)),
    ]);
    return { follows, followed: row === null ? null : (JSON.parse(row.data) as FollowRow), head };
  }

  /** Changes one row as it is at that moment. @param make `null`: it stays as it is */
  async #write<Row extends object>(
    table: StreamName,
    key: string,
    how: WriteOptions,
    make: (row: Row | null) => Row | null,
    isFull = false,
  ): Promise<void> {
    const { expireMs, evicts, ...options } = how;
    const { broker, log, clock } = this.#options;
    // As a rule there is one row too many; more where the bound was another.
    let most = 1;
    for (let tries = 1; ; tries += 1) {
      const known = await callBroker(log, broker.readRow(table, key));
      const next = make(known === null ? null : (JSON.parse(known.data) as Row));
      if (next === null) return;
      const oldest = isFull && known === null ? await this.#oldest(table, options.maxRows, most) : [];
      const expiry = expireMs === undefined ? {} : { expiresAt: clock.nowMs() + expireMs };
      const step = [...oldest, { key, set: JSON.stringify(next), if: known?.offset ?? 0, ...expiry }];
      try {
        await broker.change(table, step, options);
        return;
      } catch (error) {
        const isFullNow = error instanceof TableFullError && evicts === true;
        if (isFullNow && !isFull) {
          return this.#turns.run(table, () => this.#write(table, key, how, make, true));
        }
        if (isFullNow) most = Number.POSITIVE_INFINITY;
        if ((!isFullNow && !(error instanceof RowConflictError)) || tries === MAX_TRIES) {
          return callBroker(log, Promise.reject<undefined>(error));
        }
      }
    }
  }

  /** Takes the rows out that changed longest ago, at most so many, so that one more fits in: as they are now, or the step is refused. */
  async #oldest(table: StreamName, maxRows: number, most: number): Promise<RowDelete[]> {
    const { broker, log } = this.#options;
    const rows = new Map<string, Offset>();
    const begin = () => {
      rows.clear();
      const add = (page: RowsPage) => {
        for (const { key } of [...page.gone, ...page.rows]) rows.delete(key);
        for (const { key, offset } of page.rows) rows.set(key, offset);
      };
      return { whole: rows, add };
    };
    await callBroker(
      log,
      readTable(broker, table, PAGE, begin, () => rows.size < most),
    );
    const count = Math.min(most, Math.max(1, rows.size + 1 - maxRows));
    return [...rows].slice(0, count).map(([key, offset]) => ({ key, delete: true, if: offset }));
  }
}

/** How a row is written. */
interface WriteOptions extends ChangeOptions {
  readonly maxRows: number;
  /** The row goes by itself so many milliseconds later. Default: never. */
  readonly expireMs?: number;
  /** Where there is no room for one more, those that changed longest ago go. Default: it is refused. */
  readonly evicts?: true;
}

const FOLLOWS: WriteOptions = { maxRows: MAX_FOLLOWS };

function boundsOf({ expireMs, maxReaders }: MarkBounds): WriteOptions {
  return { expireMs, maxRows: maxReaders, evicts: true, tombstones: TOMBSTONES };
}
