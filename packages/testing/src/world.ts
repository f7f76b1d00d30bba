// A simulated world, from one seed: a server with its store, people and programs that use it, and what goes wrong between them.
// Two minutes of faults, judged at every step; then everything is mended, and all of it has to come together.

import { DEFAULT_LIMITS } from '@trunkline/protocol';
import { AppState } from './app.js';
import { plague } from './faults.js';
import { Writes } from './frame-end.js';
import { Host } from './host.js';
import { Journal } from './journal.js';
import { Ledger } from './ledger.js';
import { MemoryStore } from './memory-store.js';
import { Mute, Repeater } from './plain-client.js';
import { Random } from './random.js';
import { ServerNode, type ServerSetup } from './server-node.js';
import { Simulator } from './simulator.js';
import { SqliteStore } from './sqlite-store.js';
import type { Ending, Store } from './store.js';
import { User } from './user.js';
import { Watchman } from './watchman.js';

export const FAULTS_MS = 120_000;

export class World {
  readonly simulator = new Simulator();
  readonly journal = new Journal(this.simulator);
  readonly ledger = new Ledger(this.simulator, this.journal);
  readonly rules = new AppState();
  readonly store: Store;
  readonly setup: ServerSetup;
  readonly hosts: Host[] = [];
  readonly users: User[] = [];
  readonly programs: (Repeater | Mute)[] = [];
  /** The server that runs or stops, if there is one. */
  node: ServerNode | undefined;
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
    const isInMemory = random.chance(0.2);
    const storeRandom = random.branch('store');
    this.store = isInMemory
      ? new MemoryStore(storeRandom, this.ledger, this.journal)
      : new SqliteStore(this.simulator, storeRandom, this.ledger, this.journal);
    this.journal.count(isInMemory ? 'worlds in memory' : 'worlds on a disk');
    this.setup = setupOf(random.branch('setup'));
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
    Object.assign(this.store.weather, { storeMs: [0.1, 4], broken: false });
    // The server's clock is set right; those of clients may stay wrong for ever.
    this.node?.machine.setClock(0);
    for (const host of this.hosts) host.calm();
  }

  /** Stops the server for good, as an operator would. */
  stop(done: () => void): void {
    this.node?.stop(() => {
      this.store.ended('stopped');
      done();
    });
  }

  #populate(): void {
    const random = this.#random.branch('people');
    const tokenLifeMs = random.skewed(15_000, 120_000);
    const isHeavy = random.chance(0.15);
    if (isHeavy) this.journal.count('worlds with heavy entries');
    const names = ['ada', 'ada', 'bob', 'cleo', 'dan', ...(random.chance(0.5) ? ['eve'] : [])];
    for (const [index, user] of names.entries()) {
      const host = this.#host(`${user}${index + 1}`);
      const { ledger, journal, rules } = this;
      this.users.push(
        new User({ host, user, random: random.branch(host.name), ledger, journal, rules, tokenLifeMs, isHeavy }),
      );
    }
    const plain = { user: 'robot', journal: this.journal };
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
    this.#publishAsServer(this.#random.branch('server'));
    const { simulator, journal, hosts, users, store, rules } = this;
    plague(
      {
        simulator,
        random,
        journal,
        hosts,
        users,
        store,
        rules,
        server: () => this.node,
        restart: (how, downMs) => this.#restart(how, downMs),
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
    const { simulator, journal, ledger, store, rules, setup } = this;
    const name = `server${this.#lives}`;
    const random = this.#random.branch(name);
    const node = new ServerNode(name, {
      simulator,
      random,
      journal,
      ledger,
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
      this.store.ended(how);
      this.node = undefined;
      this.simulator.after(downMs, () => {
        if (this.node === undefined) this.#begin();
      });
    };
    if (how === 'stopped') return node.stop(next);
    node.kill(how === 'power lost');
    next();
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

function setupOf(random: Random): ServerSetup {
  return {
    limits: {
      ...DEFAULT_LIMITS,
      maxRequestsInWork: random.pick([4, 16, 64]),
      publishRatePerSecond: random.pick([10, 50]),
      publishBurst: random.pick([20, 100]),
      maxPageEntries: random.pick([20, 1_000]),
    },
    pingMs: Math.round(random.skewed(3_000, 9_000)),
    helloTimeoutMs: 5_000,
    stallTimeoutMs: Math.round(random.skewed(5_000, 20_000)),
    ringBytes: Math.round(random.skewed(600, 65_536)),
    flushIntervalMs: random.pick([0, 0, 5]),
    retentions: { chat: random.whole(40, 200), feed: random.whole(5, 30), wide: random.whole(30, 60) },
    hasFlakyNotifications: random.chance(0.4),
  };
}
