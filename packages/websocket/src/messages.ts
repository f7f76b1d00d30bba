/**
 * `for await (const message of socket)`: messages wait for the loop, and a loop that falls behind holds the peer back
 * by TCP. Made when a loop begins.
 */
import type { WebSocketError } from './errors.js';
import type { NodeSocket } from './node-socket.js';

type Message = string | Uint8Array;
type Source = Pick<NodeSocket<unknown>, 'readyState' | 'on' | 'pause' | 'resume'>;

/** With so much waiting for the loop, reading pauses until it has caught up. */
const WAITING_MAX = 64;
const WAITING_CHARS_MAX = 65_536;

export class MessageIterator implements AsyncIterableIterator<Message, undefined> {
  readonly #socket: Source;
  readonly #stopListening: (() => void)[];
  #waiting: Message[] = [];
  /** How many of `#waiting` were taken. */
  #taken = 0;
  #waitingChars = 0;
  #hasPaused = false;
  #calls: { resolve(result: IteratorResult<Message, undefined>): void; reject(error: unknown): void }[] = [];
  #isOver = false;
  #error: WebSocketError | null = null;

  constructor(socket: Source) {
    this.#socket = socket;
    this.#isOver = socket.readyState === 'closed';
    this.#stopListening = [
      socket.on('message', (data) => this.#add(data)),
      socket.on('error', (error) => {
        this.#error = error;
      }),
      socket.on('close', () => this.#end()),
    ];
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  next(): Promise<IteratorResult<Message, undefined>> {
    const message = this.#waiting[this.#taken];
    if (message !== undefined) {
      this.#take(message);
      return Promise.resolve({ value: message, done: false });
    }
    if (!this.#isOver) return new Promise((resolve, reject) => this.#calls.push({ resolve, reject }));
    const error = this.#error;
    this.#error = null;
    return error === null ? Promise.resolve({ value: undefined, done: true }) : Promise.reject(error);
  }

  /** The loop was left: the socket goes on without it. */
  return(): Promise<IteratorResult<Message, undefined>> {
    this.#waiting = [];
    this.#error = null;
    this.#end();
    this.#resume();
    return Promise.resolve({ value: undefined, done: true });
  }

  #add(message: Message): void {
    const call = this.#calls.shift();
    if (call !== undefined) {
      call.resolve({ value: message, done: false });
      return;
    }
    this.#waiting.push(message);
    this.#waitingChars += message.length;
    const isFull = this.#waiting.length - this.#taken >= WAITING_MAX || this.#waitingChars >= WAITING_CHARS_MAX;
    if (!isFull || this.#hasPaused) return;
    this.#hasPaused = true;
    this.#socket.pause();
  }

  #take(message: Message): void {
    this.#taken++;
    this.#waitingChars -= message.length;
    if (this.#taken < this.#waiting.length) return;
    this.#waiting = [];
    this.#taken = 0;
    this.#resume();
  }

  #resume(): void {
    if (!this.#hasPaused) return;
    this.#hasPaused = false;
    this.#socket.resume();
  }

  #end(): void {
    this.#isOver = true;
    for (const stop of this.#stopListening) stop();
    const calls = this.#calls;
    this.#calls = [];
    for (const [index, call] of calls.entries()) {
      if (index === 0 && this.#error !== null) call.reject(this.#error);
      else call.resolve({ value: undefined, done: true });
    }
    if (calls.length > 0) this.#error = null;
  }
}
