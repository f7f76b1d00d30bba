// A log: its replica, its outbox and its older pages, shown as one snapshot. While the line moves (CON-8) it has a subscription on each of two
// sockets: both bring entries, and the replica drops what it has.

import type { Amendment, Epoch, Gap, Offset } from '@trunkline/protocol';
import type { Link } from './link.js';
import type { LogGap, LogHandle, LogSnapshot } from './log-handle.js';
import { createOlderPages } from './older-pages.js';
import { type Amending, createOutbox } from './outbox.js';
import { createReplica } from './replica.js';
import type { Shared } from './shared.js';
import type { Kind, Seat, Subscription } from './subscription.js';

const PAGE = 50;

export type AnyLogHandle = LogHandle<unknown, unknown, unknown, string, Amendment>;
export type AnyLogSnapshot = LogSnapshot<unknown, unknown, unknown, string, Amendment>;

/** What of a log is its own. */
export interface Log extends Kind {
  readonly handle: Pick<AnyLogHandle, 'publish' | 'edit' | 'delete' | 'react' | 'unreact' | 'loadOlder' | 'dismissGap'>;
  snapshot(): AnyLogSnapshot;
  epoch(): Epoch | null;
  /** Whether something waits here, though nobody may be interested. */
  isBusy(): boolean;
  /** The newest interest wants to begin with so many entries. */
  wish(last?: number): void;
  /** Whether anybody looks may be otherwise: that is what presence is. */
  look(): void;
  /** What waits to be sent, as far as it can be. */
  send(): void;
  /** What is not answered has to be sent again. */
  rewind(): void;
}

export const EMPTY_LOG: AnyLogSnapshot = {
  state: 'connecting',
  entries: [],
  pending: [],
  gap: undefined,
  hasOlder: false,
  loadingOlder: false,
  error: undefined,
};

export function createLog(
  shared: Shared,
  link: Link,
  name: string,
  producer: string,
  subscription: Subscription,
  touch: () => void,
): Log {
  const { batch } = shared;
  const { shown, interests } = subscription;
  /** Entries that the newest interest wants to begin with; 0 once it has them. */
  let wish = 0;
  let gap: LogGap | undefined;
  const outbox = createOutbox(
    shared,
    link,
    name,
    producer,
    touch,
    ({ epoch, offset }) =>
      subscription.isWanted() &&
      shown().state !== 'refused' &&
      (replica.epoch ?? epoch) === epoch &&
      replica.offset < offset,
  );
  const replica = createReplica(
    shared.maxEntries,
    (item, epoch) => outbox.take(item, epoch) ?? `${epoch}:${item.offset}`,
  );
  const pages = createOlderPages(shared, link, name, replica, touch);

  return {
    handle: {
      publish: (data) => batch.run(() => outbox.publish(data)),
      edit: (offset, edit) => amend(offset, { edit }),
      delete: (offset) => amend(offset, { delete: true }),
      react: (offset, react) => amend(offset, { react }),
      unreact: (offset, unreact) => amend(offset, { unreact }),
      loadOlder: (count = PAGE) => batch.run(() => pages.load(count)),
      dismissGap: () => {
        gap = undefined;
        touch();
      },
    },
    snapshot() {
      const state = subscription.state(replica.placed);
      return {
        state,
        entries: replica.entries,
        pending: outbox.views,
        gap,
        hasOlder: replica.hasOlder(),
        loadingOlder: pages.isLoading(),
        error: state === 'refused' ? subscription.error() : undefined,
      };
    },
    epoch: () => replica.epoch,
    isBusy: outbox.isBusy,
    wish(last = PAGE) {
      wish = last;
      fill();
    },
    send() {
      outbox.pump();
      pages.send();
    },
    rewind() {
      outbox.lost();
      pages.lost();
    },
    look() {
      for (const seat of subscription.seats()) look(seat);
    },
    question(seat) {
      const away = isAway() || undefined;
      seat.away = away;
      const after = replica.after();
      const { maxPageEntries } = link.limits;
      let wished = 0;
      // The loosest bound of all; none if one has none. JSON has no infinity: null would be no number, so it is left out.
      let loosest = 0;
      for (const { last = PAGE, most } of interests) {
        wished = Math.max(wished, last);
        loosest = Math.max(loosest, most || Number.POSITIVE_INFINITY);
      }
      const most = Number.isFinite(loosest) && loosest > 0 ? loosest : undefined;
      // No position names an empty stream: all that came since is asked for by count.
      return { after, last: replica.placed && !after ? maxPageEntries : Math.min(wished, maxPageEntries), most, away };
    },
    placed(seat, ok) {
      if (ok.presence) {
        seat.away ??= false;
        look(seat);
      } else seat.away = undefined;
      const missed = replica.place(ok);
      if (missed) addGap(missed);
    },
    read(_seat, message) {
      if (message.type === 'entries') {
        const result = replica.apply(message);
        return result === 'applied' ? 'new' : result;
      }
      if (message.type === 'synced') return message.to > replica.offset ? 'hole' : 'new';
      if (message.type !== 'gap' || !replica.jump(message)) return 'old';
      addGap(message);
      return 'jump';
    },
    covers: () => true,
    advanced() {
      outbox.settle();
      fill();
    },
    rest({ last = PAGE }) {
      replica.rest(last);
      outbox.settle();
    },
  };

  function amend(offset: Offset, change: Amending) {
    return batch.run(() => outbox.amend(offset, change));
  }

  /** There is one subscription for all: who came later, and wants to begin further back, reads the rest. */
  function fill(): void {
    if (shown().state !== 'synced') return;
    const missing = wish - replica.entries.length;
    wish = 0;
    if (missing > 0) pages.load(missing);
  }

  /** A page that nobody has seen for a while is nobody who is here. */
  function isAway(): boolean {
    return link.sight === 'asleep';
  }

  function look(seat: Seat): void {
    const away = isAway();
    if (seat.away === undefined || seat.away === away) return;
    seat.away = away;
    seat.dial?.request({ type: 'tune', stream: name, away }, () => {});
  }

  function addGap({ reason, lost }: Pick<Gap, 'reason' | 'lost'>): void {
    const before = gap ? gap.lost : 0;
    gap = { reason, lost: before === undefined || lost === undefined ? undefined : before + lost };
  }
}
