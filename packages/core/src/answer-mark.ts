// `mark`, `follow` and `unfollow`: what a user has read, and of which logs they want to know what they have not.

import { type Follow, type Mark, type ServerMessage, TrunklineError, type Unfollow } from '@trunkline/protocol';
import { type Identity, resolveStream } from './app.js';
import type { Engine } from './engine.js';
import type { Reader } from './markers.js';

/** What is asked for. */
export type Marking = Omit<Mark, 'id'> | Pick<Follow | Unfollow, 'type' | 'stream'>;
type Parts = Pick<Engine, 'app' | 'markers' | 'permits'>;

/** Rejects with a TrunklineError. */
export async function answerMark(
  engine: Parts,
  message: Mark | Follow | Unfollow,
  present: () => Identity,
): Promise<ServerMessage> {
  await markAs(engine, message, present);
  return { type: 'ok', id: message.id };
}

/** For a user who may. @param present the user with the rights of now. Rejects with a TrunklineError. */
export async function markAs(engine: Parts, marking: Marking, present: () => Identity): Promise<void> {
  const { name: stream, channel, params } = markedLog(engine, marking);
  if (marking.type === 'mark') engine.markers.admit(stream, present().id);
  const action = marking.type === 'mark' ? ('mark' as const) : ('read' as const);
  await engine.permits.whileAllowed(
    { present, channel, params, stream, action },
    async () => undefined,
    () => {
      const { id, publicUser: user } = present();
      return store(engine, marking, { id, user });
    },
  );
}

/** As the server itself, of any user. Rejects with a TrunklineError. */
export async function markAsServer(engine: Parts, marking: Marking, userId: string): Promise<void> {
  markedLog(engine, marking);
  await store(engine, marking, { id: userId });
}

function markedLog({ app }: Parts, { stream }: Marking) {
  const target = resolveStream(app, stream);
  if (target.channel.kind === 'log' && target.channel.markers) return { ...target, bounds: target.channel.markers };
  throw new TrunklineError('invalid', 'there are no read marks here');
}

function store(parts: Parts, marking: Marking, reader: Reader): Promise<void> {
  const { markers } = parts;
  const { name, bounds } = markedLog(parts, marking);
  if (marking.type === 'mark') return markers.mark(name, bounds, reader, marking);
  return markers[marking.type](name, reader.id);
}
