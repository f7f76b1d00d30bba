// Publishes of one connection to one log that came one behind the other, as a client's burst does: the broker is given one run, and they
// are answered in one message. One object for all of them: thousands of publishes wait for the disk at a time, and the collector copies what waits.

import type { OpenRun, Runs, RunTold } from '@trunkline/broker';
import type { RequestId } from '@trunkline/protocol';
import type { Answer, Writer } from './answer-write.js';
import { type Identity, type LogRuntime, publisherText } from './app.js';
import { brokerError } from './broker-call.js';
import { errorAnswer } from './error-answer.js';
import type { InFlight, ProducerLane } from './producer-lane.js';
import type { Published } from './publisher.js';
import { appendOptions } from './publishing.js';
import type { WritePlace } from './write-place.js';

/** The connection's side of a run. */
export interface RunWriter extends Writer<unknown> {
  /** So many requests have their answers; these. */
  worked(requests: number, answer: Answer): void;
}

/** What all publishes of a run have in common. */
export interface RunPlace {
  readonly place: WritePlace;
  readonly channel: LogRuntime;
  readonly lane: ProducerLane<Published>;
  /** The user with the rights of that moment. */
  readonly identity: Identity;
  readonly at: number;
}

/** One of a run. */
export interface RunPublish {
  readonly id: RequestId;
  readonly seq: number;
}

interface Waiting {
  readonly seq: number;
  resolve(published: Published): void;
  reject(error: unknown): void;
}

export class PublishRun implements RunTold, InFlight<Published> {
  readonly first: number;
  readonly #ids: RequestId[];
  readonly #lane: ProducerLane<Published>;
  readonly #place: WritePlace;
  readonly #identity: Identity;
  readonly #at: number;
  readonly #open: OpenRun;
  /** Those that have their answer. */
  #told = 0;
  /** Who sent one of them again, on another connection. */
  #waiting: Waiting[] | null = null;

  /** Throws what the broker throws. @param data JSON text of the first */
  constructor(
    runs: Runs,
    private readonly writer: RunWriter,
    { place, channel, lane, identity, at }: RunPlace,
    { id, seq }: RunPublish,
    data: string,
  ) {
    this.first = seq;
    this.#ids = [id];
    this.#lane = lane;
    this.#place = place;
    this.#identity = identity;
    this.#at = at;
    const source = { producer: place.key, seq };
    const entry = { at, data, user: publisherText(identity), owner: identity.id, source };
    this.#open = runs.beginRun(place.target.name, entry, appendOptions(channel, lane.before(seq)), this);
    lane.queued += 1;
    lane.handOver(this);
  }

  get last(): number {
    return this.first + this.#ids.length - 1;
  }

  /** Adds the producer's next publish. `false`: it has to begin a run of its own. @param data its JSON text */
  add({ place, lane, identity, at }: RunPlace, { id, seq }: RunPublish, data: string): boolean {
    const isNext = seq === this.last + 1 && place === this.#place && lane === this.#lane;
    if (!isNext || identity !== this.#identity || at !== this.#at || this.#told > 0) return false;
    if (!this.#open.add(data)) return false;
    this.#ids.push(id);
    lane.reached(seq);
    return true;
  }

  outcome(seq: number): Promise<Published> | undefined {
    if (seq < this.first + this.#told) return undefined;
    const outcome = new Promise<Published>((resolve, reject) => {
      this.#waiting ??= [];
      this.#waiting.push({ seq, resolve, reject });
    });
    // Whoever asks may find that it need not know.
    outcome.catch(() => undefined);
    return outcome;
  }

  stored(index: number, count: number, epoch: string, offset: number, at: number, duplicate: boolean): void {
    this.#tell(index, count, null, !duplicate);
    for (const { seq, resolve } of this.#waitingFor(index, count)) {
      resolve({ epoch, offset: offset + seq - this.first - index, at, duplicate });
    }
    this.writer.worked(count, this.#oks(index, count, epoch, offset, at));
  }

  refused(index: number, error: unknown): void {
    const { log } = this.writer.engine;
    const why = brokerError(log, error);
    this.#tell(index, 1, why, false);
    this.writer.writes.settled(this.#place.lane, this.first + index, why);
    for (const { reject } of this.#waitingFor(index, 1)) reject(why);
    this.writer.worked(1, errorAnswer(this.#ids[index], why, log));
  }

  #tell(index: number, count: number, error: unknown, isNew: boolean): void {
    this.#told = index + count;
    if (this.#told === this.#ids.length) {
      this.#lane.queued -= 1;
      this.#lane.left(this);
      if (this.writer.writes.run === this) this.writer.writes.run = null;
    }
    this.#lane.landed(this.first + index + count - 1, error, isNew);
  }

  #waitingFor(index: number, count: number): Waiting[] {
    const place = this.first + index;
    return this.#waiting?.filter(({ seq }) => seq >= place && seq < place + count) ?? [];
  }

  /** The answers, a line each: as JSON.stringify would make them, which takes twice as long. */
  #oks(index: number, count: number, epoch: string, offset: number, at: number): string {
    const before = `,"epoch":${JSON.stringify(epoch)},"offset":`;
    const after = `,"at":${at}}`;
    let text = '';
    for (let next = 0; next < count; next += 1) {
      if (next > 0) text += '\n';
      text += `{"type":"ok","id":${this.#ids[index + next]}${before}${offset + next}${after}`;
    }
    return text;
  }
}
