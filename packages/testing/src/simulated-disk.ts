// The disk under SQLite. Files are real ones, in memory where the system has a place for that; what is simulated is when a commit
// reaches the platter, and what a power loss leaves of the write-ahead log: all that was synced, and any part of the rest.

import { copyFileSync, existsSync, mkdtempSync, rmSync, statSync, truncateSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Connection } from '@trunkline/broker-sqlite/parts';
import type { Random } from './random.js';
import type { Simulator } from './simulator.js';
import { type Ending, FAILING_RATIO, type StoreWeather } from './store.js';

/** `PRAGMA synchronous` from which on a commit waits until its log is synced. */
const FULL = 2;
const MEMORY = '/dev/shm';

interface Commit {
  /** Bytes of the log when it returned. */
  readonly logBytes: number;
  /** From when on it is on the platter; never, if it was not synced. */
  readonly durableMs: number;
}

export class SimulatedDisk {
  /** Writing, and all that waits for it, goes on at this time. */
  busyUntilMs = 0;
  readonly #commits: Commit[] = [];
  readonly #folder = mkdtempSync(join(existsSync(MEMORY) ? MEMORY : tmpdir(), 'trunkline-simulation-'));
  #life = 0;

  constructor(
    private readonly simulator: Simulator,
    private readonly random: Random,
    private readonly weather: StoreWeather,
  ) {}

  /** The database file of the present life. */
  get path(): string {
    return join(this.#folder, `life-${this.#life}.db`);
  }

  /** Commits that returned since the file was opened. */
  get commits(): number {
    return this.#commits.length;
  }
  /** From when on a commit is on the platter: the one that was the `index`-th to return. */
  durableMs(index: number): number {
    return this.#commits[index]?.durableMs ?? Number.POSITIVE_INFINITY;
  }

  /** Makes a connection's commits take time, and fail while the disk is broken. */
  watch(connection: Connection): void {
    this.#commits.length = 0;
    this.#commits.push({ logBytes: this.#logBytes, durableMs: this.simulator.nowMs });
    const isSynced = Number(connection.value('PRAGMA synchronous')) >= FULL;
    const command = connection.command.bind(connection);
    connection.command = (sql) => {
      const prepared = command(sql);
      if (sql !== 'COMMIT') return prepared;
      const run = prepared.run.bind(prepared);
      prepared.run = (values) => {
        const { broken, failing } = this.weather;
        if (broken || (failing && this.random.chance(FAILING_RATIO)))
          throw Object.assign(new Error('the disk is full'), { code: 'SQLITE_FULL' });
        const result = run(values);
        this.#committed(isSynced);
        return result;
      };
      return prepared;
    };
  }

  /** The process is gone. What it had open is copied as a power loss, or the kernel, leaves it; then `close` may tidy up. */
  cut(how: Exclude<Ending, 'stopped'>, close: () => void): void {
    const from = this.path;
    const bytes = this.#logBytes;
    const left = this.#left(how, bytes);
    this.#life += 1;
    if (existsSync(from)) copyFileSync(from, this.path);
    if (bytes > 0) {
      copyFileSync(`${from}-wal`, `${this.path}-wal`);
      truncateSync(`${this.path}-wal`, left);
    }
    close();
    for (const end of ['', '-wal', '-shm', '.lock']) rmSync(`${from}${end}`, { force: true });
    this.busyUntilMs = 0;
  }

  dispose(): void {
    rmSync(this.#folder, { recursive: true, force: true });
  }

  #committed(isSynced: boolean): void {
    const { nowMs } = this.simulator;
    const startMs = Math.max(nowMs, this.busyUntilMs);
    const doneMs = isSynced ? startMs + this.random.between(...this.weather.storeMs) : startMs;
    this.busyUntilMs = doneMs;
    this.#commits.push({ logBytes: this.#logBytes, durableMs: isSynced ? doneMs : Number.POSITIVE_INFINITY });
  }

  /** Bytes of the log that survive. */
  #left(how: Exclude<Ending, 'stopped'>, bytes: number): number {
    const { nowMs } = this.simulator;
    const isSafe = ({ durableMs }: Commit) => (how === 'killed' && durableMs > this.busyUntilMs) || durableMs <= nowMs;
    const safe = this.#commits.findLast(isSafe)?.logBytes ?? 0;
    const dice = this.random.next();
    if (dice < 0.3) return Math.min(safe, bytes);
    return dice < 0.6 ? bytes : this.random.whole(Math.min(safe, bytes), bytes);
  }

  get #logBytes(): number {
    return statSync(`${this.path}-wal`, { throwIfNoEntry: false })?.size ?? 0;
  }
}
