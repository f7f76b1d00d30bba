// The messages about what stands beside a log: signals.

import type { JsonValue } from './json.js';

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
