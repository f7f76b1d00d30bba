// The shapes of what is sent and answered, as JSON Schema. What an app's own schemas say of `data` is not in here: see `data-schemas.ts`.

import { MAX_LEASE_SECONDS } from '@trunkline/core';
import { ERROR_CODES } from '@trunkline/protocol';
import { MAX_REASON_LENGTH } from '../disconnect.js';

const count = { type: 'integer', minimum: 0 };
const offset = { type: 'integer', minimum: 0 };
const time = { type: 'number', description: 'Milliseconds since 1970, by the server.' };
const epoch = { type: 'string', description: 'Names the history that offsets belong to.' };
const epochOrNull = { type: ['string', 'null'], description: 'Null: it was never written.' };
const anything = { description: "Any JSON value that the channel's schema accepts." };
const row = { type: 'object', description: "A row that the channel's schema accepts." };
const publicUser = { description: 'As others may see them.' };
const keys = { type: 'array', items: { type: 'string' } };
const byKey = (value: object) => ({ type: 'object', additionalProperties: value });

/** An object whose members are all there, but for those that are named, and no others. */
function object(properties: Readonly<Record<string, object>>, optional: readonly string[] = []) {
  const required = Object.keys(properties).filter((name) => !optional.includes(name));
  return { type: 'object', properties, required, additionalProperties: false };
}

/** What of an entry can change besides its data. */
const amended = {
  editedAt: time,
  deletedAt: time,
  reactions: { ...byKey(keys), description: 'Ids of users by reaction.' },
};
const storedRow = object(
  {
    key: { type: 'string' },
    offset,
    born: { ...offset, description: 'Offset of the step that made it.' },
    expiresAt: time,
    data: row,
  },
  ['expiresAt'],
);
const item = object(
  {
    offset,
    at: time,
    user: { description: 'Who published it, as others may see them; absent when the server or a back end did.' },
    producer: { type: 'string' },
    seq: { type: 'integer', minimum: 1 },
    data: { ...anything, description: 'As it is now; `null` of a deleted entry. Absent of a record.' },
    ...amended,
    amends: {
      ...object({ offset, data: anything, ...amended }, ['data', ...Object.keys(amended)]),
      description: 'Of the record of an amendment: the entry, and all of it that can change as it is now.',
    },
  },
  ['user', 'producer', 'seq', 'data', 'amends', ...Object.keys(amended)],
);
const page = {
  epoch: epochOrNull,
  head: { ...offset, description: 'Of the newest change.' },
  floor: { ...offset, description: 'What lies at or below it is no longer kept: entries, or knowledge of deletions.' },
};
const error = object(
  {
    code: { enum: Object.keys(ERROR_CODES) },
    message: { type: 'string' },
    retry: { type: 'boolean', description: 'The same request can succeed later.' },
    outcome: { enum: ['refused', 'unknown'], description: 'It certainly had no effect, or nobody can tell.' },
    refusal: { type: 'string', description: "Of `refused`: the app's own word for the rule." },
    afterMs: { type: 'number', description: 'Not before that many milliseconds.' },
  },
  ['refusal', 'afterMs'],
);

export const SCHEMAS = {
  Entry: anything,
  Row: row,
  Patch: { type: 'object', description: 'A JSON Merge Patch: `null` removes a field.' },
  Step: object(
    {
      set: { ...byKey(row), description: 'Rows as a whole.' },
      patch: { ...byKey({ type: 'object' }), description: 'Fields to replace, each whole. A `null` is a value here.' },
      unset: { ...byKey(keys), description: 'Fields to remove.' },
      delete: keys,
      if: {
        ...byKey(offset),
        description: 'The offset at which a row must be, 0: there must be none. Else 409, and nothing happens.',
      },
    },
    ['set', 'patch', 'unset', 'delete', 'if'],
  ),
  Input: { description: "What the procedure's schema accepts." },
  Result: object({ data: { description: 'What the procedure returned.' } }),
  Disconnect: object(
    {
      reconnect: { type: 'boolean', description: 'Whether clients may come back by themselves. Default: true.' },
      reason: { type: 'string', maxLength: MAX_REASON_LENGTH, description: 'What the user is told.' },
    },
    ['reconnect', 'reason'],
  ),
  Disconnected: object({ closed: { ...count, description: 'Connections that were ended.' } }),
  Revoke: object(
    { channel: { type: 'string', description: 'One channel, as on the wire: `chat/lobby`. Default: all.' } },
    ['channel'],
  ),
  Revoked: object({ ended: { ...count, description: 'Subscriptions that ended.' } }),
  DeadLetters: object({
    letters: {
      type: 'array',
      items: object({
        id: { type: 'integer', minimum: 1 },
        webhookId: { type: 'string' },
        request: { description: 'What the back end is told: `data` of `publish.after`, or null if nothing any more.' },
        diedAt: time,
        attempts: count,
        reason: { type: 'string' },
      }),
    },
  }),
  Forgotten: object({ forgotten: { type: 'integer', minimum: 1 } }),
  Replayed: object({ replayed: { type: 'integer', minimum: 1 } }),
  Published: object({ epoch, offset, at: time }),
  Changed: object({
    epoch,
    offset: { ...offset, description: 'Of the step; of the table if every row was like that already.' },
  }),
  EntriesPage: object({ ...page, items: { type: 'array', items: item } }),
  FoundPage: object({
    ...page,
    items: { type: 'array', items: item },
    more: { type: 'boolean', description: 'There are more, before the last of these.' },
  }),
  RowsPage: object({
    ...page,
    to: { ...offset, description: 'What the page reaches: ask on from here.' },
    rows: { type: 'array', items: storedRow },
    deleted: { ...keys, description: 'Rows that are gone.' },
  }),
  Presence: object({
    people: { type: 'array', items: object({ user: publicUser, since: time }) },
    count: { type: 'integer', minimum: 0, description: 'Of all.' },
  }),
  Present: object({ seconds: { type: 'integer', minimum: 1, maximum: MAX_LEASE_SECONDS } }),
  Attendance: object({
    seconds: { type: 'integer', minimum: 0, maximum: MAX_LEASE_SECONDS, description: 'For so long from now on.' },
  }),
  Readers: object({
    readers: { type: 'array', items: object({ id: { type: 'string' }, user: publicUser, offset, epoch: epochOrNull }) },
  }),
  Marker: object({ offset, epoch }, ['epoch']),
  Following: object({ following: { type: 'boolean', description: 'The log is counted for the user.' } }),
  Unread: object({
    logs: {
      ...byKey(
        object({ unread: { type: 'integer', minimum: 0, maximum: 99 }, more: { type: 'boolean' }, mark: offset }),
      ),
      description: "By the log's name on the wire: `chat/lobby`.",
    },
  }),
  StoredRow: storedRow,
  Error: object({ error }),
} as const;
