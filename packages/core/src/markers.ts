// How far users have read (MRK-1…), and which logs they follow: two durable tables. `…:markers` beside a log has a row for each user, for the
// others to see; `:follows/<user>` a row for each log, from which the user's unread counts are made. A mark only moves forward.

import { type Broker, RowConflictError } from '@trunkline/broker';
import {
  type Epoch,
  type JsonValue,
  MARK_INTERVAL_MS,
  MAX_FOLLOWS,
  MAX_KEY_BYTES,
  type Offset,
  type StreamName,
  TrunklineError,
  utf8Bytes,
} from '@trunkline/protocol';
import { callBroker } from './broker-call.js';
import type { Clock, Log } from './ports.js';
import { followsOf, markersOf } from './side-streams.js';

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

export interface MarkersOptions {
  readonly broker: Broker;
  readonly clock: Clock;
  readonly log: Log;
}

export class Markers {
  readonly #options: MarkersOptions;
  /** When a user marked a log last. */
  readonly #marked = new Map<string, number>();

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
  async mark(log: StreamName, reader: Reader, offset: Offset): Promise<void> {
    const { follows, head } = await this.#look(log, reader.id);
    if (offset > head.offset) {
      throw new TrunklineError('conflict', `the log ends at ${head.offset}: ${offset} cannot be marked`);
    }
    const { epoch } = head;
    const isForward = (row: { readonly epoch: Epoch | null } | null, before: Offset | undefined) =>
      row === null || row.epoch !== epoch || offset > (before ?? 0);
    // What the user's own counts are made of comes with it, or before: never after.
    await Promise.all([
      this.#write<FollowRow>(follows, log, MAX_FOLLOWS, (row) =>
        isForward(row, row?.mark) ? { ...row, mark: offset, epoch } : null,
      ),
      this.#write<MarkerRow>(markersOf(log), reader.id, undefined, (row) =>
        isForward(row, row?.offset) ? { offset, user: reader.user ?? row?.user ?? reader.id, epoch } : null,
      ),
    ]);
  }

  /** From now on: what is there counts as read. Rejects as `mark` does. */
  async follow(log: StreamName, userId: string): Promise<void> {
    const { follows, head } = await this.#look(log, userId);
    await this.#write<FollowRow>(follows, log, MAX_FOLLOWS, (row) =>
      row === null || row.muted === true ? { mark: head.offset, epoch: head.epoch } : null,
    );
  }

  async unfollow(log: StreamName, userId: string): Promise<void> {
    const { follows, head } = await this.#look(log, userId);
    await this.#write<FollowRow>(follows, log, MAX_FOLLOWS, (row) =>
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
    const head = await callBroker(report, broker.readBack(log, undefined, { entries: 1 }));
    return { follows, head };
  }

  /** Changes one row as it is at that moment. @param make `null`: it stays as it is */
  async #write<Row extends object>(
    table: StreamName,
    key: string,
    maxRows: number | undefined,
    make: (row: Row | null) => Row | null,
  ): Promise<void> {
    const { broker, log } = this.#options;
    for (let tries = 1; ; tries += 1) {
      const known = await callBroker(log, broker.readRow(table, key));
      const next = make(known === null ? null : (JSON.parse(known.data) as Row));
      if (next === null) return;
      const step = [{ key, set: JSON.stringify(next), if: known?.offset ?? 0 }];
      try {
        await broker.change(table, step, maxRows === undefined ? {} : { maxRows });
        return;
      } catch (error) {
        if (!(error instanceof RowConflictError) || tries === MAX_TRIES) {
          return callBroker(log, Promise.reject<undefined>(error));
        }
      }
    }
  }
}
