// A session's subscriptions: opening a cursor where the client says it stands, and what to tell it if that place is gone.

import { BrokerUnavailableError } from '@trunkline/broker';
import { type Offset, type StreamName, type Subscribe, TrunklineError, type Tune } from '@trunkline/protocol';
import { mayUse } from './access.js';
import type { ActiveSignals } from './active-signals.js';
import type { ActiveStream } from './active-stream.js';
import type { ActiveTable } from './active-table.js';
import { type Identity, resolveStream, type StreamTarget } from './app.js';
import type { Cursor } from './cursor.js';
import { Judging } from './judging.js';
import { checkLogRequest, openLog } from './open-log.js';
import { openSignals } from './open-signals.js';
import { checkTableRequest, openTable, wishesOf } from './open-table.js';
import type { Session } from './session.js';
import { isOf, OWN_UNREAD, unreadOf } from './side-streams.js';
import { SmallMap } from './small-map.js';
import { TableSubscription } from './table-subscription.js';

/** A subscribe that is being worked on; unsubscribing replaces or removes it, which it notices when it goes on. */
interface Opening {
  readonly opening: true;
}

/** A stream that is open for a subscribe. */
export interface Opened {
  readonly stream: ActiveStream | ActiveTable | ActiveSignals;
  /** Takes the cursor's place, in the turn in which the answer is sent. */
  begin(): { readonly cursor: Cursor; readonly from: Offset; start(): void };
}

export class SessionStreams<Request> {
  readonly #subscriptions = new SmallMap<StreamName, Cursor | Opening>();
  /** Those that are held while the user's rights are judged again. Made when it is needed. */
  #judged: Map<Cursor, Judging<Request>> | null = null;

  constructor(private readonly session: Session<Request>) {}

  /** Answers by itself, as slices follow the answer in the same turn. Rejects with a TrunklineError. */
  async subscribe(request: Subscribe, identity: Identity): Promise<undefined> {
    const { session } = this;
    const { engine } = session;
    const target = resolveStream(engine.app, this.#nameOf(request.stream));
    const { maxSubscriptions } = engine.limits;
    if (target.channel.kind === 'log') checkLogRequest(request, engine.limits);
    else if (target.channel.kind === 'table') checkTableRequest(request, engine.limits);
    if (this.#subscriptions.has(target.name)) {
      throw new TrunklineError('conflict', `${target.name} is subscribed already: unsubscribe first`);
    }
    if (this.#subscriptions.size >= maxSubscriptions) {
      throw new TrunklineError('rate_limited', `more than ${maxSubscriptions} subscriptions: unsubscribe some`, {
        retry: false,
      });
    }
    const opening: Opening = { opening: true };
    this.#subscriptions.set(target.name, opening);
    try {
      await this.#open(request, target, identity, opening);
      return undefined;
    } catch (error) {
      if (this.#subscriptions.get(target.name) === opening) this.#subscriptions.delete(target.name);
      if (error instanceof BrokerUnavailableError) {
        throw new TrunklineError('unavailable', 'the store cannot be reached: subscribe again', {
          afterMs: 1_000,
          cause: error,
        });
      }
      throw error;
    }
  }

  async #open(request: Subscribe, target: StreamTarget, asked: Identity, opening: Opening): Promise<void> {
    const { session } = this;
    const mustBeWanted = () => {
      if (this.#subscriptions.get(target.name) === opening) return;
      throw new TrunklineError('conflict', 'unsubscribed meanwhile');
    };
    for (;;) {
      const { rights } = session;
      if (!(await mayUse(session.engine, target, session.identity ?? asked, 'subscribe'))) {
        throw new TrunklineError('forbidden', 'you may not subscribe to this');
      }
      mustBeWanted();
      const { channel } = target;
      if (target.owner !== undefined) await session.engine.unread.open(session.identity ?? asked);
      const opened = await (channel.kind === 'log'
        ? openLog(session, target.name, request)
        : channel.kind === 'table'
          ? openTable(session, target.name, channel, request)
          : openSignals(session, target.name));
      mustBeWanted();
      // While this waited, the user's rights may have changed, or the stream been forgotten or found to have another history.
      if (session.rights !== rights || opened.stream.closed || opened.stream.loading) continue;
      if (session.isOver()) return;
      this.#begin(request, target, opened);
      return;
    }
  }

  /**
   * Changes how a table is followed. Answers by itself, as slices follow the answer.
   * @throws TrunklineError `not_found` if it is not subscribed, `invalid` if it is a log, `too_large`
   */
  async tune(request: Tune): Promise<undefined> {
    const { session } = this;
    const held = this.#subscriptions.get(this.#nameOf(request.stream) as StreamName);
    if (held === undefined || 'opening' in held) {
      throw new TrunklineError('not_found', `${request.stream.slice(0, 80)} is not subscribed: subscribe first`);
    }
    if (!(held instanceof TableSubscription)) {
      if (request.away === undefined) throw new TrunklineError('invalid', 'of what is no table only away can be tuned');
      this.#setPresent(held, !request.away);
      session.send({ type: 'ok', id: request.id });
      return undefined;
    }
    checkTableRequest(request, session.engine.limits);
    session.send({ type: 'ok', id: request.id });
    if (!held.closed) held.tune(wishesOf(session.engine.hub.lists, request, held.wishes));
    return undefined;
  }

  /** After it, nothing of the stream is sent: the caller's `ok` is a barrier (SUB-8). */
  unsubscribe(given: string, isBarred = false): void {
    const name = this.#nameOf(given);
    const held = this.#subscriptions.get(name as StreamName);
    if (held === undefined) return;
    this.#subscriptions.delete(name as StreamName);
    if ('opening' in held) return;
    this.#setPresent(held, false, isBarred);
    this.session.engine.hub.drop(held);
    this.#judged?.get(held)?.cancel();
    this.#judged?.delete(held);
  }

  /** There is room. The streams that are behind take turns in being the first: one that is always behind would leave the others none. */
  drained(): void {
    let first: Cursor | undefined;
    for (const held of this.#subscriptions.values()) {
      if ('opening' in held) continue;
      if (held.isBehind) first ??= held;
      held.catchUp();
    }
    if (first === undefined || this.#subscriptions.get(first.stream.name) !== first) return;
    this.#subscriptions.delete(first.stream.name);
    this.#subscriptions.set(first.stream.name, first);
  }

  /**
   * The user's rights may have changed: nothing more of the streams (or of `only`) is sent until their rule has answered, and what
   * is no longer allowed ends (SUB-9). What is being opened looks again by itself. Gives how many ended; never rejects.
   */
  async judgeAgain(only?: StreamName): Promise<number> {
    const verdicts: Promise<boolean>[] = [];
    for (const [name, held] of this.#subscriptions) {
      if ('opening' in held || (only !== undefined && !isOf(name, only))) continue;
      const target = resolveStream(this.session.engine.app, name);
      if (target.channel.authorize !== undefined) verdicts.push(this.#judge(target, held));
    }
    return (await Promise.all(verdicts)).filter((ended) => ended).length;
  }

  #judge(target: StreamTarget, subscription: Cursor): Promise<boolean> {
    this.#judged ??= new Map();
    // One that is judged already notices that the rights changed once more, and asks again.
    const known = this.#judged.get(subscription);
    if (known !== undefined) return known.ended;
    const judging = new Judging(this.session, target, subscription, (refusal) => {
      this.#judged?.delete(subscription);
      if (refusal === null) return;
      this.unsubscribe(target.name, refusal.code === 'forbidden');
      const { code, message } = refusal;
      const ch = subscription.stream.number;
      this.session.send({ type: 'ended', ch, code, message, retry: code !== 'forbidden' });
    });
    this.#judged.set(subscription, judging);
    return judging.ended;
  }

  /** Called about once a second. */
  sweep(nowMs: number): void {
    if (this.#judged !== null) for (const judging of this.#judged.values()) judging.sweep(nowMs);
  }

  /** Others see the user otherwise from now on. */
  renew(identity: Identity): void {
    void this.session.engine.unread.judgeAgain(identity.id, undefined, identity);
    for (const held of this.#subscriptions.values()) {
      if (!('opening' in held) && held.isPresent === true)
        this.session.engine.presence.renew(held.stream.name, identity);
    }
  }

  close(): void {
    for (const name of [...this.#subscriptions.keys()]) this.unsubscribe(name);
  }

  /** In one turn from the place chosen to the first slices, so that nothing can come between. */
  #begin(request: Subscribe, { channel }: StreamTarget, { stream, begin }: Opened): void {
    const { cursor, from, start } = begin();
    this.#subscriptions.set(stream.name, cursor);
    const { number: ch, epoch, head, floor } = stream;
    const { kind } = channel;
    const hasPresence = kind === 'log' && channel.presence !== undefined;
    const told = hasPresence ? { presence: true as const } : {};
    this.session.send({ type: 'ok', id: request.id, ch, kind, epoch, head, floor, from, ...told });
    if (hasPresence && request.away !== true) this.#setPresent(cursor, true);
    // A connection may end within a send, and its subscriptions with it.
    if (!cursor.closed) start();
  }

  /** MRK-5: whoever does not name themselves means their own. */
  #nameOf(stream: string): string {
    if (stream !== OWN_UNREAD) return stream;
    return unreadOf(this.session.identity?.id ?? '') ?? stream;
  }

  /** PRS-1, PRS-2: whoever has a subscription, and looks, is present. */
  #setPresent(held: Cursor, isPresent: boolean, isBarred = false): void {
    const { engine, identity } = this.session;
    const { name } = held.stream;
    if (identity === null || (held.isPresent ?? false) === isPresent) return;
    if (!isPresent) engine.presence.leave(name, identity.id, isBarred);
    else {
      const { channel } = resolveStream(engine.app, name);
      if (held.closed || channel.kind !== 'log' || channel.presence === undefined) return;
      engine.presence.join(name, channel.presence.graceMs, identity);
    }
    held.isPresent = isPresent;
  }
}
