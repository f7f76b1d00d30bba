// The procedure of the simulated app, which is slow, refuses and throws, and what is true of its runs.

import type { ProcedureResult, ProcedureRuntime } from '@trunkline/core';
import type { Call } from '@trunkline/protocol';
import type { Journal } from './journal.js';
import type { Machine } from './machine.js';
import type { Random } from './random.js';
import type { Wire } from './wire.js';

export interface Order {
  /** Unique in a world. */
  readonly id: string;
  /** Below 1: what becomes of it. */
  readonly mood: number;
}

export class ProcedureLedger {
  readonly #runs = new Map<string, number>();
  readonly #results = new Map<string, string>();
  /** Where servers got calls that are not to run once. */
  readonly #wires = new Map<string, Wire>();
  /** What was answered to a call that is to run once, by its producer and number. */
  readonly #answers = new Map<string, string>();

  constructor(private readonly journal: Journal) {}

  runsOf(word: string): number {
    return this.#runs.get(word) ?? 0;
  }
  resultOf(word: string): string | undefined {
    return this.#results.get(word);
  }

  ran(word: string): void {
    const runs = this.runsOf(word) + 1;
    this.#runs.set(word, runs);
    this.journal.count('runs');
    if (runs > 1) this.journal.broken('G3 once', `"${word}" runs a second time`);
  }
  /** A server got a call. One that is not to run once is never sent a second time. */
  received({ data, producer }: Call, wire: Wire): void {
    const word = (data as Partial<Order> | null)?.id ?? '';
    if (producer !== undefined) return;
    if (this.#wires.has(word))
      this.journal.broken('PRO-3', `"${word}" is sent a second time, and nobody asked for that`);
    this.#wires.set(word, wire);
  }
  /** Whether the connection that a server got it on is gone, as far as its client knows. */
  isCutOff(word: string): boolean {
    return this.#wires.get(word)?.isGone('client') === true;
  }
  /** The store was thrown away, and with it what is known of calls: what is sent again runs again. */
  abandoned(): void {
    this.#runs.clear();
    this.#answers.clear();
  }

  ended(word: string, result: object): void {
    this.#results.set(word, JSON.stringify(result));
  }

  /** A repeat is told the same. */
  answered(source: string, answer: string): void {
    const first = this.#answers.get(source);
    if (first === undefined) this.#answers.set(source, answer);
    else if (first !== answer) this.journal.broken('G3 once', `${source} is answered ${answer}, and was ${first}`);
    else this.journal.count('calls answered again');
  }
}

export function simulatedProcedure(
  ledger: ProcedureLedger,
  machine: Machine,
  random: Random,
  journal: Journal,
): ProcedureRuntime {
  return {
    validate: (input) =>
      typeof (input as Partial<Order> | null)?.id === 'string' ? { value: input } : { problem: 'id: expected text' },
    run({ input, progress }) {
      const { id, mood } = input as Order;
      let stop = () => {};
      const stopped = new Promise<void>((resolve) => {
        stop = resolve;
      });
      const work = async (): Promise<ProcedureResult> => {
        ledger.ran(id);
        progress({ step: 1 });
        const ms = mood < 0.3 ? random.skewed(200, 8_000) : random.between(0, 50);
        const isLong = mood < 0.05;
        const wait = new Promise<void>((resolve) => machine.after(ms, resolve));
        // Most obey when they are told to stop.
        await (isLong ? wait : Promise.race([wait, stopped.then(() => journal.count('runs that were stopped'))]));
        if (mood > 0.95) throw new Error('the order failed');
        if (mood > 0.85) return { refusal: { code: 'sold_out', message: 'none left' } };
        const output = { id, filled: random.whole(1, 1_000) };
        ledger.ended(id, output);
        return { output };
      };
      return { result: work(), stop };
    },
  };
}
