// What logs and tables have in common while somebody on this node watches them: loaded once, kept up by the broker's
// notifications, and loaded anew when those make no sense. They are trusted only as far as they join up: a hole is read again.

import { type Advance, type Broker, UnrecoverablePositionError, type Watch } from '@trunkline/broker';
import type { Epoch, Offset, Position, StreamName } from '@trunkline/protocol';

/** What a flush serves. */
export interface Flushable {
  readonly name: StreamName;
  /** Whether all that were due had their turn. */
  flush(mayGoOn: () => boolean): boolean;
}

export interface StreamHost {
  /** There is something new to flush. */
  dirty(stream: Flushable): void;
  failed(stream: { readonly name: StreamName }, error: unknown): void;
}

/** The newest state of a stream as it was read, to be put in the place of what was held. */
export interface Loaded {
  readonly epoch: Epoch | null;
  /** Runs in the turn in which the epoch changes too. */
  install(): void;
}

export abstract class WatchedStream<Subscriber> implements Flushable {
  epoch: Epoch | null = null;
  /** True while the history is (re)loaded: nobody is served, notifications wait. */
  loading = true;
  readonly subscriptions = new Set<Subscriber>();
  #watch: Watch | null = null;
  #waiting: Advance[] = [];
  /** The head that notifications speak of, when what is held is behind it. */
  #wanted: Offset = 0;
  #isFilling = false;
  #filled: Promise<void> = Promise.resolve();
  #loaded: Promise<void> = Promise.resolve();
  #loadFailed = false;
  #closed = false;

  constructor(
    readonly number: number,
    readonly name: StreamName,
    private readonly source: Pick<Broker, 'watch'>,
    protected readonly host: StreamHost,
  ) {}

  /** As far as what is held reaches. */
  abstract get head(): Offset;
  abstract flush(mayGoOn: () => boolean): boolean;
  /** Reads what there is. `null`: it was closed meanwhile. Rejects as the broker does. */
  protected abstract load(): Promise<Loaded | null>;
  /** It was loaded. @param isOther it has another history than before */
  protected abstract loadedAnew(isOther: boolean): void;
  /** Adds what a notification of this epoch carries. `false`: it does not join what is held, or carries nothing. */
  protected abstract take(advance: Advance): boolean;
  /** Reads on from a position. What it gives adds what was read. Rejects as the broker does. */
  protected abstract readOn(after: Position): Promise<() => void>;

  get closed(): boolean {
    return this.#closed;
  }
  /** Whether loading ended in a failure and waits for `retry`. */
  get isBroken(): boolean {
    return this.#loadFailed;
  }

  /** Watches, and loads. Rejects as the broker does. */
  async open(): Promise<void> {
    const watch = await this.source.watch(this.name, (advance) => this.#onAdvance(advance));
    if (this.#closed) return watch.close();
    this.#watch = watch;
    this.#loaded = this.#load();
    await this.#loaded;
  }

  /** Resolves when it is loaded, or was closed. Rejects as the broker does. */
  async ready(): Promise<void> {
    while (this.loading && !this.#closed) {
      if (this.#loadFailed) this.#startLoading();
      await this.#loaded;
    }
  }

  close(): void {
    this.#closed = true;
    this.#watch?.close();
  }

  /** Somebody found another history than the one held: load it anew, and tell everyone. */
  reload(): void {
    if (this.loading || this.#closed) return;
    this.loading = true;
    this.#startLoading();
  }

  /** Called now and then: goes on with what a failing broker interrupted. */
  retry(): void {
    if (this.#loadFailed) this.#startLoading();
    else if (this.#wanted > this.head) void this.fill(this.#wanted);
  }

  /** Reads on up to `to`: a notification was missing, or came without its data. Never rejects. */
  protected fill(to: Offset): Promise<void> {
    this.#wanted = Math.max(this.#wanted, to);
    if (!this.#isFilling) this.#filled = this.#fillUp();
    return this.#filled;
  }

  #startLoading(): void {
    this.#loadFailed = false;
    this.#loaded = this.#load();
    this.#loaded.catch((error) => {
      this.#loadFailed = true;
      this.host.failed(this, error);
    });
  }

  async #load(): Promise<void> {
    const loaded = await this.load();
    if (loaded === null || this.#closed) return;
    const before = this.epoch;
    this.epoch = loaded.epoch;
    loaded.install();
    this.#wanted = this.head;
    this.loading = false;
    // A position in a stream that was never written is before the first change of whatever history follows: nothing is lost.
    this.loadedAnew(before !== null && before !== this.epoch);
    for (const advance of this.#waiting.splice(0)) {
      this.#onAdvance(advance);
      // Another history: the load that begins now comes after all that waits here was stored.
      if (this.loading) return;
    }
  }

  #onAdvance(advance: Advance): void {
    if (this.#closed) return;
    if (this.loading) return this.#wait(advance);
    const { epoch, from, to } = advance;
    if (epoch !== this.epoch) {
      if (this.epoch !== null || from !== 0) return this.reload();
      // First change ever: the slice that starts at 0 tells the subscribers the epoch.
      this.epoch = epoch;
    }
    if (to > this.head && !this.take(advance)) void this.fill(to);
  }

  /** Without the data, and neighbours as one: a broker that is slow to load must not cost memory for each change. */
  #wait({ stream, epoch, from, to }: Advance): void {
    const last = this.#waiting.at(-1);
    if (last?.epoch !== epoch) this.#waiting.push({ stream, epoch, from, to });
    else this.#waiting.splice(-1, 1, { stream, epoch, from: Math.min(from, last.from), to: Math.max(to, last.to) });
  }

  async #fillUp(): Promise<void> {
    this.#isFilling = true;
    try {
      while (!this.#closed && !this.loading && this.head < this.#wanted) {
        const { epoch, head } = this;
        const add = await this.readOn({ epoch, offset: head });
        if (epoch !== this.epoch || this.loading) continue;
        add();
        // Nothing there although it was announced: another history. What is announced is stored.
        if (this.head === head) return this.reload();
      }
    } catch (error) {
      if (error instanceof UnrecoverablePositionError) this.reload();
      else this.host.failed(this, error);
    } finally {
      // At once, not a few microtasks later: a hole that is noticed in between must not be passed over.
      this.#isFilling = false;
    }
  }
}
