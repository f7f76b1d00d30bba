// What this client publishes to one log, until it is answered: sent in order, sent again over reconnects under the same
// `seq`, and shown until its entry is.

import {
  type Epoch,
  type ErrorMessage,
  type Item,
  MAX_UNACKNOWLEDGED,
  type Offset,
  TrunklineError,
} from '@trunkline/protocol';
import { Backoff } from './backoff.js';
import type { Batch } from './batch.js';
import type { Link } from './link.js';
import type { PendingEntry, Published } from './log-handle.js';
import type { Clock } from './ports.js';
import { bytesOf, errorOf, type Reply } from './requests.js';
import { isSameUser } from './same-user.js';
import { isPublishOk } from './server-messages.js';
import { Timers } from './timers.js';

/** Bytes that a publish has besides its data, at most: a stream's name, a producer, two numbers. */
const ENVELOPE_BYTES = 768;

interface Publication {
  readonly key: string;
  seq: number;
  readonly text: string;
  readonly bytes: number;
  /** Was written to a socket once: the server may have stored it. */
  sent: boolean;
  /** Was written to this socket and is not refused. */
  onWire: boolean;
  /** Failed without anyone knowing its outcome, and is sent again: a `conflict` says that it was not stored. */
  unsure: boolean;
  stored?: { readonly epoch: Epoch; readonly offset: Offset };
  view: PendingEntry<unknown>;
  resolve(published: Published): void;
  reject(error: TrunklineError): void;
}

export interface OutboxOptions {
  readonly stream: string;
  readonly producer: string;
  readonly link: Link;
  readonly batch: Batch;
  readonly clock: Clock;
  readonly random: () => number;
  readonly maxQueued: number;
  readonly onChange: () => void;
  /** A publish is stored, and its entry is not here: whether it will come by itself. */
  readonly awaits: (stored: { readonly epoch: Epoch; readonly offset: Offset }) => boolean;
}

export class Outbox {
  /** What the application sees; the same list while it is unchanged. */
  views: readonly PendingEntry<unknown>[] = [];
  #items: Publication[] = [];
  #lastSeq = 0;
  #release: (() => void) | undefined;
  /** Counts the times that everything was sent again: refusals of earlier times are stale. */
  #round = 0;
  readonly #backoff: Backoff;
  readonly #timers: Timers<'resend'>;
  readonly #options: OutboxOptions;
  readonly #max: number;

  constructor(options: OutboxOptions) {
    this.#options = options;
    this.#max = Math.min(options.maxQueued, MAX_UNACKNOWLEDGED);
    this.#timers = new Timers(options.clock, options.batch);
    this.#backoff = new Backoff(options.random);
  }

  publish(data: unknown): Promise<Published> {
    const promise = new Promise<Published>((resolve, reject) => {
      const text = toJson(data);
      const seq = ++this.#lastSeq;
      const item: Publication = {
        key: `${this.#options.producer}:${seq}`,
        seq,
        text,
        bytes: bytesOf(text),
        sent: false,
        onWire: false,
        unsure: false,
        view: { key: '', data, state: 'sending', error: undefined, retry: () => {}, discard: () => {} },
        resolve,
        reject,
      };
      this.#show(item, data, undefined);
      this.#items.push(item);
      this.#makeRoom();
      this.pump();
      this.#changed();
    });
    // A failure stands in `pending`: whoever does not look at the promise has not missed it.
    promise.catch(() => {});
    return promise;
  }

  /** Writes what waits, in order, as far as it may be written now. */
  pump(): void {
    const { link } = this.#options;
    if (link.error && link.state === 'refused') return this.refuse(link.error);
    if (!link.canSend || this.#timers.has('resend') || (link.cautious && link.state !== 'live')) return;
    for (const item of [...this.#items]) {
      if (!isOpen(item) || item.onWire) continue;
      const { maxEntryBytes, maxMessageBytes } = link.limits;
      if (item.bytes > maxEntryBytes || item.bytes + ENVELOPE_BYTES > maxMessageBytes) {
        // Before the first `welcome` the limits are a guess: what might be too large waits, and all after it.
        if (!link.knowsLimits) return;
        this.#fail(item, new TrunklineError('too_large', `the entry has ${item.bytes} bytes`));
        continue;
      }
      this.#write(item);
    }
  }

  /** The socket is gone: all of it goes again, in order, with the next. */
  lost(): void {
    this.#timers.clear('resend');
    this.#rewind();
  }

  /** The connection is refused: nothing will be answered. */
  refuse(error: TrunklineError): void {
    for (const item of [...this.#items]) {
      if (!isOpen(item)) continue;
      this.#fail(item, new TrunklineError(error.code, error.message, { retry: false, outcome: outcomeOf(item) }));
    }
    this.#changed();
  }

  /** The key of the publication that became this entry: it leaves. `undefined` if it is not ours. */
  take(item: Item, epoch: Epoch): string | undefined {
    const { producer, link } = this.#options;
    const ours = item.producer === producer && isSameUser(item.user ?? null, link.user ?? null);
    const found = this.#items.find((mine) =>
      mine.stored
        ? mine.stored.epoch === epoch && mine.stored.offset === item.offset
        : ours && mine.sent && mine.seq === item.seq,
    );
    if (found === undefined) return undefined;
    found.resolve({ offset: item.offset, at: item.at });
    this.#remove(found);
    return found.key;
  }

  /** Lets go of what is stored and will not come as an entry any more. */
  settle(): void {
    const before = this.#items.length;
    this.#items = this.#items.filter((item) => item.stored === undefined || this.#options.awaits(item.stored));
    if (this.#items.length !== before) this.#changed();
  }

  #write(item: Publication): void {
    const { stream, producer, link } = this.#options;
    const round = this.#round;
    item.sent = true;
    item.onWire = true;
    link.request(
      `"type":"publish","stream":${JSON.stringify(stream)},"producer":"${producer}","seq":${item.seq},"data":${item.text}`,
      (reply) => {
        if (isOpen(item) && this.#items.includes(item)) this.#onReply(item, round, reply);
      },
    );
  }

  #onReply(item: Publication, round: number, reply: Reply): void {
    if (reply.type === 'error') return this.#onError(item, round, reply);
    if (!isPublishOk(reply)) return this.#options.link.breach('publish');
    const { epoch, offset, at } = reply;
    item.stored = { epoch, offset };
    item.resolve({ offset, at });
    this.#backoff.reset();
    this.settle();
    this.#hold();
  }

  #onError(item: Publication, round: number, error: ErrorMessage): void {
    if (error.retry) {
      // The server refuses all after it likewise (PUB-4), so all go again. Their refusals, and older ones, say nothing new.
      if (round !== this.#round) return;
      this.#rewind();
      this.#timers.set('resend', this.#backoff.nextMs(this.#options.clock.nowMs(), error.afterMs), () => this.pump());
      return;
    }
    if (item.unsure && error.code === 'conflict') {
      item.unsure = false;
      item.seq = ++this.#lastSeq;
      return this.#write(item);
    }
    this.#fail(item, errorOf(error));
  }

  #rewind(): void {
    this.#round += 1;
    for (const item of this.#items) item.onWire = false;
  }

  /** One more than fits: the oldest that was never sent fails, as it alone is certain not to be stored. */
  #makeRoom(): void {
    const open = this.#items.filter(isOpen);
    if (open.length <= this.#max) return;
    const victim = open.find((item) => !item.sent);
    if (victim) this.#fail(victim, new TrunklineError('rate_limited', `more than ${this.#max} publishes wait`));
  }

  #fail(item: Publication, error: TrunklineError): void {
    item.reject(error);
    this.#show(item, item.view.data, error);
    // What nobody looks at must not grow: the oldest failures are forgotten.
    const failed = this.#items.filter((other) => other.view.state === 'failed');
    if (failed[0] && failed.length > this.#max) this.#remove(failed[0]);
    this.#changed();
  }

  #retry(item: Publication): void {
    const { error } = item.view;
    if (error === undefined || !this.#items.includes(item)) return;
    // Whoever knows that it was not stored begins anew; else its old number tells the server whether it was.
    item.unsure = error.outcome === 'unknown' && item.sent;
    if (!item.unsure) item.seq = ++this.#lastSeq;
    item.onWire = false;
    item.sent = item.unsure;
    this.#items = [...this.#items.filter((other) => other !== item), item];
    this.#show(item, item.view.data, undefined);
    this.#makeRoom();
    this.#options.link.need();
    this.pump();
    this.#changed();
  }

  #discard(item: Publication): void {
    if (!this.#items.includes(item) || (isOpen(item) && item.sent) || item.stored) return;
    item.reject(new TrunklineError('conflict', 'discarded', { retry: false }));
    this.#remove(item);
  }

  #remove(item: Publication): void {
    this.#items = this.#items.filter((other) => other !== item);
    this.#changed();
  }

  #show(item: Publication, data: unknown, error: TrunklineError | undefined): void {
    const { batch } = this.#options;
    const retry = () => batch.run(() => this.#retry(item));
    const discard = () => batch.run(() => this.#discard(item));
    const base = { key: item.key, data, retry, discard };
    item.view = error
      ? { ...base, state: 'failed', error: error as TrunklineError & { refusal: string | undefined } }
      : { ...base, state: 'sending', error };
  }

  #changed(): void {
    this.views = this.#items.map((item) => item.view);
    this.#hold();
    this.#options.onChange();
  }

  /** What awaits an answer keeps the connection open. */
  #hold(): void {
    if (this.#items.some(isOpen)) this.#release ??= this.#options.link.hold();
    else {
      this.#release?.();
      this.#release = undefined;
    }
  }
}

const isOpen = (item: Publication): boolean => item.view.state === 'sending' && item.stored === undefined;

const outcomeOf = (item: Publication) => (item.sent ? 'unknown' : 'refused');

function toJson(data: unknown): string {
  let cause: unknown;
  try {
    const text = JSON.stringify(data);
    if (text !== undefined) return text;
  } catch (thrown) {
    cause = thrown;
  }
  throw new TrunklineError('invalid', 'not a JSON value', { cause });
}
