// Answers over HTTP, and the tags by which a reader asks whether there is something new.

import type { ServerResponse } from 'node:http';

export interface Answer {
  readonly status: number;
  /** JSON text; absent where there is nothing to say. */
  readonly body?: string;
  readonly headers?: Readonly<Record<string, string>>;
}

/** Kept by nobody but the reader, who asks each time whether it still holds. */
const REVALIDATED = 'private, no-cache';

export function json(value: unknown): string {
  return `${JSON.stringify(value)}\n`;
}

/** What was done. */
export function done(status: number, value: unknown, etag?: string): Answer {
  const headers = { 'cache-control': 'no-store', ...(etag === undefined ? {} : { etag }) };
  return { status, body: json(value), headers };
}

/** What was read: 304 if the reader has it already. @param ifNoneMatch the header of that name */
export function tagged(etag: string, body: string, ifNoneMatch: string | undefined): Answer {
  const headers = { etag, 'cache-control': REVALIDATED };
  // Compared weakly (RFC 9110 §13.1.2): a proxy that compresses makes weak tags of ours.
  const has = tagsOf(ifNoneMatch).some((tag) => tag === '*' || tag.replace(/^W\//, '') === etag);
  return has ? { status: 304, headers } : { status: 200, body: `${body}\n`, headers };
}

/** The tags of an `If-Match` or `If-None-Match`. Ours hold neither a comma nor a quote. */
export function tagsOf(header: string | undefined): readonly string[] {
  return (header ?? '')
    .split(',')
    .map((tag) => tag.trim())
    .filter((tag) => tag !== '');
}

/** Harmless when the peer is gone. */
export function send(response: ServerResponse, { status, body, headers = {} }: Answer): void {
  writeAnswer(response, status, body, headers);
  response.end(body);
}

/** The head of an answer. Node leaves the body out where the request was `HEAD`. */
export function writeAnswer(
  response: ServerResponse,
  status: number,
  body: string | undefined,
  headers: Readonly<Record<string, string>>,
): void {
  response.writeHead(status, {
    'x-content-type-options': 'nosniff',
    ...(body === undefined
      ? {}
      : { 'content-type': 'application/json; charset=utf-8', 'content-length': Buffer.byteLength(body) }),
    ...headers,
  });
}
