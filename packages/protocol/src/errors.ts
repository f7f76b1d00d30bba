// The closed list of error codes: what each means and whether the same request can succeed later. `docs/PROTOCOL.md`
// has a row for each; a test compares the two.

/** Why a request was refused. Codes are stable, the wording of messages is free. */
export type ErrorCode =
  | 'unauthorized'
  | 'forbidden'
  | 'invalid'
  | 'too_large'
  | 'rate_limited'
  | 'unknown_channel'
  | 'not_found'
  | 'conflict'
  | 'refused'
  | 'unavailable'
  | 'internal';

// Apart from the table below, so that a bundle which only makes errors does not carry its words.
const RETRYABLE: readonly ErrorCode[] = ['rate_limited', 'unavailable'];

interface ErrorMeaning {
  /** Whether the same request, sent again later, can succeed. An `error` message may narrow it. */
  readonly retry: boolean;
  readonly meaning: string;
}

/** Every error code: whether the same request can succeed later, and what it means. */
export const ERROR_CODES: Readonly<Record<ErrorCode, ErrorMeaning>> = {
  unauthorized: { retry: false, meaning: 'the token is missing, invalid or expired' },
  forbidden: { retry: false, meaning: 'this user, or this origin, may not do that' },
  invalid: { retry: false, meaning: 'the message or its data does not have the required shape' },
  too_large: { retry: false, meaning: 'a limit on size was exceeded' },
  rate_limited: { retry: true, meaning: 'a limit on rate or count was exceeded' },
  unknown_channel: { retry: false, meaning: 'the app has no such channel, or it has other parameters' },
  not_found: { retry: false, meaning: 'what the request names does not exist' },
  conflict: { retry: false, meaning: 'the request contradicts the state it meets' },
  refused: { retry: false, meaning: "the application's own rule refused it; `refusal` names the rule" },
  unavailable: { retry: true, meaning: 'the server cannot do it now' },
  internal: { retry: false, meaning: 'the server failed; its log has the cause' },
};

/** What is known about a failed request: it certainly had no effect, or nobody can tell. */
export type Outcome = 'refused' | 'unknown';

/** A request that failed, as the client's promises reject with it. */
export class TrunklineError extends Error {
  override readonly name = 'TrunklineError';
  /** Whether the same request can succeed later. */
  readonly retry: boolean;
  readonly outcome: Outcome;
  /** Of `refused`: the application's own code. */
  readonly refusal: string | undefined;
  /** Earliest sensible moment for a retry, in milliseconds from now. */
  readonly afterMs: number | undefined;

  constructor(
    readonly code: ErrorCode,
    message: string,
    details: {
      retry?: boolean;
      outcome?: Outcome;
      refusal?: string | undefined;
      afterMs?: number | undefined;
      cause?: unknown;
    } = {},
  ) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause });
    this.retry = details.retry ?? RETRYABLE.includes(code);
    this.outcome = details.outcome ?? 'refused';
    this.refusal = details.refusal;
    this.afterMs = details.afterMs;
  }
}
