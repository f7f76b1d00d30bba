// What stands beside a log, as its definition says: who is present, who has read up to where, signals. The options, what clients are
// promised of them, and what server code can do with them.

import type { StandardSchemaV1 } from '@standard-schema/spec';
import type { JsonOnly, JsonValue, LogContract, Offset } from '@trunkline/protocol';

/** Whether who is subscribed can be seen by those whom `authorize` lets (`presence`). */
export type PresenceOption =
  | boolean
  | {
      /** Who leaves is gone for the others after so many milliseconds; a reconnect within them shows nothing. Default 5_000. */
      readonly graceMs: number;
    };

/** Whether users may mark how far they have read, and for how long others see that. */
export type MarkersOption =
  | boolean
  | {
      /**
       * Days for which others see a mark after it moved last. Default: `retain.days`, as by then all that it covers is gone; 365 where there is none. Whose mark
       * has expired still follows the log, and is counted for from where they were: with their next mark they are seen again.
       */
      readonly days?: number;
      /** Marks that are kept of one log: of one more, the one that moved longest ago goes, as if it had expired. Default 10_000. */
      readonly readers?: number;
    };

/** Schemas of signals, by name. */
export type SignalSchemas = Readonly<Record<string, StandardSchemaV1>>;

/** A schema whose values can be sent. */
type SignalSchema<S> = S extends StandardSchemaV1
  ? JsonOnly<StandardSchemaV1.InferInput<S>> & JsonOnly<StandardSchemaV1.InferOutput<S>>
  : unknown;

/** The options of a log for what stands beside it. */
export interface BesideOptions<P extends PresenceOption, M extends MarkersOption, G extends SignalSchemas> {
  /** Who is subscribed is present: a row for each user, however many tabs they have. Default: nobody is told. */
  readonly presence?: P;
  /** Users may mark how far they have read, and follow the log: then it counts what they have not read. Default: no. */
  readonly markers?: M;
  /**
   * What clients may tell those who listen now (`typing`, a pointer), by name of 1 to 64 characters: any Standard Schema whose input and output are
   * JSON values. Nothing is kept. Default: none.
   */
  readonly signals?: G & { readonly [K in keyof G]: G[K] & SignalSchema<G[K]> };
}

/** What of it clients are promised. */
export interface BesideContract<P extends PresenceOption, M extends MarkersOption, G extends SignalSchemas> {
  readonly presence: P extends false ? false : true;
  readonly markers: M extends false ? false : true;
  readonly signals: {
    readonly [K in keyof G]: {
      readonly input: StandardSchemaV1.InferInput<G[K]>;
      readonly output: StandardSchemaV1.InferOutput<G[K]>;
    };
  };
}

/** Somebody who is present. */
export interface PresentUser {
  /** As others may see them. */
  readonly user: JsonValue;
  /** When they came, in milliseconds since 1970. */
  readonly since: number;
}

/** Of a log with `presence`. */
export interface PresenceServer {
  /** Who is present on this server: at most 1,000, who came first being first, and how many in all. */
  presence(): { readonly people: readonly PresentUser[]; readonly count: number };
}

/** Of a log with `markers`. */
export interface MarkersServer {
  /**
   * The user has read up to there: only forward, a lower offset changes nothing. From the first mark on the user follows the log.
   * @throws TrunklineError `conflict` (beyond the head), `too_large` (the user's id or the stream's name makes no key, or too much is followed),
   * `unavailable`.
   */
  mark(userId: string, offset: Offset): Promise<void>;
}

/** Of a log with `signals`. */
export interface SignalsServer<Signals extends NonNullable<LogContract['signals']>> {
  /**
   * Tells those who listen now, as the server itself, in the form that the schema makes.
   * @throws TrunklineError `invalid` (no such signal, no JSON value), `too_large` (over `maxSignalBytes`).
   */
  signal<Name extends keyof Signals & string>(name: Name, data: Signals[Name]['output']): void;
}

/** What server code can do besides publishing. */
export type BesideServer<C extends LogContract> = (C['presence'] extends true ? PresenceServer : unknown) &
  (C['markers'] extends true ? MarkersServer : unknown) &
  (C['signals'] extends infer Signals extends NonNullable<LogContract['signals']>
    ? keyof Signals extends never
      ? unknown
      : SignalsServer<Signals>
    : unknown);
