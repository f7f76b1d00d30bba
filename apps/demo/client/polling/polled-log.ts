// A log that is read by polling, told as the messages that a WebSocket would have brought: the answer to `subscribe`, then slices.

import { PolledPresence } from './polled-presence.js';
import { type Answer, type Requests, refusalOf } from './requests.js';

export interface Subscribe {
  readonly id: number;
  readonly stream: string;
  readonly after?: { readonly epoch: string; readonly offset: number };
  readonly last?: number;
  /** Nobody looks. */
  readonly away?: boolean;
}

interface Item {
  readonly offset: number;
  readonly producer?: string;
  readonly seq?: number;
}
interface Page {
  readonly epoch: string | null;
  readonly head: number;
  readonly floor: number;
  readonly items: readonly Item[];
}

/** What the log asks of the connection. */
export interface LogHost {
  readonly requests: Requests;
  /** Hands a message to the client. */
  tell(message: object): void;
  /** Puts the producer and its count, by which a client knows what is its own, on entries that it sent. */
  own(item: Item): Item;
  /** The answer is one that ends everything, and was dealt with. */
  isOver(answer: Answer): boolean;
}

const PAGE = 500;
/** Entries that a client without a usable position gets. */
const FRESH_PAGE = 50;

export class PolledLog {
  #cursor = 0;
  #epoch: string | null = null;
  #etag = '';
  #isSynced = false;
  #isOpen = false;
  #isClosed = false;
  #presence: PolledPresence | undefined;

  constructor(
    private readonly host: LogHost,
    readonly ch: number,
    private readonly stream: string,
  ) {}

  /** Answers the subscribe. Whether there is something to poll. Rejects as `Requests.send` does. */
  async open({ id, after, last = 0, away = false }: Subscribe): Promise<boolean> {
    // With a position only the head is wanted, which every page tells.
    const answer = await this.#page(`limit=${after === undefined ? Math.max(1, last) : 1}`);
    if (this.host.isOver(answer)) return false;
    if (answer.status !== 200) {
      this.host.tell({ type: 'error', id, ...refusalOf(answer) });
      return false;
    }
    if (this.#isClosed) return false;
    const { epoch, head, floor, items } = answer.body as Page;
    this.#epoch = epoch;
    const wanted = last === 0 ? [] : items;
    const from = after?.offset ?? (wanted[0]?.offset ?? head + 1) - 1;
    this.host.tell({ type: 'ok', id, ch: this.ch, kind: 'log', epoch, head, floor, from, presence: true });
    this.#presence = new PolledPresence(this.host, this.stream, away);
    this.#cursor = from;
    if (after === undefined) this.#slice(wanted);
    else if (after.epoch !== epoch || from > head) this.#gap('epoch', Math.max(floor, head - FRESH_PAGE));
    else if (from < floor) this.#gap('trimmed', floor, floor - from);
    this.#isOpen = true;
    await this.poll();
    return true;
  }

  /** Nothing further is told. */
  close(): void {
    this.#isClosed = true;
    this.#presence?.leave();
  }

  /** Whether nobody looks at it. Rejects as `Requests.send` does. */
  async look(isAway: boolean): Promise<void> {
    await this.#presence?.look(isAway);
  }

  /** Asks for what is new, and tells it. Rejects as `Requests.send` does. */
  async poll(): Promise<void> {
    await this.#read();
    if (!this.#isClosed) await this.#presence?.renew();
  }

  async #read(): Promise<void> {
    while (this.#isOpen && !this.#isClosed) {
      const answer = await this.#page(`after=${this.#cursor}&limit=${PAGE}`, this.#etag);
      if (this.host.isOver(answer) || this.#isClosed) return;
      if (answer.status === 304) return this.#synced();
      if (answer.status === 404 || answer.status === 409) return this.#anew();
      if (answer.status !== 200) throw new Error(refusalOf(answer).message);
      const { epoch, items: page, head } = answer.body as Page;
      this.#epoch = epoch;
      // Whoever wrote something asks besides the interval: what one poll has brought is not told again by the other.
      const items = page.filter(({ offset }) => offset > this.#cursor);
      if (items.length > 0) this.#slice(items);
      const isAll = this.#cursor >= head || items.length === 0;
      // It names where the log stood: it is no answer to whoever has not come so far.
      this.#etag = isAll ? answer.etag : '';
      if (isAll) return this.#synced();
    }
  }

  #page(query: string, etag = ''): Promise<Answer> {
    const [key = '', ...params] = this.stream.split('/');
    const epoch = this.#epoch === null ? '' : `&epoch=${encodeURIComponent(this.#epoch)}`;
    return this.host.requests.send({
      path: `/v1/channels/${[key, ...params].join('/')}/entries?${query}${epoch}`,
      headers: etag === '' ? {} : { 'if-none-match': etag },
    });
  }

  /** The position is of no use any more: not kept, or of another history. */
  async #anew(): Promise<void> {
    const before = this.#epoch;
    this.#epoch = null;
    this.#etag = '';
    const answer = await this.#page('limit=1');
    if (this.host.isOver(answer) || this.#isClosed) return;
    if (answer.status !== 200) throw new Error(refusalOf(answer).message);
    const { epoch, head, floor } = answer.body as Page;
    this.#epoch = epoch;
    if (epoch === before) this.#gap('trimmed', floor, floor - this.#cursor);
    else this.#gap('epoch', Math.max(floor, head - FRESH_PAGE));
  }

  #slice(items: readonly Item[]): void {
    const to = items.at(-1)?.offset;
    if (to === undefined) return;
    const from = this.#cursor;
    const { ch } = this;
    const epoch = from === 0 ? { epoch: this.#epoch } : {};
    this.host.tell({ type: 'entries', ch, from, to, ...epoch, items: items.map((item) => this.host.own(item)) });
    this.#cursor = to;
  }

  #gap(reason: 'epoch' | 'trimmed', to: number, lost?: number): void {
    const { ch } = this;
    this.host.tell({ type: 'gap', ch, reason, ...(lost === undefined ? {} : { lost }), epoch: this.#epoch, to });
    this.#cursor = to;
    this.#etag = '';
  }

  #synced(): void {
    if (this.#isSynced) return;
    this.#isSynced = true;
    this.host.tell({ type: 'synced', ch: this.ch, to: this.#cursor });
  }
}
