// Text of one WebSocket message ↔ the messages in it. Decoding never throws: what is malformed comes back as a problem
// with the sentence that the peer gets to read, beside the messages that were fine.

import type { ClientMessage } from './client-messages.js';
import type { ErrorCode } from './errors.js';
import type { RequestId } from './messages.js';
import type { ServerMessage } from './server-messages.js';
import { clientProblem, serverProblem } from './validate.js';

/** An object that is not a message: `id` if it had one, so that its sender learns which request failed. */
export interface Problem {
  readonly type: 'problem';
  readonly id?: RequestId;
  readonly code: ErrorCode;
  readonly message: string;
}

/**
 * The messages of one WebSocket message from a client, in order.
 * More than `maxObjects` lines give a single `too_large` problem: nothing of such a message is obeyed.
 */
export function decodeClient(text: string, maxObjects: number): readonly (ClientMessage | Problem)[] {
  return decode<ClientMessage>(text, maxObjects, clientProblem);
}

/** The messages of one WebSocket message from a server, in order. */
export function decodeServer(text: string): readonly (ServerMessage | Problem)[] {
  return decode<ServerMessage>(text, Number.POSITIVE_INFINITY, serverProblem);
}

function decode<M>(text: string, maxObjects: number, problemOf: (value: unknown) => string | null): (M | Problem)[] {
  // Mostly there is one line, and a list that grows takes room for seventeen.
  if (!text.includes('\n') && maxObjects > 0) return isBlank(text) ? [] : [decodeLine(text, problemOf)];
  const decoded: (M | Problem)[] = [];
  let objects = 0;
  for (let from = 0; from <= text.length; ) {
    const newline = text.indexOf('\n', from);
    const to = newline === -1 ? text.length : newline;
    const line = from === 0 && to === text.length ? text : text.slice(from, to);
    from = to + 1;
    if (isBlank(line)) continue;
    objects += 1;
    if (objects > maxObjects) {
      return [
        { type: 'problem', code: 'too_large', message: `more than ${maxObjects} objects in one message: send several` },
      ];
    }
    decoded.push(decodeLine(line, problemOf));
  }
  return decoded;
}

/** A trailing newline, or CRLF line ends, are no messages. */
function isBlank(line: string): boolean {
  return line === '' || line === '\r';
}

function decodeLine<M>(line: string, problemOf: (value: unknown) => string | null): M | Problem {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch {
    return { type: 'problem', code: 'invalid', message: 'not JSON: a message is one JSON object a line' };
  }
  const problem = problemOf(value);
  if (problem === null) return value as M;
  const id = (value as { id?: unknown } | null)?.id;
  return Number.isSafeInteger(id) && (id as number) > 0
    ? { type: 'problem', id: id as RequestId, code: 'invalid', message: problem }
    : { type: 'problem', code: 'invalid', message: problem };
}

/** One message as text. */
export function encode(message: ClientMessage | ServerMessage): string {
  return JSON.stringify(message);
}
