// What back ends do with a user over HTTP: end the connections, have the rules asked again. Both may be sent twice.

import type { Target } from '@trunkline/core';
import { parseStreamName, TrunklineError } from '@trunkline/protocol';
import { type Disconnect, MAX_REASON_LENGTH } from '../disconnect.js';
import type { Revoke } from '../revoke.js';
import { type Answer, done } from './answer.js';
import type { KnownKey } from './credentials.js';
import { JSON_TYPES } from './entries.js';
import { badRequest } from './http-error.js';

export interface UserContext {
  readonly user: string;
  readonly key: KnownKey;
  readonly disconnect: Disconnect;
  readonly revoke: Revoke;
  /** @throws TrunklineError `unknown_channel` */
  readonly find: (name: string) => Target;
  readonly body: (types: readonly string[]) => Promise<unknown>;
}

export async function disconnectUser({ user, key, disconnect, body }: UserContext): Promise<Answer> {
  const { reconnect, reason, ...more } = await members(body);
  noMore(more);
  if (reconnect !== undefined && typeof reconnect !== 'boolean') throw badRequest('reconnect must be true or false');
  if (reason !== undefined && (typeof reason !== 'string' || reason.length > MAX_REASON_LENGTH)) {
    throw badRequest(`reason must be text of at most ${MAX_REASON_LENGTH} characters`);
  }
  // A connection carries all channels.
  if (key.channels !== null) throw notForThat('ends connections: it is for some channels only');
  const options = { ...(reconnect === undefined ? {} : { reconnect }), ...(reason === undefined ? {} : { reason }) };
  return done(200, await disconnect(user, options));
}

export async function revokeUser({ user, key, revoke, find, body }: UserContext): Promise<Answer> {
  const { channel, ...more } = await members(body);
  noMore(more);
  if (channel !== undefined && typeof channel !== 'string') throw badRequest('channel must be text: chat/lobby');
  const name = channel === undefined ? undefined : find(channel).name;
  const own = name === undefined ? undefined : parseStreamName(name)?.key;
  if (key.channels !== null && !key.channels.has(own ?? '')) throw notForThat(`is for ${own ?? 'all channels'}`);
  return done(200, await revoke(user, name));
}

async function members(body: UserContext['body']): Promise<Record<string, unknown>> {
  const given = await body(JSON_TYPES);
  if (typeof given === 'object' && given !== null && !Array.isArray(given)) return given as Record<string, unknown>;
  throw badRequest('the body must be an object: {}');
}

function noMore(more: object): void {
  const [name] = Object.keys(more);
  if (name !== undefined) throw badRequest(`there is no ${JSON.stringify(name.slice(0, 80))} here`);
}

function notForThat(what: string): TrunklineError {
  return new TrunklineError('forbidden', `this API key is not one that ${what}`);
}
