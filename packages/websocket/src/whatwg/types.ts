/**
 * The standard `WebSocket` as types. Interfaces, not the class itself: its private fields would make it differ from
 * lib.dom's, which it can stand in for. `Event`, `MessageEvent` and `Blob` are those of the program, Node's or the DOM's.
 */
import type { ConnectOptions } from '../client.js';
import type { WebSocketError } from '../errors.js';
import type { Limits } from '../limits.js';

/** What a message can be: text; binary as `binaryType` says. */
export type WebSocketData = string | Blob | ArrayBuffer;

/** A message event whose `data` is known. (Not `MessageEvent<…>`: Node's type takes no argument.) */
export interface WebSocketMessageEvent extends MessageEvent {
  readonly data: WebSocketData;
}

/** A close event by its fields, so that lib.dom's fits too. */
export interface CloseEventFields extends Event {
  readonly wasClean: boolean;
  readonly code: number;
  readonly reason: string;
}

/** The events of a `WebSocket`, by type. */
export interface WebSocketEvents {
  open: Event;
  message: WebSocketMessageEvent;
  error: Event;
  close: CloseEventFields;
}

/** What `onopen` and its kin hold. */
export type EventHandler<E> = ((this: WebSocket, event: E) => unknown) | null;

type AnyListener = Parameters<EventTarget['addEventListener']>[1];
type AddOptions = Parameters<EventTarget['addEventListener']>[2];
type RemoveOptions = Parameters<EventTarget['removeEventListener']>[2];

/** An `EventTarget` that knows the events of a WebSocket. */
export interface WebSocketTarget extends EventTarget {
  addEventListener<K extends keyof WebSocketEvents>(
    type: K,
    listener: (this: WebSocket, event: WebSocketEvents[K]) => unknown,
    options?: AddOptions,
  ): void;
  addEventListener(type: string, listener: AnyListener, options?: AddOptions): void;
  removeEventListener<K extends keyof WebSocketEvents>(
    type: K,
    listener: (this: WebSocket, event: WebSocketEvents[K]) => unknown,
    options?: RemoveOptions,
  ): void;
  removeEventListener(type: string, listener: AnyListener, options?: RemoveOptions): void;
}

/** What `send` takes. A view's bytes are copied at once, a `Blob` is read in its turn. */
export type Sendable = string | ArrayBuffer | ArrayBufferView<ArrayBuffer> | Blob;

interface Constants {
  readonly CONNECTING: 0;
  readonly OPEN: 1;
  readonly CLOSING: 2;
  readonly CLOSED: 3;
}

export interface WebSocket extends WebSocketTarget, Constants {
  /** Serialised, `ws:` or `wss:`. */
  readonly url: string;
  /** The subprotocol that the server chose; empty before `open`, and for none. */
  readonly protocol: string;
  /** `Sec-WebSocket-Extensions` of the server's answer; empty before `open`, and for none. */
  readonly extensions: string;
  readonly readyState: 0 | 1 | 2 | 3;
  /**
   * Bytes given to `send` that the operating system has not taken: payload only, text as UTF-8. It does not shrink within
   * a task, and keeps what was never sent when the connection closes.
   */
  readonly bufferedAmount: number;
  /** How binary messages come. Default `blob`. Other values are ignored. */
  binaryType: 'blob' | 'arraybuffer';
  onopen: EventHandler<Event>;
  onmessage: EventHandler<WebSocketMessageEvent>;
  /** The connection failed. The event says nothing about why, as in a browser: see `WebSocketOptions.failed`. */
  onerror: EventHandler<Event>;
  onclose: EventHandler<CloseEventFields>;
  /**
   * Queues a message. Once closing or closed nothing is sent, and `bufferedAmount` grows all the same.
   * @throws DOMException `InvalidStateError` while connecting.
   */
  send(data: Sendable): void;
  /**
   * Starts the closing handshake, behind what was sent before; while connecting, gives up.
   * @param code 1000 or 3000–4999; without it, and without a reason, the close frame is empty.
   * @param reason at most 123 bytes of UTF-8.
   * @throws DOMException `InvalidAccessError` for another code, `SyntaxError` for a longer reason.
   */
  close(code?: number, reason?: string): void;
}

/** What only programs outside browsers have: a third argument of the constructor. */
export interface WebSocketOptions {
  /** More request header fields, such as `Authorization`, `Cookie` or `Origin`. */
  readonly headers?: Readonly<Record<string, string>>;
  /** Offer to compress messages, as for `connect`. Default false. */
  readonly compression?: NonNullable<ConnectOptions['compression']>;
  /** Certificates and the like for `wss:`. */
  readonly tls?: NonNullable<ConnectOptions['tls']>;
  /**
   * The engine's limits. Defaults as there, but for `maxMessageBytes` and `maxBufferedBytes`: 67_108_864 each, as the
   * standard has no backpressure. More waiting than that closes the connection.
   */
  readonly limits?: Partial<Limits>;
  /** Told why the connection failed, before the `error` event. The events themselves do not say (WHATWG: it must not show). */
  failed?(error: WebSocketError): void;
}

/** The `WebSocket` class of browsers, as a constructor. */
export interface WebSocketConstructor extends Constants {
  readonly prototype: WebSocket;
  /**
   * Connects.
   * @param url `ws:`, `wss:`, `http:` or `https:`, without a fragment. Credentials in it become `Authorization: Basic`.
   * @param protocols subprotocols, most wanted first. If any are given the server must choose one of them.
   * @throws DOMException `SyntaxError` for a URL or subprotocol that can never work.
   * @throws MisuseError for options that can never work.
   */
  new (url: string | URL, protocols?: string | readonly string[], options?: WebSocketOptions): WebSocket;
}
