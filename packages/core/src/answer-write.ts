// `publish`, `amend` and `change`: what a client has stored, in a log or in a table.

import {
  type Amend,
  type Change,
  type Publish,
  type ServerMessage,
  type StreamName,
  TrunklineError,
} from '@trunkline/protocol';
import type { AmendRequest } from './amender.js';
import { type ChannelRuntime, type Identity, type LogRuntime, resolveStored, type TableRuntime } from './app.js';
import { callBroker } from './broker-call.js';
import type { ChangeRequest } from './changer.js';
import type { Engine } from './engine.js';
import type { HeldUp } from './producer-lanes.js';
import type { PublishAdmission } from './publish-admission.js';
import type { PublishRequest } from './publisher.js';
import { producerKey } from './slice.js';

/** What counts among a producer's writes to a stream. */
export type Write = Publish | Amend | Change;

/** The connection's side of a write. */
export interface Writer<Request> {
  readonly engine: Engine<Request>;
  /** The user with the rights of now. */
  readonly identity: Identity | null;
  readonly writes: PublishAdmission;
}

/** @param identity the user when it was sent. Rejects with a TrunklineError. */
export async function answerWrite<Request>(
  writer: Writer<Request>,
  message: Write,
  identity: Identity,
): Promise<ServerMessage> {
  const { engine } = writer;
  const { name, channel, params } = resolveStored(engine.app, message.stream);
  const { id } = message;
  if (message.type === 'publish') {
    if (channel.kind !== 'log') throw new TrunklineError('invalid', 'this is a table: change its rows');
    const publish = new ClientPublish(writer, message, identity, name, channel, params);
    const { epoch, offset, at } = await engine.publisher.publish(publish);
    return { type: 'ok', id, epoch, offset, at };
  }
  if (message.type === 'amend') {
    if (channel.kind !== 'log') throw new TrunklineError('invalid', 'this is a table: change its rows');
    const amendment = new ClientAmend(writer, message, identity, name, channel, params);
    const { epoch, offset, at } = await engine.amender.amend(amendment);
    return { type: 'ok', id, epoch, offset, at };
  }
  if (channel.kind !== 'table') throw new TrunklineError('invalid', 'this is a log: publish to it');
  const change = new ClientChange(writer, message, identity, name, channel, params);
  const { epoch, offset } = await engine.changer.change(change);
  return { type: 'ok', id, epoch, offset };
}

/** One object for each, not closures: many wait for the disk at a time. */
class ClientWrite<Message extends Write, Channel extends ChannelRuntime> implements HeldUp {
  /** Handed on by itself. */
  readonly present = (): Identity => this.writer.identity ?? this.identity;
  readonly #lane: string;

  constructor(
    private readonly writer: Writer<unknown>,
    protected readonly message: Message,
    readonly identity: Identity,
    readonly stream: StreamName,
    readonly channel: Channel,
    readonly params: readonly string[],
  ) {
    this.#lane = `${stream}\n${producerKey(identity.id, message.producer)}`;
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

  admit(): void {
    const { writes, engine } = this.writer;
    writes.admit(this.#lane, this.seq, engine.clock.nowMs());
  }

  settled(error: TrunklineError | null): void {
    this.writer.writes.settled(this.#lane, this.seq, error);
  }

  isHeldUp(): boolean {
    return this.writer.writes.waitsFor(this.#lane, this.seq) !== undefined;
  }

  async clear(): Promise<void> {
    const { writes, engine } = this.writer;
    const { channel, seq, stream, producer } = this;
    const broker = channel.kind === 'log' ? engine.broker : engine.brokerOf(channel);
    for (let first = writes.waitsFor(this.#lane, seq); first !== undefined; ) {
      // It may be stored after all: its sender knows, if it saw the entry, and will not send it again.
      const source = { producer: producerKey(this.identity.id, producer), seq: first };
      if ((await callBroker(engine.log, broker.lookup(stream, source))) === null) return;
      writes.settled(this.#lane, first, null);
      first = writes.waitsFor(this.#lane, seq);
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
