// That the back end cannot answer now, and what whoever asked should do about it.

/** The back end cannot answer now. */
export class BackendDownError extends Error {
  override readonly name = 'BackendDownError';
  constructor(
    message: string,
    /** When to try again, in milliseconds from now. */
    readonly afterMs: number,
    /** The request reached it, so that the request itself may be what it cannot bear. */
    readonly reachedIt: boolean,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}

/** Where nothing better is known. */
export const AFTER_MS = 1_000;
