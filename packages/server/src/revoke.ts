// `trunk.revoke`: from what a server's code names to what the engine knows.

import type { Engine } from '@trunkline/core';

export type Revoke = (
  userId: string,
  channel?: string | { readonly name: string },
) => Promise<{ readonly ended: number }>;

/** The same for one engine. */
export function revokeOf(engine: Pick<Engine, 'revoke' | 'knows'>): Revoke {
  return async (userId, channel) => {
    // Nobody is called that: a revocation that reaches nobody by mistake must not pass silently.
    if (typeof userId !== 'string' || userId === '') throw new TypeError("revoke: the first argument is a user's id");
    if (channel === undefined) return engine.revoke(userId);
    const name = typeof channel === 'string' ? channel : channel?.name;
    if (typeof name !== 'string' || !engine.knows(name)) {
      throw new TypeError(
        `revoke: ${JSON.stringify(name)} is no channel of the app: give trunk.channel.chat('lobby') or 'chat/lobby'`,
      );
    }
    return engine.revoke(userId, name);
  };
}
