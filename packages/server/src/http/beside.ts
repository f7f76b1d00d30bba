// What stands beside a log over HTTP: who is present, who has read up to where, and what a user has not read.

import { createHash } from 'node:crypto';
import { type BesideRequests, type Caller, MAX_LEASE_SECONDS } from '@trunkline/core';
import { type Mark, parseStreamName } from '@trunkline/protocol';
import type { RequestInfo } from '../define/trunkline.js';
import { type Answer, done, tagged } from './answer.js';
import type { Context } from './context.js';
import type { KnownKey } from './credentials.js';
import { EPOCH, JSON_TYPES } from './entries.js';
import { badRequest } from './http-error.js';

const IS_EPOCH = new RegExp(EPOCH.pattern);

export async function readPresence({ beside, caller, target, request }: Context): Promise<Answer> {
  return read(await beside.presence(caller, target), request.headers['if-none-match']);
}

export async function attend({ beside, caller, target, key, body }: Context): Promise<Answer> {
  const given = await body(JSON_TYPES);
  const { seconds, ...more } = (typeof given === 'object' && given !== null ? given : {}) as { seconds?: unknown };
  const isWhole = Number.isSafeInteger(seconds) && (seconds as number) >= 1 && (seconds as number) <= MAX_LEASE_SECONDS;
  if (!isWhole || Object.keys(more).length > 0) {
    throw badRequest(`the body must be a number of seconds from 1 to ${MAX_LEASE_SECONDS}: {"seconds":30}`);
  }
  await beside.attend(caller, target, userOf(caller, key), seconds as number);
  return done(200, { seconds });
}

export async function leave({ beside, caller, target, key }: Context): Promise<Answer> {
  await beside.leave(caller, target, userOf(caller, key));
  return done(200, { seconds: 0 });
}

export async function readMarkers({ beside, caller, target, request }: Context): Promise<Answer> {
  const markers = await beside.markers(caller, target);
  const readers = [...markers].map(([id, { offset, user, epoch }]) => ({ id, user, offset, epoch }));
  return read({ readers }, request.headers['if-none-match']);
}

interface Given {
  readonly offset?: unknown;
  readonly epoch?: unknown;
}

export async function putMarker({ beside, caller, target, key, body }: Context): Promise<Answer> {
  const given = await body(JSON_TYPES);
  const { offset, epoch, ...more } = (typeof given === 'object' && given !== null ? given : {}) as Given;
  const isOffset = Number.isSafeInteger(offset) && (offset as number) >= 0;
  const isEpoch = epoch === undefined || (typeof epoch === 'string' && IS_EPOCH.test(epoch));
  if (!isOffset || !isEpoch || Object.keys(more).length > 0) {
    throw badRequest('the body must be an offset from 0, and may have its epoch: {"offset":41,"epoch":"pWz81a"}');
  }
  await beside.mark(caller, target, userOf(caller, key), { offset, epoch } as Pick<Mark, 'offset' | 'epoch'>);
  return done(200, { offset });
}

export async function followLog(context: Context): Promise<Answer> {
  return setFollowing(context, true);
}

export async function unfollowLog(context: Context): Promise<Answer> {
  return setFollowing(context, false);
}

async function setFollowing({ beside, caller, target, key }: Context, following: boolean): Promise<Answer> {
  await beside.follow(caller, target, userOf(caller, key), following);
  return done(200, { following });
}

/** `me` is who asks, unless that is a back end: it names whom it means. */
function userOf({ identity }: Caller, key: string): string {
  return key === 'me' && identity !== null ? identity.id : key;
}

/** @param key of a back end, which sees what its channels are */
export async function readUnread(
  beside: BesideRequests<RequestInfo>,
  caller: Caller,
  key: KnownKey | null,
  user: string,
  ifNoneMatch: string | undefined,
): Promise<Answer> {
  const counts = await beside.unread(caller.identity, userOf(caller, user));
  const may = (name: string) =>
    key === null || key.channels === null || key.channels.has(parseStreamName(name)?.key ?? '');
  return read({ logs: Object.fromEntries([...counts].filter(([name]) => may(name))) }, ifNoneMatch);
}

/** Whatever it is made of: the same text has the same tag. */
function read(value: unknown, ifNoneMatch: string | undefined): Answer {
  const text = JSON.stringify(value);
  return tagged(`"${createHash('sha256').update(text).digest('base64url').slice(0, 22)}"`, text, ifNoneMatch);
}
