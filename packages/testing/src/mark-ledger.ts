// What is true of read marks in the simulated world: every row that a store has of them, who was told of which, and what each user has not
// read. What servers and clients say of marks and counts is held against it (MRK-1…).

import type { RowChange } from '@trunkline/broker';
import type { Mark } from '@trunkline/protocol';
import type { Journal } from './journal.js';
import type { Ledger } from './ledger.js';
import type { Simulator } from './simulator.js';

/** Logs in which users mark what they have read. */
export const MARKED_ROOMS = ['chat/lobby', 'vault/gold'] as const;

/** `seen`: the row beside the log, which others see · `own`: that of the user, of which their counts are made. */
type Kind = 'seen' | 'own';

interface Place {
  readonly kind: Kind;
  readonly log: string;
  readonly user: string;
}

/** A row, as a store has it. */
interface Marked {
  readonly offset: number;
  readonly epoch: string | null;
  readonly isMuted: boolean;
  /** When the user began or ended to follow the log. */
  readonly turnedMs: number;
  /** From when on it survives everything. */
  readonly durableMs: number;
}

/** A mark that somebody was told of, as acknowledged or in a slice. */
interface Told {
  readonly epoch: string | null;
  readonly offset: number;
}

export interface Unread {
  readonly unread: number;
  readonly more: boolean;
  readonly mark: number;
}

/** Beyond it nobody counts. */
const MOST = 99;
/** What is no longer kept is counted no more within this time (docs/guarantees.md), and a slice needs some more. */
const TRIMMED_MS = 33_000;

export class MarkLedger {
  readonly #rows = new Map<string, Marked>();
  readonly #told = new Map<string, Told>();
  /** `log user` → offsets that a connection of the user marked. */
  readonly #asked = new Map<string, Set<number>>();
  /** `log` → up to where its entries were no longer kept, and until when that was so. */
  readonly #floors = new Map<string, { readonly floor: number; readonly untilMs: number }[]>();
  readonly #floorNow = new Map<string, number>();
  /** Counts the stores that were thrown away: what comes after it has nothing to do with what was before. */
  generation = 0;

  constructor(
    private readonly simulator: Simulator,
    private readonly ledger: Ledger,
    private readonly journal: Journal,
  ) {}

  /** The row of a user; `undefined`: there is none. */
  row(kind: Kind, log: string, user: string): Marked | undefined {
    return this.#rows.get(`${kind} ${log} ${user}`);
  }

  /** Users who follow the log, in alphabetical order. */
  followers(log: string): readonly string[] {
    const begin = `own ${log} `;
    const follows = [...this.#rows].filter(([place, { isMuted }]) => place.startsWith(begin) && !isMuted);
    return follows.map(([place]) => place.slice(begin.length)).sort();
  }

  /** The mark that others are shown of each user. */
  seen(log: string): ReadonlyMap<string, number> {
    const begin = `seen ${log} `;
    const rows = [...this.#rows].filter(([place]) => place.startsWith(begin));
    return new Map(rows.map(([place, { offset }]) => [place.slice(begin.length), offset]));
  }

  /** What the user has not read of the log; `null`: it is not counted. @param floor entries up to here do not count */
  unread(log: string, user: string, floor?: number): Unread | null {
    const row = this.row('own', log, user);
    const history = this.ledger.current(log);
    if (row === undefined || row.isMuted) return null;
    if (history === undefined) return { unread: 0, more: false, mark: 0 };
    const mark = row.epoch === history.epoch ? row.offset : 0;
    const own = JSON.stringify({ id: user });
    const after = Math.max(mark, floor ?? history.floor);
    let unread = 0;
    for (let offset = history.head; offset > after && unread <= MOST; offset--) {
      if (!history.isRecord(offset) && history.at(offset)?.user !== own) unread += 1;
    }
    return { unread: Math.min(unread, MOST), more: unread > MOST, mark };
  }

  /** Whether this is what a user may be shown when nothing changes any more. What is no longer kept counts for a while. */
  isCount(log: string, user: string, shown: Unread): boolean {
    const now = this.unread(log, user);
    if (now === null || shown.mark !== now.mark) return false;
    const sinceMs = this.simulator.nowMs - TRIMMED_MS;
    const before = this.#floors.get(log)?.find(({ untilMs }) => untilMs > sinceMs)?.floor;
    const most = before === undefined ? now : this.unread(log, user, before);
    const count = ({ unread, more }: Unread) => unread + (more ? 1 : 0);
    return count(shown) >= count(now) && count(shown) <= count(most ?? now);
  }

  /** Call it now and then. */
  lookAtFloors(): void {
    for (const log of MARKED_ROOMS) {
      const floor = this.ledger.current(log)?.floor ?? 0;
      const known = this.#floorNow.get(log) ?? 0;
      this.#floorNow.set(log, floor);
      if (floor === known) continue;
      const before = (this.#floors.get(log) ?? []).filter(({ untilMs }) => untilMs > this.simulator.nowMs - TRIMMED_MS);
      this.#floors.set(log, [...before, { floor: known, untilMs: this.simulator.nowMs }]);
    }
  }

  // ── what stores do ─────────────────────────────────────────────────────────────────────────────────────────────────

  /** A store took a step of a table: if it is one of marks, what it says of them counts. */
  stepped(stream: string, step: readonly RowChange[], durableMs: number): void {
    for (const change of step) {
      const place = placeOf(stream, change.key);
      if (place === null || !('set' in change)) continue;
      this.#took(place, change.set, durableMs);
    }
  }

  #took(place: Place, data: string, durableMs: number): void {
    const { kind, log, user } = place;
    const before = this.row(kind, log, user);
    const row = rowOf(data, before, this.simulator.nowMs, durableMs);
    const { offset, epoch } = row;
    const name = `${user}'s mark (${kind}) of ${log}`;
    const head = this.ledger.history(log, epoch)?.head ?? 0;
    if (offset > head) this.journal.broken('MRK-1', `${name} is ${offset}, and the log ends at ${head}`);
    if (before !== undefined && before.epoch === epoch && offset < before.offset)
      this.journal.broken('MRK-1', `${name} moves from ${before.offset} back to ${offset}`);
    // Whose mark is shown anew has not read less than is known.
    if (kind === 'own') this.#may(log, user, offset);
    else if (this.#asked.get(`${log} ${user}`)?.has(offset) !== true)
      this.journal.broken('MRK-1', `${name} is ${offset}, which nobody marked`);
    this.#rows.set(`${kind} ${log} ${user}`, row);
    this.journal.count(kind === 'seen' ? 'marks stored' : 'steps of follows stored');
  }

  /** The store came back, and these are its rows. What somebody was told of must be among them. */
  recovered(rows: Iterable<readonly [stream: string, key: string, data: string]>): void {
    const before = new Map(this.#rows);
    this.#rows.clear();
    const { nowMs } = this.simulator;
    for (const [stream, key, data] of rows) {
      const place = placeOf(stream, key);
      if (place === null) continue;
      const name = `${place.kind} ${place.log} ${place.user}`;
      // Who opens the file syncs what is in its log.
      this.#rows.set(name, rowOf(data, before.get(name), nowMs, nowMs));
    }
    for (const [name, { epoch, offset }] of this.#told) {
      const row = this.#rows.get(name);
      if (row !== undefined && (row.epoch !== epoch || row.offset >= offset)) continue;
      this.journal.broken('G2 stored', `the mark ${offset} of "${name}" was told of, and is lost: ${row?.offset}`);
    }
    if (before.size > 0) this.journal.count('marks found again');
  }

  /** The store was thrown away. */
  abandoned(): void {
    this.#rows.clear();
    this.#told.clear();
    this.generation += 1;
  }

  // ── what servers say ───────────────────────────────────────────────────────────────────────────────────────────────

  /** A connection of the user marks. */
  asked(mark: Mark, user: string): void {
    if (!this.#isOfAnother(mark)) this.#may(mark.stream, user, mark.offset);
  }

  /** … and is told that it is done. */
  marked(mark: Mark, user: string): void {
    this.journal.count('marks acknowledged');
    // It counts as none: there is nothing to store.
    if (this.#isOfAnother(mark)) return this.journal.count('marks of another history');
    const { stream: log, offset } = mark;
    for (const kind of ['seen', 'own'] as const) this.#tell({ kind, log, user }, offset, 'acknowledged');
  }

  /** A user is told that they follow the log from now on, or no more. @param askedMs when they wanted that */
  turned(log: string, user: string, isMuted: boolean, askedMs: number): void {
    const row = this.row('own', log, user);
    // Another tab may have turned it again meanwhile.
    const isDone = row !== undefined && (row.isMuted === isMuted || row.turnedMs >= askedMs);
    if (!isDone) this.journal.broken('G2 stored', `${user} is told to follow ${log}: ${!isMuted}, which is not stored`);
    else if (row.durableMs > this.simulator.nowMs)
      this.journal.broken('G2 stored', `${user} is told to follow ${log}: ${!isMuted}, before it is on the disk`);
    this.journal.count(isMuted ? 'logs followed no more' : 'logs followed');
  }

  /** Somebody is told in a slice how far users have read. */
  told(log: string, rows: Readonly<Record<string, { readonly offset?: unknown }>>): void {
    for (const [user, { offset }] of Object.entries(rows)) {
      if (typeof offset === 'number') this.#tell({ kind: 'seen', log, user }, offset, 'told');
    }
  }

  #may(log: string, user: string, offset: number): void {
    const place = `${log} ${user}`;
    const offsets = this.#asked.get(place) ?? new Set();
    this.#asked.set(place, offsets.add(offset));
  }

  /** It names another epoch than its log has (MRK-1). While a server lives its logs keep theirs, and a new one has never been named. */
  #isOfAnother({ stream, epoch }: Mark): boolean {
    return epoch !== undefined && epoch !== this.ledger.current(stream)?.epoch;
  }

  #tell({ kind, log, user }: Place, offset: number, how: string): void {
    const row = this.row(kind, log, user);
    const name = `${user}'s mark ${offset} (${kind}) of ${log}`;
    if (row === undefined || row.offset < offset)
      return this.journal.broken('G2 stored', `${name} is ${how}, and stored is ${row?.offset}`);
    if (row.offset === offset && row.durableMs > this.simulator.nowMs)
      this.journal.broken('G2 stored', `${name} is ${how} before it is on the disk`);
    const place = `${kind} ${log} ${user}`;
    const before = this.#told.get(place);
    if (before?.epoch !== row.epoch || before.offset < offset) this.#told.set(place, { epoch: row.epoch, offset });
  }
}

/** `null`: the stream is no table of marks. */
function placeOf(stream: string, key: string): Place | null {
  if (stream.endsWith(':markers')) return { kind: 'seen', log: stream.slice(0, -':markers'.length), user: key };
  const follows = ':follows/';
  if (!stream.startsWith(follows)) return null;
  return { kind: 'own', log: key, user: decodeURIComponent(stream.slice(follows.length)) };
}

function rowOf(data: string, before: Marked | undefined, nowMs: number, durableMs: number): Marked {
  const { offset, mark, epoch, muted } = JSON.parse(data) as Readonly<Record<string, unknown>>;
  const isMuted = muted === true;
  const turnedMs = before !== undefined && before.isMuted === isMuted ? before.turnedMs : nowMs;
  return { offset: Number(offset ?? mark), epoch: epoch as string | null, isMuted, turnedMs, durableMs };
}
