// An engine in a world of fakes: a clock moved by hand, connections that record, the memory broker under a broker that can fail.

import { type Broker, memoryBroker } from '@trunkline/broker';
import type { ClientMessage, ErrorMessage, Ok, ServerMessage, StreamName } from '@trunkline/protocol';
import {
  type AppRuntime,
  type ChannelRuntime,
  Engine,
  type EngineOptions,
  type LogRuntime,
  type ProcedureRuntime,
  type Session,
  type TableRuntime,
} from '../../src/index.js';
import { ControlledBroker } from './controlled-broker.js';
import { FakeClock, microtasks } from './fake-clock.js';
import { FakeConnection } from './fake-connection.js';
import { View } from './view.js';

export type Authenticate = AppRuntime<unknown>['authenticate'];

export interface WorldOptions extends Partial<Omit<EngineOptions<unknown>, 'app' | 'broker' | 'clock' | 'log'>> {
  /** What the channel `chat` does besides storing what it gets. */
  readonly chat?: Partial<LogRuntime>;
  /** What the table `quotes` does besides storing what it gets. Clients may change it. */
  readonly quotes?: Partial<TableRuntime>;
  readonly procedures?: ReadonlyMap<string, ProcedureRuntime>;
  readonly authenticate?: Authenticate;
  /** Between the engine and the store. */
  readonly wrap?: (broker: Broker) => Broker;
  readonly store?: Broker;
  readonly clock?: FakeClock;
}

/** The token is the user's id; `bad` is nobody's, `broken` breaks. */
const byToken: Authenticate = async (token) => {
  if (token === 'broken') throw new Error('the user database is down');
  if (token === undefined || token === 'bad') return null;
  return { id: token, user: { id: token }, publicUser: token };
};

/** Of a log with read marks. */
export const MARKERS = { expireMs: 30 * 86_400_000, maxReaders: 1_000 };

export const LOBBY = 'chat/lobby' as StreamName;
export const QUOTES = 'quotes/nyse' as StreamName;

export class World {
  readonly clock: FakeClock;
  /** Straight to the store, past all faults. */
  readonly store: Broker;
  readonly broker: ControlledBroker;
  readonly engine: Engine<unknown>;
  readonly logged: { readonly level: 'warn' | 'error'; readonly message: string; readonly details: object }[] = [];
  flushes = 0;

  constructor(options: WorldOptions = {}) {
    const {
      chat,
      quotes,
      procedures,
      authenticate = byToken,
      wrap = (broker) => broker,
      store,
      clock,
      ...rest
    } = options;
    this.clock = clock ?? new FakeClock();
    let epochs = 0;
    this.store = store ?? memoryBroker({ nowMs: this.clock.nowMs, randomEpoch: () => `epoch-${++epochs}` });
    this.broker = new ControlledBroker(wrap(this.store));
    const channel: LogRuntime = { kind: 'log', params: ['room'], validate: (value) => ({ value }), ...chat };
    const table: TableRuntime = {
      kind: 'table',
      params: ['market'],
      write: 'client',
      keep: 'durable',
      validate: (value) => ({ value }),
      ...quotes,
    };
    let ids = 0;
    this.engine = new Engine<unknown>({
      app: {
        channels: new Map<string, ChannelRuntime>([
          ['chat', channel],
          ['quotes', table],
        ]),
        ...(procedures === undefined ? {} : { procedures }),
        authenticate,
      },
      broker: this.broker,
      clock: this.clock,
      log: {
        warn: (details, message) => this.logged.push({ level: 'warn', message, details }),
        error: (details, message) => this.logged.push({ level: 'error', message, details }),
      },
      randomId: () => `session-${++ids}`,
      afterFlush: () => {
        this.flushes += 1;
      },
      ...rest,
    });
  }

  /** A connection that has said nothing yet. */
  connect(): Peer {
    return new Peer(this);
  }

  /** A connection that was let in. */
  async enter(user = 'ada'): Promise<Peer> {
    const peer = this.connect();
    peer.say({ type: 'hello', version: 1, token: user });
    await this.settle();
    peer.connection.fresh();
    return peer;
  }

  /** Runs turns until nothing is left to do at this moment of the clock. */
  async settle(): Promise<void> {
    await microtasks();
    for (let turns = 0; this.clock.isTurnOpen; turns++) {
      if (turns > 10_000) throw new Error('this never comes to rest');
      this.clock.endTurn();
      await microtasks();
    }
  }

  /** Moves the clock second by second, letting the world run in between. */
  async passMs(ms: number): Promise<void> {
    for (let left = ms; left > 0; left -= 1_000) {
      this.clock.advanceMs(Math.min(left, 1_000));
      await this.settle();
    }
  }

  /** Appends to the store as the server would, past the engine: `count` entries `{n}` counting from `first`. */
  async fill(count: number, first = 1, stream = LOBBY, pad = ''): Promise<void> {
    const entries = Array.from({ length: count }, (_, index) => ({
      at: this.clock.nowMs(),
      data: JSON.stringify(pad === '' ? { n: first + index } : { n: first + index, pad }),
      user: null,
    }));
    await this.store.append(stream, entries);
  }

  /** Nothing is left of any connection. */
  get leftovers(): { sessions: number; subscriptions: number } {
    return { sessions: this.engine.sessions.size, subscriptions: this.engine.hub.subscriptions };
  }
}

export type Answer = Ok | ErrorMessage;
type Request = Extract<ClientMessage, { id: number }>;
type WithoutId<M> = M extends unknown ? Omit<M, 'id'> : never;

export class Peer {
  readonly connection = new FakeConnection();
  readonly session: Session<unknown>;
  #ids = 0;

  constructor(readonly world: World) {
    this.session = world.engine.accept(this.connection, { url: '/line' });
  }

  /** Sends messages, or raw text, as one WebSocket message. */
  say(...messages: readonly (ClientMessage | string)[]): void {
    this.session.receive(
      messages.map((message) => (typeof message === 'string' ? message : JSON.stringify(message))).join('\n'),
    );
  }

  /** Sends a request, lets the world come to rest, and gives the answer. */
  async ask(request: WithoutId<Request>): Promise<Answer> {
    const id = this.request(request);
    await this.world.settle();
    return this.answerTo(id);
  }
  /** The same, expecting `ok`. */
  async do<T extends Ok = Ok>(request: WithoutId<Request>): Promise<T> {
    const answer = await this.ask(request);
    if (answer.type !== 'ok') throw new Error(`${request.type}: ${answer.code}: ${answer.message}`);
    return answer as T;
  }
  /** The same, expecting `error`. */
  async fail(request: WithoutId<Request>): Promise<ErrorMessage> {
    const answer = await this.ask(request);
    if (answer.type !== 'error') throw new Error(`${request.type} was answered with ok`);
    return answer;
  }

  /** Sends a request with the next id, which it gives. */
  request(request: WithoutId<Request>): number {
    this.#ids += 1;
    this.say({ ...request, id: this.#ids } as ClientMessage);
    return this.#ids;
  }
  answersTo(id: number): ServerMessage[] {
    return this.connection.messages.filter(
      (message) => (message.type === 'ok' || message.type === 'error' || message.type === 'pong') && message.id === id,
    );
  }
  answerTo(id: number): Answer {
    const answers = this.answersTo(id);
    const [answer] = answers;
    if (answer === undefined || answers.length > 1) throw new Error(`request ${id} has ${answers.length} answers`);
    return answer as Answer;
  }

  /** What this connection has seen of the stream that it subscribed to with `id`. */
  view(id = this.#ids): View {
    return new View().take(this.connection.messages, id);
  }

  /** Subscribes, lets the world come to rest, and gives what it sees. */
  async subscribe(
    options: { last?: number; after?: object; most?: number } = {},
    stream: string = LOBBY,
  ): Promise<View> {
    const id = this.request({ type: 'subscribe', stream, ...options } as WithoutId<Request>);
    await this.world.settle();
    return this.view(id);
  }

  publish(seq: number, data: unknown = { seq }, producer = 'p1', stream: string = LOBBY): Promise<Answer> {
    return this.ask({ type: 'publish', stream, producer, seq, data } as WithoutId<Request>);
  }

  /** The peer takes what waits for it. */
  drain(bytes?: number): void {
    if (this.connection.take(bytes)) this.session.drained();
  }

  /** The connection is gone. */
  vanish(): void {
    this.session.closed();
  }
}
