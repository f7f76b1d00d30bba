// A session's subscriptions: opening a cursor where the client says it stands, and what to tell it if that place is gone.

import { BrokerUnavailableError } from '@trunkline/broker';
import { type Offset, type StreamName, type Subscribe, TrunklineError } from '@trunkline/protocol';
import { mayUse } from './access.js';
import { type ActiveStream, DEFAULT_PAGE } from './active-stream.js';
import { type Identity, resolveStream, type Target } from './app.js';
import { Judging } from './judging.js';
import type { Session } from './session.js';
import { SmallMap } from './small-map.js';
import type { Subscription } from './subscription.js';

/** A subscribe that is being worked on; unsubscribing replaces or removes it, which it notices when it goes on. */
interface Opening {
  readonly opening: true;
}

/** Where a cursor starts, and the gap to announce first, if there is one. */
interface Start {
  readonly from: Offset;
  readonly gap?: { readonly reason: 'trimmed' | 'epoch' | 'skipped'; readonly to: Offset; readonly lost?: number };
}

export class SessionStreams<Request> {
  readonly #subscriptions = new SmallMap<StreamName, Subscription | Opening>();
  /** Those that are held while the user's rights are judged again. Made when it is needed. */
  #judged: Map<Subscription, Judging<Request>> | null = null;

  constructor(private readonly session: Session<Request>) {}

  /** Answers by itself, as slices follow the answer in the same turn. Rejects with a TrunklineError. */
  async subscribe(request: Subscribe, identity: Identity): Promise<undefined> {
    const { session } = this;
    const { engine } = session;
    const target = resolveStream(engine.app, request.stream);
    const { maxSubscriptions, maxPageEntries } = engine.limits;
    if ((request.last ?? 0) > maxPageEntries) {
      throw new TrunklineError('invalid', `last is ${request.last}, at most ${maxPageEntries} are allowed`);
    }
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

  async #open(request: Subscribe, target: Target, asked: Identity, opening: Opening): Promise<void> {
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
      const stream = await session.engine.hub.open(target.name);
      const at = await lookUp(stream, request);
      mustBeWanted();
      // While this waited, the user's rights may have changed, or the stream been forgotten or found to have another history.
      if (session.rights !== rights || stream.closed || stream.loading) continue;
      if (session.isOver()) return;
      this.#begin(request, stream, startOf(stream, request, at));
      return;
    }
  }

  /** After it, nothing of the stream is sent: the caller's `ok` is a barrier (SUB-8). */
  unsubscribe(name: string): void {
    const held = this.#subscriptions.get(name as StreamName);
    if (held === undefined) return;
    this.#subscriptions.delete(name as StreamName);
    if ('opening' in held) return;
    this.session.engine.hub.drop(held);
    this.#judged?.get(held)?.cancel();
    this.#judged?.delete(held);
  }

  /** There is room. The streams that are behind take turns in being the first: one that is always behind would leave the others none. */
  drained(): void {
    let first: Subscription | undefined;
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
      if ('opening' in held || (only !== undefined && name !== only)) continue;
      const target = resolveStream(this.session.engine.app, name);
      if (target.channel.authorize !== undefined) verdicts.push(this.#judge(target, held));
    }
    return (await Promise.all(verdicts)).filter((ended) => ended).length;
  }

  #judge(target: Target, subscription: Subscription): Promise<boolean> {
    this.#judged ??= new Map();
    // One that is judged already notices that the rights changed once more, and asks again.
    const known = this.#judged.get(subscription);
    if (known !== undefined) return known.ended;
    const judging = new Judging(this.session, target, subscription, (refusal) => {
      this.#judged?.delete(subscription);
      if (refusal === null) return;
      this.unsubscribe(target.name);
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

  close(): void {
    for (const name of [...this.#subscriptions.keys()]) this.unsubscribe(name);
  }

  /** In one turn from the place chosen to the first slices, so that nothing can come between. */
  #begin(request: Subscribe, stream: ActiveStream, start: Start): void {
    const { session } = this;
    const subscription = session.engine.hub.subscribe(stream, session.outflow);
    this.#subscriptions.set(stream.name, subscription);
    session.send({
      type: 'ok',
      id: request.id,
      ch: stream.number,
      kind: 'log',
      epoch: stream.epoch,
      head: stream.head,
      floor: stream.floor,
      from: start.from,
    });
    // A connection may end within a send, and its subscriptions with it.
    if (subscription.closed) return;
    if (start.gap !== undefined) subscription.skip(start.gap.reason, start.gap.to, start.gap.lost);
    subscription.start(start.gap?.to ?? start.from);
  }
}

/** What has to be asked of the broker before the place can be chosen. Gives the time of the entry at the client's position. */
async function lookUp(stream: ActiveStream, { after, last }: Subscribe): Promise<number | undefined> {
  const isElsewhere =
    after === undefined
      ? // Entries that the ring does not hold may be trimmed by now: the newest that are kept are meant.
        Math.max(stream.floor, stream.head - (last ?? 0)) < stream.ring.start
      : after.epoch !== stream.epoch || after.offset > stream.head;
  if (isElsewhere) await stream.compare();
  return after?.at === undefined || after.offset === 0 ? undefined : await stream.atOf(after.offset);
}

function startOf(stream: ActiveStream, { after, last, most }: Subscribe, at: number | undefined): Start {
  const back = (entries: number) => Math.max(stream.floor, stream.head - entries);
  if (after === undefined) return { from: back(last ?? 0) };
  const from = after.offset;
  const isRewritten = at !== undefined && at !== after.at;
  if (after.epoch !== stream.epoch || from > stream.head || isRewritten) {
    return { from, gap: { reason: 'epoch', to: back(last ?? DEFAULT_PAGE) } };
  }
  if (most !== undefined && stream.head - from > most) {
    const to = back(Math.min(most, DEFAULT_PAGE));
    return { from, gap: { reason: 'skipped', to, lost: to - from } };
  }
  if (from < stream.floor) return { from, gap: { reason: 'trimmed', to: stream.floor, lost: stream.floor - from } };
  return { from };
}
