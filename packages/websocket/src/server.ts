/**
 * A WebSocket server on the `upgrade` events of `node:http` and `node:https`, and on the streams of `node:http2`.
 * It decides about the handshake, answers what cannot be upgraded, and keeps the list of open connections.
 */
import type { Server as HttpServer, IncomingMessage } from 'node:http';
import type { Http2SecureServer, Http2Server, OutgoingHttpHeaders, ServerHttp2Stream } from 'node:http2';
import type { Server as HttpsServer } from 'node:https';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { Admission } from './admission.js';
import { type Clock, Deadlines, systemClock } from './clock.js';
import { CLOSE_GOING_AWAY, checkCloseArguments } from './close-codes.js';
import { type CompressionAgreement, type CompressionSettings, chooseOffer, resolveCompression } from './compression.js';
import { Drain, type DrainOptions } from './drain.js';
import { MisuseError } from './errors.js';
import type { SocketOwner } from './handler.js';
import { isToken } from './header-fields.js';
import { type Heartbeat, heartbeatOf } from './heartbeat.js';
import { checkConnect, connectResponse, isHttp2Server, listenToStreams, refuseStream } from './http2.js';
import { type Limits, resolveLimits } from './limits.js';
import { Neighbours } from './neighbours.js';
import { NodeSocket } from './node-socket.js';
import type { FrameObserver } from './observer.js';
import {
  checkUpgrade,
  type HandshakeInfo,
  isRefusal,
  type Offers,
  type Refusal,
  refusalResponse,
  type UpgradeRequest,
  upgradeResponse,
} from './server-handshake.js';
import type { AcceptOptions, WebSocketServerOptions } from './server-options.js';
import { endTurnNow } from './turn.js';

/** Answers handshakes, and knows its connections. */
export interface WebSocketServer<Data = unknown> {
  /** The open and closing connections, in no order. It is live: copy it before closing several. */
  readonly connections: readonly NodeSocket<Data>[];
  /** Answers an `upgrade` event, whatever its path is if `path` is not set, else 404 for another one. */
  handleUpgrade(request: IncomingMessage, socket: Duplex, head: Uint8Array): void;
  /** Answers an extended CONNECT on an HTTP/2 stream (RFC 8441), whatever its path is if `path` is not set. */
  handleStream(stream: ServerHttp2Stream, rawHeaders: readonly string[]): void;
  /**
   * Listens to the `upgrade` events of a server, and to the CONNECT streams of one of `node:http2`, which from then on
   * announces to new sessions that it takes them. What is for another path is left to other listeners, and answered with
   * 404 if there are none. @returns stops listening.
   */
  attach(server: HttpServer | HttpsServer | Http2Server | Http2SecureServer): () => void;
  /**
   * Takes over a transport whose handshake was done elsewhere, or that needs none: any `Duplex` of bytes. Neither `check`
   * nor `protocols` is asked. @param handshake what `open` is told. Default: empty.
   */
  accept(transport: Duplex, handshake?: Partial<HandshakeInfo>, options?: AcceptOptions): NodeSocket<Data>;
  /** Writes now what was sent during this turn, on all connections of the process. */
  flush(): void;
  /**
   * Ends all connections and from now on refuses new ones with 503. Resolves when every transport is gone.
   * @throws MisuseError for a code or reason that may not be sent.
   */
  drain(options?: DrainOptions): Promise<void>;
}

/** Makes a server. It listens nowhere: use `attach` or `handleUpgrade`. @throws MisuseError for bad options. */
export function createWebSocketServer<Data = unknown>(options: WebSocketServerOptions<Data>): WebSocketServer<Data> {
  return new Server(options);
}

/** What a handshake led to. */
interface Agreed {
  readonly protocol: string;
  readonly observer: FrameObserver | undefined;
  readonly compression: CompressionAgreement | null;
}

interface Beginning {
  readonly head: Uint8Array;
  readonly response?: Uint8Array;
}

const NO_BYTES = Buffer.alloc(0);

const UNKNOWN_HANDSHAKE: HandshakeInfo = {
  url: '/',
  path: '/',
  headers: Object.freeze(Object.create(null)),
  origin: undefined,
  offeredProtocols: [],
  address: '',
  isSecure: false,
};

class Server<Data> implements WebSocketServer<Data>, SocketOwner {
  readonly clock: Clock;
  readonly deadlines: Deadlines;
  readonly limits: Limits;
  readonly heartbeat: Heartbeat | null;
  readonly #options: WebSocketServerOptions<Data>;
  readonly #compression: CompressionSettings | null;
  readonly #connections: NodeSocket<Data>[] = [];
  /** Closed, but the transport has not ended. */
  readonly #ending = new Set<NodeSocket<Data>>();
  readonly #admission: Admission;
  #drained: (() => void)[] = [];

  constructor(options: WebSocketServerOptions<Data>) {
    this.#options = options;
    this.limits = resolveLimits(options.limits);
    this.#compression = resolveCompression(options.compression);
    this.clock = options.clock ?? systemClock;
    this.deadlines = Deadlines.of(this.clock);
    this.#admission = new Admission(options, this.limits, this.deadlines);
    this.heartbeat = heartbeatOf(this.clock, options.idlePingMs ?? 30_000, options.deadAfterMs);
    if (Array.isArray(options.protocols) && !options.protocols.every(isToken)) {
      throw new MisuseError('invalid_argument', "a subprotocol is a token: letters, digits and !#$%&'*+-.^_`|~");
    }
  }

  get connections(): readonly NodeSocket<Data>[] {
    return this.#connections;
  }

  attach(server: HttpServer | HttpsServer | Http2Server | Http2SecureServer): () => void {
    const { path } = this.#options;
    const isOurs = (target: string | undefined): boolean => path === undefined || targets(target, path);
    const neighbours = new Neighbours(server, isOurs);
    const onUpgrade = (request: IncomingMessage, socket: Duplex, head: Buffer): void => {
      if (!isOurs(request.url)) {
        const isUnclaimed = neighbours.mustAnswer(server.listenerCount('upgrade')) && !neighbours.take(request.url);
        if (!isUnclaimed) return;
      }
      this.handleUpgrade(request, socket, head);
    };
    const detach = isHttp2Server(server)
      ? listenToStreams(server, isOurs, neighbours, (stream, rawHeaders) => this.handleStream(stream, rawHeaders))
      : undefined;
    server.on('upgrade', onUpgrade);
    return () => {
      server.off('upgrade', onUpgrade);
      neighbours.leave();
      detach?.();
    };
  }

  handleUpgrade(request: IncomingMessage, socket: Duplex, head: Uint8Array): void {
    // Before anything can fail: an error without a listener ends the process.
    socket.on('error', ignoreError);
    if (socket.destroyed) return;
    forgetHttp(socket);
    const refuse = (refusal: Refusal): void => this.#refuse(request, socket, refusal);
    const upgrade = checkUpgrade(request, this.limits.maxHandshakeFields);
    if (isRefusal(upgrade)) {
      refuse(upgrade);
      return;
    }
    const isSecure = 'encrypted' in socket;
    const handshake = describe(upgrade, (socket as Partial<Socket>).remoteAddress, isSecure);
    this.#admission.admit(socket, handshake, refuse, () => {
      const agreed = this.#agree(handshake);
      const response = upgradeResponse(upgrade.key, agreed.protocol, agreed.compression?.field);
      agreed.observer?.handshake?.(requestHead(request), response);
      this.#start(socket, handshake, { ...agreed, head, response: Buffer.from(response, 'latin1') });
      socket.off('error', ignoreError);
    });
  }

  handleStream(stream: ServerHttp2Stream, rawHeaders: readonly string[]): void {
    stream.on('error', ignoreError);
    if (stream.destroyed) return;
    const decision = checkConnect(rawHeaders, this.limits.maxHandshakeFields);
    const url = isRefusal(decision) ? undefined : decision.url;
    const request: UpgradeRequest = { method: 'CONNECT', url, httpVersion: '2.0', rawHeaders };
    const refuse = (refusal: Refusal): void => {
      refuseStream(stream, refusal);
      this.#options.refused?.(refusal, request);
    };
    if (isRefusal(decision)) {
      refuse(decision);
      return;
    }
    const { session } = stream;
    const handshake = describe(decision, session?.socket.remoteAddress, session?.encrypted === true);
    this.#admission.admit(stream, handshake, refuse, () => {
      const agreed = this.#agree(handshake);
      const response = connectResponse(agreed.protocol, agreed.compression?.field ?? '');
      agreed.observer?.handshake?.(requestHead(request), responseHead(response));
      stream.respond(response);
      this.#start(stream, handshake, { ...agreed, head: NO_BYTES });
      stream.off('error', ignoreError);
    });
  }

  accept(transport: Duplex, given: Partial<HandshakeInfo> = {}, options: AcceptOptions = {}): NodeSocket<Data> {
    const handshake = { ...UNKNOWN_HANDSHAKE, ...given };
    const observer = this.#options.observe?.(handshake);
    const { protocol = '', head = NO_BYTES } = options;
    return this.#start(transport, handshake, { protocol, head, observer, compression: null });
  }

  flush(): void {
    endTurnNow();
  }

  drain(options: DrainOptions = {}): Promise<void> {
    checkCloseArguments(options.code ?? CLOSE_GOING_AWAY, options.reason ?? '');
    this.#admission.isDraining = true;
    const drain = new Drain(this.deadlines, [...this.#connections], options, this.limits.closeWaitMs, () => {
      for (const socket of [...this.#connections, ...this.#ending]) socket.abort();
    });
    if (this.#isEmpty) return Promise.resolve();
    return new Promise((resolve) => {
      this.#drained.push(() => {
        drain.end();
        resolve();
      });
      drain.begin();
    });
  }

  socketClosed(socket: NodeSocket<unknown>): void {
    const { index } = socket;
    if (index < 0) return;
    socket.index = -1;
    this.#ending.add(socket as NodeSocket<Data>);
    const last = this.#connections.pop();
    if (last === undefined || last === socket) return;
    last.index = index;
    this.#connections[index] = last;
  }

  socketGone(socket: NodeSocket<unknown>): void {
    this.#ending.delete(socket as NodeSocket<Data>);
    this.#admission.forget(socket.remoteAddress);
    if (!this.#isEmpty) return;
    const drained = this.#drained;
    this.#drained = [];
    for (const resolve of drained) resolve();
  }

  get #isEmpty(): boolean {
    return this.#connections.length === 0 && this.#ending.size === 0;
  }

  #agree(handshake: HandshakeInfo): Agreed {
    const settings = this.#compression;
    const offered = handshake.headers['sec-websocket-extensions'];
    return {
      protocol: this.#chooseProtocol(handshake),
      observer: this.#options.observe?.(handshake),
      compression: settings === null ? null : chooseOffer(offered, settings),
    };
  }

  #start(transport: Duplex, handshake: HandshakeInfo, agreed: Agreed & Beginning): NodeSocket<Data> {
    const accepted = new NodeSocket<Data>(this.#options.handler, this);
    accepted.index = this.#connections.push(accepted) - 1;
    this.#admission.count(handshake.address);
    accepted.start({ transport, role: 'server', handshake, ...agreed });
    return accepted;
  }

  #chooseProtocol(handshake: HandshakeInfo): string {
    const { protocols } = this.#options;
    const offered = handshake.offeredProtocols;
    if (protocols === undefined || offered.length === 0) return '';
    if (typeof protocols !== 'function') {
      // The text that all connections share, not the client's own: it is kept as long as the connection.
      const isOffered = offered.find((name) => protocols.includes(name));
      return protocols.find((name) => name === isOffered) ?? '';
    }
    const chosen = protocols(offered, handshake);
    if (chosen === undefined) return '';
    // RFC 6455 §4.2.2: only one of the client's; and nothing else may get into our response (CVE-2026-1527).
    if (offered.includes(chosen)) return chosen;
    throw new MisuseError('invalid_argument', `the client did not offer the subprotocol ${JSON.stringify(chosen)}`);
  }

  #refuse(request: UpgradeRequest, socket: Duplex, refusal: Refusal): void {
    const response = refusalResponse(refusal);
    this.#options.refused?.(refusal, request);
    socket.end(response);
    this.#admission.seeOff(socket);
    // Read to the end, so that the answer is not lost in a reset.
    socket.resume();
  }
}

function ignoreError(): void {}

/** Takes the socket from http: its timeouts are not ours. */
function forgetHttp(socket: Duplex): void {
  const plain = socket as Partial<Socket>;
  plain.setTimeout?.(0);
  plain.setNoDelay?.(true);
}

/** Whether a request target has this path, without building anything. */
function targets(target: string | undefined, path: string): boolean {
  if (target === undefined || !target.startsWith(path)) return false;
  return target.length === path.length || target.charCodeAt(path.length) === 0x3f;
}

function describe(offers: Offers, address: string | undefined, isSecure: boolean): HandshakeInfo {
  const { url, path, headers, offeredProtocols } = offers;
  return { url, path, headers, origin: headers.origin, offeredProtocols, address: address ?? '', isSecure };
}

function responseHead(fields: OutgoingHttpHeaders): string {
  const lines = Object.entries(fields).map(([name, value]) => `${name}: ${value}\r\n`);
  return `HTTP/2.0 ${fields[':status']}\r\n${lines.join('')}\r\n`;
}

function requestHead(request: UpgradeRequest): string {
  let head = `${request.method} ${request.url} HTTP/${request.httpVersion}\r\n`;
  const { rawHeaders } = request;
  for (let index = 0; index + 1 < rawHeaders.length; index += 2) {
    head += `${rawHeaders[index]}: ${rawHeaders[index + 1]}\r\n`;
  }
  return `${head}\r\n`;
}
