// The messages about what stands beside a log: signals, read marks, and which logs a user follows.

import type { JsonValue } from './json.js';
import type { RequestId } from './messages.js';
import type { Epoch, Offset } from './names.js';

/** Tells those who listen to `…:signals`, and is forgotten. No answer; if it is refused, an `error` without id, at most one a second. */
export interface Signal {
  readonly type: 'signal';
  /** The log, beside which the signals are. */
  readonly stream: string;
  readonly name: string;
  readonly data: JsonValue;
}
/** Somebody's signal, for those who listen. */
export interface ServerSignal {
  readonly type: 'signal';
  readonly ch: number;
  readonly name: string;
  /** Who sent it, as others may see them; absent when the server did. */
  readonly user?: JsonValue;
  readonly data: JsonValue;
}

/**
 * The user has read up to there. Only forward: a lower one, or one of another epoch than the log's, is answered with `ok` and changes nothing.
 * The user follows the log from then on.
 */
export interface Mark {
  readonly type: 'mark';
  readonly id: RequestId;
  readonly stream: string;
  readonly offset: Offset;
  /** Of the history that the offset is of. Default: whatever the log's is now. */
  readonly epoch?: Epoch;
}
/** The user follows the log: what they have not read of it is counted. Sent again, it changes nothing. */
export interface Follow {
  readonly type: 'follow';
  readonly id: RequestId;
  readonly stream: string;
}
/** No longer. */
export interface Unfollow {
  readonly type: 'unfollow';
  readonly id: RequestId;
  readonly stream: string;
}
