// One log as one client shows it, judged at every change: contiguous, never going back, equal to what is stored, and with a gap
// wherever something is missing. It is an application's view: only what the client publishes in its API is used.

import type { Amendment, LogEntry, LogHandle, LogInterest, LogSnapshot } from '@trunkline/client';
import { lookOfEntry } from './entry-forms.js';
import type { Journal } from './journal.js';
import type { History, Ledger } from './ledger.js';

type Handle = LogHandle<unknown, unknown, unknown, string, Amendment>;
type Snapshot = LogSnapshot<unknown, unknown, unknown, string, Amendment>;
type Shown = LogEntry<unknown, unknown, Amendment>;

export class LogView {
  /** Since when someone looks, or `undefined`. */
  #leave: (() => void) | undefined;
  #epoch: string | undefined;
  /** The offset up to which entries were shown or accounted for; `undefined` before the first, and after a gap without entries. */
  #cursor: number | undefined;
  #known: readonly Shown[] = [];
  /** Gaps that were shown. */
  gaps = 0;

  constructor(
    readonly who: string,
    readonly handle: Handle,
    private readonly ledger: Ledger,
    private readonly journal: Journal,
  ) {}

  get isOpen(): boolean {
    return this.#leave !== undefined;
  }
  get cursor(): number | undefined {
    return this.#cursor;
  }

  open(interest: LogInterest): void {
    this.journal.trace(this.who, () => `looks at ${this.handle.name} ${JSON.stringify(interest)}`);
    if (this.isOpen) return;
    this.#resume(this.handle.snapshot());
    this.#leave = this.handle.subscribe(() => this.#changed(this.handle.snapshot()), interest);
  }
  close(): void {
    this.journal.trace(this.who, `leaves ${this.handle.name}`);
    this.#leave?.();
    this.#leave = undefined;
  }

  #broken(promise: string, what: string): void {
    this.journal.broken(promise, `${this.who} sees ${this.handle.name}: ${what}`);
  }

  #changed({ entries, gap }: Snapshot): void {
    this.journal.trace(
      this.who,
      () => `shows ${this.handle.name} ${entries[0]?.offset}…${entries.at(-1)?.offset} ${JSON.stringify(gap)}`,
    );
    if (entries !== this.#known || gap !== undefined) {
      this.#contiguous(entries);
      this.#continued(entries, gap);
      this.#forward(entries);
      this.#known = entries;
    }
    if (gap === undefined) return;
    this.gaps += 1;
    this.journal.count('gaps shown');
    this.handle.dismissGap();
  }

  /** Nobody has looked for a while: the log may have moved on and let go of entries meanwhile. What is there now is where it goes on. */
  #resume({ entries, gap }: Snapshot): void {
    this.#contiguous(entries);
    const last = entries.at(-1);
    this.#cursor = last?.offset;
    this.#epoch = last === undefined ? undefined : this.#epochOf(last);
    this.#known = entries;
    if (gap !== undefined) this.handle.dismissGap();
  }

  #contiguous(entries: readonly Shown[]): void {
    for (let index = 1; index < entries.length; index++) {
      const [before, after] = [entries[index - 1]?.offset ?? 0, entries[index]?.offset ?? 0];
      if (after === before + 1) continue;
      const history = this.#historyOf(entries[index] as Shown);
      if (after <= before || history === undefined || history.count(before, after - 1) > 0)
        return this.#broken('G1 order', `${after} follows ${before}`);
    }
  }

  /** An entry that stays is never again what it was before. */
  #forward(entries: readonly Shown[]): void {
    const known = new Map(this.#known.map((entry) => [entry.offset, entry]));
    for (const entry of entries) {
      const before = known.get(entry.offset);
      if (before === undefined || before === entry || before.at !== entry.at) continue;
      const { forms = [] } = this.#historyOf(entry)?.at(entry.offset) ?? {};
      // A reaction that was taken back leaves the look of before: neither is known to be later than it need be.
      const was = forms.findIndex(({ look }) => look === lookOfEntry(before));
      const is = forms.findLastIndex(({ look }) => look === lookOfEntry(entry));
      if (is < was) this.#broken('AMD-3', `${entry.offset} is again what it was before it was amended`);
    }
  }

  /** What is not as it must be when nothing changes any more. */
  lacking(): string | undefined {
    const { state, entries, pending } = this.handle.snapshot();
    if (state !== 'live') return `is ${state}`;
    const sending = pending.filter((one) => one.state === 'sending');
    if (sending.length > 0) return `has ${sending.length} pending`;
    const history = this.ledger.current(this.handle.name);
    const last = entries.at(-1);
    if (last === undefined) return undefined;
    if (last.offset !== history?.last) return `ends at ${last.offset}, the newest is ${history?.last}`;
    // Of one that is no longer kept nobody tells what became of it.
    const kept = entries.filter(({ offset }) => offset > history.floor);
    const old = kept.find((entry) => history.at(entry.offset)?.forms.at(-1)?.look !== lookOfEntry(entry));
    return old && `shows ${old.offset} as "${lookOfEntry(old)}"`;
  }

  #continued(entries: readonly Shown[], gap: Snapshot['gap']): void {
    const last = entries.at(-1);
    if (last === undefined) {
      if (gap !== undefined) this.#cursor = undefined;
      return;
    }
    const fresh = this.#fresh(entries);
    const epoch = this.#epochOf(fresh[0] ?? last);
    if (epoch === undefined) return;
    const cursor = this.#cursor;
    if (this.#epoch !== undefined && epoch !== this.#epoch) {
      if (gap === undefined && cursor !== undefined)
        this.#broken('G4 resume', `${epoch} follows ${this.#epoch} without a gap`);
    } else if (cursor !== undefined) {
      const next = fresh.find(({ offset }) => offset > cursor)?.offset;
      if (last.offset < cursor) this.#broken('G1 order', `the last entry is ${last.offset}, it was ${cursor}`);
      const missing =
        next === undefined ? 0 : (this.ledger.history(this.handle.name, epoch)?.count(cursor, next - 1) ?? 0);
      if (gap === undefined && missing > 0) {
        this.#broken('G4 resume', `${next} follows ${cursor} without a gap`);
      }
      if (gap?.lost !== undefined && next !== undefined && missing !== gap.lost) {
        this.#broken('G4 resume', `${next} follows ${cursor}, and ${gap.lost} are said to be lost`);
      }
    }
    this.#epoch = epoch;
    this.#cursor = last.offset;
    for (const entry of fresh) this.#isStored(entry, epoch);
  }

  /** Those that were not there before: at the end, or at the start. */
  #fresh(entries: readonly Shown[]): readonly Shown[] {
    const known = new Set(this.#known);
    return entries.filter((entry) => !known.has(entry));
  }

  #historyOf(entry: Shown): History | undefined {
    return this.ledger.holding(this.handle.name, entry.offset, entry.at, lookOfEntry(entry));
  }

  #epochOf(entry: Shown): string | undefined {
    const history = this.#historyOf(entry);
    if (history === undefined)
      this.#broken('G1 order', `${entry.offset} "${lookOfEntry(entry)}", which is not stored there`);
    return history?.epoch;
  }

  #isStored(entry: Shown, epoch: string): void {
    const { offset, at } = entry;
    const stored = this.ledger.find(this.handle.name, epoch, offset);
    const look = lookOfEntry(entry);
    if (stored?.at === at && stored.forms.some((form) => form.look === look)) return;
    this.#broken('G1 order', `${offset} "${look}", where "${stored?.forms.at(-1)?.look}" is stored`);
  }
}
