// A log as the application sees it: a handle to publish through, and snapshots of its replica. The types run from the
// server's definition; nothing here exists at run time.

import type { Amendment, GapReason, Offset, Reactions, TrunklineError } from '@trunkline/protocol';

/** What entries have in common, whatever became of them. */
interface EntryBase<User> {
  /** Stable and unique within the log; the same as that of the pending entry it was, so a list keeps its element. */
  readonly key: string;
  readonly offset: Offset;
  /** Server time when it was accepted, in milliseconds since 1970. */
  readonly at: number;
  /** Who published it, as others may see them; `undefined` when the server did. */
  readonly user: User | undefined;
  /** When its data was last replaced, in milliseconds since 1970; `undefined`: never. */
  readonly editedAt: number | undefined;
  /** Ids of users by reaction, those who reacted first first; empty if nobody did. */
  readonly reactions: Reactions;
}
/** A stored entry as it is now. */
export interface PresentEntry<Stored, User> extends EntryBase<User> {
  readonly data: Stored;
  readonly deletedAt: undefined;
}
/** What is left of one that was deleted. */
export interface DeletedEntry<User> extends EntryBase<User> {
  readonly data: undefined;
  /** In milliseconds since 1970. */
  readonly deletedAt: number;
}
/** One entry of a log. May be a deleted one where the definition says `amend: ['delete']`. */
export type LogEntry<Stored, User, Amend extends Amendment = never> =
  | PresentEntry<Stored, User>
  | ('delete' extends Amend ? DeletedEntry<User> : never);

/** Why a publish failed: a `TrunklineError` whose `refusal` is one of the hook's own. */
export type PublishError<Refusal> = TrunklineError & { readonly refusal: Refusal | undefined };

interface PendingBase<Input> {
  readonly key: string;
  readonly data: Input;
  /** Sends a failed entry again, behind those that wait. Does nothing while it is being sent. */
  retry(): void;
  /** Takes it off the list. Does nothing to one that was sent and is not answered, as it cannot be called back. */
  discard(): void;
}
/** An entry of this client that is not in `entries`. */
export type PendingEntry<Input, Refusal = string> =
  | (PendingBase<Input> & { readonly state: 'sending'; readonly error: undefined })
  | (PendingBase<Input> & { readonly state: 'failed'; readonly error: PublishError<Refusal> });

/** Entries that did not come and will not come by themselves. `skipped` ones can be read with `loadOlder`. */
export interface LogGap {
  readonly reason: GapReason;
  /** How many, summed over the gaps not yet dismissed; `undefined` if nobody knows. */
  readonly lost: number | undefined;
}

/**
 * The truth about a log, in words:
 * `connecting`: on the way to the first answer · `catching up`: entries that were missed are arriving · `live` ·
 * `offline`: the connection is lost, or was closed, and what is shown may be old · `refused`: see `error`.
 */
export type LogState = 'connecting' | 'catching up' | 'live' | 'offline' | 'refused';

/** What is known of a log. Immutable, and the same object until something changes. */
export interface LogSnapshot<Input, Stored, User, Refusal = string, Amend extends Amendment = never> {
  readonly state: LogState;
  /** In offset order, without a hole: from the oldest one loaded to the newest one known. */
  readonly entries: readonly LogEntry<Stored, User, Amend>[];
  /** In the order in which they were published. One leaves in the very snapshot in which its entry arrives. */
  readonly pending: readonly PendingEntry<Input, Refusal>[];
  /** Entries were lost to this client and nobody has called `dismissGap`. `entries` begins after them. */
  readonly gap: LogGap | undefined;
  /** Whether the server keeps entries before the first of `entries`. */
  readonly hasOlder: boolean;
  readonly loadingOlder: boolean;
  /** Of the state `refused`: why. */
  readonly error: TrunklineError | undefined;
}

/** What who looks at a log wants of it. */
export interface LogInterest {
  /** Entries of history to begin with, at most `maxPageEntries` of the server (1,000). Default 50. */
  readonly last?: number | undefined;
  /** If more entries than this were missed: a `gap` and the newest page instead. Default: all are fetched. */
  readonly most?: number | undefined;
}

/** Where a published entry was stored. */
export interface Published {
  readonly offset: Offset;
  /** Server time when it was accepted, in milliseconds since 1970. */
  readonly at: number;
}

/** A function of a handle, if the definition's `amend` names the word. */
type IfAmend<Amend extends Amendment, Word extends Amendment, Run> = Word extends Amend ? Run : never;

/**
 * One log. The same object for the same name, for as long as its line lives. Its functions need no `this`.
 * It shows entries only while someone is interested: `subscribe` and `open` are counted, and the last one to leave ends
 * the subscription `lingerMs` later.
 */
export interface LogHandle<Input, Stored, User, Refusal = string, Amend extends Amendment = never> {
  /** The stream's name on the wire: `chat/lobby`. */
  readonly name: string;
  /**
   * Appends an entry. It is in `pending` at once, is sent again over reconnects until it is answered, and is stored once.
   * At most `maxQueued` (64) may wait: one more makes the oldest that was never sent fail, with `rate_limited`.
   * Every failure also stands in `pending`, so a rejection nobody handles is not reported as unhandled.
   * @returns when it is stored. Rejects with `TrunklineError`; its `outcome` says whether it may be stored all the same.
   */
  readonly publish: (data: Input) => Promise<Published>;
  /**
   * Replaces the data of an entry. Like the three below it waits in line with publishes, is sent again over reconnects until it is
   * answered, and is stored once; what is shown changes when its record arrives.
   * @returns where the record stands. Rejects with `TrunklineError`: `forbidden`, `not_found` (no longer kept), `conflict` (the entry was
   * deleted), and as `publish`.
   */
  readonly edit: IfAmend<Amend, 'edit', (offset: Offset, data: Input) => Promise<Published>>;
  /** Erases the data of an entry, for everybody and for good. */
  readonly delete: IfAmend<Amend, 'delete', (offset: Offset) => Promise<Published>>;
  /** Adds this user's reaction, 1 to 64 bytes of text: an emoji. One that is there stays. `too_large`: there are too many. */
  readonly react: IfAmend<Amend, 'react', (offset: Offset, reaction: string) => Promise<Published>>;
  /** Takes it back. */
  readonly unreact: IfAmend<Amend, 'react', (offset: Offset, reaction: string) => Promise<Published>>;
  /** Interest without a listener. The result gives it up; calling it again does nothing. */
  readonly open: (interest?: LogInterest) => () => void;
  /** Interest, and a call for each new snapshot. */
  readonly subscribe: (onChange: () => void, interest?: LogInterest) => () => void;
  readonly snapshot: () => LogSnapshot<Input, Stored, User, Refusal, Amend>;
  /** What a server renders, and what hydration starts from: empty, `connecting`. Always the same object. */
  readonly serverSnapshot: () => LogSnapshot<Input, Stored, User, Refusal, Amend>;
  /**
   * Reads a page of at most `count` (default 50) entries before the first one shown. Calls meanwhile share the page.
   * Waits over reconnects. Does nothing while there is no older one. Rejects with `TrunklineError`.
   */
  readonly loadOlder: (count?: number) => Promise<void>;
  readonly dismissGap: () => void;
}
