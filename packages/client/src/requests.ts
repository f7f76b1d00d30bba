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

export class Requests {
  #nextId = 1;
  readonly #answers = new Map<number, Answer>();
  #lines: string[] = [];

  /** Adds a request under an id of its own. `body` is the message's text from its type on: `"type":"ping"`. */
  add(body: string, answer: Answer): void {
    const id = this.#nextId++;
    this.#answers.set(id, answer);
    this.write(`{"id":${id},${body}}`);
  }

  write(line: string): void {
    this.#lines.push(line);
  }

  /** Whether a request had that id: its answer has been obeyed, and cannot come twice. */
  settle(reply: Reply): boolean {
    const answer = reply.id === undefined ? undefined : this.#answers.get(reply.id);
    if (answer === undefined || reply.id === undefined) return false;
    this.#answers.delete(reply.id);
    answer(reply);
    return true;
  }

  /** What was written, as messages within the limits. */
  take(limits: Limits): readonly string[] {
    const messages: string[] = [];
    let text = '';
    let bytes = 0;
    let objects = 0;
    for (const line of this.#lines) {
      const lineBytes = bytesOf(line) + 1;
      if (objects > 0 && (bytes + lineBytes > limits.maxMessageBytes || objects >= limits.maxObjectsPerMessage)) {
        messages.push(text);
        text = '';
        bytes = 0;
        objects = 0;
      }
      text += objects === 0 ? line : `\n${line}`;
      bytes += lineBytes;
      objects += 1;
    }
    if (objects > 0) messages.push(text);
    this.#lines = [];
    return messages;
  }

  /** The socket is gone: nobody will be answered. */
  clear(): void {
    this.#answers.clear();
    this.#lines = [];
  }
}

const encoder = new TextEncoder();

/** Bytes of `text` in UTF-8. */
export const bytesOf = (text: string): number => encoder.encode(text).length;

/** What the application gets for an `error`. */
export function errorOf(message: ErrorMessage | Ended): TrunklineError {
  return new TrunklineError(message.code, message.message, message);
}
