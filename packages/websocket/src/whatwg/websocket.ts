/**
 * The `WebSocket` class of browsers (WHATWG websockets) on our client. Node has it as a global only from version 22 on.
 *
 * Whatever comes from the network is a task of its own, in order: microtasks run between two messages, and `close` comes
 * after the last one. Redirects are not followed. Left out: blocked ports, and `isTrusted`, which no program can set.
 */
import { type ConnectOptions, connect } from '../client.js';
import { BreachError, TransportError, type WebSocketError } from '../errors.js';
import type { NodeSocket } from '../node-socket.js';
import { authorizationOf, payloadBytes, toCloseArguments, toMessage, toProtocols, toUrl } from './arguments.js';
import { BufferedAmount } from './buffered-amount.js';
import { CloseEvent } from './close-event.js';
import { HandlerAttributes } from './handler-attributes.js';
import { SendQueue } from './send-queue.js';
import type {
  CloseEventFields,
  EventHandler,
  Sendable,
  WebSocket as Standard,
  WebSocketConstructor,
  WebSocketMessageEvent,
  WebSocketOptions,
  WebSocketTarget,
} from './types.js';

const CONNECTING = 0;
const OPEN = 1;
const CLOSING = 2;
const CLOSED = 3;

/** The standard knows no backpressure, so programs written for it send and receive more at once than the engine's defaults admit. */
const DEFAULTS = { maxMessageBytes: 67_108_864, maxBufferedBytes: 67_108_864 };

/** As browsers send them: nothing is stored, nobody is told where the request comes from. */
const NO_STORE = { Pragma: 'no-cache', 'Cache-Control': 'no-cache' };

class StandardWebSocket extends (EventTarget as new () => WebSocketTarget) implements Standard {
  declare readonly CONNECTING: 0;
  declare readonly OPEN: 1;
  declare readonly CLOSING: 2;
  declare readonly CLOSED: 3;

  readonly #url: string;
  readonly #origin: string;
  readonly #protocols: readonly string[];
  readonly #failed: WebSocketOptions['failed'];
  readonly #handlers = new HandlerAttributes(this);
  readonly #buffered = new BufferedAmount();
  readonly #queue = new SendQueue({
    send: (message, bytes) => {
      this.#buffered.settle();
      if (this.#socket?.send(message) !== 'dropped') this.#buffered.onWire(bytes);
    },
    close: ({ code, reason }) => this.#socket?.close(code, reason),
    cannotRead: (cause) =>
      this.#fail(new TransportError('connection_lost', 'a blob that was sent could not be read', { cause })),
  });
  /** `null` if the connection cannot even be tried. */
  readonly #socket: NodeSocket | null;
  #readyState: 0 | 1 | 2 | 3 = CONNECTING;
  #protocol = '';
  #extensions = '';
  #binaryType: 'blob' | 'arraybuffer' = 'blob';
  /** Why the connection fails. */
  #failure: WebSocketError | null = null;

  constructor(url: string | URL, protocols?: string | readonly string[], options: WebSocketOptions = {}) {
    if (url === undefined) throw new TypeError('a WebSocket needs a URL');
    const target = toUrl(url);
    super();
    this.#url = target.href;
    this.#origin = target.origin;
    this.#protocols = toProtocols(protocols);
    this.#failed = options.failed;
    this.#socket = this.#connect(target, options);
  }

  get url(): string {
    return this.#url;
  }

  get readyState(): 0 | 1 | 2 | 3 {
    return this.#readyState;
  }

  get protocol(): string {
    return this.#protocol;
  }

  get extensions(): string {
    return this.#extensions;
  }

  get bufferedAmount(): number {
    return this.#buffered.bytes;
  }

  get binaryType(): 'blob' | 'arraybuffer' {
    return this.#binaryType;
  }

  set binaryType(type: 'blob' | 'arraybuffer') {
    if (type === 'blob' || type === 'arraybuffer') this.#binaryType = type;
  }

  get onopen(): EventHandler<Event> {
    return this.#handlers.get('open') as EventHandler<Event>;
  }

  set onopen(handler: EventHandler<Event>) {
    this.#handlers.set('open', handler);
  }

  get onmessage(): EventHandler<WebSocketMessageEvent> {
    return this.#handlers.get('message') as EventHandler<WebSocketMessageEvent>;
  }

  set onmessage(handler: EventHandler<WebSocketMessageEvent>) {
    this.#handlers.set('message', handler);
  }

  get onerror(): EventHandler<Event> {
    return this.#handlers.get('error') as EventHandler<Event>;
  }

  set onerror(handler: EventHandler<Event>) {
    this.#handlers.set('error', handler);
  }

  get onclose(): EventHandler<CloseEventFields> {
    return this.#handlers.get('close') as EventHandler<CloseEventFields>;
  }

  set onclose(handler: EventHandler<CloseEventFields>) {
    this.#handlers.set('close', handler);
  }

  send(data: Sendable): void {
    const message = toMessage(data);
    if (this.#readyState === CONNECTING) {
      throw new DOMException('the connection is not open yet: wait for the open event', 'InvalidStateError');
    }
    const bytes = payloadBytes(message);
    this.#buffered.settle();
    this.#buffered.add(bytes);
    if (this.#readyState === OPEN) this.#queue.send(message, bytes);
  }

  close(code?: number, reason?: string): void {
    const close = toCloseArguments(code, reason);
    if (this.#readyState === CONNECTING) {
      this.#readyState = CLOSING;
      this.#socket?.abort();
    } else if (this.#readyState === OPEN) {
      this.#readyState = CLOSING;
      this.#queue.close(close);
    }
  }

  #connect(url: URL, options: WebSocketOptions): NodeSocket | null {
    if (url.port === '0') {
      // The standard's network errors are events, also where none is needed to know.
      this.#failure = new TransportError('connect_failed', 'port 0 cannot be connected to');
      this.#closed(1006, '', false);
      return null;
    }
    const { tls, limits, headers, compression = false } = options;
    const connectOptions: ConnectOptions = {
      protocols: this.#protocols,
      headers: requestHeaders(url, headers ?? {}),
      limits: { ...DEFAULTS, ...limits },
      compression,
      handler: {
        open: (socket, handshake) => this.#opened(socket, handshake.headers['sec-websocket-extensions'] ?? ''),
        message: (_socket, data) => asTask(() => this.#received(data)),
        error: (_socket, error) => {
          this.#failure ??= error;
        },
        close: (_socket, code, reason, wasClean) => this.#closed(code, reason, wasClean),
      },
    };
    return connect(withoutCredentials(url), tls === undefined ? connectOptions : { ...connectOptions, tls });
  }

  #opened(socket: NodeSocket, extensions: string): void {
    if (this.#protocols.length > 0 && socket.protocol === '') {
      this.#fail(new BreachError('handshake_invalid', 1006, 'the server chose none of the subprotocols'));
      return;
    }
    this.#buffered.begin(socket);
    asTask(() => {
      if (this.#readyState !== CONNECTING) return;
      this.#readyState = OPEN;
      this.#protocol = socket.protocol;
      this.#extensions = extensions;
      this.dispatchEvent(new Event('open'));
    });
  }

  #received(received: string | Uint8Array): void {
    if (this.#readyState !== OPEN) return;
    const data = typeof received === 'string' ? received : this.#toBinary(received);
    this.dispatchEvent(new MessageEvent('message', { data, origin: this.#origin }));
  }

  /** A copy, as the bytes lie in memory that other messages share. */
  #toBinary(bytes: Uint8Array): Blob | ArrayBuffer {
    const copy = new Uint8Array(bytes);
    return this.#binaryType === 'blob' ? new Blob([copy]) : copy.buffer;
  }

  /** Fails the connection; `error` and `close` follow. */
  #fail(error: WebSocketError): void {
    this.#failure ??= error;
    this.#socket?.abort();
  }

  #closed(code: number, reason: string, wasClean: boolean): void {
    this.#buffered.end();
    this.#queue.clear();
    asTask(() => {
      this.#readyState = CLOSED;
      try {
        if (this.#failure !== null) this.#failed?.(this.#failure);
      } finally {
        if (this.#failure !== null) this.dispatchEvent(new Event('error'));
        this.dispatchEvent(new CloseEvent('close', { wasClean, code, reason }));
      }
    });
  }
}

/** Tasks run in order, each with its microtasks, before the process looks at the network again. */
function asTask(run: () => void): void {
  setImmediate(run);
}

function withoutCredentials(url: URL): URL {
  const bare = new URL(url);
  bare.username = '';
  bare.password = '';
  return bare;
}

/** Ours, but for those that are given. */
function requestHeaders(url: URL, given: Readonly<Record<string, string>>): Record<string, string> {
  const Authorization = authorizationOf(url);
  const ours = { ...NO_STORE, ...(Authorization === undefined ? {} : { Authorization }) };
  const names = new Set(Object.keys(given).map((name) => name.toLowerCase()));
  const missing = Object.entries(ours).filter(([name]) => !names.has(name.toLowerCase()));
  return { ...Object.fromEntries(missing), ...given };
}

const constants = Object.fromEntries(
  Object.entries({ CONNECTING, OPEN, CLOSING, CLOSED }).map(([name, value]) => [name, { value, enumerable: true }]),
);
Object.defineProperties(StandardWebSocket, constants);
Object.defineProperties(StandardWebSocket.prototype, constants);
Object.defineProperty(StandardWebSocket, 'name', { value: 'WebSocket', configurable: true });
Object.defineProperty(StandardWebSocket.prototype, Symbol.toStringTag, { value: 'WebSocket', configurable: true });

/** The `WebSocket` class of browsers (WHATWG), on this engine. */
export type WebSocket = Standard;
export const WebSocket = StandardWebSocket as unknown as WebSocketConstructor;
