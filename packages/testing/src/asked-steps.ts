// Steps of the memory broker's tables, for the ledger: what changed is told by a watch, who asked for it by the answer of the call.

import type { Advance, ChangeResult } from '@trunkline/broker';
import type { Simulator } from './simulator.js';
import type { NewStep, TableLedger } from './table-ledger.js';
import { tableOf } from './tables.js';

type Asked = Pick<NewStep, 'source' | 'asked'>;

/** The broker tells of a step some microtasks after it was taken, and its answer to the caller may come after that. */
const HOPS = 6;

export class AskedSteps {
  /** By place: the first one took the step, those after it changed nothing there. */
  readonly #waiting = new Map<string, Asked[]>();

  constructor(
    private readonly ledger: TableLedger,
    private readonly simulator: Simulator,
  ) {}

  /** A call has its answer. Resolves when the ledger knows of it. */
  async add(stream: string, { epoch, offset }: ChangeResult, asked: Asked): Promise<void> {
    if (tableOf(stream)?.keep !== 'durable') return;
    const place = `${stream} ${epoch} ${offset}`;
    this.#waiting.set(place, [...(this.#waiting.get(place) ?? []), asked]);
    await hops(2 * HOPS);
    if (!this.#take(place, asked)) return;
    const durableMs = this.simulator.nowMs;
    this.ledger.stepped({ stream, epoch, from: offset, to: offset, rows: [], gone: [], durableMs, ...asked });
  }

  /** A step was taken. One that nobody asked for is of rows that expired by this clock. */
  heard({ stream, epoch, from, to, rows = [], gone = [] }: Advance, expiredMs: number): void {
    const place = `${stream} ${epoch} ${to}`;
    void hops(HOPS).then(() => {
      const [first] = this.#waiting.get(place) ?? [];
      if (first !== undefined) this.#take(place, first);
      const durableMs = this.simulator.nowMs;
      this.ledger.stepped({ stream, epoch, from, to, rows, gone, durableMs, ...(first ?? { expiredMs }) });
    });
  }

  #take(place: string, asked: Asked): boolean {
    const waiting = this.#waiting.get(place) ?? [];
    const left = waiting.filter((one) => one !== asked);
    if (left.length > 0) this.#waiting.set(place, left);
    else this.#waiting.delete(place);
    return left.length < waiting.length;
  }
}

async function hops(count: number): Promise<void> {
  for (let hop = 0; hop < count; hop++) await undefined;
}
