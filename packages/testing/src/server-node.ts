// One life of a server: the real engine on a machine, from its start to its stop or its sudden end.

import { type Broker, hasOutbox } from '@trunkline/broker';
import { withFlakyNotifications } from '@trunkline/broker/contract';
import { Engine } from '@trunkline/core';
import type { Limits } from '@trunkline/protocol';
import { type AppState, type RequestInfo, type Retentions, simulatedApp } from './app.js';
import type { BackendLedger } from './backend-ledger.js';
import { BackendLink, type BackendSetup } from './backend-link.js';
import type { FrameEndOptions, Writes } from './frame-end.js';
import type { Journal } from './journal.js';
import type { Ledger } from './ledger.js';
import { Machine } from './machine.js';
import type { MarkLedger } from './mark-ledger.js';
import { Owner } from './owner.js';
import { PresenceLedger } from './presence-ledger.js';
import type { ProcedureLedger } from './procedures.js';
import type { Random } from './random.js';
import { ServerConnection } from './server-connection.js';
import type { SimulatedBackend } from './simulated-backend.js';
import type { Simulator } from './simulator.js';
import type { Store } from './store.js';
import { followTable } from './table-follower.js';
import type { TableLedger } from './table-ledger.js';
import type { SimulatedTable, TableSetup } from './tables.js';
import type { Wire } from './wire.js';
import { WireOracle } from './wire-oracle.js';

/** How this world's servers are set up. */
export interface ServerSetup {
  readonly limits: Limits;
  readonly pingMs: number;
  readonly helloTimeoutMs: number;
  readonly stallTimeoutMs: number;
  readonly ringBytes: number;
  readonly flushIntervalMs: number;
  readonly retentions: Retentions;
  readonly backend: BackendSetup;
  readonly tables: TableSetup;
  /** How long who left is present. */
  readonly graceMs: number;
  /** Notifications are late, repeated, out of order or missing, as far as the port allows. */
  readonly hasFlakyNotifications: boolean;
}

export interface NodeParts {
  readonly simulator: Simulator;
  readonly random: Random;
  readonly journal: Journal;
  readonly ledger: Ledger;
  readonly tableLedger: TableLedger;
  readonly procedures: ProcedureLedger;
  readonly hasPresence: boolean;
  readonly hasMarks: boolean;
  readonly marks: MarkLedger;
  /** Whom it asks and tells, if it does. */
  readonly backend: { readonly ledger: BackendLedger; readonly backend: SimulatedBackend } | undefined;
  /** Those that are used in this world. */
  readonly tables: readonly SimulatedTable[];
  readonly store: Store;
  readonly rules: AppState;
  readonly writes: Writes;
  readonly setup: ServerSetup;
}

/** What `packages/server` allows to wait for one connection. */
const MAX_BUFFERED_BYTES = 2 * 1_048_576;
/** How long connections have to end after a goodbye. */
const CLOSE_DEADLINE_MS = 5_000;

export class ServerNode {
  readonly machine: Machine;
  readonly engine: Engine<RequestInfo>;
  readonly connections = new Set<ServerConnection>();
  readonly oracles = new Map<ServerConnection, WireOracle>();
  readonly presence: PresenceLedger;
  readonly backend: BackendLink | undefined;
  readonly #broker: Broker;
  readonly #parts: NodeParts;
  #isStopping = false;
  #onEmpty: () => void = () => {};
  readonly #wires = new Set<Wire>();
  #accepted = 0;

  constructor(
    readonly name: string,
    parts: NodeParts,
  ) {
    const { simulator, random, journal, store, rules, writes, setup, procedures, tables, tableLedger } = parts;
    this.#parts = parts;
    this.machine = new Machine(simulator, name);
    const broker = store.open(this.machine);
    this.#broker = broker;
    const { machine } = this;
    this.presence = new PresenceLedger(machine, setup.graceMs, rules, journal);
    const log = {
      warn: (details: object, message: string) => journal.trace(name, () => `! ${message} ${causeOf(details)}`),
      error: (details: object, message: string) => journal.trace(name, () => `!! ${message} ${causeOf(details)}`),
    };
    if (parts.backend !== undefined && hasOutbox(broker)) {
      const link = { ...parts.backend, machine, random: random.branch('backend'), journal, log, setup: setup.backend };
      this.backend = new BackendLink(link, broker);
    }
    this.engine = new Engine<RequestInfo>({
      app: simulatedApp({
        state: rules,
        retentions: setup.retentions,
        graceMs: parts.hasPresence ? setup.graceMs : undefined,
        hasMarks: parts.hasMarks,
        attach: (channel) => this.backend?.attach(channel) ?? [...channel],
        tables: setup.tables,
        procedures,
        machine,
        random,
        journal,
      }),
      broker: setup.hasFlakyNotifications ? withFlakyNotifications(broker, random.next) : broker,
      clock: machine,
      log,
      randomId: () => random.word(),
      limits: setup.limits,
      pingMs: setup.pingMs,
      helloTimeoutMs: setup.helloTimeoutMs,
      stallTimeoutMs: setup.stallTimeoutMs,
      ringBytes: setup.ringBytes,
      flushIntervalMs: setup.flushIntervalMs,
      afterFlush: () => writes.flush(),
    });
    for (const table of tables) {
      if (table.keep !== 'durable') followTable(table, this.engine, machine, tableLedger, setup.tables);
    }
    this.backend?.start();
    new Owner(machine, broker, random.branch('owner'), journal);
  }

  get isListening(): boolean {
    return this.machine.isAlive && !this.#isStopping;
  }

  accept(options: Omit<FrameEndOptions, 'side' | 'maxMessageBytes' | 'maxBufferedBytes'>, client: string): void {
    const { ledger, tableLedger: tables, marks, procedures, rules, journal, setup } = this.#parts;
    this.#accepted += 1;
    const { machine, presence } = this;
    const parts = { machine, presence, wire: options.wire, ledger, tables, marks, procedures, rules, journal };
    const oracle = new WireOracle(`${client}#${this.#accepted}`, parts);
    const { maxMessageBytes } = setup.limits;
    const connection = new ServerConnection(
      { ...options, maxMessageBytes, maxBufferedBytes: MAX_BUFFERED_BYTES },
      oracle,
      (closed) => this.#closed(closed),
    );
    this.#wires.add(options.wire);
    this.connections.add(connection);
    this.oracles.set(connection, oracle);
    connection.session = this.engine.accept(connection, { client });
  }

  /** The user's rights were taken: from now on nothing of the stream may reach any of the user's connections. */
  revoke(user: string, stream: string): void {
    this.machine.run(() => {
      for (const oracle of this.oracles.values()) if (oracle.user === user) oracle.revoked(stream);
      if (this.engine.knows(stream)) void this.engine.revoke(user, stream);
    });
  }

  /** The user's rights are others, and none was taken. */
  judgeAgain(user: string, stream: string): void {
    this.machine.run(() => {
      if (this.engine.knows(stream)) void this.engine.revoke(user, stream);
    });
  }

  /** Asks its clients to move to the next server, serves them until they have, and then stops. */
  drain(withinMs: number, done: () => void): void {
    this.#isStopping = true;
    this.#parts.journal.trace(this.name, () => `drains ${this.connections.size} connections`);
    void this.engine.drain(withinMs, withinMs / 4).then(() => this.stop(done));
  }

  /** Says goodbye, ends the connections, closes the store; `done` when that is so. */
  stop(done: () => void): void {
    this.#isStopping = true;
    this.#parts.journal.trace(this.name, () => `stops, with ${this.connections.size} connections`);
    let isGone = false;
    this.#onEmpty = () => {
      if (isGone) return;
      isGone = true;
      cancel();
      this.#parts.journal.trace(this.name, 'has no connections, and closes the store');
      void this.engine
        .closeTables()
        .then(() => this.backend?.backend.close(CLOSE_DEADLINE_MS))
        .then(() => this.#broker.close())
        .then(() => {
          this.machine.kill();
          done();
        });
    };
    const cancel = this.machine.after(CLOSE_DEADLINE_MS, () => {
      for (const connection of [...this.connections]) connection.abort();
    });
    void this.engine.stop('the server is stopping', { spreadMs: 1_000, finishMs: CLOSE_DEADLINE_MS / 2 }).then(() => {
      if (this.connections.size === 0) this.#onEmpty();
    });
  }

  /** The end, without a word. With the power, nobody is left to tell the peers. */
  kill(withPower: boolean): void {
    this.machine.kill();
    for (const wire of this.#wires) {
      if (withPower) wire.silence();
      else wire.abort('server');
    }
    this.connections.clear();
    this.oracles.clear();
  }

  #closed(connection: ServerConnection): void {
    this.connections.delete(connection);
    this.oracles.delete(connection);
    if (this.connections.size === 0 && this.engine.sessions.size === 0) this.#onEmpty();
  }
}

function causeOf(details: object): string {
  const { error } = details as { error?: unknown };
  return error instanceof Error ? error.message : JSON.stringify(details);
}
