// Tells the back end what was stored: each log in the order of its offsets, one request after the other, and several logs side by side. The
// broker's outbox says how far each has come; the entries are read from the log. At least once: what was told and not noted is told again
// after a crash, under the same id.

import { type Broker, type Entry, type Outbox, type OutboxNews, UnrecoverablePositionError } from '@trunkline/broker';
import type { Clock, Log } from '@trunkline/core';
import type { Epoch, Offset, StreamName } from '@trunkline/protocol';
import type { BackendDownError } from './backend-down.js';
import type { FilledBackend } from './backend-options.js';

/** What became of one request. `later`: it may go better. */
export type Told = 'told' | { readonly dead: string } | { readonly later: BackendDownError };

export interface DeliveryOptions {
  readonly broker: Broker & Outbox;
  readonly clock: Pick<Clock, 'nowMs' | 'after'>;
  readonly log: Log;
  /** From 0 up to, not including, 1. */
  readonly random: () => number;
  readonly options: Pick<FilledBackend, 'maxDeliveries' | 'maxAttempts' | 'retryMs' | 'retryMsMax' | 'maxDeadLetters'>;
  /** Tells of one entry. Never rejects. `null`: nobody is to be told of this log any more. */
  readonly tell: (stream: StreamName, epoch: Epoch, entry: Entry) => Promise<Told> | null;
}

/** A log of which something waits. */
interface Line {
  readonly stream: StreamName;
  readonly epoch: Epoch;
  /** The back end was told up to here, and this is noted in the store. */
  done: Offset;
  noted: Offset;
  head: Offset;
  /** `at` of what waits longest, as far as it is known. */
  oldestAt: number;
  /** Failed tries of the next one. */
  attempts: number;
  noting: Promise<void> | null;
  cancelRetry: (() => void) | null;
  isRunning: boolean;
}

/** Entries of one log that are told before another log has its turn. */
const PAGE = { entries: 50, bytes: 262_144 };
const LIST_PAGE = 1_000;
/** The store failed: it is asked again after this long. */
const STORE_RETRY_MS = 1_000;

export class Delivery {
  readonly #with: DeliveryOptions;
  readonly #lines = new Map<StreamName, Line>();
  readonly #ready = new Set<Line>();
  readonly #running = new Set<Promise<void>>();
  #unwatch: () => void = () => {};
  /** News that came while the store was being asked what waits. */
  #early: OutboxNews[] | null = [];
  #isClosing = false;
  deadLetters = 0;

  constructor(options: DeliveryOptions) {
    this.#with = options;
  }

  /** Finds what waits, and begins. Rejects as the broker does. */
  async start(): Promise<void> {
    const { broker } = this.#with;
    this.#unwatch = broker.watchOutbox((news) => {
      if (this.#early === null) this.#heard(news);
      else this.#early.push(news);
    });
    this.deadLetters = await broker.countDeadLetters();
    for (let after: StreamName | null = null; ; ) {
      const page = await broker.waiting(after, LIST_PAGE);
      for (const { stream, epoch, done, head, oldestAt } of page) this.#add(stream, epoch, done, head, oldestAt);
      if (page.length < LIST_PAGE) break;
      after = page.at(-1)?.stream ?? null;
    }
    const early = this.#early ?? [];
    this.#early = null;
    for (const news of early) this.#heard(news);
    this.#pump();
  }

  /** Entries that wait, and since when the oldest does. Looks at all logs of which something waits. */
  get waiting(): { readonly count: number; readonly oldestAt: number | null } {
    let [count, oldestAt] = [0, Number.POSITIVE_INFINITY];
    for (const line of this.#lines.values()) {
      if (line.done === line.head) continue;
      count += line.head - line.done;
      oldestAt = Math.min(oldestAt, line.oldestAt);
    }
    return { count, oldestAt: count === 0 ? null : oldestAt };
  }

  /** Begins nothing more, and waits for what is under way until `late` resolves; `cut` ends it then. Notes what was told. */
  async close(late: Promise<void>, cut: () => void): Promise<void> {
    this.#isClosing = true;
    this.#unwatch();
    for (const { cancelRetry } of this.#lines.values()) cancelRetry?.();
    await Promise.race([late, Promise.all(this.#running)]);
    cut();
    await Promise.all(this.#running);
    await Promise.all([...this.#lines.values()].map((line) => this.#note(line)));
  }

  #heard({ stream, epoch, from, to, at }: OutboxNews): void {
    const line = this.#lines.get(stream);
    if (line?.epoch !== epoch) this.#add(stream, epoch, from, to, at);
    else {
      if (line.done === line.head) line.oldestAt = at;
      line.head = Math.max(line.head, to);
      this.#makeReady(line);
    }
    this.#pump();
  }

  /** What was known of another history of the log is forgotten: it is gone. */
  #add(stream: StreamName, epoch: Epoch, done: Offset, head: Offset, oldestAt: number): void {
    this.#lines.get(stream)?.cancelRetry?.();
    const idle = { attempts: 0, noting: null, cancelRetry: null, isRunning: false };
    const line: Line = { stream, epoch, done, noted: done, head, oldestAt, ...idle };
    this.#lines.set(stream, line);
    this.#makeReady(line);
  }

  #makeReady(line: Line): void {
    const isIdle = !line.isRunning && line.cancelRetry === null && this.#isCurrent(line);
    if (isIdle && line.done < line.head) this.#ready.add(line);
  }

  #isCurrent(line: Line): boolean {
    return this.#lines.get(line.stream) === line;
  }

  #pump(): void {
    if (this.#early !== null) return;
    for (const line of this.#ready) {
      if (this.#isClosing || this.#running.size >= this.#with.options.maxDeliveries) return;
      this.#ready.delete(line);
      line.isRunning = true;
      const run = this.#run(line).finally(() => {
        line.isRunning = false;
        this.#running.delete(run);
        this.#makeReady(line);
        this.#forgetIfOver(line);
        this.#pump();
      });
      this.#running.add(run);
    }
  }

  /** Tells a page of the log. Never rejects. */
  async #run(line: Line): Promise<void> {
    const { broker, log } = this.#with;
    try {
      const { entries } = await broker.read(line.stream, { epoch: line.epoch, offset: line.done }, PAGE);
      if (entries.length === 0) throw new Error('what waits is not in the log');
      for (const entry of entries) {
        if (this.#isClosing || !this.#isCurrent(line)) return;
        line.oldestAt = entry.at;
        if (!(await this.#one(line, entry))) return;
      }
    } catch (error) {
      if (error instanceof UnrecoverablePositionError) {
        // The log was removed: what waited went with it.
        if (this.#isCurrent(line)) this.#lines.delete(line.stream);
        return;
      }
      log.error({ error, stream: line.stream }, 'the outbox cannot be read or noted');
      this.#later(line, STORE_RETRY_MS);
    }
  }

  /** Whether the next one may be told. */
  async #one(line: Line, entry: Entry): Promise<boolean> {
    const { tell, options, clock } = this.#with;
    const told = await (tell(line.stream, line.epoch, entry) ?? 'told');
    if (told === 'told') {
      this.#advance(line, entry.offset);
      void this.#note(line);
      return true;
    }
    const isDead = 'dead' in told;
    line.attempts += isDead || told.later.reachedIt ? 1 : 0;
    if ((isDead || line.attempts >= options.maxAttempts) && this.deadLetters < options.maxDeadLetters) {
      const reason = (isDead ? told.dead : told.later.message).slice(0, 1_000).replace(/[\0\p{Surrogate}]/gu, '?');
      await this.#bury(line, entry, { diedAt: clock.nowMs(), attempts: line.attempts, reason });
      return true;
    }
    this.#later(line, isDead ? options.retryMsMax : Math.max(told.later.afterMs, this.#backOffMs(line)));
    return false;
  }

  async #bury(line: Line, entry: Entry, death: { diedAt: number; attempts: number; reason: string }): Promise<void> {
    const { broker, log } = this.#with;
    // Only the next one that waits can be buried.
    while (line.noted < line.done) if (!(await this.#note(line))) throw new Error('it cannot be noted what was told');
    await broker.bury(line.stream, { epoch: line.epoch, offset: entry.offset }, death);
    this.deadLetters += 1;
    this.#advance(line, entry.offset);
    line.noted = line.done;
    const { attempts, reason } = death;
    log.error({ stream: line.stream, offset: entry.offset, attempts, reason }, 'the back end does not take an entry');
  }

  #advance(line: Line, to: Offset): void {
    line.done = to;
    line.attempts = 0;
    if (line.done > line.head) line.head = line.done;
  }

  /** Full jitter: who failed together does not come back together. */
  #backOffMs({ attempts }: Line): number {
    const { retryMs, retryMsMax } = this.#with.options;
    return Math.ceil(
      this.#with.random() * Math.min(retryMs * 2 ** Math.min(Math.max(attempts - 1, 0), 30), retryMsMax),
    );
  }

  #later(line: Line, afterMs: number): void {
    if (this.#isClosing) return;
    line.cancelRetry = this.#with.clock.after(afterMs, () => {
      line.cancelRetry = null;
      this.#makeReady(line);
      this.#pump();
    });
  }

  /** Notes in the store how far the back end was told; several steps at a time, if they come faster. Whether that worked; never rejects. */
  async #note(line: Line): Promise<boolean> {
    let worked = true;
    while (worked && line.noted < line.done) {
      line.noting ??= this.#noteNow(line).finally(() => {
        line.noting = null;
      });
      worked = await line.noting.then(
        () => true,
        (error) => {
          this.#with.log.error({ error, stream: line.stream }, 'it could not be noted what the back end was told');
          return false;
        },
      );
    }
    this.#forgetIfOver(line);
    return worked;
  }

  #forgetIfOver(line: Line): void {
    if (line.noted === line.head && !line.isRunning && this.#isCurrent(line)) this.#lines.delete(line.stream);
  }

  async #noteNow(line: Line): Promise<void> {
    const to = line.done;
    await this.#with.broker.settle(line.stream, { epoch: line.epoch, offset: to });
    line.noted = Math.max(line.noted, to);
  }
}
