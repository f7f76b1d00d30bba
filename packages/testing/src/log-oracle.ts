// Judges what a server says of logs on one connection, at the moment in which it says it: slices that continue the connection's cursor, of entries
// as they are and the records of what became of them; and gaps only where something is missing.

import type {
  Amend,
  AmendRecord,
  Entries,
  Gap,
  Item,
  Publish,
  PublishOk,
  ReadOk,
  Subscribe,
  SubscribeOk,
  Tune,
} from '@trunkline/protocol';
import { type Form, formAt, lookOfEntry } from './entry-forms.js';
import type { Journal } from './journal.js';
import type { History, Ledger, Stored } from './ledger.js';
import type { Simulator } from './simulator.js';
import { type ToldStream, ToldStreams } from './told-streams.js';

/** A subscription, as its connection was told of it. */
interface Told extends ToldStream {
  readonly request: Subscribe;
  readonly head: number;
  epoch: string | null;
  /** Nothing but its `ok` was sent. */
  isFresh: boolean;
  /** Nobody looks, at that side. */
  isAway: boolean;
}

export class LogOracle extends ToldStreams<Told> {
  constructor(
    private readonly name: string,
    private readonly simulator: Simulator,
    private readonly ledger: Ledger,
    private readonly journal: Journal,
  ) {
    super('SUB-5', (promise, what) => this.#broken(promise, what));
  }

  /** Those at which somebody looks. */
  get looked(): ReadonlySet<string> {
    return new Set(this.all.filter(({ isAway }) => !isAway).map(({ stream }) => stream));
  }
  tuned({ stream, away }: Tune): void {
    for (const told of this.all) if (told.stream === stream) told.isAway = away ?? told.isAway;
  }

  subscribed(request: Subscribe, { ch, epoch, head, floor, from }: SubscribeOk): void {
    const { stream, after } = request;
    const told: Told = {
      stream,
      request,
      head,
      epoch,
      cursor: from,
      isFresh: true,
      isSynced: false,
      isAway: request.away === true,
    };
    this.begin(ch, told);
    this.journal.count(after === undefined ? 'subscribes' : 'resumes');
    const history = this.ledger.history(stream, epoch);
    if (head > (history?.head ?? 0)) this.#broken('SUB-3', `${stream}: the head is said to be ${head}`);
    if (floor > (history?.floor ?? 0)) this.#broken('SUB-3', `${stream}: the floor is said to be ${floor}`);
    if (after !== undefined && from !== after.offset) {
      this.#broken('SUB-2', `${stream} resumes at ${from}, asked for ${after.offset}`);
    }
    const wanted = Math.max(history?.floor ?? 0, history?.back(head, request.last ?? 0) ?? 0);
    if (after === undefined && from > wanted) this.#broken('SUB-2', `${stream} begins at ${from}, not at ${wanted}`);
  }

  /** @param source the producer, with its user, and its number @returns the entry that is acknowledged */
  published({ stream }: Publish, { epoch, offset, at }: PublishOk, source: string): Stored | undefined {
    const entry = this.ledger.find(stream, epoch, offset);
    if (entry === undefined) {
      this.#broken('G2 stored', `${stream} ${offset} is acknowledged, not stored`);
      return undefined;
    }
    if (`${entry.producer} ${entry.seq}` !== source || entry.at !== at) {
      this.#broken('G3 once', `${source} is acknowledged with the place of ${entry.producer} ${entry.seq}`);
    }
    this.#shown(entry);
    return entry;
  }

  /** The same of an amendment. @returns its record, if it has one of its own */
  amended(request: Amend, { epoch, offset, at }: PublishOk, source: string): Stored | undefined {
    const { stream } = request;
    const record = this.ledger.find(stream, epoch, offset);
    if (record === undefined) {
      this.#broken('G2 stored', `${stream} ${offset} is acknowledged, not stored`);
      return undefined;
    }
    const isIts = `${record.producer} ${record.seq}` === source && record.amends === request.offset;
    // A reaction may change nothing: then the newest record is named, or the entry.
    const isNews = request.edit !== undefined || request.delete !== undefined;
    const isAbout = (record.amends ?? record.offset) === request.offset;
    if (isNews ? !isIts || record.at !== at : !isAbout) {
      this.#broken('G3 once', `${source} is acknowledged with the place of ${record.producer} ${record.seq}`);
    }
    this.#shown(record);
    return isIts ? record : undefined;
  }

  entries({ ch, from, to, items, epoch }: Entries): void {
    const told = this.get(ch);
    if (told === undefined) return;
    const { stream, cursor } = told;
    if (from !== cursor) this.#broken('G1 order', `${stream}: a slice from ${from}, the cursor is ${cursor}`);
    if (items.at(-1)?.offset !== to) this.#broken('G1 order', `${stream}: ${items.length} entries in (${from}, ${to}]`);
    if (from === 0 && epoch === undefined) this.#broken('SUB-6', `${stream}: a slice from 0 without an epoch`);
    told.epoch = epoch ?? told.epoch;
    for (const [index, item] of items.entries()) {
      const before = items[index - 1]?.offset ?? from;
      for (let offset = before + 1; offset < item.offset; offset += 1) this.#leftOut(stream, told.epoch, offset);
      this.#item(told.stream, told.epoch, Math.max(before + 1, item.offset), item, told.head);
    }
    told.cursor = to;
    told.isFresh = false;
    this.journal.count('entries sent', items.length);
  }

  /** Only a record that says nothing any more may be left out (AMD-8). */
  #leftOut(stream: string, epoch: string | null, offset: number): void {
    const history = this.ledger.history(stream, epoch);
    const { amends } = history?.at(offset) ?? {};
    const newest = amends === undefined ? undefined : history?.at(amends)?.forms.at(-1)?.offset;
    this.journal.count('records left out');
    if (newest === undefined || newest === offset)
      this.#broken('G1 order', `${stream} ${offset} is missing in a slice`);
  }

  /** @param knownTo the server knew of all records up to there when it made this */
  #item(stream: string, epoch: string | null, offset: number, item: Item | AmendRecord, knownTo: number): void {
    const history = this.ledger.history(stream, epoch);
    const stored = history?.at(item.offset);
    const said = `${stream} ${item.offset}`;
    if (item.offset !== offset) this.#broken('G1 order', `${said} in the place of ${offset}`);
    if (history === undefined || stored === undefined) return this.#broken('G1 order', `${said} was never stored`);
    const producer = stored.producer?.slice(stored.producer.lastIndexOf('/') + 1);
    const isSame = item.producer === producer && item.seq === stored.seq && item.at === stored.at;
    if (!isSame || item.amends?.offset !== stored.amends) {
      this.#broken('G1 order', `${said} is not what was stored as "${stored.id}"`);
    }
    if (item.amends === undefined) this.#form(said, stored.forms, lookOfEntry(item), knownTo);
    else this.#record(said, history, item);
    this.#shown(stored);
  }

  #form(said: string, forms: readonly Form[], look: string, knownTo: number): void {
    const form = forms.findLast((one) => one.look === look);
    if (form === undefined) return this.#broken('G1 order', `${said} is "${look}", stored as "${forms.at(-1)?.look}"`);
    const known = formAt(forms, knownTo);
    if (known === undefined || form.offset >= known.offset) return;
    this.#broken(known.isDeleted ? 'AMD-4' : 'AMD-3', `${said} is "${look}", which ${known.offset} has replaced`);
  }

  /** A record tells what it made of its entry, or nothing. */
  #record(said: string, history: History, { offset, amends }: AmendRecord): void {
    this.journal.count('records sent');
    const forms = history.at(amends.offset)?.forms ?? [];
    if (amends.data === undefined) {
      const isNews = forms.at(-1)?.offset === offset && amends.offset > history.floor;
      if (isNews) this.#broken('AMD-3', `${said} does not tell what it made of ${amends.offset}`);
      return;
    }
    const look = lookOfEntry(amends);
    if (forms.find((form) => form.offset === offset)?.look !== look) {
      this.#broken('AMD-2', `${said} says that ${amends.offset} is "${look}"`);
    }
  }

  #shown(entry: {
    readonly durableMs: number;
    isShown: boolean;
    readonly stream: string;
    readonly offset: number;
  }): void {
    if (entry.durableMs > this.simulator.nowMs) {
      this.#broken('G2 stored', `${entry.stream} ${entry.offset} is told of before it is on the disk`);
    }
    entry.isShown = true;
  }

  gap(gap: Gap): void {
    const told = this.get(gap.ch);
    if (told === undefined) return;
    const { stream, cursor, request, isFresh } = told;
    const { reason, to, lost, epoch } = gap;
    const current = this.ledger.current(stream);
    const said = `${stream}: gap ${reason} from ${cursor} to ${to}, lost ${lost}`;
    this.journal.count('gaps');
    this.journal.count(`gap ${reason}`);
    if (reason === 'trimmed') {
      const floor = this.ledger.history(stream, epoch)?.floor ?? 0;
      if (to > floor) this.#broken('G4 resume', `${said}: entries from ${floor + 1} on are kept`);
      if (to <= cursor || !this.#isLoss(told, gap)) this.#broken('G4 resume', `${said}: that is not what is missing`);
    } else if (reason === 'skipped') {
      const { most } = request;
      const missed = this.ledger.history(stream, epoch)?.count(cursor, told.head) ?? 0;
      if (!isFresh || most === undefined || missed <= most) this.#broken('G4 resume', `${said}: most is ${most}`);
      if (!this.#isLoss(told, gap)) this.#broken('G4 resume', `${said}: that is not what is skipped`);
    } else if (isFresh && this.#isThere(request, epoch)) {
      this.#broken('G4 resume', `${said}: the position ${JSON.stringify(request.after)} is in this history`);
    } else if (!isFresh && told.epoch === epoch) {
      this.#broken('G4 resume', `${said}: the history is the same`);
    }
    if (epoch !== (current?.epoch ?? null) && current !== undefined) {
      this.#broken('G4 resume', `${said}: the epoch ${epoch} is not the present one`);
    }
    told.cursor = to;
    told.epoch = epoch;
    told.isFresh = false;
  }

  /** What is lost are entries; of what is no longer kept nobody may know how many of it were records, if there were any. */
  #isLoss({ stream, cursor }: Told, { to, lost, epoch }: Gap): boolean {
    const history = this.ledger.history(stream, epoch);
    if (history === undefined) return lost === to - cursor;
    if (lost !== undefined) return lost === history.count(cursor, to);
    return history.count(0, history.floor) < history.floor;
  }

  /** Whether the position that was asked for is one of the present history. */
  #isThere({ stream, after }: Subscribe, epoch: string | null): boolean {
    if (after === undefined || after.epoch !== epoch) return false;
    const history = this.ledger.history(stream, epoch);
    if (history === undefined || after.offset > history.head) return false;
    return after.at === undefined || after.offset === 0 || history.at(after.offset)?.at === after.at;
  }

  read(stream: string, { epoch, head, items }: ReadOk): void {
    for (const item of items) this.#item(stream, epoch, item.offset, item, head);
    const history = this.ledger.history(stream, epoch);
    for (const [index, { offset }] of items.entries()) {
      // A page before an offset leaves records out.
      const before = items[index - 1]?.offset ?? 0;
      if (index > 0 && (history?.count(before, offset - 1) ?? 0) > 0)
        this.#broken('REA-1', `${stream}: a page with a hole`);
    }
    this.journal.count('pages read');
  }

  #broken(promise: string, what: string): void {
    this.journal.broken(promise, `to ${this.name}: ${what}`);
  }
}
