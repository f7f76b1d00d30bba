// What became of calls that must not run twice: begun, and what came of it. A port of its own, as it knows no stream.

import type { ProducerSeq } from './broker.js';

/** What is known of a call. `new`: nothing was, and now it is begun · `begun`: by an earlier `begin`, and never finished · `done`. */
export type CallState = { readonly state: 'new' } | KnownCall;
/** What is known of a call that was begun before. */
export type KnownCall = { readonly state: 'begun' } | { readonly state: 'done'; readonly result: string };

/** Remembers calls. What is said of `Broker` holds here too: errors, and that a promise resolves when it is stored. */
export interface Results {
  /**
   * Begins a call, unless it is known: of any number of `begin` with the same caller one alone is answered with `new`, also over
   * restarts of a durable broker. It is forgotten `ttlMs` milliseconds after it was begun, and, once it is finished, as long after that.
   * Of one that is `begun` only its caller can know whether it still runs.
   */
  begin(caller: ProducerSeq, ttlMs: number): Promise<CallState>;

  /** What `begin` would say, without beginning; `null` if it is not known. Sees every `begin` and `finish` that has resolved. */
  recall(caller: ProducerSeq): Promise<KnownCall | null>;

  /** Keeps what came of a call. The first result stays; of a call that is not known nothing is kept. @param result as `data` of an entry: text without NUL. */
  finish(caller: ProducerSeq, result: string): Promise<void>;
}
