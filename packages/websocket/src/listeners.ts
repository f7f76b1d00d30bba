/**
 * Listening to one socket instead of, or beside, the handler that all sockets share. The first listener puts this object
 * in the place of the socket's handler, which it goes on calling; a socket without listeners knows nothing of it.
 */
import type { WebSocketError } from './errors.js';
import type { WebSocketHandler } from './handler.js';
import type { NodeSocket } from './node-socket.js';
import type { HandshakeInfo } from './server-handshake.js';

/** What listeners are called with, by event: what the methods of `WebSocketHandler` get behind the socket. */
export interface SocketEvents {
  open: [handshake: HandshakeInfo];
  message: [data: string | Uint8Array];
  ping: [payload: Uint8Array];
  pong: [payload: Uint8Array];
  drain: [];
  error: [error: WebSocketError];
  close: [code: number, reason: string, wasClean: boolean];
}

/** A listener of `NodeSocket.on`. */
export type SocketListener<Type extends keyof SocketEvents> = (...args: SocketEvents[Type]) => void;

type ListenerSets = { [Type in keyof SocketEvents]: Set<SocketListener<Type>> };

export class Listeners<Data> implements WebSocketHandler<Data> {
  readonly #sets: ListenerSets = {
    open: new Set(),
    message: new Set(),
    ping: new Set(),
    pong: new Set(),
    drain: new Set(),
    error: new Set(),
    close: new Set(),
  };

  constructor(readonly original: WebSocketHandler<Data>) {}

  /** @returns removes the listener. */
  on<Type extends keyof SocketEvents>(type: Type, listener: SocketListener<Type>): () => void {
    const listeners: Set<SocketListener<Type>> = this.#sets[type];
    // A function of its own, so that the same listener may be added twice.
    const added: SocketListener<Type> = (...args) => listener(...args);
    listeners.add(added);
    return () => void listeners.delete(added);
  }

  open(socket: NodeSocket<Data>, handshake: HandshakeInfo): void {
    this.original.open?.(socket, handshake);
    for (const listener of this.#sets.open) listener(handshake);
  }

  message(socket: NodeSocket<Data>, data: string | Uint8Array): void {
    this.original.message?.(socket, data);
    for (const listener of this.#sets.message) listener(data);
  }

  ping(socket: NodeSocket<Data>, payload: Uint8Array): void {
    this.original.ping?.(socket, payload);
    for (const listener of this.#sets.ping) listener(payload);
  }

  pong(socket: NodeSocket<Data>, payload: Uint8Array): void {
    this.original.pong?.(socket, payload);
    for (const listener of this.#sets.pong) listener(payload);
  }

  drain(socket: NodeSocket<Data>): void {
    this.original.drain?.(socket);
    for (const listener of this.#sets.drain) listener();
  }

  /** While nobody listens, what a handler threw is an uncaught exception. */
  get hearsErrors(): boolean {
    return this.original.error !== undefined || this.#sets.error.size > 0;
  }

  error(socket: NodeSocket<Data>, error: WebSocketError): void {
    this.original.error?.(socket, error);
    for (const listener of this.#sets.error) listener(error);
  }

  close(socket: NodeSocket<Data>, code: number, reason: string, wasClean: boolean): void {
    this.original.close?.(socket, code, reason, wasClean);
    for (const listener of this.#sets.close) listener(code, reason, wasClean);
  }
}
