// What somebody calls: procedures that are to run once, and others. Each input has a word of its own, so that all runs of it are known.

import { type Line, TrunklineError, type UntypedApp } from '@trunkline/client';
import type { Host } from './host.js';
import type { Journal } from './journal.js';
import type { ProcedureLedger } from './procedures.js';
import type { Random } from './random.js';

interface Call {
  readonly word: string;
  readonly isOnce: boolean;
  isOpen: boolean;
}

export interface ProcedureHandParts {
  readonly host: Host;
  readonly random: Random;
  readonly ledger: ProcedureLedger;
  readonly journal: Journal;
}

export class ProcedureHand {
  readonly calls: Call[] = [];
  readonly #line: Line<UntypedApp>;
  readonly #parts: ProcedureHandParts;
  #count = 0;

  constructor(line: Line<UntypedApp>, parts: ProcedureHandParts) {
    this.#line = line;
    this.#parts = parts;
  }

  get open(): readonly Call[] {
    return this.calls.filter(({ isOpen }) => isOpen);
  }

  act(): void {
    const { random, host, journal } = this.#parts;
    this.#count += 1;
    const call: Call = { word: `${host.name}-call-${this.#count}`, isOnce: random.chance(0.7), isOpen: true };
    this.calls.push(call);
    journal.count(call.isOnce ? 'calls that run once' : 'calls');
    journal.trace(host.name, `calls "${call.word}"${call.isOnce ? ', once' : ''}`);
    const input = { id: call.word, mood: random.next() };
    const options = { once: call.isOnce, deadlineMs: Math.round(random.skewed(500, 30_000)) };
    const order = this.#line.call.order;
    if (order === undefined) throw new Error('there is no procedure');
    order(input, options).then(
      (result) => this.#came(call, result),
      (error: unknown) => this.#failed(call, error),
    );
  }

  /** The connection is gone on which calls were made: who is not to run once has been told that nobody knows. */
  lost(wasSent: (word: string) => boolean): void {
    const { journal, host } = this.#parts;
    for (const { word, isOnce } of this.open) {
      if (isOnce || !wasSent(word)) continue;
      journal.broken('PRO-3', `${host.name}: "${word}" waits, and the connection that it was called on is gone`);
    }
  }

  #came(call: Call, result: unknown): void {
    const { ledger, journal, host } = this.#parts;
    call.isOpen = false;
    journal.count('calls answered');
    const ran = ledger.resultOf(call.word);
    if (ran === undefined || JSON.stringify(result) !== ran) {
      journal.broken('G3 once', `${host.name}: "${call.word}" is said to be ${JSON.stringify(result)}, it was ${ran}`);
    }
  }

  #failed(call: Call, error: unknown): void {
    const { ledger, journal, host } = this.#parts;
    call.isOpen = false;
    if (!(error instanceof TrunklineError)) return journal.broken('clients work', `${host.name}: ${String(error)}`);
    journal.count(`calls failed: ${error.code}, ${error.outcome}`);
    journal.trace(host.name, `"${call.word}" failed: ${error.code} (${error.outcome}) ${error.message}`);
    const runs = ledger.runsOf(call.word);
    if (error.refusal === undefined && error.outcome === 'refused' && runs > 0) {
      journal.broken('REQ-4', `${host.name}: "${call.word}" is said not to have run: ${error.message}`);
    }
  }
}
