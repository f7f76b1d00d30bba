// The threads of the SQLite broker, in the turns of the simulator: the broker's own loops, with the time that messages between
// threads take, and the time that the disk takes. What a thread posts after a commit leaves it when the commit is on the disk, and
// what it posts before one at once. A reader sees a commit when it is on the disk, so it waits meanwhile.

import {
  type Batch,
  type OpenFile,
  openFile,
  ReaderLoop,
  type Thread,
  type WorkerMessage,
  type WorkerOptions,
  WriterLoop,
} from '@trunkline/broker-sqlite/parts';
import type { Machine } from './machine.js';
import type { Random } from './random.js';
import type { SimulatedDisk } from './simulated-disk.js';

const HANDOVER_MS = [0.02, 0.3] as const;

type OnMessage = (message: WorkerMessage) => void;
type OnExit = (code: number) => void;

abstract class SimulatedThread implements Thread {
  #onMessage: OnMessage = () => {};
  #onExit: OnExit = () => {};
  #arrivesMs = 0;

  constructor(
    protected readonly machine: Machine,
    protected readonly disk: SimulatedDisk,
    private readonly random: Random,
  ) {}

  postMessage(message: unknown): void {
    this.#handOver(0, () => this.whenFree(() => this.receive(message as Batch<never>)));
  }
  on(event: 'message' | 'error' | 'exit', listener: (given: never) => void): void {
    if (event === 'message') this.#onMessage = listener as OnMessage;
    else if (event === 'exit') this.#onExit = listener as OnExit;
  }
  ref(): void {}
  unref(): void {}

  protected abstract receive(batch: Batch<never>): void;

  /** Posts to the main thread, when what was committed so far is on the disk. */
  protected post(message: WorkerMessage): void {
    const waitMs = Math.max(0, this.disk.busyUntilMs - this.machine.simulator.nowMs);
    this.#handOver(waitMs, () => this.#onMessage(message));
  }
  protected exit(): void {
    this.#handOver(0, () => this.#onExit(0));
  }

  /** Runs `task` when the disk has nothing under way. */
  protected whenFree(task: () => void): void {
    const waitMs = this.disk.busyUntilMs - this.machine.simulator.nowMs;
    if (waitMs <= 0) task();
    else this.machine.after(waitMs, () => this.whenFree(task));
  }

  /** Messages of one thread do not overtake each other. */
  #handOver(waitMs: number, task: () => void): void {
    const { simulator } = this.machine;
    this.#arrivesMs = Math.max(this.#arrivesMs, simulator.nowMs + waitMs + this.random.between(...HANDOVER_MS));
    this.machine.after(this.#arrivesMs - simulator.nowMs, task);
  }
}

export class WriterThread extends SimulatedThread {
  file: OpenFile | undefined;
  #loop: WriterLoop | undefined;

  /**
   * @param onOpen the file is open, and nothing was done with it yet
   * @param onTurn all that was posted in a turn, at its end, and when the turn's first commit is on the disk
   */
  constructor(
    options: WorkerOptions,
    parts: readonly [Machine, SimulatedDisk, Random],
    onOpen: (file: OpenFile) => void,
    private readonly onCalls: (batch: Batch<never>) => void,
    private readonly onTurn: (posted: readonly WorkerMessage[], durableMs: number) => void,
  ) {
    super(...parts);
    this.machine.after(0, () => {
      this.file = openFile(options.path, options.maxFileBytes);
      this.disk.watch(this.file.db);
      onOpen(this.file);
      let posted: WorkerMessage[] = [];
      this.#loop = new WriterLoop(this.file, {
        post: (message) => {
          posted.push(message);
          this.post(message);
        },
        nextTurn: (task) =>
          this.machine.endOfTurn(() =>
            this.whenFree(() => {
              posted = [];
              const { commits } = this.disk;
              task();
              this.onTurn(posted, this.disk.durableMs(commits));
            }),
          ),
        elapsedMs: () => 0,
        end: () => {
          this.file = undefined;
          this.exit();
        },
      });
      this.post({ type: 'opened' });
    });
  }

  protected override receive(batch: Batch<never>): void {
    this.onCalls(batch);
    this.#loop?.receive(batch);
  }
}

export class ReaderThread extends SimulatedThread {
  #loop: ReaderLoop | undefined;

  constructor(options: WorkerOptions, ...parts: readonly [Machine, SimulatedDisk, Random]) {
    super(...parts);
    this.machine.after(0, () => {
      this.#loop = new ReaderLoop(options, {
        post: (message) => this.post(message),
        end: () => {
          this.#loop = undefined;
          this.exit();
        },
      });
      this.post({ type: 'opened' });
    });
  }

  /** Lets go of the file without a word. */
  close(): void {
    const loop = this.#loop;
    this.#loop = undefined;
    loop?.receive({ nowMs: 0, calls: [{ id: 0, call: { type: 'close' } }] });
  }

  protected override receive(batch: Batch<never>): void {
    this.#loop?.receive(batch);
  }
}
