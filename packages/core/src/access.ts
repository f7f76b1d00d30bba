// Who a connection belongs to and until when, and what the channels' rules let that user do. The one place that asks the app.

import { TrunklineError } from '@trunkline/protocol';
import type { Action, Identity, StreamTarget } from './app.js';
import type { Engine } from './engine.js';

/** Whether the user's token has expired, by the server's clock. */
export function hasExpired(identity: Identity | null, nowMs: number): boolean {
  return identity?.expiresAt !== undefined && nowMs >= identity.expiresAt;
}

/** Asks the app who that is. `null`: nobody, or one whose token has expired. Rejects as `authenticate` does. */
export async function identify<Request>(
  engine: Engine<Request>,
  token: string | undefined,
  request: Request,
): Promise<Identity | null> {
  const identity = await engine.app.authenticate(token, request);
  return hasExpired(identity, engine.clock.nowMs()) ? null : identity;
}

/**
 * The same at a `refresh`, where the connection has a user already (CON-4).
 * @throws TrunklineError `unavailable` if the app cannot tell now, `unauthorized`, `conflict` for another user's token.
 */
export async function identifyAgain<Request>(
  engine: Engine<Request>,
  token: string,
  request: Request,
  present: Identity,
): Promise<Identity> {
  let next: Identity | null;
  try {
    next = await identify(engine, token, request);
  } catch (error) {
    engine.log.error({ error }, 'authenticate failed');
    throw new TrunklineError('unavailable', 'the server cannot tell who you are now', { afterMs: 1_000 });
  }
  if (next === null) throw new TrunklineError('unauthorized', 'the token is invalid or expired');
  if (next.id !== present.id) throw new TrunklineError('conflict', 'the token is of another user: connect anew');
  return next;
}

/**
 * Whether the user may do that, by the channel's own rule.
 * @throws TrunklineError the rule's own, or `internal` if it throws anything else: a rule that fails lets nobody in.
 */
export async function mayUse(
  { log }: Pick<Engine, 'log'>,
  target: StreamTarget,
  identity: Identity,
  action: Action,
): Promise<boolean> {
  if (target.owner !== undefined && target.owner !== identity.id) return false;
  const { authorize } = target.channel;
  if (authorize === undefined) return true;
  try {
    return (await authorize(identity.user, target.params, action)) === true;
  } catch (error) {
    // Meant so: a rule that cannot be asked now, for instance.
    if (error instanceof TrunklineError) throw error;
    log.error({ error, stream: target.name, action }, 'authorize failed');
    throw new TrunklineError('internal', "authorize failed; the server's log has the cause", { cause: error });
  }
}
