// What the rest of the client sees of the connection, and is told by it. It knows nothing of logs and tables.

import type { JsonValue, Limits, TrunklineError } from '@trunkline/protocol';
import type { Store } from './batch.js';
import type { Dial } from './dial.js';
import type { ConnectionSnapshot, ConnectionState, TokenSource } from './line.js';
import type { CloseInfo, Network, OpenSocket } from './ports.js';

/**
 * `greet`: `hello` is written, and what is written now travels with it · `live` · `lost`: the socket that served is gone · `moved`:
 * `dial` is another one, and what is not answered has to be asked for there; the one before may go on bringing data ·
 * `refused`: see `error` · `changed`: the state is another · `retry`: the application wants what was refused to be asked for again ·
 * `sight`: that is another.
 */
export type LinkEvent = 'greet' | 'live' | 'lost' | 'moved' | 'refused' | 'changed' | 'retry' | 'sight';

/** Whether anybody can see the page: `asleep` when it was hidden for `HIDDEN_MS`. */
export type Sight = 'shown' | 'hidden' | 'asleep';

export interface LinkOptions {
  readonly url: () => string;
  readonly token: TokenSource | undefined;
  readonly open: OpenSocket;
  readonly network: Network;
}

export interface Link {
  /** As the application reads it. */
  readonly state: ConnectionState;
  readonly sight: Sight;
  /** Where requests are written; `undefined`: nowhere now. */
  readonly dial: Dial | undefined;
  readonly limits: Limits;
  /** Whether `limits` are the server's. */
  readonly knowsLimits: boolean;
  readonly user: JsonValue | undefined;
  /** Of `refused`. */
  readonly error: TrunklineError | undefined;
  readonly store: Store<ConnectionSnapshot<JsonValue>>;
  /** Interest in the connection; the result gives it up. */
  hold(): () => void;
  need(): void;
  retry(): void;
  close(): Promise<CloseInfo | undefined>;
}
