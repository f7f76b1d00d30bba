// One log: its interests, its subscription on the present connection, its replica and its outbox, shown as one snapshot.

import { type Epoch, type Gap, type Offset, type ServerMessage, TrunklineError } from '@trunkline/protocol';
import { Backoff } from './backoff.js';
import { type Batch, Store } from './batch.js';
import type { Link } from './link.js';
import type { LogGap, LogHandle, LogInterest, LogSnapshot, LogState, Published } from './log-handle.js';
import { Outbox } from './outbox.js';
import type { Clock } from './ports.js';
import { Replica } from './replica.js';
import { errorOf, type Reply } from './requests.js';
import { isReadOk, isSubscribeOk } from './server-messages.js';
import { Timers } from './timers.js';

const PAGE = 50;
/** Slices in a row that do not fit: the first few are asked for again, then the connection is not to be trusted. */
const HOLES_MAX = 3;

export type AnyLogSnapshot = LogSnapshot<unknown, unknown, unknown>;

export interface LogOptions {
  readonly name: string;
  readonly link: Link;
  readonly batch: Batch;
  readonly clock: Clock;
  readonly random: () => number;
  readonly producer: string;
  readonly lingerMs: number;
  readonly maxQueued: number;
  readonly maxEntries: number;
}

/** What became of the subscription on this connection. `on` with its number; `resting` until it is asked for again. */
type Seat =
  | { readonly is: 'none' | 'asked' | 'resting' }
  | { readonly is: 'on'; readonly synced: boolean }
  | { readonly is: 'refused'; readonly error: TrunklineError };

/** A page of older entries on its way. */
interface Page {
  readonly before: Offset;
  readonly epoch: Epoch | null;
  readonly limit: number;
  readonly promise: Promise<void>;
  resolve(): void;
  reject(error: TrunklineError): void;
}

const NONE: Seat = { is: 'none' };

const EMPTY: AnyLogSnapshot = {
  state: 'connecting',
  entries: [],
  pending: [],
  gap: undefined,
  hasOlder: false,
  loadingOlder: false,
  error: undefined,
};

export class Log implements LogHandle<unknown, unknown, unknown> {
  readonly name: string;
  readonly snapshot: () => AnyLogSnapshot;

  readonly #options: LogOptions;
  readonly #store: Store<AnyLogSnapshot>;
  readonly #timers: Timers<'linger' | 'again' | 'page'>;
  readonly #replica: Replica;
  readonly #outbox: Outbox;
  readonly #backoff: Backoff;
  readonly #interests = new Set<LogInterest>();
  #release: (() => void) | undefined;
  /** Someone is interested, or was a moment ago. */
  #wanted = false;
  #seat: Seat = NONE;
  /** Counts the subscribes: what belongs to an older one is ignored. */
  #turn = 0;
  #ch: number | undefined;
  #holes = 0;
  #gap: LogGap | undefined;
  #page: Page | undefined;

  constructor(options: LogOptions) {
    this.#options = options;
    this.name = options.name;
    this.#store = new Store(options.batch, () => this.#build());
    this.snapshot = this.#store.snapshot;
    this.#timers = new Timers(options.clock, options.batch);
    this.#backoff = new Backoff(options.random);
    this.#outbox = new Outbox({
      stream: options.name,
      producer: options.producer,
      link: options.link,
      batch: options.batch,
      clock: options.clock,
      random: options.random,
      maxQueued: options.maxQueued,
      onChange: () => this.#store.touch(),
      awaits: ({ epoch, offset }) =>
        this.#wanted &&
        this.#seat.is !== 'refused' &&
        (this.#replica.epoch ?? epoch) === epoch &&
        this.#replica.offset < offset,
    });
    this.#replica = new Replica(
      options.maxEntries,
      (item, epoch) => this.#outbox.take(item, epoch) ?? `${epoch}:${item.offset}`,
    );
  }

  readonly serverSnapshot = (): AnyLogSnapshot => EMPTY;

  readonly publish = (data: unknown): Promise<Published> =>
    this.#options.batch.run(() => {
      const published = this.#outbox.publish(data);
      this.#options.link.need();
      return published;
    });

  readonly subscribe = (onChange: () => void, interest?: LogInterest): (() => void) => {
    const unlisten = this.#store.subscribe(onChange);
    const release = this.open(interest);
    return () => {
      unlisten();
      release();
    };
  };

  readonly open = (interest: LogInterest = {}): (() => void) => {
    // A copy: the same object given twice is two interests.
    const mine = { ...interest };
    this.#options.batch.run(() => this.#add(mine));
    return () => this.#options.batch.run(() => this.#remove(mine));
  };

  readonly dismissGap = (): void => {
    this.#gap = undefined;
    this.#store.touch();
  };

  readonly loadOlder = (count = PAGE): Promise<void> => {
    if (this.#page) return this.#page.promise;
    if (!this.#replica.hasOlder) return Promise.resolve();
    return this.#options.batch.run(() => {
      const release = this.#options.link.hold();
      let settle: Pick<Page, 'resolve' | 'reject'> = { resolve: release, reject: release };
      const promise = new Promise<void>((resolve, reject) => {
        settle = { resolve, reject };
      });
      promise.catch(() => {}).finally(release);
      const limit = Math.max(1, Math.min(count, this.#options.link.limits.maxPageEntries));
      this.#page = { before: this.#replica.from + 1, epoch: this.#replica.epoch, limit, promise, ...settle };
      this.#store.touch();
      this.#read();
      return promise;
    });
  };

  // ── what the connection tells ──────────────────────────────────────────────────────────────────────────────────────

  greet(): void {
    this.#ask();
    this.#outbox.pump();
    this.#read();
  }

  live(): void {
    this.#outbox.pump();
  }

  lost(): void {
    this.#turn += 1;
    this.#seat = NONE;
    this.#ch = undefined;
    this.#timers.clear('again', 'page');
    this.#outbox.lost();
  }

  changed(): void {
    if (this.#wanted || this.#outbox.views.length > 0) this.#store.touch();
  }

  refused(error: TrunklineError): void {
    this.#outbox.refuse(error);
    this.#endPage(error);
    this.#store.touch();
  }

  /** Asks again for a subscription that was refused. */
  retry(): void {
    if (this.#seat.is !== 'refused') return;
    this.#seat = NONE;
    this.#ask();
  }

  // ── interest ───────────────────────────────────────────────────────────────────────────────────────────────────────

  #add(interest: LogInterest): void {
    const missing = (interest.last ?? PAGE) - this.#replica.entries.length;
    this.#interests.add(interest);
    this.#timers.clear('linger');
    this.#wanted = true;
    this.#release ??= this.#options.link.hold();
    this.#options.link.need();
    if (this.#seat.is === 'on') {
      // There is one subscription for all: who wants to begin further back reads the rest.
      if (this.#seat.synced && missing > 0) void this.loadOlder(missing).catch(() => {});
    } else if (this.#interests.size === 1) this.retry();
    this.#ask();
    this.#store.touch();
  }

  #remove(interest: LogInterest): void {
    if (!this.#interests.delete(interest) || this.#interests.size > 0) return;
    this.#timers.set('linger', this.#options.lingerMs, () => this.#rest(interest.last ?? PAGE));
    this.#release?.();
    this.#release = undefined;
  }

  #rest(last: number): void {
    this.#wanted = false;
    this.#unsubscribe();
    this.#replica.rest(Math.max(last, 1));
    this.#outbox.settle();
    this.#store.touch();
  }

  // ── the subscription ───────────────────────────────────────────────────────────────────────────────────────────────

  #ask(): void {
    const { link } = this.#options;
    if (!this.#wanted || !link.canSend || this.#seat.is !== 'none') return;
    this.#seat = { is: 'asked' };
    this.#turn += 1;
    const turn = this.#turn;
    const { after, placed } = this.#replica;
    const { maxPageEntries } = link.limits;
    // No position names an empty stream: all that came since is asked for by count.
    const last = placed && after === undefined ? maxPageEntries : Math.min(this.#last(), maxPageEntries);
    const request = { stream: this.name, after, last, most: this.#most() };
    link.request(`"type":"subscribe",${JSON.stringify(request).slice(1, -1)}`, (reply) =>
      this.#onSubscribed(turn, reply),
    );
  }

  /** The largest wish of all interests. */
  #last(): number {
    return Math.max(0, ...[...this.#interests].map(({ last = PAGE }) => last));
  }

  /** The loosest bound of all interests; none if one has none. */
  #most(): number | undefined {
    const most = Math.max(0, ...[...this.#interests].map(({ most = Number.POSITIVE_INFINITY }) => most));
    return most > 0 && Number.isFinite(most) ? most : undefined;
  }

  #onSubscribed(turn: number, reply: Reply): void {
    const { link } = this.#options;
    if (reply.type === 'error') {
      if (turn === this.#turn) this.#end(errorOf(reply));
      return;
    }
    if (!isSubscribeOk(reply)) return link.breach('subscribe');
    // Entered even when it came too late: what follows belongs to someone, if only to be dropped.
    link.channels.set(reply.ch, (message) => {
      if (turn === this.#turn) this.#onData(message);
    });
    if (turn !== this.#turn) return;
    if (reply.kind !== 'log') {
      return this.#end(new TrunklineError('conflict', `a ${String(reply.kind)}, not a log`));
    }
    this.#ch = reply.ch;
    this.#seat = { is: 'on', synced: false };
    this.#backoff.reset();
    const gap = this.#replica.place(reply);
    if (gap) this.#addGap(gap);
    this.#store.touch();
  }

  #unsubscribe(): void {
    const { link } = this.#options;
    const open = this.#seat.is === 'asked' || this.#seat.is === 'on';
    const ch = this.#ch;
    this.#turn += 1;
    this.#seat = NONE;
    this.#ch = undefined;
    this.#timers.clear('again');
    // Nobody holds the connection: it is about to close, and that ends the subscription too.
    if (!open || !link.canSend || !link.held) return;
    link.request(`"type":"unsubscribe","stream":${JSON.stringify(this.name)}`, () => {
      if (ch !== undefined) link.channels.delete(ch);
    });
  }

  #waitMs(error: TrunklineError): number {
    return this.#backoff.nextMs(this.#options.clock.nowMs(), error.afterMs);
  }

  #end(error: TrunklineError): void {
    this.#turn += 1;
    this.#ch = undefined;
    if (error.retry) {
      this.#seat = { is: 'resting' };
      this.#timers.set('again', this.#waitMs(error), () => {
        this.#seat = NONE;
        this.#ask();
      });
    } else {
      this.#seat = { is: 'refused', error };
      this.#outbox.settle();
    }
    this.#store.touch();
  }

  // ── its data ───────────────────────────────────────────────────────────────────────────────────────────────────────

  #onData(message: ServerMessage): void {
    switch (message.type) {
      case 'entries': {
        const result = this.#replica.apply(message);
        if (result === 'hole') return this.#onHole();
        if (result === 'applied') this.#advanced();
        return;
      }
      case 'gap':
        this.#replica.jump(message);
        this.#addGap(message);
        return this.#advanced();
      case 'synced':
        if (message.to > this.#replica.offset) return this.#onHole();
        this.#seat = { is: 'on', synced: true };
        return this.#store.touch();
      case 'ended':
        if (this.#ch !== undefined) this.#options.link.channels.delete(this.#ch);
        return this.#end(errorOf(message));
    }
  }

  #advanced(): void {
    this.#holes = 0;
    this.#outbox.settle();
    this.#store.touch();
  }

  /** Something is missing: resubscribe from one's own position. */
  #onHole(): void {
    this.#holes += 1;
    if (this.#holes > HOLES_MAX) {
      this.#holes = 0;
      return this.#options.link.breach(this.name);
    }
    this.#options.link.report(`${this.name}: a slice does not fit`);
    this.#unsubscribe();
    this.#ask();
    this.#store.touch();
  }

  #addGap(gap: Pick<Gap, 'reason' | 'lost'>): void {
    const before = this.#gap;
    const lost = before === undefined ? gap.lost : sum(before.lost, gap.lost);
    this.#gap = { reason: gap.reason, lost };
  }

  // ── older pages ────────────────────────────────────────────────────────────────────────────────────────────────────

  #read(): void {
    const page = this.#page;
    const { link } = this.#options;
    if (page === undefined || this.#timers.has('page')) return;
    if (link.error && link.state === 'refused') return this.#endPage(link.error);
    if (!link.canSend) return;
    const { before, epoch, limit } = page;
    const request = { stream: this.name, epoch: epoch ?? undefined, before, limit };
    link.request(`"type":"read",${JSON.stringify(request).slice(1, -1)}`, (reply) => {
      if (page !== this.#page) return;
      if (reply.type === 'error') return this.#onReadError(errorOf(reply));
      if (!isReadOk(reply)) return link.breach('read');
      // A gap may have moved the replica meanwhile: then the page is of no use, and nobody misses it.
      if (this.#replica.epoch === epoch && this.#replica.from === before - 1) {
        if (!this.#replica.prepend(reply.items, reply.floor)) return link.breach('read');
      }
      this.#endPage();
    });
  }

  #onReadError(error: TrunklineError): void {
    if (!error.retry) return this.#endPage(error);
    this.#timers.set('page', this.#waitMs(error), () => this.#read());
  }

  #endPage(error?: TrunklineError): void {
    const page = this.#page;
    if (page === undefined) return;
    this.#page = undefined;
    if (error) page.reject(error);
    else page.resolve();
    this.#store.touch();
  }

  // ── the snapshot ───────────────────────────────────────────────────────────────────────────────────────────────────

  #build(): AnyLogSnapshot {
    const state = this.#state();
    const error = this.#seat.is === 'refused' ? this.#seat.error : this.#options.link.error;
    return {
      state,
      entries: this.#replica.entries,
      pending: this.#outbox.views,
      gap: this.#gap,
      hasOlder: this.#replica.hasOlder,
      loadingOlder: this.#page !== undefined,
      error: state === 'refused' ? error : undefined,
    };
  }

  #state(): LogState {
    const { state } = this.#options.link;
    if (state === 'refused' || this.#seat.is === 'refused') return 'refused';
    if (state === 'waiting' || state === 'offline' || state === 'closed') return 'offline';
    if (this.#seat.is === 'on' && this.#seat.synced) return 'live';
    return state === 'live' && this.#replica.placed ? 'catching up' : 'connecting';
  }
}

const sum = (one: number | undefined, other: number | undefined): number | undefined =>
  one === undefined || other === undefined ? undefined : one + other;
