// A procedure as the application sees it: a function. The types run from the server's definition.

import type { TrunklineError } from '@trunkline/protocol';

/** Options of a call. */
export interface CallOptions {
  /**
   * Runs once: the call is sent again over reconnects until it is answered, and the server answers a repeat with the first result.
   * Default false: it is sent once, and when the connection is lost before the answer the promise rejects with the outcome `unknown`.
   */
  readonly once?: boolean | undefined;
  /** The promise rejects, and the server is told to stop, after this many milliseconds, waiting for a connection included. Default 30_000. */
  readonly deadlineMs?: number | undefined;
  /** Aborted: the promise rejects at once, and the server is told to stop. What it has done by then stays done. */
  readonly signal?: AbortSignal | undefined;
  /** What the procedure says while it runs. May be left out: it is not sent to who is behind, nor again after a reconnect. */
  readonly onProgress?: ((progress: unknown) => void) | undefined;
}

/** Why a call failed: a `TrunklineError` whose `refusal` is one of the procedure's own. */
export type CallError<Refusal> = TrunklineError & { readonly refusal: Refusal | undefined };

/** `line.call.placeOrder`: the same function for the same name, for as long as its line lives. */
export interface Procedure<in Input, out Output, out Refusal = string> {
  /**
   * Calls it. One that is not sent yet waits for the connection. At most `maxQueued` (64) may be open, or `rate_limited`; of these the server is
   * sent as many at a time as it takes.
   * @returns what it returned. Rejects with `TrunklineError`; its `outcome` says whether it may have run all the same.
   */
  (input: Input, options?: CallOptions): Promise<Output>;
  /** At compile time only. */
  readonly '~refusal'?: Refusal;
}
