// A log that users of this node follow without subscribing to it: its newest entries by number and author, from which each
// follower's count is made. Counts are made in rounds, at most one a second, whatever is published meanwhile; most of them cost a look
// at as many entries as there are unread, and none where there are more than 99.

import type { Advance, Broker, Page, Watch } from '@trunkline/broker';
import type { Epoch, Offset, StreamName } from '@trunkline/protocol';
import type { Clock, Log } from './ports.js';
import { type Counted, type CountedEntry, countBack, countedOf, countUnread, MAX_UNREAD } from './unread-count.js';

/** A round begins so long after the last one, in milliseconds, */
const ROUND_MS = 1_000;
/** or so long after the entry that it is for, if that is later: entries of a moment are one round. */
const MOMENT_MS = 50;
/** Entries that are kept at hand. */
const WINDOW = 256;
/** A round lets others work after so many milliseconds. */
const STRETCH_MS = 2;
const STRIDE = 32;

/** One who follows. */
export interface Follower {
  readonly userId: string;
  /** Up to where they have read, */
  mark: Offset;
  /** in this history. */
  epoch: Epoch | null;
  /** What the window alone cannot tell: counted by the broker up to there. */
  counted: Counted | null;
  /** Nothing is told while their rights are in doubt. */
  isDoubted: boolean;
  /** 0 to 100; -1: never told. */
  shown: number;
  /** The count, or what was read, is another. */
  readonly tell: (unread: number) => void;
}

export interface FollowedLogOptions {
  readonly broker: Broker;
  readonly clock: Clock;
  readonly log: Log;
}

export class FollowedLog {
  readonly followers = new Set<Follower>();
  /** Without entries in between, up to the head. */
  #window: CountedEntry[] = [];
  /** The window has all after it. */
  #start: Offset = 0;
  #head: Offset = 0;
  #floor: Offset = 0;
  #epoch: Epoch | null = null;
  #watch: Watch | null = null;
  #opened: Promise<void> | null = null;
  #isLoading = false;
  #isStale = false;
  #cancelRound: (() => void) | null = null;
  #roundMs = Number.NEGATIVE_INFINITY;
  #closed = false;

  constructor(
    readonly name: StreamName,
    private readonly options: FollowedLogOptions,
  ) {}

  /** Watches and loads. Rejects as the broker does; call it again then. */
  open(): Promise<void> {
    this.#opened ??= this.#open().catch((error) => {
      this.#opened = null;
      throw error;
    });
    return this.#opened;
  }

  /** Counts for one, and tells. Rejects as the broker does. */
  async count(follower: Follower): Promise<void> {
    const unread = this.#countHere(follower);
    if (unread !== null) return this.#tell(follower, unread);
    const { userId, epoch, mark: offset } = follower;
    const counted = await countUnread(this.options.broker, this.name, userId, { epoch, offset });
    // Marked meanwhile: whoever did that counts too.
    if (follower.mark !== offset || follower.epoch !== epoch) return;
    follower.counted = counted;
    if (counted.epoch === this.#epoch) this.#floor = Math.max(this.#floor, counted.floor);
    // It may know more than what was announced until now: that is counted once more in the next round.
    else void this.#load();
    this.#tell(follower, this.#countHere(follower) ?? counted.count);
  }

  /** Where a mark counts from: 0 in another history than its own. */
  markOf({ epoch, mark }: Follower): Offset {
    return epoch === this.#epoch ? mark : 0;
  }

  /** What is kept may be less by now, and a failing broker may be back. Call it now and then. */
  look(): void {
    if (this.followers.size > 0) void this.#load();
  }

  close(): void {
    this.#closed = true;
    this.#cancelRound?.();
    this.#watch?.close();
  }

  async #open(): Promise<void> {
    this.#watch?.close();
    const watch = await this.options.broker.watch(this.name, (advance) => this.#onAdvance(advance));
    if (this.#closed) return watch.close();
    this.#watch = watch;
    await this.#read();
  }

  #onAdvance({ epoch, from, to, entries }: Advance): void {
    if (this.#closed || (epoch === this.#epoch && to <= this.#head)) return;
    const begins = this.#epoch === null && from === 0;
    if (this.#isLoading || entries === undefined || from !== this.#head || !(begins || epoch === this.#epoch)) {
      return void this.#load();
    }
    this.#epoch = epoch;
    this.#head = to;
    this.#window.push(...countedOf(entries));
    // In strides: a shift for each entry would move the window each time.
    if (this.#window.length > 2 * WINDOW) {
      this.#window.splice(0, this.#window.length - WINDOW);
      this.#start = (this.#window[0]?.offset ?? to + 1) - 1;
    }
    this.#schedule();
  }

  /** Reads the window anew; never rejects. */
  async #load(): Promise<void> {
    this.#isStale = true;
    if (this.#isLoading || this.#closed) return;
    this.#isLoading = true;
    try {
      while (this.#isStale && !this.#closed) {
        this.#isStale = false;
        await this.#read();
      }
      this.#schedule();
    } catch (error) {
      this.options.log.warn({ stream: this.name, error }, 'the broker failed; unread counts wait until it is back');
    } finally {
      this.#isLoading = false;
    }
  }

  async #read(): Promise<void> {
    const page: Page = await this.options.broker.readBack(this.name, undefined, { entries: WINDOW, bytes: 1_048_576 });
    this.#epoch = page.epoch;
    this.#head = page.offset;
    this.#floor = page.floor;
    this.#start = (page.entries[0]?.offset ?? page.offset + 1) - 1;
    this.#window = countedOf(page.entries);
  }

  #schedule(): void {
    if (this.#closed) return;
    const { clock } = this.options;
    const sinceMs = clock.nowMs() - this.#roundMs;
    const waitMs = sinceMs >= 0 && sinceMs < ROUND_MS ? Math.max(MOMENT_MS, ROUND_MS - sinceMs) : MOMENT_MS;
    this.#cancelRound ??= clock.after(waitMs, () => {
      this.#roundMs = clock.nowMs();
      this.#round([...this.followers], 0);
    });
  }

  #round(followers: readonly Follower[], begin: number): void {
    this.#cancelRound = null;
    const { clock } = this.options;
    const untilMs = clock.nowMs() + STRETCH_MS;
    for (let index = begin; index < followers.length && !this.#closed; index += 1) {
      const follower = followers[index] as Follower;
      if (this.followers.has(follower)) this.#recount(follower);
      if ((index - begin) % STRIDE === STRIDE - 1 && clock.nowMs() >= untilMs) {
        this.#cancelRound = clock.after(0, () => this.#round(followers, index + 1));
        return;
      }
    }
  }

  #recount(follower: Follower): void {
    // Nothing that is published changes it: only a mark, or that entries are no longer kept.
    if (follower.shown > MAX_UNREAD && this.#floor <= this.markOf(follower)) return;
    const unread = this.#countHere(follower);
    if (unread !== null) return this.#tell(follower, unread);
    this.count(follower).catch((error) => {
      this.options.log.warn({ stream: this.name, error }, 'the broker failed; unread counts wait until it is back');
    });
  }

  /** `null`: the broker has to be asked. */
  #countHere(follower: Follower): number | null {
    const { userId, counted } = follower;
    const after = Math.max(this.markOf(follower), this.#floor);
    const isCounted = counted !== null && counted.epoch === this.#epoch && counted.after === after;
    if (isCounted && counted.upTo >= this.#start) return countBack(this.#window, counted.upTo, userId, counted.count);
    const unread = countBack(this.#window, after, userId);
    return unread > MAX_UNREAD || after >= this.#start ? unread : null;
  }

  #tell(follower: Follower, unread: number): void {
    if (follower.isDoubted || follower.shown === unread) return;
    follower.shown = unread;
    follower.tell(unread);
  }
}
