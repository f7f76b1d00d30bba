// What somebody does with read marks: marks what is shown, follows logs and looks at what is unread, in one tab of maybe several. And how
// often the tab sends marks.

import { type Line, TrunklineError, type UntypedApp, type WithMarkers } from '@trunkline/client';
import { lookOfEntry } from './entry-forms.js';
import type { Host } from './host.js';
import type { Journal } from './journal.js';
import type { Ledger } from './ledger.js';
import type { LogView } from './log-view.js';
import { MARKED_ROOMS, type MarkLedger } from './mark-ledger.js';
import { MarkView } from './mark-view.js';
import type { Random } from './random.js';

export interface MarkHandParts {
  readonly host: Host;
  readonly user: string;
  readonly random: Random;
  readonly ledger: Ledger;
  readonly marks: MarkLedger;
  readonly journal: Journal;
  readonly views: ReadonlyMap<string, LogView>;
}

/** What was marked here last in the history of a log that is shown. */
interface Wanted {
  readonly epoch: string | undefined;
  readonly offset: number;
}

/** Marks of a tab and log leave at most so often, in milliseconds. */
const MARK_MS = 1_000;
/** Who looks at a page marks it again now and then. */
const AGAIN_MS = 4_000;
const MARK = '"type":"mark"';

export class MarkHand {
  readonly views: readonly MarkView[];
  readonly #parts: MarkHandParts;
  readonly #wanted = new Map<string, Wanted>();
  /** The mark of each log that left last, and when. */
  readonly #sent = new Map<string, { readonly offset: number; readonly atMs: number }>();
  #waiting = 0;
  #hasLeft = false;

  constructor(line: Line<UntypedApp>, parts: MarkHandParts) {
    this.#parts = parts;
    const { host, user, marks, journal } = parts;
    this.views = MARKED_ROOMS.map((log) => {
      const [key = '', room = ''] = log.split('/');
      const handle = line.channel[key]?.(room) as unknown as WithMarkers<unknown>;
      return new MarkView(host.name, user, log, handle, marks, journal);
    });
  }

  start(): void {
    for (const view of this.views) {
      if (this.#parts.random.chance(0.6)) view.openUnread();
      if (this.#parts.random.chance(0.4)) view.openReaders();
      if (this.#parts.random.chance(0.5)) this.#turn(view, 'follow');
    }
  }

  act(): void {
    const { random } = this.#parts;
    const view = random.pick(this.views);
    const dice = random.next();
    // As somebody who scrolls: more often than marks may leave.
    if (dice < 0.65) for (let count = random.whole(1, 4); count > 0; count--) this.#mark(view, random.chance(0.6));
    else if (dice < 0.75) this.#turn(view, 'follow');
    else if (dice < 0.8) this.#turn(view, 'unfollow');
    else view.toggle(random.pick(['readers', 'unread'] as const));
  }

  /** Looks at all there is, and has read it. */
  rest(): void {
    for (const view of this.views) {
      view.openReaders();
      view.openUnread();
    }
    this.#readOn();
  }

  leave(): void {
    this.#hasLeft = true;
    for (const view of this.views) view.close();
  }

  /** What the tab sends. Two marks of one log have a second between them; the same one may leave again on another connection. */
  sent(text: string): void {
    if (!text.includes(MARK)) return;
    const { nowMs } = this.#parts.host.machine.simulator;
    for (const line of text.split('\n')) {
      if (!line.includes(MARK)) continue;
      const { stream, offset } = JSON.parse(line) as { readonly stream: string; readonly offset: number };
      const before = this.#sent.get(stream);
      if (before?.offset === offset) continue;
      this.#sent.set(stream, { offset, atMs: nowMs });
      this.#parts.journal.count('marks sent');
      const sinceMs = nowMs - (before?.atMs ?? Number.NEGATIVE_INFINITY);
      // Timers of a page are not exact to the microsecond.
      if (sinceMs < MARK_MS - 1)
        this.#broken(`${stream} ${offset} leaves ${Math.round(sinceMs)} ms after ${before?.offset}`);
    }
  }

  /** What is not as it must be when nothing changes any more. */
  lacking(): string | undefined {
    const { ledger, marks, user } = this.#parts;
    if (this.#waiting > 0) return `waits for ${this.#waiting} answers to follows`;
    for (const view of this.views) {
      const { log } = view;
      const lacking = view.lacking();
      if (lacking !== undefined) return `${log} ${lacking}`;
      const wanted = this.#wanted.get(log);
      if (wanted === undefined || wanted.epoch !== ledger.current(log)?.epoch) continue;
      for (const kind of ['seen', 'own'] as const) {
        const row = marks.row(kind, log, user);
        if (row === undefined || row.offset < wanted.offset)
          return `${log} marked ${wanted.offset}, stored (${kind}) is ${row?.offset}`;
      }
    }
    return undefined;
  }

  #readOn(): void {
    if (this.#hasLeft) return;
    const [first, ...others] = this.views;
    if (first !== undefined) this.#mark(first, true);
    // What was refused, as rights were taken, is marked once more.
    for (const { log, handle } of others) handle.mark(this.#wanted.get(log)?.offset ?? 0);
    this.#parts.host.machine.after(AGAIN_MS, () => this.#readOn());
  }

  #mark({ log, handle }: MarkView, isNewest: boolean): void {
    const { views, ledger, random, host, journal } = this.#parts;
    const entries = views.get(log)?.handle.snapshot().entries ?? [];
    const entry = isNewest ? entries.at(-1) : entries[random.whole(0, entries.length - 1)];
    if (entry === undefined) return;
    const { offset, at } = entry;
    const epoch = ledger.holding(log, offset, at, lookOfEntry(entry))?.epoch;
    const before = this.#wanted.get(log);
    if (before === undefined || before.epoch !== epoch || before.offset < offset)
      this.#wanted.set(log, { epoch, offset });
    journal.count('marks made');
    journal.trace(host.name, () => `has read ${log} up to ${offset}`);
    handle.mark(offset);
  }

  #turn({ log, handle }: MarkView, what: 'follow' | 'unfollow'): void {
    const { host, journal } = this.#parts;
    journal.trace(host.name, () => `${what}s ${log}`);
    this.#waiting += 1;
    const over = () => {
      this.#waiting -= 1;
    };
    handle[what]().then(over, (error: unknown) => {
      over();
      if (!(error instanceof TrunklineError)) return journal.broken('clients work', `${host.name}: ${String(error)}`);
      journal.count(`follows failed: ${error.code}`);
    });
  }

  #broken(what: string): void {
    this.#parts.journal.broken('MRK-1', `${this.#parts.host.name}: ${what}`);
  }
}
