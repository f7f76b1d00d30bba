// A client and real servers: engines of the core over one memory broker, fake sockets, one fake clock. Several engines are several nodes that
// share a store.

import { type Broker, memoryBroker } from '@trunkline/broker';
import {
  type ConnectOptions,
  connect,
  type Line,
  type LineProblem,
  type OpenSocket,
  type SocketEvents,
} from '@trunkline/client';
import {
  type ChannelRuntime,
  type Connection,
  Engine,
  type LogRuntime,
  type ServerRowChange,
  type Session,
  type SharedText,
} from '@trunkline/core';
import type { ClientMessage, Contracted, Limits, ServerMessage } from '@trunkline/protocol';
import { FakeClock } from './fake-clock.js';
import { FakeNetwork } from './world.js';

export interface Quote {
  readonly n: number;
  readonly bid?: number;
  readonly ask?: number;
}

export type TableApp = Contracted<{
  readonly channels: {
    readonly quotes: {
      readonly kind: 'table';
      readonly params: readonly ['market'];
      readonly input: Quote;
      readonly row: Quote;
      readonly write: 'client';
    };
  };
  readonly publicUser: string;
}>;

/** A log with all that may stand beside one. */
export type ChatApp = Contracted<{
  readonly channels: {
    readonly chat: {
      readonly kind: 'log';
      readonly params: readonly ['room'];
      readonly input: { readonly text: string };
      readonly stored: { readonly text: string };
      readonly refusal: never;
      readonly amend: 'edit' | 'delete' | 'react';
      readonly presence: true;
      readonly markers: true;
      readonly signals: {
        readonly typing: { readonly input: { readonly on: boolean }; readonly output: { readonly on: boolean } };
        readonly wave: { readonly input: number; readonly output: number };
      };
    };
  };
  readonly publicUser: string;
}>;

export interface EngineWorldOptions {
  /** What the log `chat` does besides. */
  readonly chat?: Partial<LogRuntime>;
  readonly nodes?: number;
  readonly limits?: Partial<Limits>;
  /** What the nodes but the first hear of changes comes so much later, in milliseconds. */
  readonly lagMs?: number;
  readonly line?: ConnectOptions;
}

/** A table with the rows `k1`, `k2` …, of `n` 1, 2 … */
export async function filled(count: number, options: EngineWorldOptions = {}) {
  const world = new EngineWorld(options);
  const keys = Array.from({ length: count }, (_, i) => `k${i + 1}`);
  if (count > 0) await world.change(...keys.map((key, i) => ({ key, set: { n: i + 1 } })));
  return { world, quotes: world.quotes, keys };
}

export class EngineWorld {
  readonly clock = new FakeClock();
  readonly network = new FakeNetwork();
  readonly problems: LineProblem[] = [];
  readonly connections: EngineConnection[] = [];
  readonly broker: Broker;
  readonly engines: readonly Engine<unknown>[];
  readonly line: Line<TableApp>;
  /** Which node the next connection reaches. */
  node = 0;
  latencyMs = 0;
  accepts = true;

  constructor({ nodes = 1, limits = {}, lagMs = 0, line = {}, chat = {} }: EngineWorldOptions = {}) {
    const { clock } = this;
    let epochs = 0;
    let ids = 0;
    this.broker = memoryBroker({ nowMs: () => clock.nowMs(), randomEpoch: () => `epoch-${++epochs}` });
    const log = { warn: () => {}, error: () => {} };
    const quotes = {
      kind: 'table' as const,
      params: ['market'],
      write: 'client' as const,
      keep: 'durable' as const,
      validate: (value: unknown) => ({ value }),
    };
    const any = (value: unknown) => ({ value });
    const lobby: LogRuntime = {
      kind: 'log',
      params: ['room'],
      validate: any,
      presence: { graceMs: 5_000 },
      markers: { expireMs: 86_400_000, maxReaders: 1_000 },
      amend: ['edit', 'delete', 'react'],
      signals: new Map([
        ['typing', any],
        ['wave', any],
      ]),
      ...chat,
    };
    const channels = new Map<string, ChannelRuntime>([
      ['quotes', quotes],
      ['chat', lobby],
    ]);
    this.engines = Array.from(
      { length: nodes },
      (_, node) =>
        new Engine<unknown>({
          app: {
            channels,
            authenticate: async (token = 'ada') => ({ id: token, user: token, publicUser: token }),
          },
          broker: node > 0 && lagMs > 0 ? lagging(this.broker, clock, lagMs) : this.broker,
          clock: {
            nowMs: () => clock.nowMs(),
            endOfTurn: (task) => void clock.after(0, task),
            after: (delayMs, task) => clock.after(delayMs, task),
          },
          log,
          randomId: () => `session-${++ids}`,
          limits,
        }),
    );
    this.line = connect<TableApp>('ws://test/line', {
      clock,
      network: this.network,
      socket: this.open,
      random: () => 0.5,
      onProblem: (problem) => this.problems.push(problem),
      ...line,
    });
  }

  /** Another client, of a user of that name. */
  join(user: string, options: ConnectOptions = {}): Line<ChatApp> {
    return connect<ChatApp>('ws://test/line', {
      clock: this.clock,
      network: new FakeNetwork(),
      socket: this.open,
      random: () => 0.5,
      token: user,
      onProblem: (problem) => this.problems.push(problem),
      ...options,
    });
  }

  get quotes() {
    return this.line.channel.quotes('nyse');
  }

  readonly open: OpenSocket = (_url, _protocol, events) => {
    const connection = new EngineConnection(this, events);
    this.connections.push(connection);
    this.clock.after(this.latencyMs, () => connection.begin());
    return {
      send: (text) => connection.fromClient(text),
      close: (code) => connection.closedByClient(code),
    };
  };

  get last(): EngineConnection {
    const connection = this.connections.at(-1);
    if (!connection) throw new Error('nobody has connected');
    return connection;
  }

  get openConnections(): readonly EngineConnection[] {
    return this.connections.filter(({ state }) => state === 'open');
  }

  /** Moves time, letting promises settle between timers. */
  async pass(ms = 0): Promise<void> {
    const untilMs = this.clock.nowMs() + ms;
    for (;;) {
      await new Promise((resolve) => setImmediate(resolve));
      const dueMs = this.clock.nextDueMs;
      if (dueMs === undefined || dueMs > untilMs) break;
      this.clock.advance(Math.max(0, dueMs - this.clock.nowMs()));
    }
    this.clock.advance(untilMs - this.clock.nowMs());
  }

  /** One step by the server. */
  change(...changes: readonly ServerRowChange[]): Promise<unknown> {
    return (this.engines[0] as Engine<unknown>).change('quotes', ['nyse'], changes);
  }

  /** What the server has, by key. */
  async rows(): Promise<ReadonlyMap<string, Quote>> {
    const rows = await (this.engines[0] as Engine<unknown>).rows('quotes', ['nyse']);
    return new Map(rows.map(({ key, data }) => [key, JSON.parse(data) as Quote]));
  }
}

/** The same broker, whose notifications are late. */
function lagging(broker: Broker, clock: FakeClock, lagMs: number): Broker {
  const watch: Broker['watch'] = (stream, onAdvance) =>
    broker.watch(stream, (advance) => void clock.after(lagMs, () => onAdvance(advance)));
  return new Proxy(broker, {
    get(target, name) {
      if (name === 'watch') return watch;
      const value: unknown = Reflect.get(target, name);
      return typeof value === 'function' ? value.bind(target) : value;
    },
  });
}

export class EngineConnection implements Connection {
  state: 'connecting' | 'open' | 'closed' = 'connecting';
  /** `true`: a half-open link, nothing passes. */
  silent = false;
  /** As it was in the world when this was opened. */
  readonly latencyMs: number;
  /** Runs after the client was handed a message. */
  onDelivered: (message: ServerMessage) => void = () => {};
  /** `true`: the server never gets this. */
  intercept: (message: ClientMessage) => boolean = () => false;
  readonly received: ClientMessage[] = [];
  readonly sent: ServerMessage[] = [];
  readonly bufferedBytes = 0;
  takenBytes = 0;
  #session: Session<unknown> | undefined;
  readonly #world: EngineWorld;
  readonly #events: SocketEvents;

  constructor(world: EngineWorld, events: SocketEvents) {
    this.#world = world;
    this.latencyMs = world.latencyMs;
    this.#events = events;
  }

  begin(): void {
    if (this.state !== 'connecting') return;
    if (!this.#world.accepts) return this.end(1006, false);
    this.state = 'open';
    this.#session = this.#world.engines[this.#world.node]?.accept(this, {});
    this.#events.onOpen();
  }

  /** The messages of one type that the client sent. */
  of<T extends ClientMessage['type']>(type: T): Extract<ClientMessage, { type: T }>[] {
    return this.received.filter((message) => message.type === type) as Extract<ClientMessage, { type: T }>[];
  }

  fromClient(text: string): void {
    this.#world.clock.after(this.latencyMs, () => {
      if (this.state !== 'open' || this.silent) return;
      const lines = text.split('\n').filter((line) => !this.intercept(JSON.parse(line) as ClientMessage));
      for (const line of lines) this.received.push(JSON.parse(line) as ClientMessage);
      if (lines.length > 0) this.#session?.receive(lines.join('\n'));
    });
  }

  closedByClient(code: number): void {
    this.#world.clock.after(this.latencyMs, () => this.end(code, true));
  }

  send(text: string): void {
    this.takenBytes += text.length;
    for (const line of text.split('\n')) this.sent.push(JSON.parse(line) as ServerMessage);
    this.#world.clock.after(this.latencyMs, () => {
      if (this.state !== 'open' || this.silent) return;
      this.#events.onMessage(text);
      for (const line of text.split('\n')) this.onDelivered(JSON.parse(line) as ServerMessage);
    });
  }
  sendShared({ text }: SharedText): void {
    this.send(text);
  }
  /** Something that no server would send. */
  inject(message: object): void {
    this.#events.onMessage(JSON.stringify(message));
  }
  pause(): void {}
  resume(): void {}
  close(code: number): void {
    this.#world.clock.after(this.latencyMs, () => this.end(code, true));
  }
  drop(): void {
    this.end(1006, false);
  }

  end(code: number, wasClean: boolean): void {
    if (this.state === 'closed') return;
    this.state = 'closed';
    this.#session?.closed();
    this.#events.onClose({ code, reason: '', wasClean });
  }
}
