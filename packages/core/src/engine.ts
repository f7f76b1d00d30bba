// A node's engine: what its sessions share. A transport hands it connections; it never opens anything itself.

import {
  type Broker,
  BrokerUnavailableError,
  hasSignals,
  memoryBroker,
  type Row,
  type RowsPage,
  type Signals,
} from '@trunkline/broker';
import {
  CLOSE,
  clientProblem,
  DEFAULT_LIMITS,
  type Limits,
  type Offset,
  type StreamName,
  streamName,
  TrunklineError,
} from '@trunkline/protocol';
import { signalText } from './active-signals.js';
import { Amender } from './amender.js';
import { type Marking, markAsServer } from './answer-mark.js';
import {
  type AppRuntime,
  findStream,
  type Identity,
  type LogRuntime,
  publisherText,
  SERVER,
  type TableRuntime,
} from './app.js';
import { BesideRequests } from './beside-requests.js';
import { callBroker } from './broker-call.js';
import { Caller } from './caller.js';
import { type Changed, Changer, type ServerRowChange } from './changer.js';
import { CheckpointBroker, type TableBroker } from './checkpoint-broker.js';
import type { Change } from './entry-state.js';
import { Hub } from './hub.js';
import { Markers } from './markers.js';
import { payloadText } from './payload-text.js';
import { Permits } from './permits.js';
import type { Clock, Connection, Log } from './ports.js';
import { Presence } from './presence.js';
import { PresenceLeases } from './presence-leases.js';
import { ProducerLanes } from './producer-lanes.js';
import { QuickPublisher } from './publish-now.js';
import { type Published, Publisher } from './publisher.js';
import { readTable } from './read-table.js';
import { Requests } from './requests.js';
import { Session } from './session.js';
import { validatorOf } from './session-signals.js';
import { Shutdown, type StopOptions } from './shutdown.js';
import { signalsOf } from './side-streams.js';
import { Unread } from './unread.js';

/** What the core is given: the app, the store, time, turns and words that nobody can guess. */
export interface EngineOptions<Request> {
  readonly app: AppRuntime<Request>;
  readonly broker: Broker;
  readonly clock: Clock;
  readonly log: Log;
  /** A word that nobody can guess, for session ids. */
  readonly randomId: () => string;
  readonly limits?: Partial<Limits>;
  /** The server pings this often, in milliseconds. Default 25_000; a peer silent for twice as long is given up. */
  readonly pingMs?: number;
  /** `hello` must come within this many milliseconds. Default 10_000. */
  readonly helloTimeoutMs?: number;
  /** A peer that takes, or if it reports (`seen`) processes, nothing of what was sent to it for this many milliseconds is given up. Default 60_000. */
  readonly stallTimeoutMs?: number;
  /** A call without a deadline of its own is told to stop after this many milliseconds. Default 30_000. */
  readonly callDeadlineMs?: number;
  /** No call runs longer, whatever deadline it names, in milliseconds. Default 600_000. */
  readonly maxCallDeadlineMs?: number;
  readonly ringBytes?: number;
  readonly flushIntervalMs?: number;
  /** Called every 32 served connections and at the end of a flush: the transport writes out what it gathered. */
  readonly afterFlush?: () => void;
}

const SWEEP_MS = 1_000;
const CHECKPOINT_MS = 1_000;
/** Of a whole table, read for server code. */
const ROWS_PAGE = { entries: 5_000 };
/** A round that comes this late: the process slept or was stopped, or somebody set the clock. */
const LATE_MS = 10_000;

/** The core as a whole: makes sessions, and has what they share. */
export class Engine<Request = unknown> {
  readonly app: AppRuntime<Request>;
  readonly broker: Broker;
  readonly clock: Clock;
  readonly log: Log;
  readonly limits: Limits;
  readonly pingMs: number;
  readonly helloTimeoutMs: number;
  readonly stallTimeoutMs: number;
  readonly randomId: () => string;
  readonly hub: Hub;
  readonly permits: Permits;
  readonly publisher: Publisher;
  readonly quickPublisher: QuickPublisher;
  readonly amender: Amender;
  readonly changer: Changer;
  readonly caller: Caller;
  readonly presence: Presence;
  /** Of those who have no connection. */
  readonly presenceLeases: PresenceLeases;
  readonly markers: Markers;
  readonly unread: Unread;
  /** Carries signals: to all nodes if the broker can. */
  readonly signals: Signals;
  /** Keeps what is not to outlive this process. */
  readonly memory: Broker & Signals;
  readonly sessions = new Set<Session<Request>>();
  /** What comes without a connection, one by one: the HTTP API. */
  readonly requests: Requests<Request>;
  /** The same for what stands beside a log. */
  readonly besideRequests: BesideRequests<Request>;
  /** For sessions. From outside use `drain` and `stop`. */
  readonly shutdown: Shutdown<Request>;
  /** Whose rows may expire. */
  readonly #tableBrokers: ReadonlySet<TableBroker>;
  /** By how often they write. */
  readonly #checkpoints = new Map<number, CheckpointBroker>();
  #cancelSweep: () => void;
  #sweptMs: number;

  constructor(options: EngineOptions<Request>) {
    this.app = options.app;
    this.broker = options.broker;
    this.clock = options.clock;
    this.log = options.log;
    this.randomId = options.randomId;
    this.limits = { ...DEFAULT_LIMITS, ...options.limits };
    this.pingMs = options.pingMs ?? 25_000;
    this.helloTimeoutMs = options.helloTimeoutMs ?? 10_000;
    this.stallTimeoutMs = options.stallTimeoutMs ?? 60_000;
    this.hub = new Hub(options);
    this.shutdown = new Shutdown(this.sessions, options.clock);
    const nowMs = () => options.clock.nowMs();
    const { maxEntryBytes, maxRowsPerChange } = this.limits;
    const { log } = options;
    this.permits = new Permits(log, nowMs);
    this.memory = memoryBroker({ nowMs, randomEpoch: options.randomId });
    const lanes = new ProducerLanes<Published>();
    const writers = { broker: options.broker, log, permits: this.permits, nowMs, maxEntryBytes, lanes };
    this.publisher = new Publisher(writers);
    this.quickPublisher = new QuickPublisher(writers);
    this.amender = new Amender(writers);
    this.signals = hasSignals(options.broker) ? options.broker : this.memory;
    const isFollowed = (stream: StreamName) => this.hub.isActive(stream);
    const beside = {
      app: this.app,
      broker: options.broker,
      memory: this.memory,
      clock: options.clock,
      log,
      isFollowed,
    };
    this.presence = new Presence(beside);
    this.presenceLeases = new PresenceLeases(this.presence, options.clock);
    this.markers = new Markers(beside);
    this.unread = new Unread(beside);
    const brokerOf = (channel: TableRuntime) => this.brokerOf(channel);
    this.changer = new Changer({ brokerOf, log, permits: this.permits, nowMs, maxEntryBytes, maxRowsPerChange });
    this.requests = new Requests(this);
    this.besideRequests = new BesideRequests(this);
    const { broker, clock, callDeadlineMs = 30_000, maxCallDeadlineMs = 600_000 } = options;
    const deadlines = { deadlineMs: callDeadlineMs, maxDeadlineMs: maxCallDeadlineMs };
    this.caller = new Caller({ broker, log, clock, permits: this.permits, maxEntryBytes, ...deadlines });
    const tables = [...this.app.channels.values()].filter((channel) => channel.kind === 'table');
    // Marks expire in the broker, whether or not the app has tables there.
    const marked = [...this.app.channels.values()].some((channel) => channel.kind === 'log' && channel.markers);
    this.#tableBrokers = new Set([...tables.map(brokerOf), ...(marked ? [this.broker] : [])]);
    this.#sweptMs = this.clock.nowMs();
    this.#cancelSweep = this.clock.after(SWEEP_MS, this.#sweep);
  }

  /** A new connection. Hand its messages to `receive`, its drains to `drained`, its end to `closed`. */
  accept(connection: Connection, request: Request): Session<Request> {
    const session = new Session(this, connection, request);
    this.sessions.add(session);
    this.shutdown.joined(session);
    return session;
  }

  /**
   * Appends to a log as the server itself.
   * @throws TrunklineError `too_large`, `invalid`, `unavailable`; `unknown_channel` if the app has no such channel.
   */
  async publish(key: string, params: readonly string[], data: unknown): Promise<Published> {
    return this.publisher.publishAsServer(streamName(key, params), this.#log(key), data);
  }

  /**
   * Amends an entry as the server itself; a reaction of its own has the empty user id.
   * @throws TrunklineError `forbidden` (the channel does not allow it), `not_found`, `conflict` (the entry was deleted), `too_large`,
   * `invalid`, `unavailable`.
   */
  async amend(key: string, params: readonly string[], offset: Offset, change: Change): Promise<Published> {
    const message = { type: 'amend', id: 1, stream: key, producer: 'p', seq: 1, offset, ...change };
    const problem = clientProblem(message);
    if (problem !== null) throw new TrunklineError('invalid', problem);
    const stream = streamName(key, params);
    return this.amender.amendAsServer({ stream, channel: this.#log(key), params, offset, change });
  }

  /**
   * Changes rows of a table as the server itself.
   * @throws TrunklineError `too_large`, `invalid`, `conflict` (an `if` does not hold), `unavailable`.
   */
  async change(key: string, params: readonly string[], changes: readonly ServerRowChange[]): Promise<Changed> {
    return this.changer.changeAsServer(streamName(key, params), this.#table(key), changes);
  }

  /** A row of a table, or `null`. Rejects with TrunklineError `unavailable`. */
  async row(key: string, params: readonly string[], row: string): Promise<Row | null> {
    const broker = this.brokerOf(this.#table(key));
    return callBroker(this.log, broker.readRow(streamName(key, params), row));
  }

  /** Every row of a table, in the order of last change. Rejects with TrunklineError `unavailable`. */
  async rows(key: string, params: readonly string[]): Promise<readonly Row[]> {
    const name = streamName(key, params);
    const broker = this.brokerOf(this.#table(key));
    const begin = () => {
      const whole = new Map<string, Row>();
      const add = ({ rows, gone }: RowsPage) => {
        // What comes again is put to the end.
        for (const { key: known } of [...gone, ...rows]) whole.delete(known);
        for (const row of rows) whole.set(row.key, row);
      };
      return { whole, add };
    };
    const read = await callBroker(this.log, readTable(broker, name, ROWS_PAGE, begin));
    return [...(read?.whole.values() ?? [])];
  }

  brokerOf({ keep, checkpointMs = CHECKPOINT_MS }: TableRuntime): TableBroker {
    if (keep !== 'checkpoint') return keep === 'memory' ? this.memory : this.broker;
    let broker = this.#checkpoints.get(checkpointMs);
    if (broker === undefined) {
      const { broker: durable, clock, log, randomId: randomEpoch } = this;
      broker = new CheckpointBroker({ durable, clock, log, randomEpoch, everyMs: checkpointMs });
      this.#checkpoints.set(checkpointMs, broker);
    }
    return broker;
  }

  #log(key: string): LogRuntime {
    const channel = this.app.channels.get(key);
    if (channel?.kind !== 'log') throw new Error(`the app has no channel "${key}" that is a log`);
    return channel;
  }

  #table(key: string): TableRuntime {
    const channel = this.app.channels.get(key);
    if (channel?.kind !== 'table') throw new Error(`the app has no channel "${key}" that is a table`);
    return channel;
  }

  /**
   * Signals as the server itself.
   * @throws TrunklineError `invalid` (no such signal, no JSON value), `too_large`
   */
  signal(key: string, params: readonly string[], name: string, data: unknown): void {
    const channel = this.app.channels.get(key);
    validatorOf(channel?.kind === 'log' ? channel : undefined, name);
    const text = payloadText('signal', data, this.limits.maxSignalBytes);
    this.sendSignal(streamName(key, params), SERVER, name, text);
  }

  /** Marks, follows or unfollows for a user, as the server itself. Rejects with a TrunklineError. */
  mark(marking: Marking, userId: string): Promise<void> {
    return markAsServer(this, marking, userId);
  }

  /** Tells those who listen now. @param data JSON text */
  sendSignal(log: StreamName, identity: Identity, name: string, data: string): void {
    this.signals.signal(signalsOf(log), signalText(identity.id, name, publisherText(identity), data));
  }

  /** A session ended; it says so itself. */
  left(session: Session<Request>): void {
    this.sessions.delete(session);
    this.shutdown.left();
  }

  /** Whether a stream of this name belongs to a channel of the app. */
  knows(name: string): name is StreamName {
    return findStream(this.app, name) !== null;
  }

  /**
   * The user's rights changed: judges again what the user has open on this node, and what is in work (SUB-9). From the call on nothing
   * more of the user's streams (or of `stream`) is put on a connection until the rule has answered. Resolves when all was judged.
   */
  async revoke(userId: string, stream?: StreamName): Promise<{ readonly ended: number }> {
    this.permits.doubt(userId, stream);
    this.presence.bar(userId, stream);
    this.presenceLeases.bar(userId, stream);
    const judged: Promise<number>[] = [];
    // Looked for, not indexed: a revocation is rare, and a look at 10,000 sessions takes less than a millisecond.
    for (const session of this.sessions) {
      if (session.identity?.id === userId) judged.push(session.judgeAgain(stream));
    }
    const [counts] = await Promise.all([Promise.all(judged), this.unread.judgeAgain(userId, stream)]);
    return { ended: counts.reduce((sum, count) => sum + count, 0) };
  }

  /** Ends the user's connections on this node, with the reason in words (CON-10). @returns how many there were */
  disconnect(userId: string, mayReturn: boolean, reason: string): number {
    this.presenceLeases.bar(userId);
    const theirs = [...this.sessions].filter(({ identity }) => identity?.id === userId);
    const { disconnected, dismissed } = CLOSE;
    for (const session of theirs) {
      if (mayReturn) session.refuse(disconnected, 'unavailable', reason);
      else session.refuse(dismissed, 'forbidden', reason);
    }
    return theirs.length;
  }

  /**
   * Asks every client that knows the word to move to another server (CON-8), now and when it says hello; all go on being served.
   * Resolves as soon as no session is left, at the latest after `withinMs` milliseconds or when `stop` is called.
   * @param spreadMs they move at random moments within it, at most `withinMs`. Default: 1 s per 5,000 sessions, at least 500 ms.
   */
  drain(withinMs: number, spreadMs?: number): Promise<void> {
    return this.shutdown.drain(withinMs, spreadMs);
  }

  /**
   * Says goodbye to everyone, with 1001 (CON-6). Each connection begins its closing handshake when its requests in work are answered;
   * resolves when all have, at the latest after `finishMs`.
   */
  async stop(reason: string, options: StopOptions = {}): Promise<void> {
    this.#cancelSweep();
    await this.shutdown.stop(reason, options);
    this.caller.stop(reason);
    this.presence.close();
    this.unread.close();
    this.hub.close();
  }

  /**
   * Writes what tables with `keep: 'checkpoint'` have not written yet; from then on they cannot be changed. To be called when nobody is
   * connected any more, before the broker is closed. Never rejects: what cannot be written is told to the log.
   */
  async closeTables(): Promise<void> {
    await Promise.all([...this.#checkpoints.values()].map((broker) => broker.close()));
  }

  // One timer for all connections: at 10,000 of them a round is well under a millisecond.
  readonly #sweep = (): void => {
    const now = this.clock.nowMs();
    // Nobody was heard because nobody listened: that is not the peers' silence.
    const isLate = Math.abs(now - this.#sweptMs) > LATE_MS;
    this.#sweptMs = now;
    for (const session of this.sessions) {
      if (isLate) session.pardon(now);
      session.sweep(now);
    }
    this.hub.sweep();
    this.presenceLeases.sweep();
    this.presence.sweep();
    this.markers.sweep();
    this.unread.sweep();
    this.#expireRows();
    this.#cancelSweep = this.clock.after(SWEEP_MS, this.#sweep);
  };

  #expireRows(): void {
    for (const broker of this.#tableBrokers) {
      // What is due stays due: the next round tries again.
      broker.expire().catch((error) => {
        if (!(error instanceof BrokerUnavailableError)) this.log.error({ error }, 'rows could not expire');
      });
    }
  }
}
