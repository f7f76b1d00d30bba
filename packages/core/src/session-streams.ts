// A session's subscriptions: opening a cursor where the client says it stands, and what to tell it if that place is gone.

import { BrokerUnavailableError } from '@trunkline/broker';
import { type Offset, type ServerMessage, type StreamName, type Subscribe, TrunklineError } from '@trunkline/protocol';
import { type ActiveStream, DEFAULT_PAGE } from './active-stream.js';
import { type Identity, resolveStream } from './app.js';
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
    const isWanted = () => this.#subscriptions.get(target.name) === opening;
    try {
      if (!(await session.mayUse(target, identity, 'subscribe'))) {
        throw new TrunklineError('forbidden', 'you may not subscribe to this');
      }
      const stream = await engine.hub.open(target.name);
      const start = await this.#start(stream, request);
      if (!isWanted()) throw new TrunklineError('conflict', 'unsubscribed meanwhile');
      this.#begin(request, stream, start);
      return undefined;
    } catch (error) {
      if (isWanted()) this.#subscriptions.delete(target.name);
      if (error instanceof BrokerUnavailableError) {
        throw new TrunklineError('unavailable', 'the store cannot be reached: subscribe again', {
          afterMs: 1_000,
          cause: error,
        });
      }
      throw error;
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

  /** The user's rights may have changed: ends what is no longer allowed (SUB-9). */
  async authorizeAgain(identity: Identity): Promise<void> {
    for (const [name, held] of [...this.#subscriptions]) {
      if ('opening' in held) continue;
      const target = resolveStream(this.session.engine.app, name);
      const may = await this.session.mayUse(target, identity, 'subscribe');
      if (may || this.#subscriptions.get(name) !== held) continue;
      this.unsubscribe(name);
      const ch = held.stream.number;
      this.session.send({ type: 'ended', ch, code: 'forbidden', message: 'you may no longer read this', retry: false });
    }
  }

  close(): void {
    for (const name of [...this.#subscriptions.keys()]) this.unsubscribe(name);
  }

  /** In one turn from the place chosen to the first slices, so that nothing can come between. */
  #begin(request: Subscribe, stream: ActiveStream, start: Start): void {
    const { session } = this;
    const ok: ServerMessage = {
      type: 'ok',
      id: request.id,
      ch: stream.number,
      kind: 'log',
      epoch: stream.epoch,
      head: stream.head,
      floor: stream.floor,
      from: start.from,
    };
    session.send(ok);
    const subscription = session.engine.hub.subscribe(stream, session.connection);
    this.#subscriptions.set(stream.name, subscription);
    if (start.gap !== undefined) subscription.skip(start.gap.reason, start.gap.to, start.gap.lost);
    subscription.start(start.gap?.to ?? start.from);
  }

  async #start(stream: ActiveStream, { after, last, most }: Subscribe): Promise<Start> {
    const back = (entries: number) => Math.max(stream.floor, stream.head - entries);
    if (after === undefined) return { from: back(last ?? 0) };
    // Before anything is decided from head and floor: this may wait for the broker.
    const at = after.at === undefined || after.offset === 0 ? undefined : await stream.atOf(after.offset);
    const rewritten = at !== undefined && at !== after.at;
    if (after.epoch !== stream.epoch || after.offset > stream.head || rewritten) {
      return { from: after.offset, gap: { reason: 'epoch', to: back(last ?? DEFAULT_PAGE) } };
    }
    if (most !== undefined && stream.head - after.offset > most) {
      const to = back(Math.min(most, DEFAULT_PAGE));
      return { from: after.offset, gap: { reason: 'skipped', to, lost: to - after.offset } };
    }
    if (after.offset < stream.floor) {
      return { from: after.offset, gap: { reason: 'trimmed', to: stream.floor, lost: stream.floor - after.offset } };
    }
    return { from: after.offset };
  }
}
