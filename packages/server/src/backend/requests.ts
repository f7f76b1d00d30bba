// What a back end is asked and told, as it stands in a request's body.

import type { JsonValue, StreamName } from '@trunkline/protocol';

/** The three, by their type. */
export const REQUEST_TYPES = ['authorize', 'publish.before', 'publish.after'] as const;
/** What a back end is asked, and told. */
export type RequestType = (typeof REQUEST_TYPES)[number];

/** A user. */
export interface ToldUser {
  /** `null` where the log does not say it: a publish over HTTP without an `Idempotency-Key`. */
  readonly id: string | null;
  /** As others see the user: what `publicUser` gave. */
  readonly public: JsonValue;
}

/** Which stream. */
export interface ToldStream {
  /** The channel's name in the app: `chat`. */
  readonly channel: string;
  /** The stream's name on the wire: `chat/lobby`. */
  readonly stream: StreamName;
  readonly params: { readonly [name: string]: string };
}

/** May the user do that? Answer `{"allow": true}` or `{"allow": false}`. */
export interface AuthorizeRequest extends ToldStream {
  readonly user: ToldUser;
  /** `subscribe`, `read`, `publish`, `amend`, `change` … */
  readonly action: string;
  /** Of `amend`: what, and the entry as it is. Check `isOwn`, unless anybody may change what others wrote. */
  readonly amendment?: 'edit' | 'delete' | 'react';
  readonly entry?: {
    readonly offset: number;
    readonly at: number;
    readonly user: JsonValue;
    readonly isOwn: boolean;
    readonly data: JsonValue;
  };
}

/**
 * An entry that is about to be stored. Answer `{"accept": true}`, the same with an `entry` that is to be stored instead, or
 * `{"accept": false, "code": "rude", "message": "Please be kind"}`.
 */
export interface BeforeRequest extends ToldStream {
  readonly user: ToldUser;
  /** The same over retries, and in what is told after it was stored. */
  readonly producer: string;
  readonly seq: number;
  /** As it was validated, and as an `onPublish` in process made it. */
  readonly entry: JsonValue;
  /** Of an edit: the entry as it was. */
  readonly edits?: { readonly offset: number; readonly at: number; readonly data: JsonValue };
}

/** What can change of an entry, as it is now. What is absent is not there. */
export interface ToldState {
  /** `null` once it is deleted. */
  readonly entry: JsonValue;
  /** In milliseconds since 1970. */
  readonly editedAt?: number;
  readonly deletedAt?: number;
  /** Who reacted how: ids by emoji. */
  readonly reactions?: { readonly [reaction: string]: readonly string[] };
}

/** An entry that was stored, or amended since. Any answer of 200 to 299 will do. */
export interface AfterRequest extends ToldStream, ToldState {
  /** `amend`: an entry that was told of, the one at `amends`, is like this now. */
  readonly kind: 'publish' | 'amend';
  /** Of `amend`: offset of the entry. */
  readonly amends?: number;
  /** Names the history that offsets belong to. */
  readonly epoch: string;
  readonly offset: number;
  /** Server time, in milliseconds since 1970. */
  readonly at: number;
  /** `null`: the server itself, or a back end with an API key. */
  readonly user: ToldUser | null;
  /** Of the publish; `null` where the log does not say it. */
  readonly producer: string | null;
  readonly seq: number | null;
}

interface Shaped<Type extends RequestType, Data> {
  readonly type: Type;
  /** When it happened: ISO 8601. */
  readonly timestamp: string;
  readonly data: Data;
}

/** A request's body. */
export type BackendRequest =
  | Shaped<'authorize', AuthorizeRequest>
  | Shaped<'publish.before', BeforeRequest>
  | Shaped<'publish.after', AfterRequest>;
