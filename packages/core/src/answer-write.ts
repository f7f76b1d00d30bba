// `publish`, `amend` and `change`: what a client has stored, in a log or in a table.

import { type Amend, type Change, type Publish, type ServerMessage, TrunklineError } from '@trunkline/protocol';
import { type Identity, resolveStored } from './app.js';
import { callBroker } from './broker-call.js';
import type { Engine } from './engine.js';
import type { PublishAdmission } from './publish-admission.js';
import { producerKey } from './slice.js';

/** What counts among a producer's writes to a stream. */
export type Write = Publish | Amend | Change;

/**
 * @param identity the user when it was sent @param present the same user with the rights of now
 * Rejects with a TrunklineError.
 */
export async function answerWrite<Request>(
  engine: Engine<Request>,
  message: Write,
  identity: Identity,
  present: () => Identity,
  admission: PublishAdmission,
): Promise<ServerMessage> {
  const { name: stream, channel, params } = resolveStored(engine.app, message.stream);
  const { id, producer, seq } = message;
  const lane = `${stream}\n${producerKey(identity.id, producer)}`;
  const broker = channel.kind === 'log' ? engine.broker : engine.brokerOf(channel);
  const clear = async () => {
    for (let first = admission.waitsFor(lane, seq); first !== undefined; first = admission.waitsFor(lane, seq)) {
      // It may be stored after all: its sender knows, if it saw the entry, and will not send it again.
      const source = { producer: producerKey(identity.id, producer), seq: first };
      if ((await callBroker(engine.log, broker.lookup(stream, source))) === null) return;
      admission.settled(lane, first, null);
    }
  };
  const common = {
    identity,
    present,
    params,
    stream,
    producer,
    seq,
    order: { isHeldUp: () => admission.waitsFor(lane, seq) !== undefined, clear },
    admit: () => admission.admit(lane, seq, engine.clock.nowMs()),
    settled: (error: TrunklineError | null) => admission.settled(lane, seq, error),
  };
  if (message.type === 'publish') {
    if (channel.kind !== 'log') throw new TrunklineError('invalid', 'this is a table: change its rows');
    const { epoch, offset, at } = await engine.publisher.publish({ ...common, channel, data: message.data });
    return { type: 'ok', id, epoch, offset, at };
  }
  if (message.type === 'amend') {
    if (channel.kind !== 'log') throw new TrunklineError('invalid', 'this is a table: change its rows');
    const { epoch, offset, at } = await engine.amender.amend({
      ...common,
      channel,
      offset: message.offset,
      change: message,
    });
    return { type: 'ok', id, epoch, offset, at };
  }
  if (channel.kind !== 'table') throw new TrunklineError('invalid', 'this is a log: publish to it');
  const { epoch, offset } = await engine.changer.change({ ...common, channel, step: message });
  return { type: 'ok', id, epoch, offset };
}
