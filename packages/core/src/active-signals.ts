// The signals of a log, for those on this node who listen. Nothing is kept: of one sender and name the newest waits for the next
// flush, and whoever is behind at that moment never gets it.

import type { Signals } from '@trunkline/broker';
import { MAX_SLICE_BYTES, type StreamName, utf8Bytes } from '@trunkline/protocol';
import type { Cursor } from './cursor.js';
import type { Outflow } from './outflow.js';
import type { SharedText } from './ports.js';
import { MIN_TABLE_WINDOW_BYTES } from './table-subscription.js';
import type { Flushable } from './watched-stream.js';

/** Senders and names that may wait for one flush. Of more, the newest are dropped. */
export const MAX_WAITING_SIGNALS = 1_000;

/** What a broker carries: whose signal of which name it is, so that a newer one replaces it, and the members of the message. */
export function signalText(userId: string, name: string, user: string | null, data: string): string {
  const from = user === null ? '' : `,"user":${user}`;
  return `${JSON.stringify([userId, name])}\n"name":${JSON.stringify(name)}${from},"data":${data}`;
}

export class ActiveSignals implements Flushable {
  readonly kind = 'signals';
  readonly epoch = null;
  readonly head = 0;
  readonly floor = 0;
  /** While it is opened. */
  loading = true;
  isBroken = false;
  readonly subscriptions = new Set<SignalsSubscription>();
  readonly #members: SignalsSubscription[] = [];
  readonly #waiting = new Map<string, string>();
  /** What the pass that runs gives, and who is next in it: from the end to the start, so that leaving in the middle is safe. */
  #batch: SharedText | null = null;
  #next = -1;
  #unwatch: (() => void) | null = null;
  #closed = false;

  constructor(
    readonly number: number,
    readonly name: StreamName,
    private readonly signals: Signals,
    private readonly dirty: (signals: ActiveSignals) => void,
  ) {}

  get closed(): boolean {
    return this.#closed;
  }

  /** Rejects as the broker does. */
  async open(): Promise<void> {
    const unwatch = await this.signals.watchSignals(this.name, (text) => this.#onSignal(text));
    if (this.#closed) return unwatch();
    this.#unwatch = unwatch;
    this.loading = false;
  }

  async ready(): Promise<void> {}
  retry(): void {}

  close(): void {
    this.#closed = true;
    this.#unwatch?.();
    this.#waiting.clear();
  }

  join(subscription: SignalsSubscription): void {
    subscription.index = this.#members.length;
    this.#members.push(subscription);
  }

  leave(subscription: SignalsSubscription): void {
    const { index } = subscription;
    if (index === -1) return;
    subscription.index = -1;
    const last = this.#members.pop();
    if (last === undefined || last === subscription) return;
    this.#members[index] = last;
    last.index = index;
  }

  flush(mayGoOn: () => boolean): boolean {
    while (this.#batch !== null || this.#begin()) {
      const batch = this.#batch as SharedText;
      while (this.#next >= 0) {
        const subscription = this.#members[this.#next];
        this.#next -= 1;
        subscription?.offer(batch);
        if (!mayGoOn() && this.#next >= 0) return false;
      }
      this.#batch = null;
    }
    return true;
  }

  #onSignal(text: string): void {
    if (this.#closed || this.#members.length === 0) return;
    const end = text.indexOf('\n');
    const key = text.slice(0, end);
    if (this.#waiting.size >= MAX_WAITING_SIGNALS && !this.#waiting.has(key)) return;
    this.#waiting.set(key, `{"type":"signal","ch":${this.number},${text.slice(end + 1)}}`);
    this.dirty(this);
  }

  /** What waits becomes one message for all. */
  #begin(): boolean {
    let text = '';
    let bytes = 0;
    for (const [key, signal] of this.#waiting) {
      const signalBytes = utf8Bytes(signal) + 1;
      if (text !== '' && bytes + signalBytes > MAX_SLICE_BYTES) break;
      this.#waiting.delete(key);
      text += text === '' ? signal : `\n${signal}`;
      bytes += signalBytes;
    }
    if (text === '') return false;
    this.#batch = { text, bytes: bytes - 1, wire: null };
    this.#next = this.#members.length - 1;
    return true;
  }
}

/** One connection that listens. */
export class SignalsSubscription implements Cursor {
  /** Place among those who listen; -1: none. */
  index = -1;
  readonly isBehind = false;
  #last: SharedText | null = null;
  #isHeld = false;
  #closed = false;

  constructor(
    readonly stream: ActiveSignals,
    private readonly outflow: Outflow,
  ) {}

  get closed(): boolean {
    return this.#closed;
  }

  start(): void {
    this.stream.join(this);
  }

  /** Who left may have brought it to a place that is served once more. */
  offer(batch: SharedText): void {
    if (this.#last === batch || this.#isHeld || this.#closed) return;
    this.#last = batch;
    if (!this.outflow.isFullForNewest(MIN_TABLE_WINDOW_BYTES)) this.outflow.sendShared(batch);
  }

  catchUp(): void {}

  hold(): void {
    this.#isHeld = true;
  }
  release(): void {
    this.#isHeld = false;
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.stream.leave(this);
    this.stream.subscriptions.delete(this);
  }
}
