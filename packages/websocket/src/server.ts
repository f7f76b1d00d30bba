/**
 * A WebSocket server on the `upgrade` event of `node:http` or `node:https`.
 * It decides about the handshake, answers what cannot be upgraded, and keeps the list of open connections.
 */
import type { Server as HttpServer, IncomingMessage } from 'node:http';
import type { Server as HttpsServer } from 'node:https';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { type Clock, Deadlines, type Expiring, systemClock } from './clock.js';
import { CLOSE_GOING_AWAY, checkCloseArguments } from './close-codes.js';
import { type CompressionOptions, type CompressionSettings, chooseOffer, resolveCompression } from './compression.js';
import { MisuseError } from './errors.js';
import type { SocketOwner, WebSocketHandler } from './handler.js';
import { isToken } from './header-fields.js';
import { type Limits, resolveLimits } from './limits.js';
import { NodeSocket } from './node-socket.js';
import type { FrameObserver } from './observer.js';
import {
  checkUpgrade,
  type HandshakeInfo,
  isRefusal,
  type Refusal,
  refusalResponse,
  type UpgradeRequest,
  upgradeResponse,
} from './server-handshake.js';
import { endTurnNow } from './turn.js';

export interface WebSocketServerOptions<Data = unknown> {
  readonly handler: WebSocketHandler<Data>;
  readonly limits?: Partial<Limits>;
  /** Accept only this path (without query). Default: any. */
  readonly path?: string;
  /**
   * Subprotocols we speak: the first of the client's list that is among them is chosen. Or a function that chooses one
   * of the client's, or `undefined` for none. Default: none.
   */
  readonly protocols?:
    | readonly string[]
    | ((offered: readonly string[], handshake: HandshakeInfo) => string | undefined);
  /** Compress messages for clients that offer it (permessage-deflate, RFC 7692). Default false. */
  readonly compression?: boolean | CompressionOptions;
  /** May refuse a valid handshake: 403 for an Origin (RFC 6455 §10.2), 401, 3xx with `location`, 503. */
  check?(handshake: HandshakeInfo): Refusal | undefined;
  /** Told about every refusal, for logs. */
  refused?(refusal: Refusal, request: UpgradeRequest): void;
  /** Watches a connection. */
  observe?(handshake: HandshakeInfo): FrameObserver | undefined;
  /** Default: the system's. */
  readonly clock?: Clock;
}

export interface DrainOptions {
  /** Default 1001, going away. */
  readonly code?: number;
  /** At most 123 bytes of UTF-8. Default empty. */
  readonly reason?: string;
  /** How long peers have, in milliseconds from now; then they are cut off. Default `closeWaitMs`. */
  readonly deadlineMs?: number;
}

export interface WebSocketServer<Data = unknown> {
  /** The open and closing connections, in no order. It is live: copy it before closing several. */
  readonly connections: readonly NodeSocket<Data>[];
  /** Answers an `upgrade` event, whatever its path is if `path` is not set, else 404 for another one. */
  handleUpgrade(request: IncomingMessage, socket: Duplex, head: Uint8Array): void;
  /**
   * Listens to the `upgrade` events of a server. Those of another path are left to its other listeners, and
   * answered with 404 if there are none. @returns stops listening.
   */
  attach(server: HttpServer | HttpsServer): () => void;
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

/** How long a refused peer has to read the answer. */
const REFUSED_WAIT_MS = 2_000;

class Server<Data> implements WebSocketServer<Data>, SocketOwner {
  readonly clock: Clock;
  readonly deadlines: Deadlines;
  readonly limits: Limits;
  readonly #options: WebSocketServerOptions<Data>;
  readonly #compression: CompressionSettings | null;
  readonly #connections: NodeSocket<Data>[] = [];
  /** Closed, but the transport has not ended. */
  readonly #ending = new Set<NodeSocket<Data>>();
  #isDraining = false;
  #drained: (() => void)[] = [];

  constructor(options: WebSocketServerOptions<Data>) {
    this.#options = options;
    this.limits = resolveLimits(options.limits);
    this.#compression = resolveCompression(options.compression);
    this.clock = options.clock ?? systemClock;
    this.deadlines = Deadlines.of(this.clock);
    if (Array.isArray(options.protocols) && !options.protocols.every(isToken)) {
      throw new MisuseError('invalid_argument', "a subprotocol is a token: letters, digits and !#$%&'*+-.^_`|~");
    }
  }

  get connections(): readonly NodeSocket<Data>[] {
    return this.#connections;
  }

  attach(server: HttpServer | HttpsServer): () => void {
    const onUpgrade = (request: IncomingMessage, socket: Duplex, head: Buffer): void => {
      const { path } = this.#options;
      const isOurs = path === undefined || targets(request.url, path);
      if (!isOurs && server.listenerCount('upgrade') > 1) return;
      this.handleUpgrade(request, socket, head);
    };
    server.on('upgrade', onUpgrade);
    return () => server.off('upgrade', onUpgrade);
  }

  handleUpgrade(request: IncomingMessage, socket: Duplex, head: Uint8Array): void {
    // Before anything can fail: an error without a listener ends the process.
    socket.on('error', ignoreError);
    if (socket.destroyed) return;
    forgetHttp(socket);
    const upgrade = checkUpgrade(request, this.limits.maxHandshakeFields);
    if (isRefusal(upgrade)) {
      this.#refuse(request, socket, upgrade);
      return;
    }
    const { path, check, observe } = this.#options;
    if (path !== undefined && upgrade.path !== path) {
      this.#refuse(request, socket, { status: 404, message: `There is no WebSocket here; try ${path}.` });
      return;
    }
    if (this.#isDraining) {
      this.#refuse(request, socket, { status: 503, message: 'The server is going away; try again soon.' });
      return;
    }
    const handshake: HandshakeInfo = {
      url: upgrade.url,
      path: upgrade.path,
      headers: upgrade.headers,
      origin: upgrade.headers.origin,
      offeredProtocols: upgrade.offeredProtocols,
      address: (socket as Partial<Socket>).remoteAddress ?? '',
      isSecure: 'encrypted' in socket,
    };
    let protocol: string;
    let observer: FrameObserver | undefined;
    try {
      const refusal = check?.(handshake);
      if (refusal !== undefined) {
        this.#refuse(request, socket, refusal);
        return;
      }
      protocol = this.#chooseProtocol(handshake);
      observer = observe?.(handshake);
    } catch (error) {
      this.#refuse(request, socket, { status: 500, message: 'The server failed to answer the handshake.' });
      throw error;
    }
    const settings = this.#compression;
    const compression = settings === null ? null : chooseOffer(upgrade.headers['sec-websocket-extensions'], settings);
    const response = upgradeResponse(upgrade.key, protocol, compression?.field);
    observer?.handshake?.(requestHead(request), response);
    const accepted = new NodeSocket<Data>(this.#options.handler, this);
    accepted.index = this.#connections.push(accepted) - 1;
    accepted.start({
      transport: socket,
      role: 'server',
      protocol,
      handshake,
      head,
      response: Buffer.from(response, 'latin1'),
      observer,
      compression,
    });
    socket.off('error', ignoreError);
  }

  flush(): void {
    endTurnNow();
  }

  drain(options: DrainOptions = {}): Promise<void> {
    const { code = CLOSE_GOING_AWAY, reason = '', deadlineMs = this.limits.closeWaitMs } = options;
    checkCloseArguments(code, reason);
    this.#isDraining = true;
    for (const socket of [...this.#connections]) socket.close(code, reason);
    if (this.#isEmpty) return Promise.resolve();
    return new Promise((resolve) => {
      const cutOff: Expiring = {
        deadlineMs: this.clock.nowMs() + deadlineMs,
        expire: () => {
          for (const socket of [...this.#connections, ...this.#ending]) socket.abort();
        },
      };
      this.deadlines.watch(cutOff);
      this.#drained.push(() => {
        this.deadlines.forget(cutOff);
        resolve();
      });
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
    if (!this.#isEmpty) return;
    const drained = this.#drained;
    this.#drained = [];
    for (const resolve of drained) resolve();
  }

  get #isEmpty(): boolean {
    return this.#connections.length === 0 && this.#ending.size === 0;
  }

  #chooseProtocol(handshake: HandshakeInfo): string {
    const { protocols } = this.#options;
    const offered = handshake.offeredProtocols;
    if (protocols === undefined || offered.length === 0) return '';
    if (typeof protocols !== 'function') return offered.find((name) => protocols.includes(name)) ?? '';
    const chosen = protocols(offered, handshake);
    if (chosen === undefined) return '';
    // RFC 6455 §4.2.2: only one of the client's; and nothing else may get into our response (CVE-2026-1527).
    if (offered.includes(chosen)) return chosen;
    throw new MisuseError('invalid_argument', `the client did not offer the subprotocol ${JSON.stringify(chosen)}`);
  }

  #refuse(request: UpgradeRequest, socket: Duplex, refusal: Refusal): void {
    const response = refusalResponse(refusal);
    const waiting: Expiring = {
      deadlineMs: this.clock.nowMs() + REFUSED_WAIT_MS,
      expire: () => socket.destroy(),
    };
    this.deadlines.watch(waiting);
    socket.once('close', () => this.deadlines.forget(waiting));
    socket.end(response);
    // Read to the end, so that the answer is not lost in a reset.
    socket.resume();
    this.#options.refused?.(refusal, request);
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

function requestHead(request: UpgradeRequest): string {
  let head = `${request.method} ${request.url} HTTP/${request.httpVersion}\r\n`;
  const { rawHeaders } = request;
  for (let index = 0; index + 1 < rawHeaders.length; index += 2) {
    head += `${rawHeaders[index]}: ${rawHeaders[index + 1]}\r\n`;
  }
  return `${head}\r\n`;
}
