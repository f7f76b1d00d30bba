// From a publish to a stored entry, in the order of DESIGN §9: known already? → limits → shape → may this user? → hook → stored.
// Publishes of one producer to one stream pass one after the other up to the broker, across connections too (an old
// connection may still be at work on what a new one sends again); they do not wait for each other's storing.

import { type Appended, type Broker, BrokerUnavailableError, type Entry, OutOfOrderError } from '@trunkline/broker';
import { type Epoch, type JsonValue, type StreamName, TrunklineError, utf8Bytes } from '@trunkline/protocol';
import { hasExpired } from './access.js';
import type { Identity, LogRuntime, Validated } from './app.js';
import type { Log } from './ports.js';
import { producerKey } from './slice.js';

/** Lanes kept for producers that have nothing under way; forgetting one costs a lookup. */
const MAX_IDLE_LANES = 10_000;

export interface PublishRequest {
  /** The user when it was sent. */
  readonly identity: Identity;
  /** The same user with the rights of now. */
  readonly present: () => Identity;
  readonly channel: LogRuntime;
  readonly params: readonly string[];
  readonly stream: StreamName;
  readonly producer: string;
  readonly seq: number;
  readonly data: JsonValue;
  /** Throws a TrunklineError if the connection may not publish now. Asked only for what is not a repeat. */
  readonly admit: () => void;
  /**
   * Told whether it was refused, before the producer's next publish is looked at; and once more if storing it fails after that.
   */
  readonly settled: (error: TrunklineError | null) => void;
}

export interface Published {
  readonly epoch: Epoch;
  readonly offset: number;
  readonly at: number;
}

/** A publish that the rule allows, or is being asked about, and that has not reached the broker. */
interface Permit {
  readonly userId: string;
  readonly stream: StreamName;
  /** The user's rights may have changed since the rule was asked. */
  isDoubted: boolean;
}

interface Lane {
  /** Settles when the last publish of the lane has reached the broker or was refused. */
  tail: Promise<unknown>;
  /** Highest `seq` handed to the broker; -1 when this node cannot know. */
  last: number;
  readonly inFlight: Map<number, Promise<Published>>;
  /** Those that have no answer yet. */
  queued: number;
  /** Those of them that have not reached the broker, and are neither refused. */
  preparing: number;
}

export interface PublisherOptions {
  readonly broker: Broker;
  readonly log: Log;
  readonly nowMs: () => number;
  readonly maxEntryBytes: number;
}

export class Publisher {
  readonly #options: PublisherOptions;
  readonly #lanes = new Map<string, Lane>();
  readonly #permits = new Set<Permit>();
  /** Channels whose schema has answered with a promise. */
  readonly #slowSchemas = new WeakSet<LogRuntime>();

  constructor(options: PublisherOptions) {
    this.#options = options;
  }

  /** Resolves when the entry is stored. Rejects with a TrunklineError. */
  publish(request: PublishRequest): Promise<Published> {
    const key = `${request.stream}\n${producerKey(request.identity.id, request.producer)}`;
    const lane = this.#lane(key);
    try {
      return this.#atOnce(lane, request) ?? this.#inTurn(lane, request);
    } catch (error) {
      if (error instanceof TrunklineError) request.settled(error);
      return Promise.reject(error);
    }
  }

  /**
   * The common case in one go: nothing of the lane is being prepared, and neither a lookup, a rule nor a hook has to be waited for. Nothing can
   * come between, so order and rights are those of now; and a publish costs a few promises less. `null`: not so simple. Throws a refusal.
   */
  #atOnce(lane: Lane, request: PublishRequest): Promise<Published> | null {
    const { channel, data, seq } = request;
    if (lane.preparing > 0 || lane.last === -1 || seq <= lane.last) return null;
    if (channel.authorize !== undefined || channel.onPublish !== undefined || this.#slowSchemas.has(channel))
      return null;
    request.admit();
    const given = this.#stringify(data);
    let checked: ReturnType<LogRuntime['validate']>;
    try {
      checked = channel.validate(data);
    } catch (error) {
      throw this.#appFailure('the schema failed', error);
    }
    if (checked instanceof Promise) {
      // Asked again, once, by the long way; admitted it is.
      checked.catch(() => undefined);
      this.#slowSchemas.add(channel);
      return this.#inTurn(lane, { ...request, admit: () => undefined });
    }
    const entry = validValue(checked);
    if (hasExpired(request.present(), this.#options.nowMs())) throw expired();
    const stored = this.#handOver(lane, request, entry === data ? given : this.#stringifyOwn(entry, 'the schema made'));
    lane.queued += 1;
    request.settled(null);
    stored.then(
      () => {
        lane.queued -= 1;
      },
      (error) => {
        lane.queued -= 1;
        request.settled(error);
      },
    );
    return stored;
  }

  async #inTurn(lane: Lane, request: PublishRequest): Promise<Published> {
    lane.queued += 1;
    lane.preparing += 1;
    const prepared = lane.tail.then(() => this.#prepare(lane, request));
    lane.tail = prepared.then(
      ({ stored }) => {
        lane.preparing -= 1;
        request.settled(null);
        stored.catch(request.settled);
      },
      (error) => {
        lane.preparing -= 1;
        if (error instanceof TrunklineError) request.settled(error);
      },
    );
    try {
      return await (await prepared).stored;
    } finally {
      lane.queued -= 1;
    }
  }

  /**
   * The user's rights may have changed: what was allowed before and has not reached the broker is judged again before it does.
   * Also what came over a connection that is gone by now.
   */
  doubt(userId: string, stream?: StreamName): void {
    for (const permit of this.#permits) {
      if (permit.userId === userId && (stream === undefined || permit.stream === stream)) permit.isDoubted = true;
    }
  }

  /** Appends as the server itself. Rejects with a TrunklineError. */
  async publishAsServer(stream: StreamName, channel: LogRuntime, data: unknown): Promise<Published> {
    const text = this.#stringify(data);
    return this.#append(stream, channel, { at: this.#options.nowMs(), data: text, user: null });
  }

  /** Everything up to the call of the broker. Wrapped, so that awaiting it does not await the storing. */
  async #prepare(lane: Lane, request: PublishRequest): Promise<{ stored: Promise<Published> }> {
    const { stream, channel, identity, seq } = request;
    const source = { producer: producerKey(identity.id, request.producer), seq };
    if (seq <= lane.last || lane.last === -1) {
      const known =
        lane.inFlight.get(seq) ?? (await this.#broker(this.#options.broker.lookup(stream, source), (found) => found));
      if (known !== null) return { stored: Promise.resolve(known) };
      if (seq <= lane.last) throw outOfOrder(seq, lane.last);
    }
    request.admit();
    // Measured before the hook runs, so that nothing oversized reaches it, and again after it.
    const given = this.#stringify(request.data);
    const entry = await this.#validated(channel, request.data);
    const permit: Permit = { userId: identity.id, stream, isDoubted: false };
    this.#permits.add(permit);
    let stored: Promise<Published>;
    try {
      await this.#judge(permit, request);
      const data = await this.#hooked(request, entry, given);
      // The hook took its time: a revocation meanwhile, or the token's end, still reaches what it prepared.
      while (permit.isDoubted || hasExpired(request.present(), this.#options.nowMs()))
        await this.#judge(permit, request);
      stored = this.#handOver(lane, request, data);
    } finally {
      this.#permits.delete(permit);
    }
    return { stored };
  }

  /** To the broker. */
  #handOver(lane: Lane, request: PublishRequest, data: string): Promise<Published> {
    const { stream, channel, identity, producer, seq } = request;
    const stored = this.#append(stream, channel, {
      at: this.#options.nowMs(),
      data,
      user: JSON.stringify(request.present().publicUser),
      source: { producer: producerKey(identity.id, producer), seq },
    });
    lane.last = Math.max(lane.last, seq);
    lane.inFlight.set(seq, stored);
    stored.then(
      () => lane.inFlight.delete(seq),
      () => {
        // Whether it is stored, nobody knows: ask the broker about whatever comes next.
        lane.last = -1;
        lane.inFlight.delete(seq);
      },
    );
    return stored;
  }

  async #validated(channel: LogRuntime, data: JsonValue): Promise<unknown> {
    const result = await this.#app('the schema failed', () => channel.validate(data));
    return validValue(result);
  }

  /** Asks the rule until its answer holds. Rejects with `forbidden`, `unauthorized` or `internal`. */
  async #judge(permit: Permit, { channel, params, present }: PublishRequest): Promise<void> {
    const { authorize } = channel;
    do {
      permit.isDoubted = false;
      const identity = present();
      if (hasExpired(identity, this.#options.nowMs())) throw expired();
      if (authorize === undefined) return;
      const may = await this.#app('authorize failed', () => authorize(identity.user, params, 'publish'));
      if (may !== true) throw new TrunklineError('forbidden', 'you may not publish here');
    } while (permit.isDoubted);
  }

  async #hooked(request: PublishRequest, entry: unknown, given: string): Promise<string> {
    const { onPublish } = request.channel;
    if (onPublish === undefined) return entry === request.data ? given : this.#stringifyOwn(entry, 'the schema made');
    const { params, producer, seq } = request;
    const { user } = request.present();
    const result = await this.#app('onPublish failed', () =>
      onPublish({ entry, user, params, source: { producer, seq } }),
    );
    if ('refusal' in result) {
      throw new TrunklineError('refused', result.refusal.message, { refusal: result.refusal.code });
    }
    return this.#stringifyOwn(result.store === undefined ? entry : result.store, 'onPublish returned');
  }

  /** What the app's own code made of an entry: if it is no JSON, the publisher is not to blame. */
  #stringifyOwn(data: unknown, who: string): string {
    try {
      return this.#stringify(data);
    } catch (error) {
      if (error instanceof TrunklineError && error.code === 'too_large') throw error;
      this.#options.log.error({ error }, `${who} what is no JSON value`);
      throw new TrunklineError('internal', 'the server failed; its log has the cause', { cause: error });
    }
  }

  /** Runs the app's own code. What it throws is the app's failure, but for a TrunklineError, which it meant. */
  async #app<T>(what: string, run: () => T | Promise<T>): Promise<T> {
    try {
      return await run();
    } catch (error) {
      throw this.#appFailure(what, error);
    }
  }

  #appFailure(what: string, error: unknown): TrunklineError {
    if (error instanceof TrunklineError) return error;
    this.#options.log.error({ error }, what);
    return new TrunklineError('internal', `${what}; the server's log has the cause`, { cause: error });
  }

  #stringify(data: unknown): string {
    let text: string | undefined;
    try {
      text = JSON.stringify(data);
    } catch {
      // Nested deeper than the stack, a cycle, a BigInt: what came over the wire can only be the first.
    }
    if (text === undefined) throw new TrunklineError('invalid', 'data is not a JSON value, or is nested too deeply');
    const bytes = utf8Bytes(text);
    if (bytes > this.#options.maxEntryBytes) {
      throw new TrunklineError(
        'too_large',
        `the entry has ${bytes} bytes, at most ${this.#options.maxEntryBytes} are allowed`,
      );
    }
    return text;
  }

  #append(stream: StreamName, channel: LogRuntime, entry: Omit<Entry, 'offset'>): Promise<Published> {
    const options = channel.retain === undefined ? undefined : { retain: channel.retain };
    return this.#broker(this.#options.broker.append(stream, [entry], options), ({ epoch, appended }) => {
      const { offset, at } = appended[0] as Appended;
      return { epoch, offset, at };
    });
  }

  #broker<T, Result>(answer: Promise<T>, use: (value: T) => Result): Promise<Result> {
    return answer.then(use, (error) => {
      if (error instanceof OutOfOrderError) throw outOfOrder(error.seq, error.last);
      if (error instanceof BrokerUnavailableError) {
        throw new TrunklineError('unavailable', 'the store cannot be reached: send it again', {
          outcome: 'unknown',
          afterMs: 1_000,
          cause: error,
        });
      }
      this.#options.log.error({ error }, 'the broker failed');
      throw new TrunklineError('internal', "the store failed; the server's log has the cause", {
        outcome: 'unknown',
        cause: error,
      });
    });
  }

  #lane(key: string): Lane {
    const known = this.#lanes.get(key);
    if (known !== undefined) {
      // Most recently used last, for the trimming below.
      this.#lanes.delete(key);
      this.#lanes.set(key, known);
      return known;
    }
    const lane: Lane = { tail: Promise.resolve(), last: -1, inFlight: new Map(), queued: 0, preparing: 0 };
    this.#lanes.set(key, lane);
    if (this.#lanes.size > MAX_IDLE_LANES) {
      for (const [oldest, candidate] of this.#lanes) {
        if (candidate.queued > 0) continue;
        this.#lanes.delete(oldest);
        break;
      }
    }
    return lane;
  }
}

function validValue(checked: Validated): unknown {
  if ('problem' in checked) throw new TrunklineError('invalid', checked.problem);
  return checked.value;
}

function expired(): TrunklineError {
  return new TrunklineError('unauthorized', 'the token expired');
}

function outOfOrder(seq: number, last: number): TrunklineError {
  return new TrunklineError(
    'conflict',
    `seq ${seq} came after ${last} of the same producer was stored: publish it with a new seq`,
  );
}
