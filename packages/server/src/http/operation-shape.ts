// What is said of an operation of the API: where it stands, what is sent and what is answered.

import type { Limits } from '@trunkline/protocol';
import type { Answer } from './answer.js';
import type { Context } from './context.js';
import type { LetterPlace, UserOperation } from './place.js';
import type { QueryParameters } from './query.js';

export type Method = 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';

/** What the document says of an operation. */
export interface OperationShape {
  readonly id: string;
  readonly method: Method;
  readonly at:
    | 'entries'
    | 'rows'
    | 'row'
    | 'entry'
    | 'reaction'
    | BesideLog
    | 'unread'
    | 'procedure'
    | UserOperation
    | LetterPlace;
  readonly summary: string;
  readonly query: (limits: Limits) => QueryParameters;
  /** What is sent: the schema's name and media types. */
  readonly body?: { readonly schema: SchemaName; readonly types: readonly string[] };
  /** What is answered, by status. Errors are not listed: see `errorsOf`. */
  readonly answers: Readonly<Record<number, SchemaName | null>>;
  /** Conditions that may be set. */
  readonly conditions?: true;
  /** What is asked can be too much. */
  readonly tooLarge?: true;
  /** It can contradict the state it meets, also without a condition. */
  readonly conflicts?: true;
}

/** What stands beside a log. */
export type BesideLog = 'presence' | 'present' | 'markers' | 'marker' | 'follower' | 'search';

/** One of a channel's. */
export interface Operation extends OperationShape {
  readonly run: (context: Context) => Promise<Answer>;
}

export type SchemaName =
  | 'Entry'
  | 'Row'
  | 'Published'
  | 'Changed'
  | 'EntriesPage'
  | 'FoundPage'
  | 'RowsPage'
  | 'StoredRow'
  | 'Step'
  | 'Patch'
  | 'Input'
  | 'Result'
  | 'Presence'
  | 'Present'
  | 'Attendance'
  | 'Readers'
  | 'Marker'
  | 'Following'
  | 'Unread'
  | 'Disconnect'
  | 'Disconnected'
  | 'Revoke'
  | 'Revoked'
  | 'DeadLetters'
  | 'Forgotten'
  | 'Replayed';
