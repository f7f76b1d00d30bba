// How a server leaves its clients: the options of `trunk.close`, their defaults, the one place that fills them in, and that it happens once.

/** How a server leaves its clients: `trunk.close`. */
export interface CloseOptions {
  /**
   * How long clients have to move to another server before this one says goodbye, in milliseconds. New connections are refused from the
   * start; those that stand are told to move (CON-8) and served as before until they have. Ends early when nobody is left.
   *
   * Default 0: they are not asked. That is right where only one process can open the store, as with SQLite: nobody could take over
   * while this one is there, so waiting would only make the deploy longer. Set it where several servers share a store. At most 86_400_000.
   */
  readonly drainMs?: number;
  /**
   * Clients move, and come back after the goodbye, at random moments within this many milliseconds. Default: 1 s per 5,000 connections,
   * at least 500; moving is done within `drainMs` at the latest. At most 86_400_000.
   */
  readonly spreadMs?: number;
  /**
   * How long the end may take after that, in milliseconds: half of it for requests in work, all of it for closing handshakes and plain HTTP
   * requests. Then connections are cut, up to half a second late, and the store is closed. Default 5_000. At most 86_400_000.
   */
  readonly deadlineMs?: number;
}

/** The same, filled in. `spreadMs`: the engine knows how many connections there are. */
export interface ClosePlan {
  readonly drainMs: number;
  readonly spreadMs: number | undefined;
  readonly deadlineMs: number;
}

const DEADLINE_MS = 5_000;
/** A day. Beyond 24.8 of them Node's timers would fire at once. */
const LONGEST_MS = 86_400_000;

/** @throws TypeError for a value that makes no sense, naming it. */
export function closePlan({ drainMs = 0, spreadMs, deadlineMs = DEADLINE_MS }: CloseOptions = {}): ClosePlan {
  for (const [name, value] of Object.entries({ drainMs, spreadMs, deadlineMs })) {
    if (value === undefined || (Number.isSafeInteger(value) && value >= 0 && value <= LONGEST_MS)) continue;
    throw new TypeError(`${name} must be a whole number from 0 to ${LONGEST_MS}`);
  }
  return { drainMs, spreadMs, deadlineMs };
}

/** Closes by `close` at the first call whose options make sense; later calls get the same promise. */
export function closeOnce(close: (plan: ClosePlan) => Promise<void>): (options?: CloseOptions) => Promise<void> {
  let closing: Promise<void> | undefined;
  return (options) => {
    if (closing !== undefined) return closing;
    try {
      closing = close(closePlan(options));
    } catch (error) {
      return Promise.reject(error);
    }
    return closing;
  };
}
