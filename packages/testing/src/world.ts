// A simulated world, from one seed: servers with their store, people and programs that use them, and what goes wrong between them.
// Two minutes of faults, judged at every step; then everything is mended, and all of it has to come together.

import { AppState } from './app.js';
import { BackendLedger } from './backend-ledger.js';
import { isTold } from './backend-link.js';
import { plague } from './faults.js';
import { Writes } from './frame-end.js';
import { Host } from './host.js';
import { Journal } from './journal.js';
import { Ledger } from './ledger.js';
import { MARKED_ROOMS, MarkLedger } from './mark-ledger.js';
import { Market } from './market.js';
import { MemoryStore } from './memory-store.js';
import { Mute, Repeater } from './plain-client.js';
import { ProcedureLedger } from './procedures.js';
import { Random } from './random.js';
import { ServerNode, type ServerSetup } from './server-node.js';
import { type Features, featuresOf, setupOf } from './setup.js';
import { SimulatedBackend } from './simulated-backend.js';
import { Simulator } from './simulator.js';
import { SqliteStore } from './sqlite-store.js';
import type { Ending, Store } from './store.js';
import { TableLedger } from './table-ledger.js';
import { User } from './user.js';
import { Watchman } from './watchman.js';

export const FAULTS_MS = 120_000;
/** How long clients have to move to the next server while the one before serves on. */
const DRAIN_MS = [500, 8_000] as const;

export class World {
  readonly simulator = new Simulator();
  readonly journal = new Journal(this.simulator);
  readonly ledger = new Ledger(this.simulator, this.journal);
  readonly tables: TableLedger;
  readonly marks = new MarkLedger(this.simulator, this.ledger, this.journal);
  readonly procedures = new ProcedureLedger(this.journal);
  readonly rules = new AppState();
  readonly features: Features;
  readonly store: Store;
  readonly setup: ServerSetup;
  readonly market: Market;
  /** Whom servers ask and tell, and what is true of it. */
  readonly backend: { readonly ledger: BackendLedger; readonly backend: SimulatedBackend } | undefined;
  readonly hosts: Host[] = [];
  readonly users: User[] = [];
  readonly programs: (Repeater | Mute)[] = [];
  /** The server that runs or stops, if there is one. */
  node: ServerNode | undefined;
  /** One that still serves those who have not moved to `node`. */
  former: ServerNode | undefined;
  /** When the store last failed, or was slow. */
  storeTroubleMs = Number.NEGATIVE_INFINITY;
  readonly #random: Random;
  readonly #writes = new Writes();
  readonly #watchman: Watchman;
  #lives = 0;
  #mayRestart = true;

  constructor(
    readonly seed: number,
    onLine?: (line: string) => void,
  ) {
    this.journal.onLine = onLine;
    const random = new Random(seed);
    this.#random = random;
    this.features = featuresOf(random.branch('features'), this.journal);
    this.setup = setupOf(random.branch('setup'));
    this.tables = new TableLedger(this.simulator, this.journal, this.setup.tables.tombstones);
    this.store = this.#makeStore(random.branch('store'));
    if (this.features.hasBackend) this.backend = this.#makeBackend(random.branch('backend'));
    const market = [random.branch('market'), this.features.tables, this.setup.tables] as const;
    this.market = new Market(this.simulator, ...market, () => this.node);
    this.#watchman = new Watchman(this);
    this.#populate();
    this.simulator.afterEvent = () => {
      this.#writes.flush();
      this.#watchman.look();
    };
  }

  /** Runs to the end, or to the first broken promise. */
  async run(): Promise<void> {
    const isBroken = () => this.journal.violation !== undefined;
    try {
      this.#start();
      await this.simulator.run(FAULTS_MS, isBroken);
      if (!isBroken()) await this.#watchman.converge(isBroken);
      if (!isBroken()) await this.#watchman.end(isBroken);
    } catch (error) {
      this.journal.broken('nothing throws', error instanceof Error ? (error.stack ?? error.message) : String(error));
    } finally {
      this.store.dispose();
    }
  }

  /** Servers that have a process, the one that drains first. */
  get servers(): readonly ServerNode[] {
    return [this.former, this.node].filter((node) => node !== undefined);
  }

  /** No more faults, and what is bad turns good. */
  heal(): void {
    this.#mayRestart = false;
    this.journal.trace('world', 'heals');
    Object.assign(this.rules.weather, {
      slowHooks: false,
      throwingHooks: false,
      slowIdentity: false,
      brokenIdentity: false,
    });
    this.rules.denied.clear();
    this.#judgeAgain();
    Object.assign(this.store.weather, { storeMs: [0.1, 4], broken: false, failing: false });
    // The server's clock is set right; those of clients may stay wrong for ever.
    for (const { machine } of this.servers) machine.setClock(0);
    for (const host of this.hosts) host.calm();
    this.backend?.backend.heal();
  }

  /** Stops the server for good, as an operator would. */
  stop(done: () => void): void {
    this.node?.stop(() => {
      this.#hasEnded('stopped');
      done();
    });
  }

  /** The next server begins, and the one that runs serves its clients until they have moved. Where the store is apart. */
  handOver(withinMs: number): void {
    const { node } = this;
    if (node === undefined || !node.isListening || this.former !== undefined) return;
    this.former = node;
    this.journal.count('servers that drained');
    node.drain(withinMs, () => {
      if (this.former === node) this.former = undefined;
    });
    this.#begin();
  }

  #makeStore(random: Random): Store {
    const { simulator, ledger, tables, marks, journal, features, setup } = this;
    const { tombstones } = setup.tables;
    if (features.store === 'disk')
      return new SqliteStore(simulator, random, ledger, tables, marks, journal, tombstones);
    return new MemoryStore({
      simulator,
      random,
      ledger,
      tables,
      marks,
      journal,
      tombstones,
      isApart: features.store === 'apart',
    });
  }

  #makeBackend(random: Random) {
    const { simulator, journal, rules, setup } = this;
    const ledger = new BackendLedger(simulator, this.ledger, journal, setup.backend, isTold);
    return { ledger, backend: new SimulatedBackend({ simulator, random, journal, ledger, rules }) };
  }

  #populate(): void {
    const random = this.#random.branch('people');
    const tokenLifeMs = random.skewed(15_000, 120_000);
    const isHeavy = random.chance(0.1);
    const { ledger, tables, marks, procedures, journal, rules, features } = this;
    if (isHeavy && features.hasLogs) journal.count('worlds with heavy entries');
    const names = ['ada', 'ada', 'bob', 'cleo', ...(random.chance(0.5) ? ['dan'] : [])];
    for (const [index, user] of names.entries()) {
      const host = this.#host(`${user}${index + 1}`);
      const own = { host, user, random: random.branch(host.name), tokenLifeMs, isHeavy };
      const tableSetup = this.setup.tables;
      this.users.push(new User({ ...own, ledger, tables, marks, procedures, journal, rules, features, tableSetup }));
    }
    const plain = { user: 'robot', journal, features };
    this.programs.push(new Repeater({ ...plain, host: this.#host('repeater'), random: random.branch('repeater') }));
    if (isHeavy || random.chance(0.25)) {
      this.programs.push(new Mute({ ...plain, host: this.#host('mute'), random: random.branch('mute') }));
    }
  }

  #host(name: string): Host {
    const { simulator, journal } = this;
    const random = this.#random.branch(`host ${name}`);
    const server = () => (this.node?.isListening === true ? this.node : undefined);
    const host = new Host(name, { simulator, random, journal, writes: this.#writes, server });
    this.hosts.push(host);
    return host;
  }

  #start(): void {
    const random = this.#random.branch('faults');
    this.#begin();
    for (const user of this.users) user.start();
    for (const program of this.programs) program.start();
    if (this.features.hasLogs) this.#publishAsServer(this.#random.branch('server'));
    if (this.features.tables.length > 0) this.market.start(FAULTS_MS);
    this.#operate(this.#random.branch('operator'));
    const { simulator, journal, hosts, users, store, rules, features } = this;
    plague(
      {
        simulator,
        random,
        journal,
        hosts,
        users,
        store,
        rules,
        features,
        server: () => this.node,
        restart: (how, downMs) => this.#restart(how, downMs),
        handOver: () => {
          if (this.#mayRestart) this.handOver(random.skewed(...DRAIN_MS));
        },
      },
      random.skewed(600, 6_000),
      FAULTS_MS,
    );
    // Two lives at least.
    simulator.at(random.between(0.2, 0.8) * FAULTS_MS, () => {
      this.#restart(random.pick(['stopped', 'killed', 'power lost'] as const), random.skewed(50, 3_000));
    });
  }

  #begin(): void {
    this.#lives += 1;
    this.journal.count('server lives');
    const { simulator, journal, ledger, store, rules, setup, procedures, features } = this;
    const name = `server${this.#lives}`;
    const random = this.#random.branch(name);
    const node = new ServerNode(name, {
      simulator,
      random,
      journal,
      ledger,
      tableLedger: this.tables,
      hasPresence: features.hasPresence,
      hasMarks: features.hasMarks,
      marks: this.marks,
      backend: this.backend,
      tables: features.tables,
      procedures,
      store,
      rules,
      writes: this.#writes,
      setup,
    });
    this.node = node;
  }

  #restart(how: Ending, downMs: number): void {
    const { node } = this;
    if (node === undefined || !node.isListening || !this.#mayRestart) return;
    this.journal.trace('world', `${node.name} is ${how}`);
    const next = () => {
      this.#hasEnded(how);
      this.node = undefined;
      this.simulator.after(downMs, () => {
        if (this.node === undefined) this.#begin();
      });
    };
    if (how === 'stopped') return node.stop(next);
    node.kill(how === 'power lost');
    next();
  }

  /** The process is gone, and with it what it had in its memory. */
  #hasEnded(how: Ending): void {
    const { store, simulator, setup, node } = this;
    const calmMs = simulator.nowMs - Math.max(this.storeTroubleMs, node?.machine.disturbedMs ?? 0);
    for (const { stream, keep } of this.features.tables) {
      if (keep !== 'durable') this.tables.ended(stream, calmMs > 2 * setup.tables.checkpointMs + 2_000);
    }
    store.ended(how);
    if (this.features.store !== 'memory') return;
    this.procedures.abandoned();
    this.backend?.ledger.abandoned();
  }

  /** Somebody has dead letters sent again, now and then. */
  #operate(random: Random): void {
    const { backend, simulator } = this;
    if (backend === undefined) return;
    backend.backend.start(FAULTS_MS);
    const again = () => {
      simulator.after(random.skewed(5_000, 40_000), () => {
        if (simulator.nowMs > FAULTS_MS) return;
        this.node?.backend?.replay();
        again();
      });
    };
    again();
  }

  /** Nobody was told of rights that were given back: what is open is judged by those of now, as an app would have it. */
  #judgeAgain(): void {
    if (!this.features.hasMarks) return;
    for (const right of this.rules.everDenied) {
      const [user = '', stream = ''] = right.split(' ');
      if ((MARKED_ROOMS as readonly string[]).includes(stream)) this.node?.judgeAgain(user, stream);
    }
  }

  #publishAsServer(random: Random): void {
    let count = 0;
    const again = () => {
      this.simulator.after(random.skewed(500, 8_000), () => {
        if (this.simulator.nowMs > FAULTS_MS) return;
        const node = this.node;
        count += 1;
        const data = { id: `server-${count}`, pad: '' };
        // A rejection is one that nobody was promised.
        node?.machine.run(() => void node.engine.publish('feed', ['news'], data).catch(() => {}));
        again();
      });
    };
    again();
  }
}
