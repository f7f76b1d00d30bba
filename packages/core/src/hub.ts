// The streams that this node watches, and the flush: changes made in one turn of the event loop go out together, as one
// message per stream to everyone at its head. A flush yields to the event loop, so that thousands of writes delay nobody else.

import type { Broker, Signals } from '@trunkline/broker';
import type { StreamName } from '@trunkline/protocol';
import { ActiveSignals, SignalsSubscription } from './active-signals.js';
import { ActiveStream, type LogHost } from './active-stream.js';
import { ActiveTable, type TableHost } from './active-table.js';
import type { TableBroker } from './checkpoint-broker.js';
import type { Cursor } from './cursor.js';
import type { Outflow } from './outflow.js';
import type { Clock, Log } from './ports.js';
import { Subscription } from './subscription.js';
import { TableSubscription, type Wishes } from './table-subscription.js';
import { Ticker } from './ticker.js';
import { WatchLists } from './watch-list.js';
import type { Flushable } from './watched-stream.js';

export interface HubOptions {
  readonly broker: Broker;
  readonly clock: Clock;
  readonly log: Log;
  /** Bytes of encoded entries that each active stream keeps at hand. Default 262_144. */
  readonly ringBytes?: number;
  /** Waits this long before a flush, in milliseconds: fewer writes for more latency. Default 0: the end of the turn. */
  readonly flushIntervalMs?: number;
  /** Called every 32 served connections and at the end of a flush: the transport writes out what it gathered. */
  readonly afterFlush?: () => void;
}

/** A flush yields to the event loop after this long. */
const FLUSH_STRETCH_MS = 2;
/** What was gathered is written out, and the clock is read, once for this many subscribers. */
const FLUSH_STRIDE = 32;
/** A stream without subscribers is kept this long: people reload pages. */
const IDLE_STREAM_MS = 30_000;
/** So many of them at most, or whoever walks through rooms could fill the memory with their rings. */
const MAX_IDLE_STREAMS = 1_000;
/** Whoever just opened one may still be asking the broker about it. */
const MIN_IDLE_MS = 1_000;

type Active = ActiveStream | ActiveTable | ActiveSignals;

interface Held {
  readonly stream: Active;
  readonly opened: Promise<void>;
}

export class Hub implements LogHost, TableHost {
  readonly broker: Broker;
  readonly ringBytes: number;
  readonly #options: HubOptions;
  readonly #streams = new Map<StreamName, Held>();
  /** Since when nobody subscribes to a stream, the longest first. */
  readonly #idle = new Map<StreamName, number>();
  #numbers = 0;
  readonly #dirty = new Set<Flushable>();
  /** Watch lists that somebody follows. */
  readonly lists = new WatchLists();
  readonly ticker: Ticker;
  #scheduled = false;

  constructor(options: HubOptions) {
    this.#options = options;
    this.broker = options.broker;
    this.ringBytes = options.ringBytes ?? 262_144;
    this.ticker = new Ticker(options.clock);
  }

  /** Streams that are watched now. */
  get activeStreams(): number {
    return this.#streams.size;
  }
  /** Whether somebody follows the stream, or did a moment ago. */
  isActive(name: StreamName): boolean {
    return this.#streams.has(name);
  }
  /** Subscriptions to them. */
  get subscriptions(): number {
    let subscriptions = 0;
    for (const { stream } of this.#streams.values()) subscriptions += stream.subscriptions.size;
    return subscriptions;
  }

  /** Subscriptions to one stream. */
  subscribersOf(name: StreamName): number {
    return this.#streams.get(name)?.stream.subscriptions.size ?? 0;
  }

  /**
   * The log, watched and loaded. Rejects as the broker does. If nobody subscribes it is closed after a while: check
   * `closed` after waiting for something else.
   */
  async openLog(name: StreamName): Promise<ActiveStream> {
    return (await this.#open(name, (number) => new ActiveStream(number, name, this))) as ActiveStream;
  }

  /** The same for a table. @param broker the one that keeps it */
  async openTable(name: StreamName, broker: TableBroker): Promise<ActiveTable> {
    return (await this.#open(name, (number) => new ActiveTable(number, name, broker, this))) as ActiveTable;
  }

  /** The same for the signals beside a log. @param signals what carries them */
  async openSignals(name: StreamName, signals: Signals): Promise<ActiveSignals> {
    const make = (number: number) => new ActiveSignals(number, name, signals, (active) => this.dirty(active));
    return (await this.#open(name, make)) as ActiveSignals;
  }

  async #open(name: StreamName, make: (number: number) => Active): Promise<Active> {
    const known = this.#streams.get(name);
    if (known !== undefined) {
      if (known.stream.subscriptions.size === 0) this.#setIdle(name);
      await known.opened;
      await known.stream.ready();
      return known.stream;
    }
    this.#numbers += 1;
    const stream = make(this.#numbers);
    const opened = stream.open();
    this.#streams.set(name, { stream, opened });
    this.#setIdle(name);
    try {
      await opened;
    } catch (error) {
      this.#forget(stream);
      throw error;
    }
    return stream;
  }

  /** A cursor on the log for one connection; `start` it, and `drop` it in the end. */
  subscribe(stream: ActiveStream, outflow: Outflow): Subscription {
    const subscription = new Subscription(stream, outflow);
    stream.subscriptions.add(subscription);
    this.#idle.delete(stream.name);
    return subscription;
  }

  /** The same on a table. Its watch list is the subscription's from now on. */
  subscribeTable(table: ActiveTable, outflow: Outflow, wishes: Wishes): TableSubscription {
    const subscription = new TableSubscription(table, outflow, wishes, this.lists);
    table.subscriptions.add(subscription);
    this.#idle.delete(table.name);
    return subscription;
  }

  /** The same on signals. */
  subscribeSignals(signals: ActiveSignals, outflow: Outflow): SignalsSubscription {
    const subscription = new SignalsSubscription(signals, outflow);
    signals.subscriptions.add(subscription);
    this.#idle.delete(signals.name);
    return subscription;
  }

  drop(cursor: Cursor): void {
    cursor.close();
    const stream = this.#streams.get(cursor.stream.name)?.stream;
    if (stream === cursor.stream && stream.subscriptions.size === 0 && !stream.closed) this.#setIdle(stream.name);
  }

  dirty(stream: Flushable): void {
    this.#dirty.add(stream);
    this.#schedule(this.#options.flushIntervalMs ?? 0);
  }

  failed(stream: { readonly name: StreamName }, error: unknown): void {
    this.#options.log.warn({ stream: stream.name, error }, 'the broker failed; subscribers wait until it is back');
  }

  /** Call about once a second: retries what failed, and forgets streams that nobody has shown for a while. */
  sweep(): void {
    for (const { stream } of this.#streams.values()) if (stream.subscriptions.size > 0) stream.retry();
    this.#forgetIdle(this.#options.clock.nowMs() - IDLE_STREAM_MS, 0);
  }

  close(): void {
    for (const { stream } of this.#streams.values()) stream.close();
    this.#streams.clear();
    this.#idle.clear();
    this.#dirty.clear();
    this.ticker.close();
  }

  #setIdle(name: StreamName): void {
    const now = this.#options.clock.nowMs();
    this.#idle.delete(name);
    this.#idle.set(name, now);
    if (this.#idle.size > MAX_IDLE_STREAMS) this.#forgetIdle(now - MIN_IDLE_MS, MAX_IDLE_STREAMS);
  }

  /** Forgets those that are idle since before `beforeMs`, down to `most`. */
  #forgetIdle(beforeMs: number, most: number): void {
    for (const [name, sinceMs] of this.#idle) {
      if (sinceMs >= beforeMs || this.#idle.size <= most) return;
      const stream = this.#streams.get(name)?.stream;
      // One that is being opened stays, as its opener waits for it.
      if (stream !== undefined && (!stream.loading || stream.isBroken)) this.#forget(stream);
    }
  }

  #forget(stream: Active): void {
    stream.close();
    this.#dirty.delete(stream);
    if (this.#streams.get(stream.name)?.stream !== stream) return;
    this.#streams.delete(stream.name);
    this.#idle.delete(stream.name);
  }

  readonly #flush = (): void => {
    this.#scheduled = false;
    const { clock, afterFlush } = this.#options;
    const until = clock.nowMs() + FLUSH_STRETCH_MS;
    let steps = 0;
    const mayGoOn = () => {
      steps += 1;
      if (steps % FLUSH_STRIDE !== 0) return true;
      // Written out before the clock is read: the writes are what takes the time, serving only hands them over.
      // A socket on two busy streams may so get two writes in one flush.
      afterFlush?.();
      return clock.nowMs() < until;
    };
    for (const stream of this.#dirty) {
      this.#dirty.delete(stream);
      // Not finished, or changed while it was served: the rest of it comes after the others had their turn.
      if (!stream.flush(mayGoOn)) {
        this.#dirty.add(stream);
        break;
      }
    }
    if (this.#dirty.size > 0) this.#schedule(0);
    afterFlush?.();
  };

  #schedule(delayMs: number): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    if (delayMs > 0) this.#options.clock.after(delayMs, this.#flush);
    else this.#options.clock.endOfTurn(this.#flush);
  }
}
