// The back end of a running app: its rules for the channels, what is told of what was stored, and the dead letters.

import { type Broker, type DeadLetter, type Entry, hasOutbox, type Outbox } from '@trunkline/broker';
import type { Clock, Log } from '@trunkline/core';
import { type Epoch, type JsonValue, parseStreamName, type StreamName, TrunklineError } from '@trunkline/protocol';
import type { BackendCalls, BreakerState } from './backend-calls.js';
import { BackendDownError } from './backend-down.js';
import type { FilledBackend } from './backend-options.js';
import { Delivery, type Told } from './delivery.js';
import type { AfterRequest, RequestType, ToldUser } from './requests.js';
import { BackendRules } from './rules.js';
import { toldStream } from './wanted.js';

/** Statuses that say: never. All others but 200 to 299 are tried again. */
const NEVER: ReadonlySet<number> = new Set([400, 410, 413, 415, 422]);
const LETTERS_PAGE = 100;
const STORE_RETRY_MS = 1_000;
const MAX_LETTERS_PAGE = 1_000;

/** How the back end is, for whoever watches. */
export interface BackendHealth {
  /** Entries that it is still to be told of. */
  readonly waiting: number;
  /** How long the oldest of them waits, in milliseconds. 0: none does. */
  readonly oldestMs: number;
  readonly deadLetters: number;
  /** `open`: nothing of this type is sent for a while, as it failed too often · `half-open`: one request tries. */
  readonly breakers: { readonly [Type in RequestType]: BreakerState };
}

/** An entry that the back end does not take. */
export interface BackendDeadLetter {
  /** For `replay` and `forget`. */
  readonly id: number;
  /** What it was sent under, and will be. */
  readonly webhookId: string;
  /** `null`: of an amendment that another one has replaced since. */
  readonly request: AfterRequest | null;
  /** In milliseconds since 1970. */
  readonly diedAt: number;
  readonly attempts: number;
  /** Of the last attempt, in words. */
  readonly reason: string;
}

/** What server code can do about its back end. */
export interface TrunkBackend {
  /** Dead letters, the oldest first, after one and at most so many (default 100, at most 1,000). */
  deadLetters(page?: { readonly after?: number; readonly limit?: number }): Promise<readonly BackendDeadLetter[]>;
  /**
   * Tells the back end again, and forgets the dead letter if that worked. It comes after what its log got since.
   * @throws TrunklineError `not_found`; `unavailable` if it may work later; `refused` if the back end still does not want it.
   */
  replay(id: number): Promise<void>;
  /** Replays all, one after the other, until the back end cannot be reached. Resolves with how many went, and how many are left. */
  replayAll(): Promise<{ readonly delivered: number; readonly left: number }>;
  /** Forgets one without telling. Whether there was one. */
  forget(id: number): Promise<boolean>;
}

/** What there is to know about a log that is told of. */
export interface ToldChannel {
  readonly params: readonly string[];
}

export interface BackendParts {
  readonly options: FilledBackend;
  readonly broker: Broker;
  readonly log: Log;
  readonly clock: Clock;
  /** Channels that want `publish.after`, by name. */
  readonly told: ReadonlyMap<string, ToldChannel>;
  /** Closed with it. */
  readonly calls: BackendCalls;
  readonly random?: () => number;
}

export class Backend implements TrunkBackend {
  readonly rules: BackendRules;
  readonly #parts: BackendParts;
  readonly #calls: BackendCalls;
  readonly #delivery: Delivery | null;
  readonly #store: Outbox | null;

  /** @throws TypeError if somebody is to be told of a log, and the broker keeps no outbox. */
  constructor(parts: BackendParts) {
    const { options, broker, log, clock, told, calls, random = Math.random } = parts;
    this.#parts = parts;
    const nowMs = () => clock.nowMs();
    this.#calls = calls;
    this.rules = new BackendRules({ calls, options, log, nowMs });
    const store = hasOutbox(broker) ? broker : null;
    this.#store = store;
    if (store === null && told.size > 0) {
      throw new TypeError('backend: publish.after needs a broker with an outbox: memoryBroker or sqliteBroker');
    }
    const tell = (stream: StreamName, epoch: Epoch, entry: Entry) => this.#tellIfWanted(stream, epoch, entry);
    this.#delivery = store && new Delivery({ broker: store, clock, log, random, options, tell });
  }

  /** To be called when the broker is ready. */
  async start(): Promise<void> {
    await this.#delivery?.start();
  }

  /** What is under way has so long to end; then it is cut, and stays in the outbox. */
  async close(deadlineMs: number): Promise<void> {
    let cancel = () => {};
    const late = new Promise<void>((resolve) => {
      cancel = this.#parts.clock.after(deadlineMs, resolve);
    });
    await this.#delivery?.close(late, () => this.#calls.close());
    cancel();
    this.#calls.close();
  }

  get health(): BackendHealth {
    const { count, oldestAt } = this.#delivery?.waiting ?? { count: 0, oldestAt: null };
    return {
      waiting: count,
      oldestMs: oldestAt === null ? 0 : Math.max(0, this.#parts.clock.nowMs() - oldestAt),
      deadLetters: this.#delivery?.deadLetters ?? 0,
      breakers: {
        authorize: this.#calls.breaker('authorize'),
        'publish.before': this.#calls.breaker('publish.before'),
        'publish.after': this.#calls.breaker('publish.after'),
      },
    };
  }

  async deadLetters({
    after = 0,
    limit = LETTERS_PAGE,
  }: {
    after?: number;
    limit?: number;
  } = {}): Promise<readonly BackendDeadLetter[]> {
    if (!(Number.isSafeInteger(after) && after >= 0)) throw new TypeError('deadLetters: after must be an id, or 0');
    if (!(Number.isSafeInteger(limit) && limit >= 1 && limit <= MAX_LETTERS_PAGE)) {
      throw new TypeError(`deadLetters: limit must be a whole number from 1 to ${MAX_LETTERS_PAGE}`);
    }
    const letters = (await this.#store?.deadLetters(after, limit)) ?? [];
    const shown = letters.map(async ({ id, stream, epoch, entry, diedAt, attempts, reason }) => {
      const request = this.#requestOf(stream, epoch, await this.#withState(stream, epoch, entry));
      return { id, webhookId: webhookId(epoch, entry), request, diedAt, attempts, reason };
    });
    return Promise.all(shown);
  }

  async replay(id: number): Promise<void> {
    const [letter] = (await this.#store?.deadLetters(id - 1, 1)) ?? [];
    if (letter?.id !== id) throw new TrunklineError('not_found', `there is no dead letter ${id}`);
    await this.#replayOne(letter);
  }

  async replayAll(): Promise<{ readonly delivered: number; readonly left: number }> {
    let delivered = 0;
    for (let after = 0; ; ) {
      const [letter] = (await this.#store?.deadLetters(after, 1)) ?? [];
      if (letter === undefined) break;
      after = letter.id;
      try {
        await this.#replayOne(letter);
        delivered += 1;
      } catch (error) {
        if (!(error instanceof TrunklineError) || error.code === 'unavailable') break;
      }
    }
    return { delivered, left: this.#delivery?.deadLetters ?? 0 };
  }

  async forget(id: number): Promise<boolean> {
    const wasThere = (await this.#store?.forgetDeadLetter(id)) === true;
    if (wasThere && this.#delivery !== null) this.#delivery.deadLetters -= 1;
    return wasThere;
  }

  async #replayOne({ id, stream, epoch, entry }: DeadLetter): Promise<void> {
    const told = await this.#tell(stream, epoch, entry);
    if (told === 'told') {
      await this.forget(id);
      return;
    }
    if ('dead' in told) throw new TrunklineError('refused', told.dead, { refusal: 'back_end' });
    throw new TrunklineError('unavailable', told.later.message, { afterMs: told.later.afterMs });
  }

  #tellIfWanted(stream: StreamName, epoch: Epoch, entry: Entry): Promise<Told> | null {
    return this.#parts.told.has(parseStreamName(stream)?.key ?? '') ? this.#tell(stream, epoch, entry) : null;
  }

  async #tell(stream: StreamName, epoch: Epoch, entry: Entry): Promise<Told> {
    try {
      const request = this.#requestOf(stream, epoch, await this.#withState(stream, epoch, entry));
      // A record whose entry was amended again, or is no longer kept: a later one says what it is now, or nobody can.
      if (request === null) return 'told';
      const { status } = await this.#calls.send('publish.after', webhookId(epoch, entry), entry.at, request);
      if (status >= 200 && status < 300) return 'told';
      const message = `the back end answered ${status}`;
      return NEVER.has(status) ? { dead: message } : { later: new BackendDownError(message, 0, true) };
    } catch (error) {
      if (error instanceof BackendDownError) return { later: error };
      this.#parts.log.error({ error, stream }, 'telling the back end failed');
      return { later: new BackendDownError('telling the back end failed', STORE_RETRY_MS, false) };
    }
  }

  /** A record of a dead letter says only which entry it amends: the log knows what that is now. */
  async #withState(stream: StreamName, epoch: Epoch, record: Entry): Promise<Entry> {
    const { amends } = record;
    if (amends === undefined || amends.data !== undefined) return record;
    const { entries, epoch: present } = await this.#parts.broker.readBack(stream, amends.offset + 1, { entries: 1 });
    const [entry] = entries;
    const isIt = present === epoch && entry?.offset === amends.offset && entry.amended?.offset === record.offset;
    if (!isIt) return record;
    return { ...record, amends: { ...amends, data: entry.data, state: entry.amended?.state ?? '{}' } };
  }

  /** `null`: a record that says nothing any more. */
  #requestOf(stream: StreamName, epoch: Epoch, entry: Entry): AfterRequest | null {
    const { offset, at, user, owner, source, amends, amended } = entry;
    const [data, state] = amends === undefined ? [entry.data, amended?.state] : [amends.data, amends.state];
    if (data === undefined) return null;
    const { key = '', params = [] } = parseStreamName(stream) ?? {};
    const names = this.#parts.told.get(key)?.params ?? [];
    // A producer's word has no "/": what comes before the last one is the user's id.
    const cut = source?.producer.lastIndexOf('/') ?? -1;
    const id = owner ?? source?.producer.slice(0, cut) ?? null;
    const told: ToldUser | null = user === null ? null : { id, public: JSON.parse(user) as JsonValue };
    return {
      kind: amends === undefined ? 'publish' : 'amend',
      ...(amends === undefined ? {} : { amends: amends.offset }),
      ...toldStream(key, names, params),
      epoch,
      offset,
      at,
      user: told,
      producer: source?.producer.slice(cut + 1) ?? null,
      seq: source?.seq ?? null,
      entry: JSON.parse(data) as JsonValue,
      ...(JSON.parse(state ?? '{}') as object),
    };
  }
}

/** The same however often it is sent. With the time, as a store that was taken back to an older copy gives an offset anew. */
function webhookId(epoch: Epoch, { offset, at }: Entry): string {
  return `entry_${epoch}_${offset}_${at.toString(36)}`;
}
