// Requests that await an answer, and what is to be written. Both die with their socket.

import {
  type Ended,
  type ErrorMessage,
  type Limits,
  type Ok,
  type ServerPong,
  TrunklineError,
} from '@trunkline/protocol';

export type Reply = Ok | ErrorMessage | ServerPong;
export type Answer = (reply: Reply) => void;

export interface Requests {
  /** Adds a request under an id of its own. `body` is the message's text from its type on: `"type":"ping"`. */
  add(body: string, answer: Answer): void;
  write(line: string): void;
  /** Whether a request had that id: its answer has been obeyed, and cannot come twice. */
  settle(reply: Reply): boolean;
  /** What was written, as messages within the limits. */
  take(limits: Limits): readonly string[];
  /** The socket is gone: nobody will be answered. */
  clear(): void;
}

export function createRequests(): Requests {
  let lastId = 0;
  let lines: string[] = [];
  const answers = new Map<number | undefined, Answer>();
  return {
    add(body, answer) {
      lastId += 1;
      answers.set(lastId, answer);
      lines.push(`{"id":${lastId},${body}}`);
    },
    write(line) {
      lines.push(line);
    },
    settle(reply) {
      const answer = answers.get(reply.id);
      answers.delete(reply.id);
      answer?.(reply);
      return answer !== undefined;
    },
    take({ maxMessageBytes, maxObjectsPerMessage }) {
      const messages: string[][] = [];
      let message: string[] = [];
      let bytes = 0;
      for (const line of lines) {
        bytes += bytesOf(line) + 1;
        if (messages.length === 0 || bytes > maxMessageBytes || message.length >= maxObjectsPerMessage) {
          bytes = bytesOf(line) + 1;
          message = [];
          messages.push(message);
        }
        message.push(line);
      }
      lines = [];
      return messages.map((texts) => texts.join('\n'));
    },
    clear() {
      answers.clear();
      lines = [];
    },
  };
}

const encoder = new TextEncoder();

/** Bytes of `text` in UTF-8. */
export const bytesOf = (text: string): number => encoder.encode(text).length;

/** What the application gets for an `error`. */
export const errorOf = (message: ErrorMessage | Ended): TrunklineError =>
  new TrunklineError(message.code, message.message, message);
