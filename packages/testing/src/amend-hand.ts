// What somebody does to entries that are there: edits them, deletes them, reacts to them. Each edit has a word of its own, so that it is
// known what became of it.

import { TrunklineError } from '@trunkline/client';
import type { Host } from './host.js';
import type { Journal } from './journal.js';
import type { Ledger } from './ledger.js';
import type { LogView } from './log-view.js';
import type { Random } from './random.js';

interface Amendment {
  readonly stream: string;
  /** Of an edit. */
  readonly word: string | undefined;
  outcome: 'open' | 'stored' | 'refused' | 'unknown';
}

export interface AmendHandParts {
  readonly host: Host;
  readonly random: Random;
  readonly ledger: Ledger;
  readonly journal: Journal;
}

const REACTIONS = ['👍', '🎉', '😢'] as const;
/** Which of the newest entries people look at: mostly so few that they amend the same ones at a time. */
const NEWEST = [2, 3, 15] as const;

export class AmendHand {
  readonly amendments: Amendment[] = [];
  readonly #parts: AmendHandParts;
  #count = 0;

  constructor(parts: AmendHandParts) {
    this.#parts = parts;
  }

  get open(): readonly Amendment[] {
    return this.amendments.filter(({ outcome }) => outcome === 'open');
  }

  /** Amends one of the entries that the view shows, if there is one. */
  act({ handle }: LogView): void {
    const { random, host, journal } = this.#parts;
    const shown = handle.snapshot().entries.slice(-random.pick(NEWEST));
    if (shown.length === 0) return;
    const { offset } = random.pick(shown);
    this.#count += 1;
    const word = `${host.name}-edit-${this.#count}`;
    const reaction = random.pick(REACTIONS);
    const dice = random.next();
    const isEdit = dice < 0.45;
    const amendment: Amendment = { stream: handle.name, word: isEdit ? word : undefined, outcome: 'open' };
    const pad = 'x'.repeat(Math.round(random.skewed(1, 120)));
    const act = () => {
      if (isEdit) return handle.edit(offset, { id: word, pad, ...(random.chance(0.02) ? { rude: true } : {}) });
      if (dice < 0.75) return handle.react(offset, reaction);
      return dice < 0.85 ? handle.unreact(offset, reaction) : handle.delete(offset);
    };
    this.amendments.push(amendment);
    journal.count('amendments');
    journal.trace(host.name, () => `amends ${handle.name} ${offset}${isEdit ? ` as "${word}"` : ''}`);
    act().then(
      (published) => this.#stored(amendment, published.offset),
      (error: unknown) => this.#failed(amendment, error),
    );
  }

  /** What was refused must not be there. */
  judge(): void {
    const { ledger, journal, host } = this.#parts;
    for (const { stream, word, outcome } of this.amendments) {
      if (outcome !== 'refused' || word === undefined || ledger.current(stream)?.byId.has(word) !== true) continue;
      journal.broken('REQ-4', `${host.name}: ${stream} "${word}" was refused, and is stored`);
    }
  }

  #stored(amendment: Amendment, offset: number): void {
    const { ledger, journal, host } = this.#parts;
    const { stream, word } = amendment;
    amendment.outcome = 'stored';
    journal.count('amendments acknowledged');
    if (word === undefined || ledger.withId(word).some((record) => record.offset === offset)) return;
    journal.broken('G2 stored', `${host.name}: ${stream} "${word}" is said to be at ${offset}`);
  }

  #failed(amendment: Amendment, error: unknown): void {
    const { journal, host } = this.#parts;
    if (!(error instanceof TrunklineError)) return journal.broken('clients work', `${host.name}: ${String(error)}`);
    amendment.outcome = error.outcome;
    journal.count(`amendments failed: ${error.code}`);
  }
}
