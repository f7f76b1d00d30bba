// Publishes, those of one producer to one stream one after the other (`producer-lanes.ts`); `publishing.ts` is the way of each.

import type { Broker } from '@trunkline/broker';
import type { Epoch, JsonValue, StreamName, TrunklineError } from '@trunkline/protocol';
import type { Identity, LogRuntime } from './app.js';
import { payloadText } from './payload-text.js';
import type { Permits } from './permits.js';
import type { Log } from './ports.js';
import type { HeldUp, ProducerLanes, Repeatable } from './producer-lanes.js';
import { append, Publishing } from './publishing.js';
import { producerKey } from './slice.js';
import { laneOf, type WritePlace } from './write-place.js';

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
  /** Where it goes, if that is known. */
  readonly place?: Pick<WritePlace, 'key' | 'lane'>;
  readonly data: JsonValue;
  /** Will not be sent again: the broker need not remember its producer, and it waits for nobody. */
  readonly isUnrepeatable?: boolean;
  /** Absent: nothing that comes alone is held up by what came before it. */
  readonly order?: HeldUp;
  /** Throws a TrunklineError if the connection may not publish now. Asked only for what is not a repeat. */
  admit(): void;
  /**
   * Told whether it was refused, before the producer's next publish is looked at; and once more if storing it fails after that.
   */
  settled(error: TrunklineError | null): void;
}

/** Where an entry was stored. */
export interface Published extends Repeatable {
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

  constructor(options: PublisherOptions) {
    this.#options = options;
  }

  /** Resolves when the entry is stored. Rejects with a TrunklineError. */
  publish(request: PublishRequest): Promise<Published> {
    const { stream, identity, producer, seq, isUnrepeatable } = request;
    if (isUnrepeatable === true) {
      return new Publishing(this.#options, request, undefined).prepare(0).then(({ stored }) => stored);
    }
    const key = request.place?.key ?? producerKey(identity.id, producer);
    const { lanes } = this.#options;
    const publishing = new Publishing(this.#options, request, { producer: key, seq });
    return lanes.run(request.place?.lane ?? laneOf(stream, key), publishing);
  }

  /** Appends as the server itself. Rejects with a TrunklineError. */
  async publishAsServer(stream: StreamName, channel: LogRuntime, data: unknown): Promise<Published> {
    const { maxEntryBytes, nowMs } = this.#options;
    const entry = { at: nowMs(), data: payloadText('entry', data, maxEntryBytes), user: null };
    return append(this.#options, stream, channel, entry);
  }
}
