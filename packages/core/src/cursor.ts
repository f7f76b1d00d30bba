// What a session knows of a subscription, whatever its stream is.

import type { StreamName } from '@trunkline/protocol';

export interface Cursor {
  readonly stream: { readonly number: number; readonly name: StreamName };
  readonly closed: boolean;
  /** Of a log: counts as somebody who is present. */
  isPresent?: boolean;
  /** Whether there is more for the peer than it took. */
  readonly isBehind: boolean;
  /** Goes on where the peer did not take more, or the broker was away. Harmless at any time. */
  catchUp(): void;
  /** From now on nothing is put on the connection, until `release`. */
  hold(): void;
  release(): void;
  close(): void;
}
