// The short way of a publish that has nothing to wait for: neither a rule nor a hook nor a schema with a promise, and no earlier one of its
// producer. The checks are those of the long way (`publishing.ts`), in the same order, without a promise between them.

import { type Runs, runsOf } from '@trunkline/broker';
import { type Publish, TrunklineError } from '@trunkline/protocol';
import { hasExpired } from './access.js';
import { placeOf } from './answer-write.js';
import type { Identity, LogRuntime } from './app.js';
import { brokerError } from './broker-call.js';
import { validValue } from './made-entry.js';
import { madeText, payloadText } from './payload-text.js';
import type { ProducerLane } from './producer-lane.js';
import { PublishRun, type RunWriter } from './publish-run.js';
import type { Published, PublisherOptions } from './publisher.js';
import { runHookNow } from './run-hook.js';
import type { WritePlace } from './write-place.js';

/** `taken`: it has reached the broker · `long`: it has to go the long way · `admitted`: the same, and its connection was found to be within its limits. */
export type Way = 'taken' | 'long' | 'admitted';

export class QuickPublisher {
  readonly #options: PublisherOptions;
  readonly #runs: Runs;
  /** Channels whose schema has answered with a promise. */
  readonly #slowSchemas = new WeakSet<LogRuntime>();

  constructor(options: PublisherOptions) {
    this.#options = options;
    this.#runs = runsOf(options.broker);
  }

  /** Throws a refusal. @param identity the user when it was sent */
  publish(writer: RunWriter, message: Publish, identity: Identity): Way {
    const place = placeOf(writer, message, identity);
    const { channel } = place.target;
    if (channel.kind !== 'log' || channel.authorize !== undefined || channel.onPublish !== undefined) return 'long';
    const lane = this.#slowSchemas.has(channel) ? null : this.#options.lanes.ready(place.lane, message.seq);
    if (lane === null || writer.writes.waitsFor(place.lane, message.seq) !== undefined) return 'long';
    try {
      return this.#publish(writer, message, { place, channel, lane, identity: writer.identity ?? identity });
    } catch (error) {
      if (error instanceof TrunklineError) writer.writes.settled(place.lane, message.seq, error);
      throw error;
    }
  }

  #publish(
    writer: RunWriter,
    message: Publish,
    to: { place: WritePlace; channel: LogRuntime; lane: ProducerLane<Published>; identity: Identity },
  ): Way {
    const { nowMs, maxEntryBytes, log } = this.#options;
    const { writes } = writer;
    const { data, seq } = message;
    const { place, channel, lane, identity } = to;
    const at = nowMs();
    writes.admit(place.lane, seq, at);
    const given = payloadText('entry', data, maxEntryBytes);
    const checked = runHookNow(log, 'the schema failed', () => channel.validate(data));
    if (checked instanceof Promise) {
      checked.catch(() => undefined);
      this.#slowSchemas.add(channel);
      return 'admitted';
    }
    const entry = validValue(checked);
    if (hasExpired(identity, at)) throw new TrunklineError('unauthorized', 'the token expired');
    const text = entry === data ? given : madeText('entry', entry, maxEntryBytes, 'the schema made', log);
    const run = { place, channel, lane, identity, at };
    if (writes.run?.add(run, message, text) !== true) writes.run = this.#begin(writer, run, message, text);
    writes.settled(place.lane, seq, null);
    return 'taken';
  }

  #begin(...given: ConstructorParameters<typeof PublishRun> extends [Runs, ...infer Rest] ? Rest : never): PublishRun {
    try {
      return new PublishRun(this.#runs, ...given);
    } catch (error) {
      throw brokerError(this.#options.log, error);
    }
  }
}
