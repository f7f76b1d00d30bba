// What the client needs from its surroundings: time, chance, sockets and news about the network. All are arguments, so
// that tests and simulations replay any moment, and so that Node and browsers differ in one file each.

/** How a WebSocket ended. */
export interface CloseInfo {
  /** Close code (RFC 6455 §7.4): the one in the peer's Close frame, or 1006 if there was none. */
  readonly code: number;
  /** The peer's reason, in words; may be empty. */
  readonly reason: string;
  /** Whether both Close frames were exchanged (RFC 6455 §7.1.4). */
  readonly wasClean: boolean;
}

/** What a socket tells. */
export interface SocketEvents {
  onOpen(): void;
  /** One WebSocket message; anything but text arrives as `null`. */
  onMessage(text: string | null): void;
  /** Exactly once, whether the socket ever opened or not. */
  onClose(info: CloseInfo): void;
}

/** A WebSocket, as much as the client needs of one. */
export interface Socket {
  /** Queues one text message. No event comes from within. */
  send(text: string): void;
  /** Starts the closing handshake; `onClose` tells its end. A second call does nothing. */
  close(code: number, reason: string): void;
}

/**
 * Opens a WebSocket. No event comes before it has returned.
 * @throws if the address can never work (malformed, or blocked by the page's policy): the line is then `refused`.
 */
export type OpenSocket = (url: string, protocol: string, events: SocketEvents) => Socket;

/** Time, as the client needs it. */
export interface Clock {
  /** Milliseconds since 1970. May jump, as a computer's clock does after sleep. */
  nowMs(): number;
  /** Runs `run` once after `delayMs`; the result cancels it. */
  after(delayMs: number, run: () => void): () => void;
}

/**
 * `online`, `offline`: the system says so. `hidden`: nobody can see the page. `wake`: it is shown again, so timers may have been
 * asleep.
 */
export type NetworkSignal = 'online' | 'offline' | 'hidden' | 'wake';

/** What the system knows of the network and of whether anybody looks. */
export interface Network {
  /** What the system believes. `false` does not stop the client from trying, as a loopback server stays reachable. */
  isOnline(): boolean;
  /** Reports signals until the result is called; at once if the page is `hidden` already. */
  listen(onSignal: (signal: NetworkSignal) => void): () => void;
}
