/**
 * A WebSocket client for Node, over `node:net` and `node:tls`. A dial resolves the name, waits until no other dial to
 * the same address and port is in its handshake (RFC 6455 §4.1), connects, asks, and hands the transport to a
 * `NodeSocket`. Left out: proxies, redirects, reconnecting.
 */
import { randomBytes } from 'node:crypto';
import { lookup } from 'node:dns';
import { connect as connectTcp, isIP, type Socket } from 'node:net';
import { connect as connectTls, type ConnectionOptions as TlsConnectionOptions } from 'node:tls';
import {
  buildRequest,
  checkResponse,
  parseTarget,
  type ResponseHead,
  ResponseReader,
  type Target,
} from './client-handshake.js';
import { type Clock, Deadlines, type Expiring, systemClock } from './clock.js';
import {
  type CompressionAgreement,
  type CompressionOptions,
  type CompressionSettings,
  checkAnswer,
  makeOffer,
  resolveCompression,
} from './compression.js';
import { TransportError, WebSocketError } from './errors.js';
import type { SocketOwner, WebSocketHandler } from './handler.js';
import { heartbeatOf } from './heartbeat.js';
import { type Limits, resolveLimits } from './limits.js';
import { nextMaskKey } from './mask-keys.js';
import { NodeSocket } from './node-socket.js';
import type { FrameObserver } from './observer.js';

/** Options of `connect`. */
export interface ConnectOptions<Data = unknown> {
  /** Default: none; see `NodeSocket.on`. */
  readonly handler?: WebSocketHandler<Data>;
  /** Subprotocols, most wanted first. Default: none. */
  readonly protocols?: readonly string[];
  /** More request header fields, such as `Authorization` or `Origin`. Not those of the handshake itself. */
  readonly headers?: Readonly<Record<string, string>>;
  readonly limits?: Partial<Limits>;
  /** Gives up connecting. Without effect once open: use `close` or `abort`. */
  readonly signal?: AbortSignal;
  /** For `wss:`. The certificate is verified and the server's name sent unless these options say otherwise. */
  readonly tls?: Readonly<
    Pick<TlsConnectionOptions, 'ca' | 'cert' | 'key' | 'passphrase' | 'rejectUnauthorized' | 'servername'>
  >;
  /** Offer to compress messages (permessage-deflate, RFC 7692). Default false. */
  readonly compression?: boolean | CompressionOptions;
  /** After how much silence the server is pinged, in milliseconds, kept as exactly as that of a server. Default 0: never. */
  readonly idlePingMs?: number;
  /** After how much silence it is given up (1006, `peer_silent`), in milliseconds. Default twice `idlePingMs`. */
  readonly deadAfterMs?: number;
  readonly observer?: FrameObserver;
  /** Default: the system's. */
  readonly clock?: Clock;
}

/**
 * Connects. The socket is returned at once, `connecting`; `handler.open` follows, or `handler.error` (why) and
 * `handler.close` with 1006.
 * @param url `ws:` or `wss:`, without fragment or credentials.
 * @throws MisuseError for a URL, subprotocol, header or limit that can never work.
 */
export function connect<Data = unknown>(url: string | URL, options: ConnectOptions<Data> = {}): NodeSocket<Data> {
  const target = parseTarget(url);
  const clock = options.clock ?? systemClock;
  const owner: SocketOwner = {
    clock,
    deadlines: Deadlines.of(clock),
    limits: resolveLimits(options.limits),
    heartbeat: heartbeatOf(clock, options.idlePingMs ?? 0, options.deadAfterMs),
    socketClosed() {},
    socketGone() {},
  };
  const socket = new NodeSocket<Data>(options.handler ?? {}, owner);
  new Dial(socket, owner, target, options).begin();
  return socket;
}

/** Who is in a handshake with an address and port, and who waits behind; the first of each list is at it. */
const handshakes = new Map<string, Dial<unknown>[]>();

/** An address that does not answer must not use up the time of the next one. */
const ATTEMPT_MS = 2_000;

class Dial<Data> implements Expiring {
  deadlineMs = Number.POSITIVE_INFINITY;
  readonly #key = randomBytes(16).toString('base64');
  readonly #request: string;
  readonly #reader: ResponseReader;
  readonly #protocols: readonly string[];
  readonly #compression: CompressionSettings | null;
  #addresses: readonly string[] = [];
  #attempt = 0;
  #queuedAs = '';
  #endsMs = Number.POSITIVE_INFINITY;
  #transport: Socket | null = null;
  #isConnected = false;
  #isDone = false;

  constructor(
    readonly socket: NodeSocket<Data>,
    readonly owner: SocketOwner,
    readonly target: Target,
    readonly options: ConnectOptions<Data>,
  ) {
    this.#protocols = [...(options.protocols ?? [])];
    this.#compression = resolveCompression(options.compression);
    const offer = this.#compression === null ? '' : makeOffer(this.#compression);
    this.#request = buildRequest(target, this.#key, this.#protocols, options.headers ?? {}, offer);
    this.#reader = new ResponseReader(owner.limits.maxHandshakeBytes, owner.limits.maxHandshakeFields);
  }

  begin(): void {
    const { signal } = this.options;
    this.socket.cancel = () => this.#fail(aborted());
    if (signal?.aborted === true) {
      // Later, so that the caller has the socket before its handler hears of it.
      process.nextTick(this.#onAbort);
      return;
    }
    signal?.addEventListener('abort', this.#onAbort, { once: true });
    this.#setDeadlines();
    this.owner.deadlines.watch(this);
    const { hostname } = this.target;
    if (isIP(hostname) !== 0) {
      process.nextTick(() => this.#resolved([hostname]));
      return;
    }
    lookup(hostname, { all: true }, (error, found) => {
      if (error !== null) this.#fail(failed(error));
      else this.#resolved(found.map(({ address }) => address));
    });
  }

  expire(nowMs: number): void {
    const hasMore = this.#attempt + 1 < this.#addresses.length;
    if (nowMs < this.#endsMs && !this.#isConnected && hasMore) this.#tryNext();
    else this.#fail(new TransportError('connect_timeout', 'the server did not complete the handshake in time'));
  }

  /** It is our turn: no other dial is in a handshake with this address. */
  proceed(): void {
    const address = this.#addresses[this.#attempt] as string;
    this.#setDeadlines();
    const { target, options } = this;
    if (target.isSecure) {
      const servername = isIP(target.hostname) === 0 ? { servername: target.hostname } : {};
      const where = { host: address, port: target.port, allowHalfOpen: true, ALPNProtocols: ['http/1.1'] };
      this.#transport = connectTls({ ...servername, ...options.tls, ...where }, this.#onConnected);
    } else {
      this.#transport = connectTcp({ host: address, port: target.port, allowHalfOpen: true }, this.#onConnected);
    }
    this.#transport
      .on('error', this.#onError)
      .on('data', this.#onData)
      .on('close', this.#onClose)
      .on('end', this.#onClose);
    this.#transport.setNoDelay(true);
  }

  #resolved(addresses: readonly string[]): void {
    if (this.#isDone) return;
    this.#addresses = addresses;
    this.#enqueue();
  }

  #enqueue(): void {
    this.#queuedAs = `${this.#addresses[this.#attempt]} ${this.target.port}`;
    const line = handshakes.get(this.#queuedAs);
    if (line !== undefined) {
      line.push(this);
      // Waiting for others is not the server's fault, and each of them has a deadline.
      this.deadlineMs = Number.POSITIVE_INFINITY;
      return;
    }
    handshakes.set(this.#queuedAs, [this]);
    this.proceed();
  }

  #leaveQueue(): void {
    const line = handshakes.get(this.#queuedAs);
    const place = line?.indexOf(this) ?? -1;
    if (line === undefined || place < 0) return;
    line.splice(place, 1);
    if (line.length === 0) handshakes.delete(this.#queuedAs);
    else if (place === 0) line[0]?.proceed();
  }

  #tryNext(): void {
    this.#dropTransport();
    this.#leaveQueue();
    this.#attempt++;
    this.#enqueue();
  }

  #setDeadlines(): void {
    const nowMs = this.owner.clock.nowMs();
    const { handshakeMs } = this.owner.limits;
    if (this.#attempt === 0) this.#endsMs = nowMs + handshakeMs;
    const hasMore = this.#attempt + 1 < this.#addresses.length;
    this.deadlineMs = hasMore ? Math.min(this.#endsMs, nowMs + ATTEMPT_MS) : this.#endsMs;
  }

  readonly #onAbort = (): void => this.#fail(aborted(this.options.signal?.reason));

  readonly #onConnected = (): void => {
    this.#isConnected = true;
    this.deadlineMs = this.#endsMs;
    this.#transport?.write(this.#request, 'latin1');
  };

  readonly #onError = (error: Error): void => {
    if (!this.#isConnected && this.#attempt + 1 < this.#addresses.length) this.#tryNext();
    else this.#fail(failed(error));
  };

  readonly #onClose = (): void => {
    this.#fail(failed(new Error('the server closed the connection before it answered')));
  };

  readonly #onData = (chunk: Buffer): void => {
    const transport = this.#transport;
    if (transport === null) return;
    try {
      const response = this.#reader.push(chunk);
      if (response === null) return;
      const { head, rest } = response;
      const settings = this.#compression;
      const protocol = checkResponse(head, this.#key, this.#protocols, settings !== null);
      const answer = head.fields['sec-websocket-extensions'];
      const compression = settings === null ? null : checkAnswer(answer, settings);
      this.#finish();
      this.#open(transport, protocol, head, rest, compression);
    } catch (error) {
      if (!(error instanceof WebSocketError)) throw error;
      this.#fail(error);
    }
  };

  #open(
    transport: Socket,
    protocol: string,
    response: ResponseHead,
    head: Uint8Array,
    compression: CompressionAgreement | null,
  ): void {
    const { observer } = this.options;
    observer?.handshake?.(this.#request, response.text);
    this.socket.cancel = undefined;
    this.socket.start({
      transport,
      role: 'client',
      protocol,
      head,
      nextMask: nextMaskKey,
      observer,
      compression,
      handshake: {
        url: this.target.url,
        path: this.target.path,
        headers: response.fields,
        origin: undefined,
        offeredProtocols: this.#protocols,
        address: transport.remoteAddress ?? '',
        isSecure: this.target.isSecure,
      },
    });
    transport.off('error', this.#onError).off('data', this.#onData);
    transport.off('close', this.#onClose).off('end', this.#onClose);
  }

  #fail(error: WebSocketError): void {
    if (this.#isDone) return;
    this.#dropTransport();
    this.#finish();
    this.socket.failToOpen(error);
  }

  #finish(): void {
    this.#isDone = true;
    this.owner.deadlines.forget(this);
    this.options.signal?.removeEventListener('abort', this.#onAbort);
    this.#leaveQueue();
  }

  #dropTransport(): void {
    const transport = this.#transport;
    this.#transport = null;
    if (transport === null) return;
    transport.off('error', this.#onError).off('data', this.#onData);
    transport.off('close', this.#onClose).off('end', this.#onClose);
    transport.on('error', () => {});
    transport.destroy();
  }
}

function failed(cause: Error): TransportError {
  return new TransportError('connect_failed', `could not connect: ${cause.message}`, { cause });
}

function aborted(cause?: unknown): TransportError {
  return new TransportError('connect_aborted', 'connecting was given up', { cause });
}
