// From a publish to a stored entry, in the order of DESIGN §9: known already? → limits → shape → may this user? → hook → stored.
// One object for each, not closures: hundreds wait for the disk at a time, and the collector copies what waits.

import type { Appended, AppendOptions, Entry, ProducerSeq } from '@trunkline/broker';
import { type StreamName, TrunklineError } from '@trunkline/protocol';
import { hasExpired } from './access.js';
import { type Identity, type LogRuntime, publisherText, SERVER } from './app.js';
import { brokerError, callBroker } from './broker-call.js';
import { madeEntry, validated, validValue } from './made-entry.js';
import { madeText, payloadText } from './payload-text.js';
import type { Landed, LaneWork } from './producer-lanes.js';
import type { Published, PublisherOptions, PublishRequest } from './publisher.js';
import { runHookNow } from './run-hook.js';

/** What all publishes share. */
export interface PublishTools {
  readonly options: PublisherOptions;
  /** Channels whose schema has answered with a promise. */
  readonly slowSchemas: WeakSet<LogRuntime>;
}

export class Publishing implements LaneWork<Published> {
  #isAdmitted = false;

  /** @param source `undefined`: it will not be sent again. */
  constructor(
    private readonly tools: PublishTools,
    private readonly request: PublishRequest,
    private readonly source: ProducerSeq | undefined,
  ) {}

  get seq(): number {
    return this.request.seq;
  }

  async lookup(): Promise<Published | null> {
    const { log, broker } = this.tools.options;
    if (this.source === undefined) return null;
    return callBroker(log, broker.lookup(this.request.stream, this.source));
  }

  settled(error: TrunklineError | null): void {
    this.request.settled(error);
  }

  /** The common case: neither a rule nor a hook nor a schema with a promise. */
  atOnce(after: number, landed: Landed): Promise<Published> | null {
    const { request, source } = this;
    const { slowSchemas, options } = this.tools;
    const { channel, data, stream } = request;
    if (channel.authorize !== undefined || channel.onPublish !== undefined || slowSchemas.has(channel)) {
      return null;
    }
    const { nowMs, maxEntryBytes, log } = options;
    if (request.order?.isHeldUp() === true) return null;
    this.#admit();
    const given = payloadText('entry', data, maxEntryBytes);
    const checked = runHookNow(log, 'the schema failed', () => channel.validate(data));
    if (checked instanceof Promise) {
      checked.catch(() => undefined);
      slowSchemas.add(channel);
      return null;
    }
    const entry = validValue(checked);
    const present = request.present();
    const at = nowMs();
    if (hasExpired(present, at)) throw new TrunklineError('unauthorized', 'the token expired');
    const text = entry === data ? given : madeText('entry', entry, maxEntryBytes, 'the schema made', log);
    return append(options, stream, channel, entryOf(at, text, present, source), after, landed);
  }

  async prepare(after: number): Promise<{ stored: Promise<Published> }> {
    const { request, source } = this;
    const { options } = this.tools;
    const { stream, channel, params } = request;
    const { permits, nowMs, maxEntryBytes, log } = options;
    if (request.order?.isHeldUp() === true) await request.order.clear();
    this.#admit();
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

  #admit(): void {
    // Asked again by the long way.
    if (!this.#isAdmitted) this.request.admit();
    this.#isAdmitted = true;
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

/** Hands the entry over to the broker. Rejects with a TrunklineError. @param landed told before the promise settles */
export function append(
  { broker, log }: PublisherOptions,
  stream: StreamName,
  channel: LogRuntime,
  entry: NewEntry,
  after = 0,
  landed?: Landed,
): Promise<Published> {
  const { retain, outbox } = channel;
  const options: { -readonly [Option in keyof AppendOptions]: AppendOptions[Option] } = {};
  if (retain !== undefined) options.retain = retain;
  if (after !== 0) options.after = after;
  if (outbox !== undefined) options.outbox = outbox;
  return broker.append(stream, [entry], options).then(
    ({ epoch, appended }) => {
      const { offset, at, duplicate } = appended[0] as Appended;
      landed?.(null, !duplicate);
      return { epoch, offset, at, duplicate };
    },
    (error) => {
      const why = brokerError(log, error);
      landed?.(why, false);
      throw why;
    },
  );
}
