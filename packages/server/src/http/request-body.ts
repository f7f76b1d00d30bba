// Reading a request's JSON within a size and a time, and answering one whose body nobody will read to its end.

import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Clock } from '@trunkline/core';
import { type Answer, send, writeAnswer } from './answer.js';
import { badRequest, HttpError } from './http-error.js';

export interface BodyLimits {
  readonly maxBytes: number;
  /** From the call on until the last byte. */
  readonly timeoutMs: number;
}

/** What a peer may go on sending that was told its body is too large, in milliseconds: closing at once would cost it the answer. */
const LINGER_MS = 1_000;
const CLOSE = { connection: 'close' };

/**
 * The value.
 * @param types media types that are meant
 * Rejects with HttpError 400, 408, 413, 415, or 500 if somebody has read it already.
 */
export async function readJson(
  request: IncomingMessage,
  types: readonly string[],
  limits: BodyLimits,
  clock: Clock,
): Promise<unknown> {
  checkType(request, types);
  const bytes = await readBytes(request, limits, clock);
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch {
    throw badRequest(bytes.length === 0 ? 'the request has no body: send JSON' : 'the body is not JSON in UTF-8');
  }
}

function checkType({ headers }: IncomingMessage, types: readonly string[]): void {
  const [type = '', ...parameters] = (headers['content-type'] ?? '').toLowerCase().split(';');
  const isMeant = types.includes(type.trim());
  const isUtf8 = parameters.every((one) => !one.includes('charset') || /charset="?utf-?8"?\s*$/.test(one));
  const isPlain = (headers['content-encoding'] ?? 'identity') === 'identity';
  if (isMeant && isUtf8 && isPlain) return;
  throw new HttpError(415, 'invalid', `send ${types.join(' or ')} in UTF-8, not compressed`, {
    'accept-post': types.join(', '),
  });
}

function readBytes(request: IncomingMessage, { maxBytes, timeoutMs }: BodyLimits, clock: Clock): Promise<Buffer> {
  const tooLarge = () => new HttpError(413, 'too_large', `a body may have ${maxBytes} bytes`, CLOSE);
  if (Number(request.headers['content-length'] ?? 0) > maxBytes) return Promise.reject(tooLarge());
  if (request.readableEnded) {
    const message = 'the body was read before the API got the request: give it to trunk.http before any body parser';
    return Promise.reject(new HttpError(500, 'internal', message));
  }
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let bytes = 0;
    const end = (settle: () => void) => {
      cancel();
      request.off('data', take).off('end', finish).off('close', gone);
      settle();
    };
    const take = (chunk: Buffer) => {
      bytes += chunk.length;
      if (bytes > maxBytes) end(() => reject(tooLarge()));
      else chunks.push(chunk);
    };
    const finish = () => end(() => resolve(Buffer.concat(chunks)));
    // Nobody is left to be told.
    const gone = () => end(() => reject(badRequest('the request ended early')));
    const cancel = clock.after(timeoutMs, () =>
      end(() => reject(new HttpError(408, 'invalid', 'the body took too long', CLOSE, { retry: true }))),
    );
    request.on('data', take).on('end', finish).on('close', gone);
  });
}

/** Sends the answer. Where it is for a body that was too large, what still comes of that is thrown away for a moment. */
export function sendLingering(request: IncomingMessage, response: ServerResponse, answer: Answer, clock: Clock): void {
  if (answer.status !== 413 || request.complete || response.destroyed) {
    send(response, answer);
    return;
  }
  const { status, body = '', headers = {} } = answer;
  writeAnswer(response, status, body, headers);
  response.write(body);
  const close = () => {
    cancel();
    response.end();
  };
  const cancel = clock.after(LINGER_MS, close);
  request.once('end', close).once('close', close).resume();
}
