// Every limit of the protocol, with its default and unit. The server announces those that a client can run into in
// `welcome.limits`; each has an error code and a test on both sides of the boundary.

/** Limits that one connection meets. All are configurable on the server. */
export interface Limits {
  /** Largest WebSocket message from a client, in bytes. Default 262_144. A larger one closes the connection with 1009. */
  readonly maxMessageBytes: number;
  /** Largest `data` of one publish as JSON text, in bytes of UTF-8, before and after the hook. Default 65_536. Answer: `too_large`. */
  readonly maxEntryBytes: number;
  /** Protocol objects in one WebSocket message. Default 1_024. Answer to the whole message: `too_large`. */
  readonly maxObjectsPerMessage: number;
  /** Subscriptions of one connection at a time. Default 256. Answer: `rate_limited`, without retry. */
  readonly maxSubscriptions: number;
  /** Requests of one connection that await an answer. Default 64. Beyond it the connection is not read until some are answered. */
  readonly maxRequestsInWork: number;
  /** Publishes per second that one connection may make in the long run. Default 50. Answer: `rate_limited` with `afterMs`. */
  readonly publishRatePerSecond: number;
  /** Publishes that one connection may make at once above that rate. Default 100. */
  readonly publishBurst: number;
  /** Entries that `last` and `limit` may ask for. Default 1_000. Answer: `invalid`. */
  readonly maxPageEntries: number;
  /** Rows that one `change` may name. Default 1_000. Answer: `too_large`. */
  readonly maxRowsPerChange: number;
  /** Keys of one watch list. Default 1_000. Answer: `too_large`. */
  readonly maxKeys: number;
  /** Procedures that run for one connection at a time. Default 16. Answer: `rate_limited`. They also count in `maxRequestsInWork`. */
  readonly maxCallsInWork: number;
  /** Signals per second that one connection may send in the long run. Default 10. Answer: `rate_limited`, at most once a second. */
  readonly signalRatePerSecond: number;
  /** Signals that one connection may send at once above that rate. Default 20. */
  readonly signalBurst: number;
  /** Largest `data` of one signal as JSON text, in bytes of UTF-8, before and after its schema. Default 4_096. Answer: `too_large`. */
  readonly maxSignalBytes: number;
}

/** What holds where the server does not say otherwise. */
export const DEFAULT_LIMITS: Limits = {
  maxMessageBytes: 262_144,
  maxEntryBytes: 65_536,
  maxObjectsPerMessage: 1_024,
  maxSubscriptions: 256,
  maxRequestsInWork: 64,
  publishRatePerSecond: 50,
  publishBurst: 100,
  maxPageEntries: 1_000,
  maxRowsPerChange: 1_000,
  maxKeys: 1_000,
  maxCallsInWork: 16,
  signalRatePerSecond: 10,
  signalBurst: 20,
  maxSignalBytes: 4_096,
};

/** Longest key of a row, in bytes of UTF-8. Longer, or empty: `invalid`. */
export const MAX_KEY_BYTES = 256;
/** Members of a log that `…:presence` has a row for, at most. The count in its `summary` is of all. */
export const MAX_PRESENT_ROWS = 1_000;
/** Joins and leaves within so many milliseconds are told as one step. */
export const PRESENCE_STEP_MS = 50;
/** Who leaves a log is gone for the others after so many milliseconds, unless the channel says otherwise. */
export const PRESENCE_GRACE_MS = 5_000;
/** A slice holds at most this many bytes of items, or one item. */
export const MAX_SLICE_BYTES = 65_536;
/** Arrays and objects that may be inside one another in the `data` of a publish. Deeper: `invalid`. */
export const MAX_DATA_DEPTH = 100;
/** Longest reaction, in bytes of UTF-8. Longer, or empty: `invalid`. */
export const MAX_REACTION_BYTES = 64;
/** Different reactions that one entry may have. One more: `too_large`. */
export const MAX_REACTIONS = 20;
/** Reactions of users that one entry may have in all. One more: `too_large`. */
export const MAX_REACTORS = 1_000;
/** Longest query of a `search`, in UTF-16 code units. Longer: `too_large`. */
export const MAX_QUERY_LENGTH = 200;
/** Words that a query may have, each counted once. More: `too_large`. */
export const MAX_QUERY_WORDS = 8;
/** Entries that one `search` may ask for. More: `invalid`. */
export const MAX_FOUND = 100;
/** Publishes to one stream that a producer may have sent without an answer; a client queues at most as many. */
export const MAX_UNACKNOWLEDGED = 64;
/** A producer's publishes are remembered this long after its last one, in milliseconds: 7 days. */
export const PRODUCER_MEMORY_MS = 7 * 24 * 3_600_000;
/** What came of a call with `producer` and `seq` is remembered this long, in milliseconds: 24 hours. */
export const RESULT_MEMORY_MS = 24 * 3_600_000;
/** Longest name of a procedure, in UTF-16 code units. Longer, or empty: `invalid`. */
export const MAX_PROCEDURE_NAME_LENGTH = 256;

/** A user may mark a log so often: once in so many milliseconds. Sooner: `rate_limited` with `afterMs`. */
export const MARK_INTERVAL_MS = 1_000;
/** Days for which a read mark is shown to others after it moved last, unless the channel says otherwise, or how long entries are kept. */
export const MARK_DAYS = 365;
/** Read marks of a log that are shown to others, unless the channel says otherwise. Beyond it those that moved longest ago go. */
export const MAX_READERS = 10_000;
/** Logs that a user may follow, those that they no longer follow included. More: `too_large`. */
export const MAX_FOLLOWS = 1_000;
/** Longest name of a signal, in UTF-16 code units. Longer, or empty: `invalid`. */
export const MAX_SIGNAL_NAME_LENGTH = 64;

/** A client reports what it has processed (`seen`) at the latest when this many bytes are unreported. */
export const SEEN_BYTES = 16_384;
/** It also does so this many milliseconds after more than `SEEN_LEAST_BYTES` are unreported. */
export const SEEN_MS = 200;
/** Fewer unreported bytes than this are worth no report of their own: a quiet chat would be answered message by message. */
export const SEEN_LEAST_BYTES = 1_024;
