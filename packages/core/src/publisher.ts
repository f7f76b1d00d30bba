// From a publish to a stored entry, in the order of DESIGN §9: known already? → limits → shape → may this user? → hook → stored.

import type { Appended, Broker, Entry, ProducerSeq } from '@trunkline/broker';
import { type Epoch, type JsonValue, type StreamName, TrunklineError } from '@trunkline/protocol';
import { hasExpired } from './access.js';
import { type Identity, type LogRuntime, publisherText, SERVER } from './app.js';
import { callBroker } from './broker-call.js';
import { madeEntry, validated, validValue } from './made-entry.js';
import { madeText, payloadText } from './payload-text.js';
import type { Permits } from './permits.js';
import type { Log } from './ports.js';
import type { HeldUp, ProducerLanes } from './producer-lanes.js';
import { runHookNow } from './run-hook.js';
import { producerKey } from './slice.js';

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
  /** Will not be sent again: the broker need not remember its producer, and it waits for nobody. */
  readonly isUnrepeatable?: boolean;
  /** Absent: nothing that comes alone is held up by what came before it. */
  readonly order?: HeldUp;
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

export interface PublisherOptions {
  readonly broker: Broker;
  readonly log: Log;
  readonly permits: Permits;
  readonly nowMs: () => number;
  readonly maxEntryBytes: number;
  readonly lanes: ProducerLanes<Published>;
}

export class Publisher {
  readonly #options: PublisherOptions;
  /** Channels whose schema has answered with a promise. */
  readonly #slowSchemas = new WeakSet<LogRuntime>();

  constructor(options: PublisherOptions) {
    this.#options = options;
  }

  /** Resolves when the entry is stored. Rejects with a TrunklineError. */
  publish(request: PublishRequest): Promise<Published> {
    const { stream, seq, settled, identity } = request;
    const source = { producer: producerKey(identity.id, request.producer), seq };
    const { broker, log, lanes } = this.#options;
    if (request.isUnrepeatable === true) {
      return this.#prepare(request, undefined, request.admit, 0).then(({ stored }) => stored);
    }
    let isAdmitted = false;
    const admit = () => {
      // Asked again by the long way.
      if (!isAdmitted) request.admit();
      isAdmitted = true;
    };
    return lanes.run(`${stream}\n${source.producer}`, {
      seq,
      settled,
      lookup: () => callBroker(log, broker.lookup(stream, source)),
      prepare: (after) => this.#prepare(request, source, admit, after),
      atOnce: (after) => this.#atOnce(request, source, admit, after),
    });
  }

  /** The common case: neither a rule nor a hook nor a schema with a promise. */
  #atOnce(request: PublishRequest, source: ProducerSeq, admit: () => void, after: number): Promise<Published> | null {
    const { channel, data, present, stream } = request;
    if (channel.authorize !== undefined || channel.onPublish !== undefined || this.#slowSchemas.has(channel)) {
      return null;
    }
    const { nowMs, maxEntryBytes, log } = this.#options;
    if (request.order?.isHeldUp() === true) return null;
    admit();
    const given = payloadText('entry', data, maxEntryBytes);
    const checked = runHookNow(log, 'the schema failed', () => channel.validate(data));
    if (checked instanceof Promise) {
      checked.catch(() => undefined);
      this.#slowSchemas.add(channel);
      return null;
    }
    const entry = validValue(checked);
    if (hasExpired(present(), nowMs())) throw new TrunklineError('unauthorized', 'the token expired');
    const text = entry === data ? given : madeText('entry', entry, maxEntryBytes, 'the schema made', log);
    return this.#append(stream, channel, { ...publishedBy(present()), at: nowMs(), data: text, source }, after);
  }

  /** Appends as the server itself. Rejects with a TrunklineError. */
  async publishAsServer(stream: StreamName, channel: LogRuntime, data: unknown): Promise<Published> {
    const { maxEntryBytes, nowMs } = this.#options;
    return this.#append(stream, channel, { at: nowMs(), data: payloadText('entry', data, maxEntryBytes), user: null });
  }

  async #prepare(
    request: PublishRequest,
    source: ProducerSeq | undefined,
    admit: () => void,
    after: number,
  ): Promise<{ stored: Promise<Published> }> {
    const { stream, channel, params, present } = request;
    const { permits, nowMs, maxEntryBytes, log } = this.#options;
    if (request.order?.isHeldUp() === true) await request.order.clear();
    admit();
    // Measured before the hook runs, so that nothing oversized reaches it, and again after it.
    const given = payloadText('entry', request.data, maxEntryBytes);
    const { data } = request;
    const entry = await validated(log, channel, data);
    return permits.whileAllowed(
      { present, channel, params, stream, action: 'publish' },
      () => madeEntry(log, maxEntryBytes, request, { data, given, entry }),
      (text) => {
        const entry = { ...publishedBy(present()), at: nowMs(), data: text };
        return { stored: this.#append(stream, channel, source === undefined ? entry : { ...entry, source }, after) };
      },
    );
  }

  #append(stream: StreamName, channel: LogRuntime, entry: Omit<Entry, 'offset'>, after = 0): Promise<Published> {
    const { retain } = channel;
    const options = { ...(retain === undefined ? {} : { retain }), ...(after === 0 ? {} : { after }) };
    const { broker, log } = this.#options;
    return callBroker(log, broker.append(stream, [entry], options), ({ epoch, appended }) => {
      const { offset, at } = appended[0] as Appended;
      return { epoch, offset, at };
    });
  }
}

/** Whose an entry is, and what others see of them. */
function publishedBy(identity: Identity): Pick<Entry, 'user' | 'owner'> {
  const user = publisherText(identity);
  return identity === SERVER ? { user } : { user, owner: identity.id };
}
