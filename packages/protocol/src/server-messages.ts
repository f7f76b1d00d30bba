// What a server says, as TypeScript types: answers, slices, and what becomes of subscriptions and of the connection.

import type { ServerSignal } from './beside-messages.js';
import type { ErrorCode, Outcome } from './errors.js';
import type { JsonValue } from './json.js';
import type { Limits } from './limits.js';
import type { RequestId, RowData } from './messages.js';
import type { Epoch, Offset } from './names.js';

/** Answers `hello`: who this is, and what the connection may do. */
export interface Welcome {
  readonly type: 'welcome';
  /** Names this connection in logs and tools; grants nothing. */
  readonly session: string;
  /** The connection's user as others see it. */
  readonly user: JsonValue;
  /** The server pings this often; a client that received nothing for twice as long has lost the link. */
  readonly pingMs: number;
  readonly limits: Limits;
  /** Server time, in milliseconds since 1970. */
  readonly now: number;
  readonly features: readonly string[];
}
/** Answers `subscribe`. No data message names `ch` before this one. */
export interface SubscribeOk {
  readonly type: 'ok';
  readonly id: RequestId;
  /** The stream's number on this connection's node; dies with the connection. */
  readonly ch: number;
  readonly kind: 'log' | 'table' | 'signals';
  /** `null` for a stream that was never written; the slice that starts at 0 then names the epoch. */
  readonly epoch: Epoch | null;
  readonly head: Offset;
  /** Offset before the oldest entry that is kept. */
  readonly floor: Offset;
  /** Where the cursor starts. A `gap` that follows moves it. */
  readonly from: Offset;
  /** Of a log: its subscribers are present, so that `away` means something. */
  readonly presence?: true;
}
/** Answers `unsubscribe`: a barrier, no message of that stream follows. */
export interface PlainOk {
  readonly type: 'ok';
  readonly id: RequestId;
}
/** Answers `publish` and `amend`: where the entry, or the record, stands, and since when. */
export interface PublishOk {
  readonly type: 'ok';
  readonly id: RequestId;
  readonly epoch: Epoch;
  readonly offset: Offset;
  readonly at: number;
}
/** Answers `read` of a log. */
export interface ReadOk {
  readonly type: 'ok';
  readonly id: RequestId;
  readonly epoch: Epoch | null;
  readonly head: Offset;
  readonly floor: Offset;
  readonly items: readonly (Item | AmendRecord)[];
}
/** Answers `search`: newest first. */
export interface SearchOk extends ReadOk {
  readonly items: readonly Item[];
  /** There are more, before the last of these. */
  readonly more: boolean;
}
/** Answers `refresh`: the user as others see it now. */
export interface RefreshOk {
  readonly type: 'ok';
  readonly id: RequestId;
  readonly user: JsonValue;
}
/** Answers `change`. */
export interface ChangeOk {
  readonly type: 'ok';
  readonly id: RequestId;
  readonly epoch: Epoch;
  /** Of the step; of the table, if every row was like that already. */
  readonly offset: Offset;
}
/** Answers `call`: what the procedure returned. */
export interface CallOk {
  readonly type: 'ok';
  readonly id: RequestId;
  readonly data: JsonValue;
}
/** Answers a request; the request says which of them. */
export type Ok = SubscribeOk | PublishOk | ChangeOk | CallOk | ReadOk | SearchOk | RefreshOk | PlainOk;

/** A request that failed, or (without `id`) a message that could not be understood. */
export interface ErrorMessage {
  readonly type: 'error';
  readonly id?: RequestId;
  readonly code: ErrorCode;
  readonly message: string;
  readonly retry: boolean;
  readonly outcome: Outcome;
  readonly afterMs?: number;
  /** With `refused`: the application's own code. */
  readonly refusal?: string;
}
/** What a procedure says while it runs. */
export interface Progress {
  readonly type: 'progress';
  readonly id: RequestId;
  readonly data: JsonValue;
}
/** What of an entry can change, as it is now. */
export interface Amended {
  /** When its data was last replaced, in milliseconds since 1970. Absent: never. */
  readonly editedAt?: number;
  /** When it was deleted; `data` is `null` from then on. Absent: it was not. */
  readonly deletedAt?: number;
  /** Ids of users by reaction, those who reacted first first. Absent: nobody did. */
  readonly reactions?: Reactions;
}
/** Ids of users by reaction, those who reacted first first. */
export type Reactions = { readonly [reaction: string]: readonly string[] };
/** Where an item stands, and who sent it. */
interface ItemBase {
  readonly offset: Offset;
  /** Server time when it was accepted, in milliseconds since 1970. */
  readonly at: number;
  /** Who published it, as others may see them; absent when the server did. */
  readonly user?: JsonValue;
  readonly producer?: string;
  readonly seq?: number;
}
/** One entry of a log, in its present form. */
export interface Item extends ItemBase, Amended {
  readonly data: JsonValue;
  readonly amends?: undefined;
}
/** Says that an entry was amended. */
export interface AmendRecord extends ItemBase {
  readonly data?: undefined;
  /**
   * The entry, with all of it that can change as it is now: `data` and what is in `Amended`. Only its `offset` if that is not to be told here:
   * the entry is no longer kept, or a later record tells it.
   */
  readonly amends: { readonly offset: Offset; readonly data?: JsonValue } & Amended;
}
/** A slice of a log: the entries in `(from, to]`, and the records of amendments. Moves the cursor from `from` to `to`. */
export interface Entries {
  readonly type: 'entries';
  readonly ch: number;
  readonly from: Offset;
  readonly to: Offset;
  /** Present when `from` is 0: the epoch begins here. */
  readonly epoch?: Epoch;
  readonly items: readonly (Item | AmendRecord)[];
}
/**
 * A slice of a table: of the rows that changed in `(from, to]`, what is new. Moves the position from `from` to `to`; with `from` equal to `to`
 * it tells rows and moves nothing.
 */
export interface Rows {
  readonly type: 'rows';
  readonly ch: number;
  readonly from: Offset;
  readonly to: Offset;
  /** Present when `from` is 0. */
  readonly epoch?: Epoch;
  /** Forget every row: what follows up to `synced` is all there is. */
  readonly reset?: true;
  /** Whole rows. */
  readonly set?: { readonly [key: string]: RowData };
  /** Fields that are new, of rows that are known. */
  readonly patch?: { readonly [key: string]: RowData };
  /** Fields that are gone. */
  readonly unset?: { readonly [key: string]: readonly string[] };
  /** Rows that are gone. */
  readonly delete?: readonly string[];
  /** Rows that are no longer followed. */
  readonly drop?: readonly string[];
}
/** The cursor has reached the head: what follows is live. Of a table also: all rows that entered the watch list were told. */
export interface Synced {
  readonly type: 'synced';
  readonly ch: number;
  readonly to: Offset;
}
/** `trimmed`: no longer kept · `epoch`: another history · `skipped`: more than `most` were missed. */
export type GapReason = 'trimmed' | 'epoch' | 'skipped';
/** Entries were lost to this subscriber. The cursor is now at `to` in `epoch`. */
export interface Gap {
  readonly type: 'gap';
  readonly ch: number;
  readonly reason: GapReason;
  /** How many entries; absent if nobody knows. */
  readonly lost?: number;
  readonly epoch: Epoch | null;
  readonly to: Offset;
}
/** The server ended a subscription. `retry`: subscribing again can succeed. */
export interface Ended {
  readonly type: 'ended';
  readonly ch: number;
  readonly code: ErrorCode;
  readonly message: string;
  readonly retry: boolean;
  readonly afterMs?: number;
}
/** Asks for a sign of life; answered by `pong`. */
export interface ServerPing {
  readonly type: 'ping';
  readonly now: number;
  /** Round trip measured by the last `ping` and `pong`, in milliseconds. */
  readonly rttMs?: number;
}
/** Answers a `ping` of the client. */
export interface ServerPong {
  readonly type: 'pong';
  readonly id: RequestId;
  readonly now: number;
}
/**
 * The server will stop: open another connection at a random moment within `spreadMs`, resume there, then close this one. It serves as
 * before until then, at most `withinMs`. Sent only if both sides name the feature `drain`.
 */
export interface Drain {
  readonly type: 'drain';
  readonly withinMs: number;
  readonly spreadMs: number;
}
/** Precedes a close by the server: the close code, why in words, and when to come back. */
export interface Goodbye {
  readonly type: 'goodbye';
  readonly code: number;
  readonly reason: string;
  readonly afterMs?: number;
  /** Come back at a random moment within this span after `afterMs`. */
  readonly spreadMs?: number;
}

/** What a server may send. */
export type ServerMessage =
  | Welcome
  | Ok
  | ErrorMessage
  | Progress
  | Entries
  | Rows
  | ServerSignal
  | Synced
  | Gap
  | Ended
  | ServerPing
  | ServerPong
  | Drain
  | Goodbye;
