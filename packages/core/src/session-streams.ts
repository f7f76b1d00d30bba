// A session's subscriptions: opening a cursor where the client says it stands, and what to tell it if that place is gone.

import { BrokerUnavailableError } from '@trunkline/broker';
import { type Offset, type StreamName, type Subscribe, TrunklineError } from '@trunkline/protocol';
import { type ActiveStream, DEFAULT_PAGE } from './active-stream.js';
import { type Identity, resolveStream, type Target } from './app.js';
import type { Session } from './session.js';
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
  readonly #subscriptions = new Map<StreamName, Subscription | Opening>();

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
    for (let identity = asked; ; identity = session.identity ?? asked) {
      if (!(await session.mayUse(target, identity, 'subscribe'))) {
        throw new TrunklineError('forbidden', 'you may not subscribe to this');
      }
      mustBeWanted();
      const stream = await session.engine.hub.open(target.name);
      const at = await lookUp(stream, request);
      mustBeWanted();
      // While this waited, the token may have been refreshed, or the stream forgotten or found to have another history.
      if (session.identity !== identity || stream.closed || stream.loading) continue;
      this.#begin(request, stream, startOf(stream, request, at));
      return;
    }
  }

  /** After it, nothing of the stream is sent: the caller's `ok` is a barrier (SUB-8). */
  unsubscribe(name: string): void {
    const held = this.#subscriptions.get(name as StreamName);
    if (held === undefined) return;
    this.#subscriptions.delete(name as StreamName);
    if (!('opening' in held)) this.session.engine.hub.drop(held);
  }

  drained(): void {
    for (const held of this.#subscriptions.values()) {
      if (!('opening' in held)) held.catchUp();
    }
  }

  /** The user's rights may have changed: ends what is no longer allowed (SUB-9). What is opening looks again by itself. */
  async authorizeAgain(identity: Identity): Promise<void> {
    const { session } = this;
    for (const [name, held] of [...this.#subscriptions]) {
      if ('opening' in held) continue;
      const target = resolveStream(session.engine.app, name);
      // A rule that fails lets nobody in, and nobody stay.
      const may = await session.mayUse(target, identity, 'subscribe').catch((error: TrunklineError) => error);
      // Refreshed once more: that one asks for all of them, with the newer user.
      if (session.identity !== identity) return;
      if (may === true || this.#subscriptions.get(name) !== held) continue;
      this.unsubscribe(name);
      const ch = held.stream.number;
      if (may === false) {
        session.send({ type: 'ended', ch, code: 'forbidden', message: 'you may no longer read this', retry: false });
      } else session.send({ type: 'ended', ch, code: may.code, message: may.message, retry: true });
    }
  }

  close(): void {
    for (const name of [...this.#subscriptions.keys()]) this.unsubscribe(name);
  }

  /** In one turn from the place chosen to the first slices, so that nothing can come between. */
  #begin(request: Subscribe, stream: ActiveStream, start: Start): void {
    const { session } = this;
    const subscription = session.engine.hub.subscribe(stream, session.connection);
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
