// What the API can do: one row for each operation. Requests are led by this table, and the OpenAPI document is made of it, so that
// neither knows an operation that the other does not.

import { deleteEntry, editEntry, react, unreact } from './amendments.js';
import { attend, followLog, leave, putMarker, readMarkers, readPresence, unfollowLog } from './beside.js';
import { entriesQuery, JSON_TYPES, publish, readEntries } from './entries.js';
import type { Operation, OperationShape } from './operation-shape.js';
import type { QueryParameters } from './query.js';
import { changeRows, deleteRow, PATCH_TYPES, patchRow, putRow, readRow, readRows, rowsQuery } from './rows.js';
import { searchEntries, searchQuery } from './search.js';

const none = (): QueryParameters => ({});

export const OPERATIONS: readonly Operation[] = [
  {
    id: 'publish',
    method: 'POST',
    at: 'entries',
    summary:
      'Appends an entry. 201: it is stored. 200: it was stored already, by a request with the same Idempotency-Key.',
    query: none,
    body: { schema: 'Entry', types: JSON_TYPES },
    answers: { 200: 'Published', 201: 'Published' },
    run: publish,
  },
  {
    id: 'readEntries',
    method: 'GET',
    at: 'entries',
    summary: 'A page of entries in the order of their offsets. Ends early rather than hold more than 64 KB of items.',
    query: entriesQuery,
    answers: { 200: 'EntriesPage', 304: null },
    conflicts: true,
    run: readEntries,
  },
  {
    id: 'searchEntries',
    method: 'GET',
    at: 'search',
    summary: 'Entries that have all words of `q`, newest first.',
    query: searchQuery,
    answers: { 200: 'FoundPage', 304: null },
    tooLarge: true,
    run: searchEntries,
  },
  {
    id: 'editEntry',
    method: 'PATCH',
    at: 'entry',
    summary: "Replaces an entry's data by what is sent, as a whole. Answers where the record of it stands.",
    query: none,
    body: { schema: 'Entry', types: JSON_TYPES },
    answers: { 200: 'Published' },
    conflicts: true,
    run: editEntry,
  },
  {
    id: 'deleteEntry',
    method: 'DELETE',
    at: 'entry',
    summary: "Erases an entry's data for good.",
    query: none,
    answers: { 200: 'Published' },
    conflicts: true,
    run: deleteEntry,
  },
  {
    id: 'react',
    method: 'PUT',
    at: 'reaction',
    summary: "Adds the user's reaction. One that is there stays.",
    query: none,
    answers: { 200: 'Published' },
    conflicts: true,
    run: react,
  },
  {
    id: 'unreact',
    method: 'DELETE',
    at: 'reaction',
    summary: "Takes the user's reaction back.",
    query: none,
    answers: { 200: 'Published' },
    conflicts: true,
    run: unreact,
  },
  {
    id: 'readRows',
    method: 'GET',
    at: 'rows',
    summary:
      'Rows in the order of their last change, those of one step together. Ask on with `after` set to `to` until that is `head`.',
    query: rowsQuery,
    answers: { 200: 'RowsPage', 304: null },
    conflicts: true,
    run: readRows,
  },
  {
    id: 'changeRows',
    method: 'POST',
    at: 'rows',
    summary: 'Changes several rows as one step: all or none.',
    query: none,
    body: { schema: 'Step', types: JSON_TYPES },
    answers: { 200: 'Changed' },
    conflicts: true,
    run: changeRows,
  },
  {
    id: 'readRow',
    method: 'GET',
    at: 'row',
    summary: 'One row.',
    query: none,
    answers: { 200: 'StoredRow', 304: null },
    run: readRow,
  },
  {
    id: 'putRow',
    method: 'PUT',
    at: 'row',
    summary: 'Sets a row as a whole. 201: there was none.',
    query: none,
    body: { schema: 'Row', types: JSON_TYPES },
    answers: { 200: 'Changed', 201: 'Changed' },
    conditions: true,
    run: putRow,
  },
  {
    id: 'patchRow',
    method: 'PATCH',
    at: 'row',
    summary: 'JSON Merge Patch (RFC 7396): `null` removes a field. Makes the row if there is none: 201.',
    query: none,
    body: { schema: 'Patch', types: PATCH_TYPES },
    answers: { 200: 'Changed', 201: 'Changed' },
    conditions: true,
    conflicts: true,
    run: patchRow,
  },
  {
    id: 'deleteRow',
    method: 'DELETE',
    at: 'row',
    summary: 'Deletes a row. Where there is none, nothing happens.',
    query: none,
    answers: { 200: 'Changed' },
    conditions: true,
    run: deleteRow,
  },
  {
    id: 'readPresence',
    method: 'GET',
    at: 'presence',
    summary: 'Who is present on this server: at most 1,000, and how many in all.',
    query: none,
    answers: { 200: 'Presence', 304: null },
    run: readPresence,
  },
  {
    id: 'attend',
    method: 'PUT',
    at: 'present',
    summary: 'The user (`me` is who asks) is present for so many seconds from now on.',
    query: none,
    body: { schema: 'Present', types: JSON_TYPES },
    answers: { 200: 'Attendance' },
    run: attend,
  },
  {
    id: 'leave',
    method: 'DELETE',
    at: 'present',
    summary: 'The user leaves: without a connection they are gone when the grace is over.',
    query: none,
    answers: { 200: 'Attendance' },
    run: leave,
  },
  {
    id: 'readMarkers',
    method: 'GET',
    at: 'markers',
    summary: 'How far who has read.',
    query: none,
    answers: { 200: 'Readers', 304: null },
    run: readMarkers,
  },
  {
    id: 'putMarker',
    method: 'PUT',
    at: 'marker',
    summary:
      'The user has read up to there; `me` is who asks. Only forward: a lower one, or one of another epoch, changes nothing.',
    query: none,
    body: { schema: 'Marker', types: JSON_TYPES },
    answers: { 200: 'Marker' },
    conflicts: true,
    run: putMarker,
  },
  {
    id: 'follow',
    method: 'PUT',
    at: 'follower',
    summary: 'From now on the log is counted for the user (`me` is who asks): what is there counts as read.',
    query: none,
    answers: { 200: 'Following' },
    tooLarge: true,
    run: followLog,
  },
  {
    id: 'unfollow',
    method: 'DELETE',
    at: 'follower',
    summary: 'The log is counted for the user no more; marks do not change that.',
    query: none,
    answers: { 200: 'Following' },
    tooLarge: true,
    run: unfollowLog,
  },
];

/** What a user has not read, for them and for back ends. */
export const UNREAD: OperationShape = {
  id: 'readUnread',
  method: 'GET',
  at: 'unread',
  summary: 'What the user has not read of each log that they follow; `me` is who asks.',
  query: none,
  answers: { 200: 'Unread', 304: null },
};

/** The operation of procedures. */
export const CALL: OperationShape = {
  id: 'call',
  method: 'POST',
  at: 'procedure',
  summary:
    'Runs the procedure for the user. With an Idempotency-Key it runs once, and its result is kept for 24 hours.',
  query: none,
  body: { schema: 'Input', types: JSON_TYPES },
  answers: { 200: 'Result' },
};

/** Those of users, for back ends. */
export const OF_USERS: readonly OperationShape[] = [
  {
    id: 'disconnect',
    method: 'POST',
    at: 'disconnect',
    summary: "Ends the user's connections on this server, with a reason and the advice whether to come back.",
    query: none,
    body: { schema: 'Disconnect', types: JSON_TYPES },
    answers: { 200: 'Disconnected' },
  },
  {
    id: 'revoke',
    method: 'POST',
    at: 'revoke',
    summary: "The user's rights changed: asks the rules again for all that the user has open on this server.",
    query: none,
    body: { schema: 'Revoke', types: JSON_TYPES },
    answers: { 200: 'Revoked' },
  },
];

const lettersQuery = (): QueryParameters => ({
  after: { least: 0, most: 999_999_999_999_999, description: 'Those after this id. Default: from the first.' },
  limit: { least: 1, most: 1_000, description: 'At most so many. Default 100.' },
});

/** Those of a back end's dead letters, where there is one. */
export const OF_LETTERS: readonly OperationShape[] = [
  {
    id: 'deadLetters',
    method: 'GET',
    at: 'letters',
    summary: 'Entries that the back end does not take, the oldest first.',
    query: lettersQuery,
    answers: { 200: 'DeadLetters' },
  },
  {
    id: 'forgetDeadLetter',
    method: 'DELETE',
    at: 'letter',
    summary: 'Forgets one without telling the back end.',
    query: none,
    answers: { 200: 'Forgotten' },
  },
  {
    id: 'replayDeadLetter',
    method: 'POST',
    at: 'replay',
    summary: 'Tells the back end again, and forgets the dead letter if that worked.',
    query: none,
    answers: { 200: 'Replayed' },
  },
];

/** Statuses with an error that the operation answers. The app's own code may throw any other `TrunklineError`. */
export function errorsOf({ at, body, conditions, conflicts, tooLarge }: OperationShape): readonly number[] {
  // Neither the app's code nor a schema has a say in these. Any text can be a user's id, but not a channel's name.
  const ofUsers = [400, 401, 403, 408, 413, 415, 429, 503];
  const ofLetters = [400, 401, 403, 404, 429, 503];
  if (at === 'letters' || at === 'letter') return ofLetters;
  if (at === 'replay') return [...ofLetters, 422].sort();
  if (at === 'disconnect') return ofUsers;
  if (at === 'revoke') return [...ofUsers, 404].sort();
  return [
    ...[400, 401, 403, 429, 500, 503],
    // A procedure's path names nothing but itself.
    ...(at === 'procedure' || at === 'unread' ? [] : [404]),
    ...(body === undefined ? [] : [408, 413, 415, 422]),
    // One more than an entry may have.
    ...(at === 'reaction' || tooLarge === true ? [413] : []),
    ...(conditions === undefined ? [] : [412]),
    ...(conflicts === undefined ? [] : [409]),
  ].sort();
}

/** What may be done in a place, for `Allow`. */
export function methodsAt(at: OperationShape['at'] | 'document'): readonly string[] {
  if (at === 'document') return ['HEAD', 'GET', 'OPTIONS'];
  const named: readonly string[] = [...OPERATIONS, CALL, UNREAD, ...OF_USERS, ...OF_LETTERS]
    .filter((one) => one.at === at)
    .map(({ method }) => method);
  return [...(named.includes('GET') ? ['HEAD'] : []), ...named, 'OPTIONS'];
}

export function operationAt(at: OperationShape['at'], method: string | undefined): Operation | undefined {
  return OPERATIONS.find((one) => one.at === at && one.method === (method === 'HEAD' ? 'GET' : method));
}
