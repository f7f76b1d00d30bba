// What the rest of the client sees of the connection, and is told by it. It knows nothing of logs.

import type { JsonValue, Limits, ServerMessage, TrunklineError } from '@trunkline/protocol';
import type { Store } from './batch.js';
import type { ConnectionSnapshot, TokenSource } from './line.js';
import type { LinkState } from './link-state.js';
import type { CloseInfo, Network, OpenSocket } from './ports.js';
import type { Answer } from './requests.js';

/**
 * `greet`: `hello` is written, and what is written now travels with it · `live` · `lost`: the socket that was greeted is gone ·
 * `refused`: see `error` · `changed`: the state is another · `retry`: the application wants what was refused to be asked for again.
 */
export type LinkEvent = 'greet' | 'live' | 'lost' | 'refused' | 'changed' | 'retry';

export interface LinkOptions {
  readonly url: () => string;
  readonly token: TokenSource | undefined;
  readonly open: OpenSocket;
  readonly network: Network;
}

export interface Link {
  readonly state: LinkState;
  readonly limits: Limits;
  /** Whether `limits` are the server's. */
  readonly knowsLimits: boolean;
  readonly user: JsonValue | undefined;
  /** Of `refused`. */
  readonly error: TrunklineError | undefined;
  readonly store: Store<ConnectionSnapshot<JsonValue>>;
  /** Who reads the data messages of a `ch`. */
  readonly channels: Map<number, (message: ServerMessage) => void>;
  /** Whether requests can be written. */
  canSend(): boolean;
  /** Interest in the connection; the result gives it up. */
  hold(): () => void;
  isHeld(): boolean;
  need(): void;
  /** Writes a request; `body` is its text from the type on. The answer may never come: `lost` tells. */
  request(body: string, answer: Answer): void;
  retry(): void;
  close(): Promise<CloseInfo | undefined>;
  /** The server contradicts itself: start anew, with what is known here. */
  breach(message: string, cause?: unknown): void;
}
