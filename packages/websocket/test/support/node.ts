/** Servers, raw peers and clocks for tests of the Node layer. Everything made here is stopped by `stopAll`. */
import { createServer, IncomingMessage, type Server } from 'node:http';
import { type AddressInfo, connect as connectTcp, type Server as NetServer, type Socket } from 'node:net';
import { Duplex } from 'node:stream';
import {
  type Clock,
  createWebSocketServer,
  type HandshakeInfo,
  type NodeSocket,
  type WebSocketError,
  type WebSocketHandler,
  type WebSocketServer,
  type WebSocketServerOptions,
} from '../../src/index.js';
import { type ParsedFrame, parseFrames } from './wire.js';

export const KEY = 'dGhlIHNhbXBsZSBub25jZQ==';

const stops: (() => unknown)[] = [];

export function onStop(stop: () => unknown): void {
  stops.push(stop);
}

export async function stopAll(): Promise<void> {
  for (const stop of stops.splice(0).reverse()) await stop();
}

/** Time that moves only by hand. */
export class FakeClock implements Clock {
  #nowMs = 5_000;
  #repeats = new Set<{ everyMs: number; nextMs: number; callback: () => void }>();

  nowMs(): number {
    return this.#nowMs;
  }

  repeat(everyMs: number, callback: () => void): () => void {
    const entry = { everyMs, nextMs: this.#nowMs + everyMs, callback };
    this.#repeats.add(entry);
    return () => this.#repeats.delete(entry);
  }

  /** How many timers run. */
  get timers(): number {
    return this.#repeats.size;
  }

  advance(ms: number): void {
    this.#nowMs += ms;
    for (const entry of [...this.#repeats]) {
      if (entry.nextMs > this.#nowMs) continue;
      entry.nextMs = this.#nowMs + entry.everyMs;
      entry.callback();
    }
  }
}

/** Things that happen, and a way to wait for them. */
export class Log<Item> {
  readonly items: Item[] = [];
  #waiting: (() => boolean)[] = [];

  add(item: Item): void {
    this.items.push(item);
    this.#waiting = this.#waiting.filter((check) => !check());
  }

  /** Resolves with the first item, past or future, that matches. */
  until<Match extends Item>(matches: (item: Item) => item is Match): Promise<Match>;
  until(matches: (item: Item) => boolean): Promise<Item>;
  until(matches: (item: Item) => boolean): Promise<Item> {
    return new Promise((resolve) => {
      const check = (): boolean => {
        const found = this.items.find(matches);
        if (found !== undefined) resolve(found);
        return found !== undefined;
      };
      if (!check()) this.#waiting.push(check);
    });
  }

  async count(wanted: number): Promise<readonly Item[]> {
    await this.until(() => this.items.length >= wanted);
    return this.items;
  }
}

export type HandlerEvent =
  | { readonly type: 'open'; readonly handshake: HandshakeInfo }
  | { readonly type: 'message'; readonly data: string | Uint8Array }
  | { readonly type: 'ping' | 'pong'; readonly data: Uint8Array }
  | { readonly type: 'drain' }
  | { readonly type: 'error'; readonly error: WebSocketError }
  | { readonly type: 'close'; readonly code: number; readonly reason: string; readonly wasClean: boolean };

/** A handler that writes everything down. */
export class RecordingHandler implements WebSocketHandler {
  readonly log = new Log<HandlerEvent>();
  readonly sockets: NodeSocket[] = [];

  constructor(readonly react: WebSocketHandler | Partial<WebSocketHandler> = {}) {}

  get socket(): NodeSocket {
    const socket = this.sockets[0];
    if (socket === undefined) throw new Error('no connection was opened');
    return socket;
  }

  open(socket: NodeSocket, handshake: HandshakeInfo): void {
    this.sockets.push(socket);
    this.log.add({ type: 'open', handshake });
    this.react.open?.(socket, handshake);
  }

  message(socket: NodeSocket, data: string | Uint8Array): void {
    this.log.add({ type: 'message', data });
    this.react.message?.(socket, data);
  }

  ping(socket: NodeSocket, data: Uint8Array): void {
    this.log.add({ type: 'ping', data: Buffer.from(data) });
    this.react.ping?.(socket, data);
  }

  pong(socket: NodeSocket, data: Uint8Array): void {
    this.log.add({ type: 'pong', data: Buffer.from(data) });
    this.react.pong?.(socket, data);
  }

  drain(socket: NodeSocket): void {
    this.log.add({ type: 'drain' });
    this.react.drain?.(socket);
  }

  error(socket: NodeSocket, error: WebSocketError): void {
    this.log.add({ type: 'error', error });
    this.react.error?.(socket, error);
  }

  close(socket: NodeSocket, code: number, reason: string, wasClean: boolean): void {
    this.log.add({ type: 'close', code, reason, wasClean });
    this.react.close?.(socket, code, reason, wasClean);
  }

  opened(): Promise<HandlerEvent & { type: 'open' }> {
    return this.log.until((event) => event.type === 'open');
  }

  closed(): Promise<HandlerEvent & { type: 'close' }> {
    return this.log.until((event) => event.type === 'close');
  }

  get messages(): (string | Uint8Array)[] {
    return this.log.items.flatMap((event) => (event.type === 'message' ? [event.data] : []));
  }

  get errorCodes(): string[] {
    return this.log.items.flatMap((event) => (event.type === 'error' ? [event.error.code] : []));
  }

  async received(count: number): Promise<(string | Uint8Array)[]> {
    await this.log.until(() => this.messages.length >= count);
    return this.messages;
  }
}

export interface Running {
  readonly server: WebSocketServer;
  readonly http: Server;
  readonly port: number;
  readonly url: string;
}

/** A server on loopback. */
export async function serve(options: WebSocketServerOptions): Promise<Running> {
  const http = createServer((_request, response) => response.end('plain'));
  const server = createWebSocketServer(options);
  server.attach(http);
  const port = await listen(http);
  return { server, http, port, url: `ws://127.0.0.1:${port}` };
}

export async function listen(server: NetServer): Promise<number> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const sockets = new Set<Socket>();
  server.on('connection', (socket: Socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
  });
  onStop(async () => {
    for (const socket of sockets) socket.destroy();
    await new Promise((resolve) => server.close(resolve));
  });
  return (server.address() as AddressInfo).port;
}

export function requestText(
  fields: Readonly<Record<string, string | undefined>> = {},
  path = '/',
  method = 'GET',
): string {
  const all = {
    Host: '127.0.0.1',
    Upgrade: 'websocket',
    Connection: 'Upgrade',
    'Sec-WebSocket-Key': KEY,
    'Sec-WebSocket-Version': '13',
    ...fields,
  };
  const lines = Object.entries(all).flatMap(([name, value]) => (value === undefined ? [] : [`${name}: ${value}\r\n`]));
  return `${method} ${path} HTTP/1.1\r\n${lines.join('')}\r\n`;
}

/** A TCP client that says whatever it is told to, and does not end its side by itself. */
export class RawPeer {
  readonly #changed = new Log<null>();
  #received: Buffer = Buffer.alloc(0);
  hasEnded = false;
  isClosed = false;

  constructor(readonly socket: Socket) {
    socket.on('data', (chunk: Buffer) => {
      this.#received = Buffer.concat([this.#received, chunk]);
      this.#changed.add(null);
    });
    socket.on('end', () => {
      this.hasEnded = true;
      this.#changed.add(null);
    });
    socket.on('error', () => {});
    socket.on('close', () => {
      this.isClosed = true;
      this.#changed.add(null);
    });
    onStop(() => socket.destroy());
  }

  static async connect(port: number): Promise<RawPeer> {
    const socket = connectTcp({ port, host: '127.0.0.1', allowHalfOpen: true });
    const peer = new RawPeer(socket);
    await new Promise<void>((resolve, reject) => socket.once('connect', resolve).once('error', reject));
    return peer;
  }

  /** Connects and completes the handshake. */
  static async open(port: number, path = '/', fields: Readonly<Record<string, string>> = {}): Promise<RawPeer> {
    const peer = await RawPeer.connect(port);
    peer.send(requestText(fields, path));
    await peer.head();
    return peer;
  }

  send(bytes: Uint8Array | string): this {
    this.socket.write(bytes);
    return this;
  }

  get received(): Buffer {
    return this.#received;
  }

  until(done: () => boolean): Promise<unknown> {
    return done() ? Promise.resolve() : this.#changed.until(done);
  }

  /** The response head. */
  async head(): Promise<string> {
    await this.until(() => this.#received.includes('\r\n\r\n') || this.isClosed);
    return this.#received.subarray(0, this.#received.indexOf('\r\n\r\n') + 4).toString('latin1');
  }

  get frames(): ParsedFrame[] {
    return parseFrames(this.#received.subarray(this.#received.indexOf('\r\n\r\n') + 4)).frames;
  }

  async framesUntil(count: number): Promise<ParsedFrame[]> {
    await this.until(() => this.frames.length >= count);
    return this.frames;
  }

  /** The server ended its side. */
  ended(): Promise<unknown> {
    return this.until(() => this.hasEnded || this.isClosed);
  }
}

/** A transport in memory whose writes are written down, one entry per write operation. */
export class FakeTransport extends Duplex {
  readonly writes: Uint8Array[][] = [];
  /** Whether writes stay unfinished, as with a peer that does not read. */
  isStuck = false;
  #finish: (() => void)[] = [];

  constructor(highWaterMark = 16_384) {
    super({ highWaterMark, allowHalfOpen: true });
    onStop(() => this.destroy());
  }

  /** Everything written, joined. */
  get written(): Buffer {
    return Buffer.concat(this.writes.flat());
  }

  get frames(): ParsedFrame[] {
    const bytes = this.written;
    const hasHead = bytes.subarray(0, 5).toString('latin1') === 'HTTP/';
    return parseFrames(hasHead ? bytes.subarray(bytes.indexOf('\r\n\r\n') + 4) : bytes).frames;
  }

  receive(bytes: Uint8Array): void {
    this.push(Buffer.from(bytes));
  }

  unstick(): void {
    this.isStuck = false;
    for (const finish of this.#finish.splice(0)) finish();
  }

  override _read(): void {}

  override _write(chunk: Buffer, _encoding: string, callback: () => void): void {
    this.#wrote([chunk], callback);
  }

  override _writev(chunks: { chunk: Buffer }[], callback: () => void): void {
    this.#wrote(
      chunks.map(({ chunk }) => chunk),
      callback,
    );
  }

  #wrote(parts: Buffer[], callback: () => void): void {
    this.writes.push(parts);
    if (this.isStuck) this.#finish.push(callback);
    else callback();
  }
}

/** The request that an upgrade of `/` on a fake transport came with. */
export function fakeRequest(): IncomingMessage {
  const request = new IncomingMessage(null as unknown as Socket);
  request.method = 'GET';
  request.url = '/';
  request.httpVersion = '1.1';
  request.rawHeaders = ['Host', 'x', 'Upgrade', 'websocket', 'Connection', 'Upgrade'];
  request.rawHeaders.push('Sec-WebSocket-Key', KEY, 'Sec-WebSocket-Version', '13');
  return request;
}

/** Upgrades a fake transport; its first write, the response, is done. */
export async function accept(server: WebSocketServer, transport = new FakeTransport()): Promise<FakeTransport> {
  server.handleUpgrade(fakeRequest(), transport, Buffer.alloc(0));
  await turn();
  return transport;
}

/** The end of this turn of the event loop, behind what was scheduled for it before. */
export function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
