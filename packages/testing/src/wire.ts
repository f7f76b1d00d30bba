// One simulated TCP connection between two machines, and the ways in which it can end: in order, by a reset, or silently.

import type { Machine } from './machine.js';
import { type Conditions, Pipe } from './pipe.js';
import type { Random } from './random.js';
import type { Simulator } from './simulator.js';

/** What an end of a connection hears. */
export interface Endpoint {
  received(chunk: Buffer): void;
  /** All that was written has been taken. */
  drained(): void;
  /** The peer has ended its side. */
  ended(): void;
  /** The connection is gone. */
  broke(): void;
}

export type Side = 'client' | 'server';

const NOBODY: Endpoint = { received() {}, drained() {}, ended() {}, broke() {} };

export class Wire {
  client: Endpoint = NOBODY;
  server: Endpoint = NOBODY;
  /** To the server. */
  readonly up: Pipe;
  /** To the client. */
  readonly down: Pipe;
  /** Since when nothing arrives any more without either side having been told; `undefined` while that is not so. */
  silentSinceMs: number | undefined;
  readonly #gone = { client: false, server: false };

  constructor(
    private readonly simulator: Simulator,
    random: Random,
    private readonly conditions: Conditions,
    private readonly machines: Readonly<Record<Side, Machine>>,
  ) {
    this.up = this.#pipe('client', 'server', random);
    this.down = this.#pipe('server', 'client', random);
  }

  /** Neither side has it any more. */
  get isOver(): boolean {
    return this.isGone('client') && this.isGone('server');
  }

  /** Whether a side was told of the end, or is gone itself. */
  isGone(side: Side): boolean {
    return this.#gone[side] || !this.machines[side].isAlive;
  }

  /** A side lets go at once. The other one hears of it, if anything still gets through. */
  abort(side: Side): void {
    if (this.#gone[side]) return;
    this.#gone[side] = true;
    const other = side === 'client' ? 'server' : 'client';
    this.#stop();
    this.machines[side].run(() => this[side].broke());
    if (this.silentSinceMs === undefined) {
      this.simulator.after(this.conditions.latencyMs, () => this.#break(other));
    }
  }

  /** Something between the two ends the connection, and tells both, or only one of them. */
  reset(told: readonly Side[] = ['client', 'server']): void {
    if (told.length < 2) {
      this.silentSinceMs ??= this.simulator.nowMs;
      this.up.silence();
      this.down.silence();
    } else this.#stop();
    for (const side of told) this.#break(side);
  }

  /** Nothing arrives any more, and nobody is told: a half-open connection. */
  silence(): void {
    this.reset([]);
  }

  /** Both have ended in order. */
  finish(side: Side): void {
    this.#gone[side] = true;
    if (this.isOver) this.#stop();
  }

  #break(side: Side): void {
    if (this.#gone[side]) return;
    this.#gone[side] = true;
    this.machines[side].run(() => this[side].broke());
  }

  #stop(): void {
    this.up.stop();
    this.down.stop();
  }

  #pipe(from: Side, to: Side, random: Random): Pipe {
    return new Pipe(this.simulator, random, this.conditions, {
      received: (chunk) => this[to].received(chunk),
      drained: () => this.machines[from].run(() => this[from].drained()),
      ended: () => this[to].ended(),
      reads: (later) => {
        const machine = this.machines[to];
        if (!machine.isAlive) return false;
        if (machine.isAsleep) machine.run(later);
        return !machine.isAsleep;
      },
    });
  }
}
