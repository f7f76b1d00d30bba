// A server of one process of memory that speaks the protocol over fake sockets: complete enough that a client cannot tell,
// and open to every kind of interference. Messages take `latencyMs` of the fake clock in each direction.

import type { CloseInfo, OpenSocket, SocketEvents } from '@trunkline/client';
import {
  type ClientMessage,
  DEFAULT_LIMITS,
  decodeClient,
  encode,
  FEATURES,
  type Item,
  type JsonValue,
  type Limits,
  type ServerMessage,
} from '@trunkline/protocol';
import type { FakeClock } from './fake-clock.js';
import { FakeLog, type FakeSubscription } from './fake-log.js';

type Handler = (connection: FakeConnection, message: ClientMessage) => boolean;

export class FakeServer {
  readonly connections: FakeConnection[] = [];
  readonly clock: FakeClock;
  latencyMs = 0;
  /** `false`: sockets fail to open. */
  accepts = true;
  /** Runs before the server's own answer; `true` replaces it. */
  intercept: Handler = () => false;
  /** Whether a message to a client comes twice. */
  duplicate: () => boolean = () => false;
  /** The user of a token; `null` is refused with 4501. */
  authenticate: (token: string | undefined) => JsonValue | null = (token) => ({ id: token ?? 'ada' });
  limits: Limits = DEFAULT_LIMITS;
  pingMs = 25_000;
  features: readonly string[] = [FEATURES.seen, FEATURES.drain];
  readonly #logs = new Map<string, FakeLog>();

  constructor(clock: FakeClock) {
    this.clock = clock;
  }

  readonly open: OpenSocket = (url, protocol, events) => {
    const connection = new FakeConnection(this, url, protocol, events);
    this.connections.push(connection);
    this.clock.after(this.latencyMs, () => connection.begin());
    return {
      send: (text) => connection.receive(text),
      close: (code, reason) => connection.closeByClient(code, reason),
    };
  };

  /** The newest connection. */
  get last(): FakeConnection {
    const connection = this.connections.at(-1);
    if (connection === undefined) throw new Error('nobody has connected');
    return connection;
  }

  get openConnections(): readonly FakeConnection[] {
    return this.connections.filter((connection) => connection.state === 'open');
  }

  log(name: string): FakeLog {
    let log = this.#logs.get(name);
    if (log === undefined) {
      log = new FakeLog(() => this.clock.nowMs());
      this.#logs.set(name, log);
    }
    return log;
  }

  /** An entry by the server, or by someone else; every subscriber hears of it. */
  append(name: string, data: JsonValue, by: Partial<Pick<Item, 'user' | 'producer' | 'seq'>> = {}): Item {
    const item = this.log(name).append(data, by);
    this.flush();
    return item;
  }

  flush(): void {
    for (const connection of this.openConnections) connection.flush();
  }
}

export class FakeConnection {
  state: 'connecting' | 'open' | 'closed' = 'connecting';
  /** Everything the client sent, as objects and as WebSocket messages. */
  readonly received: ClientMessage[] = [];
  readonly texts: string[] = [];
  /** How the client closed it. */
  closedByClient: { readonly code: number; readonly reason: string } | undefined;
  /** `false`: a closing handshake is not answered. */
  answersClose = true;
  /** `true`: a half-open link, nothing passes in either direction. */
  silent = false;
  user: JsonValue = null;
  /** UTF-8 bytes of what has reached the client, and how much of it the client has told of (FLO-1). */
  deliveredBytes = 0;
  seenBytes = 0;
  readonly subscriptions = new Map<string, FakeSubscription>();
  /** The `seq` that was refused with `retry`, by producer and stream: later ones are refused until it comes again (PUB-4). */
  readonly blocked = new Map<string, number>();
  #lastData: ServerMessage[] = [];
  readonly #server: FakeServer;
  readonly #events: SocketEvents;
  #nextCh = 1;
  #isRefused = false;

  constructor(
    server: FakeServer,
    readonly url: string,
    readonly protocol: string,
    events: SocketEvents,
  ) {
    this.#server = server;
    this.#events = events;
  }

  begin(): void {
    if (this.state !== 'connecting') return;
    if (!this.#server.accepts) return this.#end({ code: 1006, reason: '', wasClean: false });
    this.state = 'open';
    this.#events.onOpen();
    this.#ping();
  }

  #ping(): void {
    this.#server.clock.after(this.#server.pingMs, () => {
      if (this.state !== 'open') return;
      if (this.received.length > 0) this.send({ type: 'ping', now: this.#server.clock.nowMs() });
      this.#ping();
    });
  }

  /** The messages of one type that the client sent. */
  sent<T extends ClientMessage['type']>(type: T): Extract<ClientMessage, { type: T }>[] {
    return this.received.filter((message) => message.type === type) as Extract<ClientMessage, { type: T }>[];
  }

  // ── from the client ────────────────────────────────────────────────────────────────────────────────────────────────

  receive(text: string): void {
    if (this.state !== 'open') return;
    this.#server.clock.after(this.#server.latencyMs, () => {
      if (this.state !== 'open' || this.silent) return;
      this.texts.push(text);
      for (const message of decodeClient(text, this.#server.limits.maxObjectsPerMessage)) {
        if (message.type === 'problem') throw new Error(`the client sent nonsense: ${message.message} in ${text}`);
        this.received.push(message);
        if (this.#isRefused) continue;
        if (!this.#server.intercept(this, message)) this.answer(message);
        if (this.state !== ('open' as string)) return;
      }
    });
  }

  closeByClient(code: number, reason: string): void {
    if (this.state === 'closed' || this.closedByClient) return;
    this.closedByClient = { code, reason };
    if (this.state === 'connecting') return this.#end({ code: 1006, reason: '', wasClean: false });
    if (!this.answersClose || this.silent) return;
    this.#server.clock.after(2 * this.#server.latencyMs, () => this.#end({ code, reason, wasClean: true }));
  }

  /** The server's own answer to a message. */
  answer(message: ClientMessage): void {
    const server = this.#server;
    switch (message.type) {
      case 'hello': {
        const user = server.authenticate(message.token);
        if (user === null) {
          this.#isRefused = true;
          this.send({
            type: 'error',
            code: 'unauthorized',
            message: 'the token is not valid',
            retry: false,
            outcome: 'refused',
          });
          return this.close(4501, 'unauthorized');
        }
        this.user = user;
        return this.send({
          type: 'welcome',
          session: `s${server.connections.length}`,
          user,
          pingMs: server.pingMs,
          limits: server.limits,
          now: server.clock.nowMs(),
          features: server.features,
        });
      }
      case 'subscribe': {
        if (this.subscriptions.has(message.stream)) {
          const error = { type: 'error', id: message.id, code: 'conflict', message: 'subscribed already' } as const;
          return this.send({ ...error, retry: false, outcome: 'refused' });
        }
        const log = server.log(message.stream);
        const subscription = log.subscribe(this.#nextCh++, message);
        this.subscriptions.set(message.stream, subscription);
        this.send(...subscription.opening);
        return this.flush();
      }
      case 'unsubscribe':
        this.subscriptions.delete(message.stream);
        // A barrier (SUB-8): nothing of the stream follows, not even once more.
        this.#lastData = [];
        return this.send({ type: 'ok', id: message.id });
      case 'publish': {
        const { id, stream, producer, seq, data } = message;
        const line = `${producer} ${stream}`;
        const first = this.blocked.get(line);
        if (first !== undefined && seq > first) {
          const error = { type: 'error', id, code: 'unavailable', message: 'after another' } as const;
          return this.send({ ...error, retry: true, outcome: 'refused' });
        }
        this.blocked.delete(line);
        const item = server.log(stream).publish(data, { user: this.user, producer, seq });
        if (item === 'conflict') {
          return this.send({
            type: 'error',
            id,
            code: 'conflict',
            message: 'out of order',
            retry: false,
            outcome: 'refused',
          });
        }
        this.send({ type: 'ok', id, epoch: server.log(stream).epoch, offset: item.offset, at: item.at });
        return server.flush();
      }
      case 'read':
        return this.send(server.log(message.stream).read(message));
      case 'refresh': {
        const user = server.authenticate(message.token);
        if (user !== null) return this.send({ type: 'ok', id: message.id, user });
        return this.send({
          type: 'error',
          id: message.id,
          code: 'unauthorized',
          message: 'the token is not valid',
          retry: false,
          outcome: 'refused',
        });
      }
      case 'ping':
        return this.send({ type: 'pong', id: message.id, now: server.clock.nowMs() });
      case 'seen':
        if (!server.features.includes(FEATURES.seen)) throw new Error('seen is not a feature here');
        if (message.bytes > this.deliveredBytes || message.bytes <= this.seenBytes) {
          throw new Error(`seen ${message.bytes} after ${this.seenBytes}, of ${this.deliveredBytes}`);
        }
        this.seenBytes = message.bytes;
        return;
      case 'pong':
        return;
    }
  }

  // ── to the client ──────────────────────────────────────────────────────────────────────────────────────────────────

  /** Sends what subscribers have not got. */
  flush(): void {
    for (const subscription of this.subscriptions.values()) {
      const data = subscription.take();
      this.#lastData = [...data];
      this.send(...data);
      if (this.#server.duplicate()) this.send(...data);
    }
  }

  /** Sends the newest slices once more. */
  repeat(): void {
    this.send(...this.#lastData);
  }

  send(...messages: readonly ServerMessage[]): void {
    if (messages.length > 0) this.sendText(messages.map(encode).join('\n'));
  }

  sendText(text: string | null): void {
    this.#server.clock.after(this.#server.latencyMs, () => {
      if (this.state !== 'open' || this.silent || this.closedByClient !== undefined) return;
      this.deliveredBytes += Buffer.byteLength(text ?? '');
      this.#events.onMessage(text);
    });
  }

  /** Closes with a handshake that the client answers. */
  close(code: number, reason = ''): void {
    this.#server.clock.after(this.#server.latencyMs, () => this.#end({ code, reason, wasClean: true }));
  }

  /** The network is cut, and both ends notice. */
  drop(): void {
    this.#end({ code: 1006, reason: '', wasClean: false });
  }

  #end(info: CloseInfo): void {
    if (this.state === 'closed') return;
    this.state = 'closed';
    this.#events.onClose(info);
  }
}
