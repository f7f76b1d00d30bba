// `publish`, `amend` and `change`: what a client has stored, in a log or in a table.

import {
  type Amend,
  type Change,
  type Publish,
  type RequestId,
  type ServerMessage,
  type StreamName,
  TrunklineError,
} from '@trunkline/protocol';
import type { AmendRequest } from './amender.js';
import { type ChannelRuntime, type Identity, type LogRuntime, resolveStored, type TableRuntime } from './app.js';
import { callBroker } from './broker-call.js';
import type { Changed, ChangeRequest } from './changer.js';
import type { Engine } from './engine.js';
import type { HeldUp } from './producer-lanes.js';
import type { PublishAdmission } from './publish-admission.js';
import type { RunWriter } from './publish-run.js';
import type { Published, PublishRequest } from './publisher.js';
import { WritePlace } from './write-place.js';

/** What counts among a producer's writes to a stream. */
export type Write = Publish | Amend | Change;

/** The connection's side of a write. */
export interface Writer<Request> {
  readonly engine: Engine<Request>;
  /** The user with the rights of now. */
  readonly identity: Identity | null;
  readonly writes: PublishAdmission;
}

/**
 * Resolves with what was stored: `okOf` makes the answer of it. `null`: it is in a run, which answers. Not `async`: each promise waits for the disk, too.
 * @param identity the user when it was sent. Rejects with a TrunklineError.
 */
export function write(writer: RunWriter, message: Write, identity: Identity): Promise<Published | Changed> | null {
  try {
    if (message.type !== 'publish') return writeTo(writer, message, identity);
    const way = writer.engine.quickPublisher.publish(writer, message, identity);
    return way === 'taken' ? null : writeTo(writer, message, identity, way === 'admitted');
  } catch (error) {
    return Promise.reject(error);
  }
}

/** @param isAdmitted its connection was found to be within its limits */
function writeTo<Request>(
  writer: Writer<Request>,
  message: Write,
  identity: Identity,
  isAdmitted = false,
): Promise<Published | Changed> {
  const { engine } = writer;
  const place = placeOf(writer, message, identity);
  const { channel } = place.target;
  if (message.type === 'change') {
    if (channel.kind !== 'table') throw new TrunklineError('invalid', 'this is a log: publish to it');
    return engine.changer.change(new ClientChange(writer, message, identity, place, channel));
  }
  if (channel.kind !== 'log') throw new TrunklineError('invalid', 'this is a table: change its rows');
  if (message.type === 'amend') {
    return engine.amender.amend(new ClientAmend(writer, message, identity, place, channel));
  }
  return engine.publisher.publish(new ClientPublish(writer, message, identity, place, channel, isAdmitted));
}

/** @throws TrunklineError `unknown_channel`, `invalid` */
export function placeOf<Request>(
  { engine, writes }: Writer<Request>,
  { stream, producer }: Write,
  { id }: Identity,
): WritePlace {
  const last = writes.place;
  if (last?.isOf(stream, producer, id) === true) return last;
  const place = new WritePlace(resolveStored(engine.app, stream), stream, producer, id);
  writes.place = place;
  return place;
}

/** What a request is answered with; `undefined`: with nothing more. */
export type Answer = ServerMessage | string | undefined;
export const asIs = (_id: RequestId, answer: Answer): Answer => answer;

/** The answer to a write. */
export function okOf(id: RequestId, stored: Published | Changed): ServerMessage {
  const { epoch, offset } = stored;
  return 'at' in stored ? { type: 'ok', id, epoch, offset, at: stored.at } : { type: 'ok', id, epoch, offset };
}

/** One object for each, not closures: many wait for the disk at a time. */
class ClientWrite<Message extends Write, Channel extends ChannelRuntime> implements HeldUp {
  constructor(
    private readonly writer: Writer<unknown>,
    protected readonly message: Message,
    readonly identity: Identity,
    readonly place: WritePlace,
    readonly channel: Channel,
    private readonly isAdmitted = false,
  ) {}

  /** Handed on by itself. */
  get present(): () => Identity {
    return () => this.writer.identity ?? this.identity;
  }

  get producer(): string {
    return this.message.producer;
  }
  get seq(): number {
    return this.message.seq;
  }
  get order(): HeldUp {
    return this;
  }
  get stream(): StreamName {
    return this.place.target.name;
  }
  get params(): readonly string[] {
    return this.place.target.params;
  }

  admit(): void {
    if (this.isAdmitted) return;
    const { writes, engine } = this.writer;
    writes.admit(this.place.lane, this.seq, engine.clock.nowMs());
  }

  settled(error: TrunklineError | null): void {
    this.writer.writes.settled(this.place.lane, this.seq, error);
  }

  isHeldUp(): boolean {
    return this.writer.writes.waitsFor(this.place.lane, this.seq) !== undefined;
  }

  async clear(): Promise<void> {
    const { writes, engine } = this.writer;
    const { channel, seq, stream } = this;
    const { lane, key } = this.place;
    const broker = channel.kind === 'log' ? engine.broker : engine.brokerOf(channel);
    for (let first = writes.waitsFor(lane, seq); first !== undefined; ) {
      // It may be stored after all: its sender knows, if it saw the entry, and will not send it again.
      const source = { producer: key, seq: first };
      if ((await callBroker(engine.log, broker.lookup(stream, source))) === null) return;
      writes.settled(lane, first, null);
      first = writes.waitsFor(lane, seq);
    }
  }
}

class ClientPublish extends ClientWrite<Publish, LogRuntime> implements PublishRequest {
  get data() {
    return this.message.data;
  }
}

class ClientAmend extends ClientWrite<Amend, LogRuntime> implements AmendRequest {
  get offset() {
    return this.message.offset;
  }
  get change() {
    return this.message;
  }
}

class ClientChange extends ClientWrite<Change, TableRuntime> implements ChangeRequest {
  get step() {
    return this.message;
  }
}
