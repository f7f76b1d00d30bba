// The subscription to one stream, of whatever kind: who is interested, on which sockets it is asked for, what becomes of it. While the line
// moves (CON-8) there is one on each of two sockets. What the slices mean is for `log.ts` and `table.ts`.

import { type ServerMessage, type Subscribe, type SubscribeOk, TrunklineError } from '@trunkline/protocol';
import { createBackoff } from './backoff.js';
import type { Dial } from './dial.js';
import type { Link } from './link.js';
import type { LogInterest, LogState } from './log-handle.js';
import { errorOf, type Reply } from './requests.js';
import { isSubscribeOk } from './server-messages.js';
import type { Shared } from './shared.js';
import type { TableInterest } from './table-handle.js';
import type { TableSeat } from './table-seat.js';
import { createTimers } from './timers.js';

/** Slices in a row that do not fit: the first few are asked for again, then the connection is not to be trusted. */
const HOLES_MAX = 3;

export type Interest = LogInterest & TableInterest;
export type KindWord = SubscribeOk['kind'];

/** A subscription on one socket. */
export interface Seat {
  readonly dial: Dial | undefined;
  /** What became of it: `asked` for, `on` until it has reached the head, `resting` until it is asked for again. */
  state: 'none' | 'asked' | 'on' | 'synced' | 'resting' | 'refused';
  ch?: number;
  /** Of a log with presence: whether the server was told that nobody looks. */
  away?: boolean | undefined;
  /** Of a table: what came on this socket. */
  table?: TableSeat;
}

const NOWHERE: Seat = { dial: undefined, state: 'none' };

/** `new`: it continues what is here · `jump`: it begins elsewhere · `old`: it holds nothing new · `hole`: something is missing. */
export type Reading = 'new' | 'jump' | 'old' | 'hole';

/** What a kind of stream does with its subscription. */
export interface Kind {
  /** What a subscribe asks for. */
  question(seat: Seat): { -readonly [Field in keyof Subscribe]?: Subscribe[Field] | undefined };
  /** The server has given it a place. */
  placed(seat: Seat, ok: SubscribeOk): void;
  read(seat: Seat, message: ServerMessage): Reading;
  /** Whether a seat that has reached the head has what the one on the socket before it has. */
  covers(seat: Seat, before: Seat): boolean;
  /** What is shown may be other: a slice was read, or another seat is what counts. */
  advanced(): void;
  /** Nobody was interested for a while. */
  rest(last: Interest): void;
}

export interface Subscription {
  /** What the stream is, once that is known. */
  kind: KindWord | undefined;
  readonly interests: ReadonlySet<Interest>;
  /** Someone is interested, or was a moment ago. */
  isWanted(): boolean;
  isMoving(): boolean;
  /** The seat that says what is known: the one on the socket before, until the new one has taken over. */
  shown(): Seat;
  /** Those that the server knows of. */
  seats(): readonly Seat[];
  /** @param isPlaced whether there is anything to be shown. */
  state(isPlaced: boolean): LogState;
  /** Of the state `refused`. */
  error(): TrunklineError | undefined;
  add(interest: Interest): void;
  remove(interest: Interest): void;
  /** Asks for it, if it is wanted and not asked for. */
  ask(): void;
  /** It does not continue what is here: begins again from where that is. */
  hole(seat: Seat): void;
  retry(): void;
  lost(): void;
  moved(): void;
}

/** @param kindOf what serves it: both while it is not known what the stream is. */
export function createSubscription(
  shared: Shared,
  link: Link,
  name: string,
  kinds: () => Readonly<Partial<Record<KindWord, Kind>>>,
  touch: () => void,
): Subscription {
  const timers = createTimers<'linger' | 'again'>(shared);
  const backoff = createBackoff(shared);
  const interests = new Set<Interest>();
  let release: (() => void) | undefined;
  let wanted = false;
  /** What belongs to any other is ignored, */
  let seat: Seat = NOWHERE;
  /** but for the one on the socket before: until the new one has reached the head it is what is shown. */
  let before: Seat | undefined;
  let refusal: TrunklineError | undefined;
  let holes = 0;

  const subscription: Subscription = {
    kind: undefined,
    interests,
    isWanted: () => wanted,
    isMoving: () => before !== undefined,
    shown: () => (before?.dial?.isOpen ? before : seat),
    seats: () =>
      [before ?? NOWHERE, seat].filter(({ dial, state }) => dial?.isOpen && (state === 'on' || state === 'synced')),
    state(isPlaced) {
      const { state } = link;
      const { state: place } = subscription.shown();
      if (state === 'refused' || place === 'refused') return 'refused';
      if (state === 'waiting' || state === 'offline' || state === 'closed') return 'offline';
      if (place === 'synced') return 'live';
      return state === 'live' && isPlaced ? 'catching up' : 'connecting';
    },
    error: () => refusal ?? link.error,
    add(interest) {
      interests.add(interest);
      timers.clear('linger');
      wanted = true;
      release ??= link.hold();
      link.need();
      if (interests.size === 1) subscription.retry();
    },
    remove(interest) {
      if (!interests.delete(interest) || interests.size > 0) return;
      release?.();
      release = undefined;
      timers.set('linger', shared.lingerMs, () => {
        wanted = false;
        unsubscribe();
        each((kind) => kind.rest(interest));
        touch();
      });
    },
    ask() {
      const { dial } = link;
      const isFree = seat.state === 'none' || (seat.state === 'resting' && !timers.has('again'));
      if (!wanted || !dial || !isFree) return;
      const mine: Seat = { dial, state: 'asked' };
      seat = mine;
      const question = { type: 'subscribe' as const, stream: name };
      each((kind) => Object.assign(question, kind.question(mine)));
      dial.request(question, (reply) => onSubscribed(dial, mine, reply));
    },
    hole(mine) {
      holes += 1;
      if (holes > HOLES_MAX) {
        holes = 0;
        return mine.dial?.breach(name);
      }
      shared.onProblem('server', `${name}: a slice does not fit`);
      if (mine === before) before = undefined;
      else {
        unsubscribe();
        subscription.ask();
      }
      touch();
    },
    retry() {
      if (seat.state !== 'refused') return;
      take(NOWHERE);
      subscription.ask();
    },
    lost: () => take(NOWHERE),
    moved() {
      // Back, if the new one has died; its place is where it was.
      const isBack = before && before.dial === link.dial;
      const last = seat;
      take(before && isBack ? before : NOWHERE);
      if (!isBack && wanted) before = last;
    },
  };
  return subscription;

  /** The kind of the stream; both while it may be either. */
  function each(run: (kind: Kind) => void): void {
    const { kind } = subscription;
    for (const [word, part] of Object.entries(kinds())) if ((kind ?? word) === word) run(part);
  }

  /** This is its place now, and the only one. */
  function take(next: Seat): void {
    each((kind) => kind.advanced());
    seat = next;
    before = undefined;
    timers.clear('again');
  }

  function isMine(given: Seat): boolean {
    return given === seat || given === before;
  }

  function onSubscribed(dial: Dial, mine: Seat, reply: Reply): void {
    if (reply.type === 'error') {
      if (mine !== seat || (mine.table?.asked.list?.size ?? 0) <= link.limits.maxKeys) return end(mine, errorOf(reply));
      // Before `welcome` the limits were a guess. With more keys than the server takes the whole table is asked for.
      mine.state = 'none';
      return subscription.ask();
    }
    if (!isSubscribeOk(reply)) return dial.breach('subscribe');
    // Entered even when it came too late: what follows belongs to someone, if only to be dropped.
    dial.channels.set(reply.ch, (message) => onData(dial, mine, message));
    mine.ch = reply.ch;
    if (!isMine(mine)) return;
    const { kind = reply.kind } = subscription;
    const part = kinds()[reply.kind];
    if (reply.kind !== kind || !part) {
      leave(mine);
      return end(mine, new TrunklineError('conflict', `a ${String(reply.kind)}, not a ${kind}`));
    }
    subscription.kind = kind;
    mine.state = 'on';
    backoff.reset();
    part.placed(mine, reply);
    // What keeps nothing is at its head at once.
    if (mine === seat && seat.state === 'synced') before = undefined;
    touch();
  }

  function unsubscribe(): void {
    const left = [before, seat];
    take(NOWHERE);
    for (const given of left) if (given && given.state !== 'resting' && given.state !== 'refused') leave(given);
  }

  /** Tells the server that nothing of it is wanted there any more. */
  function leave(given: Seat): void {
    const { dial } = given;
    // Its number may be known by then only.
    if (dial?.isOpen) dial.request({ type: 'unsubscribe', stream: name }, () => dial.channels.delete(given.ch ?? -1));
  }

  function end(mine: Seat, error: TrunklineError): void {
    if (!isMine(mine)) return;
    each((kind) => kind.advanced());
    if (mine === before) before = undefined;
    else {
      mine.state = error.retry ? 'resting' : 'refused';
      if (error.retry) timers.set('again', backoff.nextMs(error.afterMs), subscription.ask);
      else {
        refusal = error;
        before = undefined;
      }
    }
    each((kind) => kind.advanced());
    touch();
  }

  function onData(dial: Dial, mine: Seat, message: ServerMessage): void {
    // Who has reached the head need not run after the one on the socket before: what is shown waits for it.
    if (!isMine(mine) || (mine === before && seat.state === 'synced')) return;
    if (message.type === 'ended') {
      dial.channels.delete(message.ch);
      return end(mine, errorOf(message));
    }
    const part = kinds()[subscription.kind as KindWord] as Kind;
    const reading = part.read(mine, message);
    if (reading === 'hole') return subscription.hole(mine);
    if (reading === 'old') return;
    if (message.type === 'synced') mine.state = 'synced';
    else holes = 0;
    // What the socket before brings does not continue this, or is here too.
    const takesOver = reading === 'jump' || (seat.state === 'synced' && before && part.covers(seat, before));
    if (mine === seat && takesOver) before = undefined;
    part.advanced();
    touch();
  }
}
