/** What a socket is besides its bytes: what the application keeps with it, who made it, and who listens to it. */
import type { SocketOwner, WebSocketHandler } from './handler.js';
import { Listeners, type SocketEvents, type SocketListener } from './listeners.js';
import { MessageIterator } from './messages.js';

export abstract class SocketState<Data> {
  /** The application's state of this connection. `undefined` until the application sets it, normally in `open`. */
  data: Data = undefined as Data;
  /** The subprotocol both sides agreed on, empty for none. */
  protocol = '';
  /** The extension both sides agreed on with its parameters, as on the wire; empty for none. */
  extensions = '';
  /** The peer's IP address, empty if the transport has none. */
  remoteAddress = '';
  /** @internal */
  handler: WebSocketHandler<Data>;
  /** @internal */
  readonly owner: SocketOwner;
  /** @internal Place in the owner's list, -1 for none. */
  index = -1;
  /** @internal */
  beatIndex = -1;

  /** @internal Made by `createWebSocketServer` and `connect`. */
  constructor(handler: WebSocketHandler<Data>, owner: SocketOwner) {
    this.handler = handler;
    this.owner = owner;
  }

  abstract get readyState(): 'connecting' | 'open' | 'closing' | 'closed';

  abstract pause(): void;

  abstract resume(): void;

  /**
   * Listens to this socket, beside its handler. Errors that a listener throws are those of a handler.
   * @returns stops listening.
   */
  on<Type extends keyof SocketEvents>(type: Type, listener: SocketListener<Type>): () => void {
    const { handler } = this;
    if (handler instanceof Listeners) return handler.on(type, listener);
    const listeners = new Listeners(handler);
    this.handler = listeners;
    return listeners.on(type, listener);
  }

  /**
   * The messages from now on, beside the handler. Begin in `open`, or right after `connect`. A loop that falls behind
   * pauses the socket. It ends with the connection, and throws the error that ended it, if it was one; leaving the loop
   * closes nothing.
   */
  [Symbol.asyncIterator](): AsyncIterableIterator<string | Uint8Array, undefined> {
    return new MessageIterator(this);
  }
}
