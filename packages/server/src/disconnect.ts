// `trunk.disconnect`: ends the connections of a user, and says whether they may come back.

import type { Engine } from '@trunkline/core';

/** Options of `trunk.disconnect`. */
export interface DisconnectOptions {
  /**
   * Whether clients may come back by themselves. Default true (close code 4004): they do, with back-off, and pass `authenticate` again.
   * `false` (4502): their line is `refused` until the application calls `retry`. It is advice to well-meaning clients: whom you do not want
   * back, `authenticate` must refuse.
   */
  readonly reconnect?: boolean;
  /** What the user is told, at most 1,000 characters; a close frame has room for the first 123 bytes. Default: "the server ended this connection". */
  readonly reason?: string;
}

export type Disconnect = (userId: string, options?: DisconnectOptions) => Promise<{ readonly closed: number }>;

const REASON = 'the server ended this connection';
export const MAX_REASON_LENGTH = 1_000;

/** The same for one engine. */
export function disconnectOf(engine: Pick<Engine, 'disconnect'>): Disconnect {
  return async (userId, { reconnect = true, reason = REASON } = {}) => {
    // As for `revoke`: what reaches nobody by mistake must not pass silently.
    if (typeof userId !== 'string' || userId === '') {
      throw new TypeError("disconnect: the first argument is a user's id");
    }
    if (typeof reconnect !== 'boolean') throw new TypeError('disconnect: reconnect must be true or false');
    if (typeof reason !== 'string' || reason.length > MAX_REASON_LENGTH) {
      throw new TypeError(`disconnect: reason must be text of at most ${MAX_REASON_LENGTH} characters`);
    }
    return { closed: engine.disconnect(userId, reconnect, reason) };
  };
}
