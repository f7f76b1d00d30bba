// What the core needs from the world: a clock, connections, a log, random words. It opens nothing itself, so any moment
// can be replayed by handing it other ones.

/** Time and turns. */
export interface Clock {
  /** Milliseconds since 1970. */
  nowMs(): number;
  /** Runs `task` once all that is already waiting to run in this turn of the event loop has run. */
  endOfTurn(task: () => void): void;
  /** Runs `task` after `delayMs`. The result cancels it. Must not keep a process alive. */
  after(delayMs: number, task: () => void): () => void;
}

/** Text for many connections at once. The transport keeps its own wrapping of it (frame header, compressed form) in `wire`. */
export interface SharedText {
  readonly text: string;
  /** Size of `text` in UTF-8. */
  readonly bytes: number;
  wire: unknown;
}

/**
 * One open connection, as a transport gives it to the core. Everything handed over in one turn may leave in one write.
 * No method throws, also not after the end.
 */
export interface Connection {
  /** One message for this peer alone. */
  send(text: string): void;
  /** One message that other connections get too. */
  sendShared(shared: SharedText): void;
  /** Bytes handed over that the operating system has not taken yet. */
  readonly bufferedBytes: number;
  /** Bytes that the operating system has taken since the connection opened: grows while the peer drains. */
  readonly takenBytes: number;
  /** Stops reading; messages that were received already wait too. */
  pause(): void;
  resume(): void;
  /** Sends what is buffered, then starts the closing handshake; the transport aborts if it takes too long. */
  close(code: number, reason: string): void;
}

/** Where the core reports what an operator should know. Shaped like pino's methods. */
export interface Log {
  warn(details: object, message: string): void;
  error(details: object, message: string): void;
}
