// One log: its interests, its subscription, its replica and its outbox, shown as one snapshot. While the line moves (CON-8) it has a
// subscription on each of two sockets: both bring entries, and the replica drops what it has.

import { type Gap, type ServerMessage, TrunklineError } from '@trunkline/protocol';
import { createBackoff } from './backoff.js';
import { createStore } from './batch.js';
import type { Dial } from './dial.js';
import type { Link, LinkEvent } from './link.js';
import type { LogGap, LogHandle, LogInterest, LogSnapshot, LogState } from './log-handle.js';
import { createOlderPages } from './older-pages.js';
import { createOutbox } from './outbox.js';
import { createReplica } from './replica.js';
import { errorOf, type Reply } from './requests.js';
import { isSubscribeOk } from './server-messages.js';
import type { Shared } from './shared.js';
import { createTimers } from './timers.js';

const PAGE = 50;
/** Slices in a row that do not fit: the first few are asked for again, then the connection is not to be trusted. */
const HOLES_MAX = 3;

export type AnyLogSnapshot = LogSnapshot<unknown, unknown, unknown>;

/** A log, and what the connection tells it. */
export type Log = Readonly<Record<LinkEvent, () => void>> & {
  readonly handle: LogHandle<unknown, unknown, unknown>;
  /** Whether the socket before the present one is of no use to it any more. */
  isResumed(): boolean;
};

/** A subscription on one socket. */
interface Seat {
  readonly dial: Dial | undefined;
  /** What became of it: `asked` for, `on` until it has reached the head, `resting` until it is asked for again. */
  state: 'none' | 'asked' | 'on' | 'synced' | 'resting' | 'refused';
  ch?: number;
}

const NOWHERE: Seat = { dial: undefined, state: 'none' };

const EMPTY: AnyLogSnapshot = {
  state: 'connecting',
  entries: [],
  pending: [],
  gap: undefined,
  hasOlder: false,
  loadingOlder: false,
  error: undefined,
};

export function createLog(shared: Shared, link: Link, name: string, producer: string): Log {
  const { batch, lingerMs } = shared;
  const timers = createTimers<'linger' | 'again'>(shared);
  const backoff = createBackoff(shared);
  const interests = new Set<LogInterest>();
  let release: (() => void) | undefined;
  /** Someone is interested, or was a moment ago. */
  let wanted = false;
  /** What belongs to any other is ignored, */
  let seat: Seat = NOWHERE;
  /** but for the one on the socket before: until the new one has reached the head it is what is shown. */
  let before: Seat | undefined;
  /** Of the seat `refused`. */
  let refusal: TrunklineError | undefined;
  let holes = 0;
  /** Entries that the newest interest wants to begin with; 0 once it has them. */
  let wish = 0;
  let gap: LogGap | undefined;

  const { snapshot, subscribe, touch } = createStore<AnyLogSnapshot>(batch, () => {
    const state = stateOf();
    return {
      state,
      entries: replica.entries,
      pending: outbox.views,
      gap,
      hasOlder: replica.hasOlder(),
      loadingOlder: pages.isLoading(),
      error: state === 'refused' ? (refusal ?? link.error) : undefined,
    };
  });
  const outbox = createOutbox(
    shared,
    link,
    name,
    producer,
    touch,
    ({ epoch, offset }) =>
      wanted && shown().state !== 'refused' && (replica.epoch ?? epoch) === epoch && replica.offset < offset,
  );
  const replica = createReplica(
    shared.maxEntries,
    (item, epoch) => outbox.take(item, epoch) ?? `${epoch}:${item.offset}`,
  );
  const pages = createOlderPages(shared, link, name, replica, touch);

  const handle: LogHandle<unknown, unknown, unknown> = {
    name,
    snapshot,
    serverSnapshot: () => EMPTY,
    publish: (data) =>
      batch.run(() => {
        const published = outbox.publish(data);
        link.need();
        return published;
      }),
    open: (interest = {}) => {
      // A copy: the same object given twice is two interests.
      const mine = { ...interest };
      batch.run(() => add(mine));
      return () => batch.run(() => remove(mine));
    },
    subscribe: (onChange, interest) => {
      const unlisten = subscribe(onChange);
      const leave = handle.open(interest);
      return () => {
        unlisten();
        leave();
      };
    },
    loadOlder: (count = PAGE) => batch.run(() => pages.load(count)),
    dismissGap: () => {
      gap = undefined;
      touch();
    },
  };

  return {
    handle,
    isResumed: () => !before,
    greet: send,
    live: outbox.pump,
    lost() {
      take(NOWHERE);
      rewind();
    },
    moved() {
      // Back, if the new one has died; its place is where it was.
      const isBack = before && before.dial === link.dial;
      const last = seat;
      take(before && isBack ? before : NOWHERE);
      if (!isBack && wanted) before = last;
      rewind();
      send();
    },
    changed() {
      if (wanted || outbox.views.length > 0) touch();
    },
    refused: send,
    retry,
  };

  /** What waits to be sent, as far as it can be. */
  function send(): void {
    ask();
    outbox.pump();
    pages.send();
  }

  /** What is not answered has to be sent again. */
  function rewind(): void {
    outbox.lost();
    pages.lost();
  }

  // ── interest ───────────────────────────────────────────────────────────────────────────────────────────────────────

  function add(interest: LogInterest): void {
    wish = interest.last ?? PAGE;
    interests.add(interest);
    timers.clear('linger');
    wanted = true;
    release ??= link.hold();
    link.need();
    fill();
    if (interests.size === 1) retry();
    ask();
    touch();
  }

  /** There is one subscription for all: who came later, and wants to begin further back, reads the rest. */
  function fill(): void {
    if (shown().state !== 'synced') return;
    const missing = wish - replica.entries.length;
    wish = 0;
    if (missing > 0) pages.load(missing);
  }

  function remove(interest: LogInterest): void {
    if (!interests.delete(interest) || interests.size > 0) return;
    release?.();
    release = undefined;
    timers.set('linger', lingerMs, () => {
      wanted = false;
      unsubscribe();
      replica.rest(interest.last ?? PAGE);
      outbox.settle();
      touch();
    });
  }

  function retry(): void {
    if (seat.state !== 'refused') return;
    take(NOWHERE);
    ask();
  }

  // ── the subscription ───────────────────────────────────────────────────────────────────────────────────────────────

  /** This is its place now, and the only one. */
  function take(next: Seat): void {
    seat = next;
    before = undefined;
    timers.clear('again');
  }

  /** The one that says what is known: the socket before may have ended. */
  function shown(): Seat {
    return before?.dial?.isOpen ? before : seat;
  }

  function ask(): void {
    const { dial } = link;
    const isFree = seat.state === 'none' || (seat.state === 'resting' && !timers.has('again'));
    if (!wanted || !dial || !isFree) return;
    const mine: Seat = { dial, state: 'asked' };
    seat = mine;
    const after = replica.after();
    const { maxPageEntries } = link.limits;
    const wished = Math.max(0, ...[...interests].map(({ last = PAGE }) => last));
    // No position names an empty stream: all that came since is asked for by count.
    const last = replica.placed && !after ? maxPageEntries : Math.min(wished, maxPageEntries);
    // The loosest bound of all; none if one has none. JSON has no infinity: null would be no number, so it is left out.
    const loosest = Math.max(0, ...[...interests].map(({ most = 0 }) => most || Number.POSITIVE_INFINITY));
    const most = Number.isFinite(loosest) && loosest > 0 ? loosest : undefined;
    dial.request({ type: 'subscribe', stream: name, after, last, most }, (reply) => onSubscribed(dial, mine, reply));
  }

  function isMine(given: Seat): boolean {
    return given === seat || given === before;
  }

  function onSubscribed(dial: Dial, mine: Seat, reply: Reply): void {
    if (reply.type === 'error') return end(mine, errorOf(reply));
    if (!isSubscribeOk(reply)) return dial.breach('subscribe');
    // Entered even when it came too late: what follows belongs to someone, if only to be dropped.
    dial.channels.set(reply.ch, (message) => onData(dial, mine, message));
    mine.ch = reply.ch;
    if (!isMine(mine)) return;
    if (reply.kind !== 'log') return end(mine, new TrunklineError('conflict', `a ${String(reply.kind)}, not a log`));
    mine.state = 'on';
    backoff.reset();
    const missed = replica.place(reply);
    if (missed) addGap(missed);
    touch();
  }

  function unsubscribe(): void {
    const left = [before, seat];
    take(NOWHERE);
    for (const given of left) {
      const { dial, state } = given ?? NOWHERE;
      if (!dial?.isOpen || state === 'resting' || state === 'refused') continue;
      dial.request({ type: 'unsubscribe', stream: name }, () => {
        dial.channels.delete(given?.ch ?? -1);
      });
    }
  }

  function end(mine: Seat, error: TrunklineError): void {
    if (mine === before) before = undefined;
    else if (mine === seat) {
      mine.state = error.retry ? 'resting' : 'refused';
      if (error.retry) timers.set('again', backoff.nextMs(error.afterMs), ask);
      else {
        refusal = error;
        before = undefined;
      }
      outbox.settle();
    }
    touch();
  }

  // ── its data ───────────────────────────────────────────────────────────────────────────────────────────────────────

  function onData(dial: Dial, mine: Seat, message: ServerMessage): void {
    if (!isMine(mine)) return;
    if (message.type === 'entries') {
      const result = replica.apply(message);
      if (result === 'hole') onHole(dial, mine);
      else if (result === 'applied') advanced();
    } else if (message.type === 'gap') {
      if (!replica.jump(message)) return;
      // What the socket before brings does not continue this.
      if (mine === seat) before = undefined;
      addGap(message);
      advanced();
    } else if (message.type === 'synced') {
      if (message.to > replica.offset) return onHole(dial, mine);
      mine.state = 'synced';
      if (mine === seat) before = undefined;
      fill();
      touch();
    } else if (message.type === 'ended') {
      dial.channels.delete(message.ch);
      end(mine, errorOf(message));
    }
  }

  function advanced(): void {
    holes = 0;
    outbox.settle();
    touch();
  }

  /** Something is missing: resubscribe from one's own position. */
  function onHole(dial: Dial, mine: Seat): void {
    holes += 1;
    if (holes > HOLES_MAX) {
      holes = 0;
      return dial.breach(name);
    }
    shared.onProblem('server', `${name}: a slice does not fit`);
    if (mine === before) before = undefined;
    else {
      unsubscribe();
      ask();
    }
    touch();
  }

  function addGap({ reason, lost }: Pick<Gap, 'reason' | 'lost'>): void {
    const before = gap ? gap.lost : 0;
    gap = { reason, lost: before === undefined || lost === undefined ? undefined : before + lost };
  }

  function stateOf(): LogState {
    const { state } = link;
    const { state: place } = shown();
    if (state === 'refused' || place === 'refused') return 'refused';
    if (state === 'waiting' || state === 'offline' || state === 'closed') return 'offline';
    if (place === 'synced') return 'live';
    return state === 'live' && replica.placed ? 'catching up' : 'connecting';
  }
}
