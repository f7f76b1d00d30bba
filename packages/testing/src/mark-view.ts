// What one client shows of read marks and unread counts of a log, judged at every change.

import type { UnreadSnapshot, WithMarkers } from '@trunkline/client';
import type { Journal } from './journal.js';
import type { MarkLedger } from './mark-ledger.js';

type Handle = WithMarkers<unknown>;

export class MarkView {
  #leaveReaders: (() => void) | undefined;
  #leaveUnread: (() => void) | undefined;
  /** The highest mark of each user that was shown, and the user's own. */
  readonly #shown = new Map<string, number>();

  constructor(
    readonly who: string,
    readonly user: string,
    readonly log: string,
    readonly handle: Handle,
    private readonly ledger: MarkLedger,
    private readonly journal: Journal,
  ) {}

  openReaders(): void {
    this.#leaveReaders ??= this.handle.readers.subscribe(() => this.#readersChanged());
  }
  openUnread(): void {
    this.#leaveUnread ??= this.handle.unread.subscribe(() => this.#unreadChanged());
  }

  /** Looks, or looks no more. */
  toggle(what: 'readers' | 'unread'): void {
    if (what === 'readers') {
      if (this.#leaveReaders === undefined) return this.openReaders();
      this.#leaveReaders();
      this.#leaveReaders = undefined;
    } else {
      if (this.#leaveUnread === undefined) return this.openUnread();
      this.#leaveUnread();
      this.#leaveUnread = undefined;
    }
  }

  close(): void {
    this.#leaveReaders?.();
    this.#leaveUnread?.();
    this.#leaveReaders = undefined;
    this.#leaveUnread = undefined;
  }

  /** What is not as it must be when nothing changes any more. */
  lacking(): string | undefined {
    const { ledger, log, user } = this;
    const { state, readers } = this.handle.readers.snapshot();
    if (state !== 'live') return `shows who has read it ${state}`;
    const stored = ledger.seen(log);
    const wrong = readers.find((reader) => stored.get(nameOf(reader.user)) !== reader.offset);
    if (wrong !== undefined)
      return `shows ${nameOf(wrong.user)} at ${wrong.offset}, stored is ${stored.get(nameOf(wrong.user))}`;
    if (readers.length !== stored.size) return `shows ${readers.length} readers, they are ${stored.size}`;
    const shown = this.handle.unread.snapshot();
    const counted = ledger.unread(log, user);
    if (counted === null) return shown.isFollowing ? `shows ${textOf(shown)}, and is not followed` : undefined;
    if (!shown.isFollowing) return `shows no count, it is ${textOf(counted)}`;
    return ledger.isCount(log, user, shown) ? undefined : `shows ${textOf(shown)}, it is ${textOf(counted)}`;
  }

  #readersChanged(): void {
    const { state, readers, seenBy } = this.handle.readers.snapshot();
    this.journal.count('readers shown');
    this.journal.trace(this.who, () => {
      return `shows who read ${this.log}: ${readers.map(({ user, offset }) => `${nameOf(user)} ${offset}`)}, ${state}`;
    });
    for (const { user, offset } of readers) {
      this.#forward(nameOf(user), offset);
      const stored = this.ledger.row('seen', this.log, nameOf(user));
      if (this.#isSteady && (stored === undefined || stored.offset < offset))
        this.#broken('G2 stored', `${nameOf(user)} at ${offset}, stored is ${stored?.offset}`);
      if (seenBy(offset).every((reader) => nameOf(reader.user) !== nameOf(user)))
        this.#broken('MRK-2', `${nameOf(user)} at ${offset}, who has not seen it`);
    }
  }

  /** What pages still show of a store that is gone is known to nobody, and marks begin anew with the next one. */
  get #isSteady(): boolean {
    return this.ledger.generation === 0;
  }

  #unreadChanged(): void {
    const shown = this.handle.unread.snapshot();
    this.journal.count(shown.more ? 'counts shown: 99+' : 'counts shown');
    this.journal.trace(this.who, () => `shows of ${this.log} ${JSON.stringify(shown)}`);
    const { unread, more, mark, isFollowing } = shown;
    if (!isFollowing) return;
    if (!(unread >= 0 && unread <= 99) || (more && unread !== 99))
      this.#broken('MRK-4', `${unread} unread, more: ${more}`);
    this.#forward('', mark);
  }

  /** @param user whose mark others are shown; '': the user's own */
  #forward(user: string, offset: number): void {
    const before = this.#shown.get(user) ?? 0;
    if (this.#isSteady && offset < before) this.#broken('MRK-1', `${user} ${offset}, after ${before}`);
    this.#shown.set(user, Math.max(before, offset));
  }

  #broken(promise: string, what: string): void {
    this.journal.broken(promise, `${this.who} sees of ${this.log}: ${what}`);
  }
}

function textOf({ unread, more, mark }: Pick<UnreadSnapshot, 'unread' | 'more' | 'mark'>): string {
  return `${unread}${more ? '+' : ''} after ${mark}`;
}

const nameOf = (user: unknown): string => (user as { readonly id: string }).id;
