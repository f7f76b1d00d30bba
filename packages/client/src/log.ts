// One log: its interests, its subscription on the present connection, its replica and its outbox, shown as one snapshot.

import { type Gap, type ServerMessage, TrunklineError } from '@trunkline/protocol';
import { createBackoff } from './backoff.js';
import { createStore } from './batch.js';
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
};

/**
 * What became of the subscription on this connection: `asked` for, `on` until it has reached the head, `resting` until it is
 * asked for again.
 */
type Seat = 'none' | 'asked' | 'on' | 'synced' | 'resting' | 'refused';

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
  let seat: Seat = 'none';
  /** Of the seat `refused`. */
  let refusal: TrunklineError | undefined;
  /** Counts the subscribes: what belongs to an older one is ignored. */
  let turn = 0;
  let ch: number | undefined;
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
      wanted && seat !== 'refused' && (replica.epoch ?? epoch) === epoch && replica.offset < offset,
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
    greet() {
      ask();
      outbox.pump();
      pages.send();
    },
    live: outbox.pump,
    lost() {
      unseat('none');
      outbox.lost();
      pages.lost();
    },
    changed() {
      if (wanted || outbox.views.length > 0) touch();
    },
    refused() {
      outbox.pump();
      pages.send();
    },
    retry,
  };

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
    if (seat !== 'synced') return;
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
    if (seat !== 'refused') return;
    seat = 'none';
    ask();
  }

  // ── the subscription ───────────────────────────────────────────────────────────────────────────────────────────────

  function ask(): void {
    if (!wanted || !link.canSend() || seat !== 'none') return;
    unseat('asked');
    const mine = turn;
    const after = replica.after();
    const { maxPageEntries } = link.limits;
    const wished = Math.max(0, ...[...interests].map(({ last = PAGE }) => last));
    // No position names an empty stream: all that came since is asked for by count.
    const last = replica.placed && !after ? maxPageEntries : Math.min(wished, maxPageEntries);
    // The loosest bound of all; none if one has none. JSON has no infinity: null would be no number, so it is left out.
    const loosest = Math.max(0, ...[...interests].map(({ most = 0 }) => most || Number.POSITIVE_INFINITY));
    const most = Number.isFinite(loosest) && loosest > 0 ? loosest : undefined;
    const body = JSON.stringify({ type: 'subscribe', stream: name, after, last, most }).slice(1, -1);
    link.request(body, (reply) => onSubscribed(mine, reply));
  }

  /** Whatever belonged to the subscription until now is ignored. */
  function unseat(next: Seat): void {
    turn += 1;
    seat = next;
    ch = undefined;
    timers.clear('again');
  }

  function onSubscribed(mine: number, reply: Reply): void {
    if (reply.type === 'error') {
      if (mine === turn) end(errorOf(reply));
      return;
    }
    if (!isSubscribeOk(reply)) return link.breach('subscribe');
    // Entered even when it came too late: what follows belongs to someone, if only to be dropped.
    link.channels.set(reply.ch, (message) => mine === turn && onData(message));
    if (mine !== turn) return;
    if (reply.kind !== 'log') return end(new TrunklineError('conflict', `a ${String(reply.kind)}, not a log`));
    ch = reply.ch;
    seat = 'on';
    backoff.reset();
    const missed = replica.place(reply);
    if (missed) addGap(missed);
    touch();
  }

  function unsubscribe(): void {
    const old = ch;
    const isOpen = seat === 'asked' || seat === 'on' || seat === 'synced';
    unseat('none');
    // Nobody holds the connection: it is about to close, and that ends the subscription too.
    if (!isOpen || !link.canSend() || !link.isHeld()) return;
    link.request(`"type":"unsubscribe","stream":${JSON.stringify(name)}`, () => {
      if (old !== undefined) link.channels.delete(old);
    });
  }

  function end(error: TrunklineError): void {
    refusal = error;
    unseat(error.retry ? 'resting' : 'refused');
    if (error.retry) {
      timers.set('again', backoff.nextMs(error.afterMs), () => {
        seat = 'none';
        ask();
      });
    }
    outbox.settle();
    touch();
  }

  // ── its data ───────────────────────────────────────────────────────────────────────────────────────────────────────

  function onData(message: ServerMessage): void {
    if (message.type === 'entries') {
      const result = replica.apply(message);
      if (result === 'hole') onHole();
      else if (result === 'applied') advanced();
    } else if (message.type === 'gap') {
      replica.jump(message);
      addGap(message);
      advanced();
    } else if (message.type === 'synced') {
      if (message.to > replica.offset) return onHole();
      seat = 'synced';
      fill();
      touch();
    } else if (message.type === 'ended') {
      link.channels.delete(message.ch);
      end(errorOf(message));
    }
  }

  function advanced(): void {
    holes = 0;
    outbox.settle();
    touch();
  }

  /** Something is missing: resubscribe from one's own position. */
  function onHole(): void {
    holes += 1;
    if (holes > HOLES_MAX) {
      holes = 0;
      return link.breach(name);
    }
    shared.onProblem('server', `${name}: a slice does not fit`);
    unsubscribe();
    ask();
    touch();
  }

  function addGap({ reason, lost }: Pick<Gap, 'reason' | 'lost'>): void {
    const before = gap ? gap.lost : 0;
    gap = { reason, lost: before === undefined || lost === undefined ? undefined : before + lost };
  }

  function stateOf(): LogState {
    const { state } = link;
    if (state === 'refused' || seat === 'refused') return 'refused';
    if (state === 'waiting' || state === 'offline' || state === 'closed') return 'offline';
    if (seat === 'synced') return 'live';
    return state === 'live' && replica.placed ? 'catching up' : 'connecting';
  }
}
