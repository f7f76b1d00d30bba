// What the messages of both directions have in common. `docs/PROTOCOL.md` explains each message with an example; `validate.ts` checks each
// field. One WebSocket message holds one or more of them as JSON objects separated by "\n". Unknown fields are ignored.

import type { JsonValue } from './json.js';
import type { Epoch, Offset } from './names.js';

/** What both sides may name in `features`; the message types of a feature are sent only then. */
export const FEATURES = {
  /** Flow control by the receiver (`seen`). */
  seen: 'seen',
  /** Moving to another connection before this one ends (`drain`). */
  drain: 'drain',
} as const;

/** The version that `hello` names, and the subprotocol that names version and encoding (also meant when none is named). */
export const PROTOCOL_VERSION = 1;
/** The WebSocket subprotocol of this version. */
export const SUBPROTOCOL = 'trunkline.v1.json';

/** The id by which an answer finds its request: a positive safe integer, unique among the connection's open requests. */
export type RequestId = number;

/** Where a client stands in a stream. `at` is the server time of the entry at `offset`: a second check on the epoch. */
export interface After {
  readonly epoch: Epoch;
  readonly offset: Offset;
  readonly at?: number;
}

/** What may be done to an entry. */
export type Amendment = 'edit' | 'delete' | 'react';
/** A row: a JSON object. Its fields are the unit of change. */
export type RowData = { readonly [field: string]: JsonValue };
