// What `POST /guest` takes and gives.

/** The request. With the old token in `Authorization: Bearer …` the guest keeps their id. */
export interface GuestRequest {
  readonly name: string;
}

export interface GuestPass {
  /** Proves who one is, for the line. */
  readonly token: string;
  /** When the token stops being accepted, in milliseconds since 1970. */
  readonly expiresAt: number;
  readonly id: string;
  readonly name: string;
}

/** Every answer that is not 200. */
export interface GuestProblem {
  /** A sentence for people. */
  readonly problem: string;
}
