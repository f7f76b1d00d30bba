// From an amendment to a stored one, in the same order as a publish: known already? → limits → shape → may this user? → hook → stored.
// The core reads the entry, makes its new form, and the broker takes that only if nobody was faster: then it is made anew.

import { AmendConflictError, type Broker, type Entry, type ProducerSeq } from '@trunkline/broker';
import { type JsonValue, type Offset, type StreamName, TrunklineError } from '@trunkline/protocol';
import { type AmendQuestion, type Identity, publisherText, SERVER } from './app.js';
import { callBroker } from './broker-call.js';
import { amendedEntry, amendmentOf, type Change, livingState } from './entry-state.js';
import { madeEntry, validated } from './made-entry.js';
import { payloadText } from './payload-text.js';
import type { Permits } from './permits.js';
import type { Log } from './ports.js';
import type { ProducerLanes } from './producer-lanes.js';
import type { Published, PublishRequest } from './publisher.js';
import { asServer } from './server-channel.js';
import { producerKey } from './slice.js';
import { Turns } from './turns.js';
import { laneOf } from './write-place.js';

/** Whoever lost once waits for its turn among those of this node, so that only other nodes can be faster again. */
const MAX_TRIES = 20;
const NO_STATE = '{}';

export interface AmendRequest extends Omit<PublishRequest, 'data'> {
  /** Of the entry. */
  readonly offset: Offset;
  readonly change: Change;
}

export interface AmenderOptions {
  readonly broker: Broker;
  readonly log: Log;
  readonly permits: Permits;
  readonly nowMs: () => number;
  readonly maxEntryBytes: number;
  /** The publisher's: amendments count among its publishes. */
  readonly lanes: ProducerLanes<Published>;
}

/** What an edit brings. */
interface Edit {
  readonly data: JsonValue;
  readonly given: string;
  readonly entry: unknown;
}

export class Amender {
  readonly #options: AmenderOptions;
  readonly #turns = new Turns();

  constructor(options: AmenderOptions) {
    this.#options = options;
  }

  /** Resolves when it is stored, with the place of its record. Rejects with a TrunklineError. */
  amend(request: AmendRequest): Promise<Published> {
    const { stream, seq, identity } = request;
    if (request.isUnrepeatable === true) return this.#prepare(request, undefined, 0).then(({ stored }) => stored);
    const source = { producer: producerKey(identity.id, request.producer), seq };
    const { broker, log, lanes } = this.#options;
    return lanes.run(laneOf(stream, source.producer), {
      seq,
      settled: (error) => request.settled(error),
      lookup: () => callBroker(log, broker.lookup(stream, source)),
      prepare: (after) => this.#prepare(request, source, after),
    });
  }

  /** Amends as the server itself: neither schema nor rules are asked, but the channel has to allow it. Rejects with a TrunklineError. */
  async amendAsServer(
    request: Pick<AmendRequest, 'stream' | 'channel' | 'params' | 'offset' | 'change'>,
  ): Promise<Published> {
    const { validate: _, ...channel } = asServer(request.channel) as AmendRequest['channel'];
    const { stored } = await this.#prepare(
      {
        ...request,
        channel: { ...channel, validate: (value) => ({ value }) },
        identity: SERVER,
        present: () => SERVER,
        producer: '',
        seq: 0,
        admit: () => {},
        settled: () => {},
      },
      undefined,
      0,
    );
    return stored;
  }

  /** Stores it before the producer's next request is looked at: who has to try again must not be overtaken. */
  async #prepare(
    request: AmendRequest,
    source: ProducerSeq | undefined,
    after: number,
  ): Promise<{ stored: Promise<Published> }> {
    const { channel, change, stream, offset } = request;
    if (request.order?.isHeldUp() === true) await request.order.clear();
    request.admit();
    const amendment = amendmentOf(change);
    if (channel.amend?.includes(amendment) !== true) {
      throw new TrunklineError('forbidden', `entries of this channel cannot be amended with ${amendment}`);
    }
    const edit = change.edit === undefined ? undefined : await this.#edit(request, change.edit);
    const attempt = () => this.#attempt(request, edit, source, after);
    let stored = await attempt();
    if (stored !== null) return { stored: Promise.resolve(stored) };
    stored = await this.#turns.run(`${offset} ${stream}`, async () => {
      for (let tries = 2; tries <= MAX_TRIES; tries += 1) {
        const result = await attempt();
        if (result !== null) return result;
      }
      return null;
    });
    if (stored !== null) return { stored: Promise.resolve(stored) };
    throw new TrunklineError('conflict', 'others amend this entry all the time: try again');
  }

  /** Measured before the hook runs, so that nothing oversized reaches it, and again after it. */
  async #edit({ channel }: AmendRequest, data: JsonValue): Promise<Edit> {
    const { log, maxEntryBytes } = this.#options;
    const given = payloadText('entry', data, maxEntryBytes);
    return { data, given, entry: await validated(log, channel, data) };
  }

  /** `null`: somebody was faster. */
  async #attempt(
    request: AmendRequest,
    edit: Edit | undefined,
    source: ProducerSeq | undefined,
    after: number,
  ): Promise<Published | null> {
    const { stream, channel, params, present, offset, change } = request;
    const { broker, log, permits, nowMs, maxEntryBytes } = this.#options;
    const entry = await this.#find(stream, offset);
    if (entry === null) return this.#absent(request);
    const seen = seenBy(entry, present(), amendmentOf(change));
    const old = { data: entry.data, state: entry.amended?.state ?? NO_STATE };
    const { stored } = await permits.whileAllowed(
      { present, channel, params, stream, action: 'amend', amend: seen },
      async () => {
        const { data, at } = seen.entry;
        // No hook is to see an entry that is gone.
        livingState(old.state);
        return edit && (await madeEntry(log, maxEntryBytes, request, { ...edit, edits: { offset, at, data } }));
      },
      (edited) => {
        const who = present();
        // One time for both: what the record and the answer call `at` is the `editedAt` or `deletedAt` of the entry.
        const at = nowMs();
        const next = amendedEntry(old, change, edited, who.id, at);
        const record = { at, user: publisherText(who), ...(who === SERVER ? {} : { owner: who.id }) };
        const { outbox } = channel;
        const options = { ...(after === 0 ? {} : { after }), ...(outbox === undefined ? {} : { outbox }) };
        const expects = entry.amended?.offset ?? 0;
        const amendment = { ...record, ...next, offset, expects, ...(source === undefined ? {} : { source }) };
        return { stored: broker.amend(stream, amendment, options) };
      },
    );
    return stored.then(
      ({ epoch, offset, at, duplicate }) => ({ epoch, offset, at, duplicate }),
      (error) => (error instanceof AmendConflictError ? null : callBroker<never>(log, Promise.reject(error))),
    );
  }

  async #find(stream: StreamName, offset: Offset): Promise<Entry | null> {
    const { broker, log } = this.#options;
    const page = await callBroker(log, broker.readBack(stream, offset + 1, { entries: 1, bytes: 0 }));
    const [entry] = page.entries;
    return entry === undefined || entry.offset !== offset || entry.amends !== undefined ? null : entry;
  }

  /** Whether an entry is there is told only to who may read. */
  async #absent({ present, channel, params, stream, offset }: AmendRequest): Promise<never> {
    const asked = { present, channel, params, stream, action: 'read' as const };
    await this.#options.permits.whileAllowed(
      asked,
      async () => undefined,
      () => undefined,
    );
    throw new TrunklineError('not_found', `there is no entry at ${offset}, or it is no longer kept`);
  }
}

/** The entry as rules and hooks see it. */
function seenBy(
  { offset, at, user, data, ...entry }: Entry,
  identity: Identity,
  amendment: AmendQuestion['amendment'],
): AmendQuestion {
  const seen = {
    ...{ offset, at, data: JSON.parse(data) as JsonValue },
    user: user === null ? null : (JSON.parse(user) as JsonValue),
    isOwn: ownerOf(entry) === identity.id,
  };
  return { amendment, entry: seen };
}

/** Entries of before there were owners know theirs by their producer, as long as that is remembered. */
function ownerOf({ owner, source }: Pick<Entry, 'owner' | 'source'>): string | undefined {
  return owner ?? source?.producer.slice(0, source.producer.lastIndexOf('/'));
}
