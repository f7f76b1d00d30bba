// Requests that await an answer, and what is to be written. Both die with their socket.

import {
  type Amend,
  type Call,
  type Change,
  type ClientPing,
  type Ended,
  type ErrorMessage,
  type Follow,
  type Limits,
  type Mark,
  type Ok,
  type Progress,
  type Publish,
  type Read,
  type Refresh,
  type Search,
  type ServerPong,
  type Subscribe,
  TrunklineError,
  type Tune,
  type Unfollow,
  type Unsubscribe,
} from '@trunkline/protocol';

/** What comes under the id of a request: its answer, and before that of a call the progress. */
export type Reply = Ok | ErrorMessage | ServerPong | Progress;
/** A request without its id; of a write or call without its content. */
export type Question = Unnumbered<
  | Subscribe
  | Tune
  | Unsubscribe
  | Read
  | Search
  | Refresh
  | Mark
  | Follow
  | Unfollow
  | ClientPing
  | Omit<Call, 'data'>
  | Pick<Publish | Amend | Change, 'type' | 'id' | 'stream' | 'producer' | 'seq'>
>;
/** JSON leaves out what is undefined. */
export type Unnumbered<M> = M extends unknown ? Omit<{ [Key in keyof M]: M[Key] | undefined }, 'id'> : never;
export type Answer = (reply: Reply) => void;

export interface Requests {
  /** Adds a request under an id of its own, which it gives. `content`: further members of the object, as text already. */
  add(fields: Question, answer: Answer, content?: string): number;
  write(line: string): void;
  hasLines(): boolean;
  /** Whether a request had that id: its answer has been obeyed, and cannot come twice. */
  settle(reply: Reply): boolean;
  /** What was written, as messages within the limits. */
  take(limits: Limits): readonly string[];
  /** The socket is gone: nobody will be answered. */
  clear(): void;
}

/** Of the first message of several: subscribes of a few hundred streams. */
const LIGHT_BYTES = 16_384;

export function createRequests(): Requests {
  let lastId = 0;
  let lines: string[] = [];
  const answers = new Map<number | undefined, Answer>();
  return {
    add(fields, answer, content) {
      lastId += 1;
      answers.set(lastId, answer);
      const line = JSON.stringify({ id: lastId, ...fields });
      lines.push(content ? `${line.slice(0, -1)},${content}}` : line);
      return lastId;
    },
    write(line) {
      lines.push(line);
    },
    hasLines: () => lines.length > 0,
    settle(reply) {
      const answer = answers.get(reply.id);
      if (reply.type !== 'progress') answers.delete(reply.id);
      answer?.(reply);
      return answer !== undefined;
    },
    take({ maxMessageBytes, maxObjectsPerMessage }) {
      const messages: string[][] = [];
      let message: string[] = [];
      let bytes = 0;
      for (const line of lines) {
        bytes += bytesOf(line) + 1;
        // The first one is light: on a slow link a `hello` that shares its message with what waits here comes too late.
        const most = messages[1] ? maxMessageBytes : Math.min(maxMessageBytes, LIGHT_BYTES);
        if (messages.length === 0 || bytes > most || message.length >= maxObjectsPerMessage) {
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
