// From a publish to a stored entry, in the order of DESIGN §9: known already? → limits → shape → may this user? → hook → stored.
// The long way, of one that has something to wait for; `publish-now.ts` has the short one.

import type { Appended, AppendOptions, Entry, ProducerSeq } from '@trunkline/broker';
import type { StreamName, TrunklineError } from '@trunkline/protocol';
import { type Identity, type LogRuntime, publisherText, SERVER } from './app.js';
import { callBroker } from './broker-call.js';
import { madeEntry, validated } from './made-entry.js';
import { payloadText } from './payload-text.js';
import type { LaneWork } from './producer-lanes.js';
import type { Published, PublisherOptions, PublishRequest } from './publisher.js';

export class Publishing implements LaneWork<Published> {
  /** @param source `undefined`: it will not be sent again. */
  constructor(
    private readonly options: PublisherOptions,
    private readonly request: PublishRequest,
    private readonly source: ProducerSeq | undefined,
  ) {}

  get seq(): number {
    return this.request.seq;
  }

  async lookup(): Promise<Published | null> {
    const { log, broker } = this.options;
    if (this.source === undefined) return null;
    return callBroker(log, broker.lookup(this.request.stream, this.source));
  }

  settled(error: TrunklineError | null): void {
    this.request.settled(error);
  }

  async prepare(after: number): Promise<{ stored: Promise<Published> }> {
    const { request, source, options } = this;
    const { stream, channel, params } = request;
    const { permits, nowMs, maxEntryBytes, log } = options;
    if (request.order?.isHeldUp() === true) await request.order.clear();
    request.admit();
    // Measured before the hook runs, so that nothing oversized reaches it, and again after it.
    const { data, present } = request;
    const given = payloadText('entry', data, maxEntryBytes);
    const entry = await validated(log, channel, data);
    return permits.whileAllowed(
      { present, channel, params, stream, action: 'publish' },
      () => madeEntry(log, maxEntryBytes, request, { data, given, entry }),
      (text) => ({ stored: append(options, stream, channel, entryOf(nowMs(), text, present(), source), after) }),
    );
  }
}

type NewEntry = Omit<Entry, 'offset'>;

/** With whose it is, and what others see of them. */
function entryOf(at: number, data: string, identity: Identity, source: ProducerSeq | undefined): NewEntry {
  const user = publisherText(identity);
  if (identity === SERVER) return source === undefined ? { at, data, user } : { at, data, user, source };
  const owner = identity.id;
  return source === undefined ? { at, data, user, owner } : { at, data, user, owner, source };
}

/** Hands the entry over to the broker. Rejects with a TrunklineError. */
export function append(
  { broker, log }: PublisherOptions,
  stream: StreamName,
  channel: LogRuntime,
  entry: NewEntry,
  after = 0,
): Promise<Published> {
  return callBroker(log, broker.append(stream, [entry], appendOptions(channel, after)), ({ epoch, appended }) => {
    const { offset, at, duplicate } = appended[0] as Appended;
    return { epoch, offset, at, duplicate };
  });
}

/** @param after 0: of none */
export function appendOptions({ retain, outbox }: LogRuntime, after: number): AppendOptions {
  const options: { -readonly [Option in keyof AppendOptions]: AppendOptions[Option] } = {};
  if (retain !== undefined) options.retain = retain;
  if (after !== 0) options.after = after;
  if (outbox !== undefined) options.outbox = outbox;
  return options;
}
