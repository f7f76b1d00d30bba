// Branded words and the one place that turns a channel's key and parameters into the name of a stream on the wire.

declare const brand: unique symbol;
type Brand<T, Name extends string> = T & { readonly [brand]: Name };

/** How many changes a stream had after this one: 1, 2, 3 … within an epoch; 0 is "before the first". A safe integer. */
export type Offset = number;
/** Identity of the history that offsets belong to: a random word, new whenever history was lost, rewound or recreated. */
export type Epoch = string;
/** Name of a stream on the wire: a channel's key and its parameters, each percent-encoded, joined by `/`: `chat/lobby`. */
export type StreamName = Brand<string, 'StreamName'>;

/** A place in a stream's history. `epoch` is `null`, and `offset` 0, for a stream that was never written. */
export interface Position {
  readonly epoch: Epoch | null;
  readonly offset: Offset;
}

/** Longest stream name, in bytes (a name is ASCII: each parameter is percent-encoded). */
export const MAX_STREAM_NAME_BYTES = 512;

/** A name that does not follow the grammar of stream names. */
export class BadNameError extends Error {
  readonly code = 'invalid';
  override readonly name = 'BadNameError';
}

// encodeURIComponent leaves !'()*~ alone and encodes all else outside [A-Za-z0-9_.-]; lone surrogates make it throw.
const SEGMENT = /^(?:[A-Za-z0-9_.!~*'()-]|%[0-9A-F]{2})+$/;

/**
 * `streamName('chat', ['lobby'])` → `chat/lobby`. Parameters may hold any text but lone surrogates; none may be empty.
 * @throws BadNameError when a parameter is empty, is not text, or the name exceeds 512 bytes.
 */
export function streamName(key: string, params: readonly string[]): StreamName {
  let name = encodeSegment(key);
  for (const param of params) name += `/${encodeSegment(param)}`;
  if (name.length > MAX_STREAM_NAME_BYTES) {
    throw new BadNameError(`the stream name has ${name.length} bytes, at most ${MAX_STREAM_NAME_BYTES} are allowed`);
  }
  return name as StreamName;
}

function encodeSegment(text: string): string {
  if (typeof text !== 'string' || text === '') throw new BadNameError('a channel parameter must be a non-empty string');
  try {
    return encodeURIComponent(text);
  } catch {
    throw new BadNameError('a channel parameter holds half of a surrogate pair');
  }
}

/** The key and parameters that a stream name was made of, or `null` if the text is not one in canonical form. */
export function parseStreamName(name: string): { readonly key: string; readonly params: readonly string[] } | null {
  if (name.length > MAX_STREAM_NAME_BYTES) return null;
  const parts: string[] = [];
  for (const segment of name.split('/')) {
    if (!SEGMENT.test(segment)) return null;
    try {
      const part = decodeURIComponent(segment);
      // One stream, one name: a second spelling of the same parameters would be a second stream beside it.
      if (encodeURIComponent(part) !== segment) return null;
      parts.push(part);
    } catch {
      return null;
    }
  }
  const [key, ...params] = parts;
  return key === undefined ? null : { key, params };
}
