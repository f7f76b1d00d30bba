// What a client says, as TypeScript types.

import type { Follow, Mark, Signal, Unfollow } from './beside-messages.js';
import type { JsonValue } from './json.js';
import type { After, RequestId, RowData } from './messages.js';
import type { Epoch, Offset } from './names.js';

/** First message of a connection. */
export interface Hello {
  readonly type: 'hello';
  readonly version: number;
  readonly token?: string;
  readonly features?: readonly string[];
}
/** Opens a cursor: after a position, or `last` entries back (default 0: from now on). With `after`, `last` counts only if the position is lost. */
export interface Subscribe {
  readonly type: 'subscribe';
  readonly id: RequestId;
  readonly stream: string;
  readonly after?: After;
  readonly last?: number;
  /** If more entries than this were missed: a `gap` and the newest page instead. Default: no bound. */
  readonly most?: number;
  /** Of a table: slices a second, above 0 and at most 100. Default: one whenever something changes. */
  readonly rate?: number;
  /** Of a table: only the rows of these keys. Default: all. */
  readonly keys?: readonly string[];
  /** Of a table, with `after` and `keys`: the keys that were subscribed until then, so that the difference can be told. */
  readonly held?: readonly string[];
  /** Of a table: nothing is sent until a `tune` ends it. */
  readonly paused?: boolean;
  /** Of a log with presence: whoever this is looks elsewhere, and is not present. */
  readonly away?: boolean;
}
/** Changes how a stream is followed. Of a table: `null` takes a bound back, what is absent stays as it is. */
export interface Tune {
  readonly type: 'tune';
  readonly id: RequestId;
  readonly stream: string;
  readonly rate?: number | null;
  readonly keys?: readonly string[] | null;
  readonly paused?: boolean;
  /** Of a log, and there alone. */
  readonly away?: boolean;
}
/** Ends a subscription. What is on its way still comes, until the answer. */
export interface Unsubscribe {
  readonly type: 'unsubscribe';
  readonly id: RequestId;
  readonly stream: string;
}
/** Appends an entry. `seq` counts a producer's publishes to this stream from 1; sent again, it is answered with the first offset. */
export interface Publish {
  readonly type: 'publish';
  readonly id: RequestId;
  readonly stream: string;
  readonly producer: string;
  readonly seq: number;
  readonly data: JsonValue;
}
/**
 * Changes an entry of a log: exactly one of `edit`, `delete`, `react` and `unreact`. `seq` counts among the producer's publishes to
 * the stream. Answered as a `publish`, with the offset of the record.
 */
export interface Amend {
  readonly type: 'amend';
  readonly id: RequestId;
  readonly stream: string;
  readonly producer: string;
  readonly seq: number;
  /** Of the entry. */
  readonly offset: Offset;
  /** The entry's new data, as a whole. */
  readonly edit?: JsonValue;
  /** Erases the entry's data for good. */
  readonly delete?: true;
  /** Adds the user's reaction: 1 to 64 bytes of text. */
  readonly react?: string;
  /** Takes it back. */
  readonly unreact?: string;
}
/**
 * Changes rows of a table as one step. A key may stand in one of `set`, `patch` (with `unset`) and `delete`. `seq` counts a producer's
 * changes of this stream, as for `publish`.
 */
export interface Change {
  readonly type: 'change';
  readonly id: RequestId;
  readonly stream: string;
  readonly producer: string;
  readonly seq: number;
  /** Whole rows. */
  readonly set?: { readonly [key: string]: RowData };
  /** Fields to replace. */
  readonly patch?: { readonly [key: string]: RowData };
  /** Fields to remove. */
  readonly unset?: { readonly [key: string]: readonly string[] };
  readonly delete?: readonly string[];
  /** The offset at which a row must be for the step to happen; 0: it must not exist. */
  readonly if?: { readonly [key: string]: Offset };
}
/** A page of history: the newest entries before an offset, the oldest after one, or the oldest since a time. Exactly one of the three. */
export interface Read {
  readonly type: 'read';
  readonly id: RequestId;
  readonly stream: string;
  readonly epoch?: Epoch;
  readonly before?: Offset;
  readonly after?: Offset;
  /** Server time, in milliseconds since 1970. */
  readonly at?: number;
  readonly limit: number;
}
/** Entries of a log that have the words of a query. */
export interface Search {
  readonly type: 'search';
  readonly id: RequestId;
  readonly stream: string;
  /** Words, all of which have to occur; the last one may be the beginning of one. */
  readonly query: string;
  /** Only entries before it. */
  readonly before?: Offset;
  readonly limit: number;
}
/** Runs a procedure. With `producer` and `seq` it runs once, however often this is sent; without, a lost answer stays unknown. */
export interface Call {
  readonly type: 'call';
  readonly id: RequestId;
  readonly procedure: string;
  readonly data: JsonValue;
  /** Named together with `seq`, which counts the producer's calls from 1. */
  readonly producer?: string;
  readonly seq?: number;
  /** The caller waits this long, in milliseconds; then the run is told to stop and the call is answered with `unavailable`. */
  readonly deadlineMs?: number;
}
/** The caller no longer wants the answer of its call with this id. The call is answered all the same. */
export interface Cancel {
  readonly type: 'cancel';
  readonly id: RequestId;
}
/** Replaces the token of the open connection. */
export interface Refresh {
  readonly type: 'refresh';
  readonly id: RequestId;
  readonly token: string;
}
/**
 * How many payload bytes of this connection's messages, uncompressed, the client has processed since it opened. Cumulative. Sent only
 * if both sides name the feature `seen`.
 */
export interface Seen {
  readonly type: 'seen';
  readonly bytes: number;
}
/** Probes the server; answered by `pong` with the same id. */
export interface ClientPing {
  readonly type: 'ping';
  readonly id: RequestId;
}
/** Answers the server's `ping`. */
export interface ClientPong {
  readonly type: 'pong';
}

/** What a client may send. */
export type ClientMessage =
  | Hello
  | Subscribe
  | Tune
  | Unsubscribe
  | Publish
  | Amend
  | Change
  | Call
  | Cancel
  | Signal
  | Mark
  | Follow
  | Unfollow
  | Read
  | Search
  | Refresh
  | Seen
  | ClientPing
  | ClientPong;
