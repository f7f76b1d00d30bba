// What a path names. Each parameter is one segment, percent-encoded, so that any text can stand there, a "/" too.

import type { Engine, Target } from '@trunkline/core';
import { BadNameError, streamName, TrunklineError } from '@trunkline/protocol';
import type { RequestInfo } from '../define/trunkline.js';
import { badRequest, HttpError } from './http-error.js';

/** The parts of a path. */
export type Place =
  | { readonly at: 'document' }
  | { readonly at: 'procedure'; readonly name: string }
  | { readonly at: UserOperation; readonly user: string }
  | { readonly at: LetterPlace; readonly letter: number }
  | { readonly at: 'unread'; readonly user: string }
  | { readonly at: 'entries' | 'rows' | 'presence' | 'markers' | 'search'; readonly target: Target }
  | { readonly at: 'row' | 'marker' | 'follower' | 'present'; readonly target: Target; readonly key: string }
  | { readonly at: 'entry'; readonly target: Target; readonly offset: number }
  | { readonly at: 'reaction'; readonly target: Target; readonly offset: number; readonly key: string };

export const DOCUMENT_PATH = '/v1/openapi.json';
const CHANNELS = '/v1/channels/';
export const PROCEDURES = '/v1/procedures/';
/** What can be done with a user: the path's last segment. Others under /v1/users are whoever's. */
export const USER_OPERATIONS = ['disconnect', 'revoke'] as const;
export type UserOperation = (typeof USER_OPERATIONS)[number];
export const USERS = '/v1/users/';
const USER_PATH = new RegExp(`^${USERS}([^/]+)/(${USER_OPERATIONS.join('|')}|unread)$`);
/** Of the back end's dead letters: all, one, and telling one again. */
export type LetterPlace = 'letters' | 'letter' | 'replay';
export const LETTERS = '/v1/backend/dead-letters';
const LETTER_PATH = new RegExp(`^${LETTERS}(?:/(\\d{1,15})(/replay)?)?$`);
/** A row's key has one segment after the collection's name. */
const COLLECTION = { log: 'entries', table: 'rows' } as const;

/** Whether the API answers this path. Others under `/v1` are whoever's. */
export function isOurs(path: string): boolean {
  return (
    path === DOCUMENT_PATH ||
    path.startsWith(CHANNELS) ||
    path.startsWith(PROCEDURES) ||
    USER_PATH.test(path) ||
    LETTER_PATH.test(path)
  );
}

/** @throws TrunklineError `unknown_channel`, `not_found`; HttpError 400, 404 */
export function placeOf(path: string, { requests, app }: Engine<RequestInfo>): Place {
  if (path === DOCUMENT_PATH) return { at: 'document' };
  if (path.startsWith(PROCEDURES)) {
    const segment = path.slice(PROCEDURES.length);
    const name = decoded(segment);
    if (!segment.includes('/') && app.procedures?.has(name) === true) return { at: 'procedure', name };
    throw new TrunklineError('not_found', `there is no procedure ${JSON.stringify(name.slice(0, 80))}`);
  }
  const letter = LETTER_PATH.exec(path);
  if (letter !== null) {
    const at = letter[1] === undefined ? 'letters' : letter[2] === undefined ? 'letter' : 'replay';
    return { at, letter: Number(letter[1] ?? 0) };
  }
  const [, id, verb] = USER_PATH.exec(path) ?? [];
  if (id !== undefined) return { at: verb as UserOperation | 'unread', user: decoded(id) };
  const paramsOf = (key: string) => app.channels.get(key)?.params.length ?? 0;
  const [channel = '', ...rest] = path.slice(CHANNELS.length).split('/').map(decoded);
  const params = rest.splice(0, paramsOf(channel));
  const target = requests.find(nameOf(channel, params));
  const [collection, key, ...more] = rest;
  const wanted = COLLECTION[target.channel.kind];
  if (collection === 'entries' && wanted === 'entries' && key !== undefined) return entryPlace(target, key, more);
  const beside = besidePlace(target, rest);
  if (beside !== null) return beside;
  if (collection !== wanted || more.length > 0) {
    throw new HttpError(404, 'not_found', `there is nothing here: ${channel} has /${wanted}`);
  }
  return key === undefined ? { at: wanted, target } : { at: 'row', target, key };
}

/** What stands beside a log, where it does. */
function besidePlace(target: Target, [collection, key, ...more]: readonly string[]): Place | null {
  const { channel } = target;
  if (channel.kind !== 'log' || more.length > 0) return null;
  if (collection === 'presence' && channel.presence && key === undefined) return { at: 'presence', target };
  if (collection === 'presence' && channel.presence && key !== undefined) return { at: 'present', target, key };
  if (collection === 'search' && channel.search && key === undefined) return { at: 'search', target };
  if (collection === 'followers' && channel.markers && key !== undefined) return { at: 'follower', target, key };
  if (collection !== 'markers' || !channel.markers) return null;
  return key === undefined ? { at: 'markers', target } : { at: 'marker', target, key };
}

/** `/entries/{offset}`, and a reaction to it: `/entries/{offset}/reactions/{reaction}`. */
function entryPlace(target: Target, key: string, more: readonly string[]): Place {
  const [reactions, reaction, ...rest] = more;
  const offset = /^[1-9]\d{0,15}$/.test(key) ? Number(key) : Number.NaN;
  const isReaction = reactions === 'reactions' && reaction !== undefined && rest.length === 0;
  if (!Number.isSafeInteger(offset) || (more.length > 0 && !isReaction)) {
    throw new HttpError(404, 'not_found', 'there is nothing here: an entry has an offset, and /reactions/{reaction}');
  }
  return reaction === undefined ? { at: 'entry', target, offset } : { at: 'reaction', target, offset, key: reaction };
}

/** Whatever is percent-encoded that need not be, and with whichever letters: it is the same stream. */
function nameOf(channel: string, params: readonly string[]): string {
  try {
    return streamName(channel, params);
  } catch (error) {
    if (error instanceof BadNameError) throw new TrunklineError('unknown_channel', error.message);
    throw error;
  }
}

function decoded(segment: string): string {
  try {
    return decodeURIComponent(segment);
  } catch {
    throw badRequest('the path is not percent-encoded UTF-8');
  }
}
