// Judges all that a server says on one connection, at the moment in which it says it, by the ledger and by what was asked.

import type { SharedText } from '@trunkline/core';
import type {
  AmendRecord,
  ChangeOk,
  ClientMessage,
  Entries,
  Gap,
  Item,
  PublishOk,
  ServerMessage,
  Subscribe,
  SubscribeOk,
} from '@trunkline/protocol';
import { type AppState, readToken } from './app.js';
import type { Journal } from './journal.js';
import type { Ledger } from './ledger.js';
import type { Machine } from './machine.js';
import type { ProcedureLedger } from './procedures.js';
import type { TableLedger } from './table-ledger.js';
import { TableOracle } from './table-oracle.js';
import type { Wire } from './wire.js';

type Request = Extract<ClientMessage, { id: number }>;

interface Asked {
  readonly request: Request;
  readonly atMs: number;
}

/** A subscription, as its connection was told of it. */
interface Told {
  readonly stream: string;
  readonly request: Subscribe;
  readonly head: number;
  epoch: string | null;
  cursor: number;
  /** Nothing but its `ok` was sent. */
  isFresh: boolean;
  isSynced: boolean;
}

/** The server looks at its connections once a second. */
const SWEEP_MS = 1_100;
const MAX_SLICE_BYTES = 65_536;
/** Parsed once for all connections that get it. */
const parsed = new WeakMap<SharedText, ServerMessage>();

export interface OracleParts {
  readonly machine: Machine;
  readonly wire: Wire;
  readonly ledger: Ledger;
  readonly tables: TableLedger;
  readonly procedures: ProcedureLedger;
  readonly rules: AppState;
  readonly journal: Journal;
}

export class WireOracle {
  private readonly machine: Machine;
  private readonly ledger: Ledger;
  private readonly rules: AppState;
  private readonly journal: Journal;
  readonly #wire: Wire;
  readonly #procedures: ProcedureLedger;
  readonly #tables: TableOracle;
  readonly #asked = new Map<number, Asked>();
  readonly #told = new Map<number, Told>();
  #user: string | undefined;
  readonly #revoked = new Set<string>();
  /** When the token expires, by the server's clock. */
  #expiresAt = Number.POSITIVE_INFINITY;
  /** The same of the token that was sent last: from when on it counts is the server's to say. */
  #renewal = 0;
  #hasEnded = false;

  constructor(
    readonly name: string,
    { machine, wire, ledger, tables, procedures, rules, journal }: OracleParts,
  ) {
    this.machine = machine;
    this.ledger = ledger;
    this.rules = rules;
    this.journal = journal;
    this.#wire = wire;
    this.#procedures = procedures;
    this.#tables = new TableOracle(name, tables, journal);
  }

  /** The user, once welcome. */
  get user(): string | undefined {
    return this.#user;
  }
  get unanswered(): number {
    return this.#asked.size;
  }

  /** The server got this, and looks at it next. */
  received(text: string): void {
    for (const line of text.split('\n')) {
      this.journal.trace(this.name, () => `→ ${shortened(line)}`);
      const message = JSON.parse(line) as ClientMessage;
      if (message.type === 'refresh') this.#renewal = readToken(message.token)?.expiresAt ?? 0;
      if (message.type === 'hello') this.#expiresAt = readToken(message.token)?.expiresAt ?? 0;
      if (message.type === 'call') this.#procedures.received(message, this.#wire);
      if ('id' in message && message.type !== 'cancel')
        this.#asked.set(message.id, { request: message, atMs: this.machine.simulator.nowMs });
    }
  }

  sent(text: string): void {
    this.journal.trace(this.name, () => `← ${shortened(text)}`);
    this.#judge(JSON.parse(text) as ServerMessage);
  }

  sentShared(shared: SharedText): void {
    this.journal.trace(this.name, () => `← ${shortened(shared.text)}`);
    let message = parsed.get(shared);
    if (message === undefined) {
      message = JSON.parse(shared.text) as ServerMessage;
      parsed.set(shared, message);
      const bytes = Buffer.byteLength(shared.text) - 200;
      if (message.type === 'entries' && message.items.length > 1 && bytes > MAX_SLICE_BYTES) {
        this.journal.broken('G5 bounded', `a slice of ${bytes} bytes`);
      }
    }
    this.#judge(message, shared.bytes);
  }

  closing(code: number): void {
    this.journal.count(`closed by the server with ${code}`);
    this.#hasEnded = true;
  }
  closed(): void {
    this.#hasEnded = true;
    this.#told.clear();
    this.#tables.closed();
    this.#asked.clear();
  }

  /** The server is told, now, that the user's right is gone: as long as that is so, nothing of the stream may come any more. */
  revoked(stream: string): void {
    this.#revoked.add(stream);
  }

  #broken(promise: string, what: string): void {
    this.journal.broken(promise, `to ${this.name}: ${what}`);
  }

  #judge(message: ServerMessage, bytes = 0): void {
    if (this.#hasEnded) this.#broken('G9 close', `${message.type} after the end`);
    this.#inTime(message);
    const isEarly = this.#user === undefined;
    if (isEarly && !['welcome', 'error', 'goodbye'].includes(message.type)) {
      this.#broken('CON-1', `${message.type} before welcome`);
    }
    switch (message.type) {
      case 'welcome':
        this.#user = (message.user as { id: string }).id;
        return;
      case 'ok':
        return this.#answered(message.id, message as { id: number });
      case 'pong':
        this.#asked.delete(message.id);
        return;
      case 'error':
        if (message.id !== undefined) {
          if (this.#asked.get(message.id)?.request.type === 'refresh') this.#renewal = 0;
          this.#answered(message.id, null);
        }
        this.journal.count(`error ${message.code}`);
        return;
      case 'entries':
        return this.#entries(message);
      case 'gap':
        return this.#gap(message);
      case 'rows':
        if (!this.#tables.has(message.ch))
          return this.#broken('SUB-8', `rows of ch ${message.ch}, which is not subscribed`);
        this.#mayServe(this.#tables.streamOf(message.ch));
        return this.#tables.rows(message, bytes);
      case 'synced': {
        if (this.#tables.has(message.ch)) return this.#tables.synced(message.ch, message.to);
        const told = this.#find(message.ch, 'synced');
        if (told?.isSynced === true) this.#broken('SUB-5', `${told.stream}: synced twice`);
        if (told !== undefined && message.to !== told.cursor) {
          this.#broken('SUB-5', `${told.stream}: synced to ${message.to}, served to ${told.cursor}`);
        }
        if (told !== undefined) told.isSynced = true;
        return;
      }
      case 'ended':
        if (!this.#tables.has(message.ch)) this.#find(message.ch, 'ended');
        this.#tables.ended(message.ch);
        this.#told.delete(message.ch);
        this.journal.count('subscriptions ended by the server');
        return;
      default:
        return;
    }
  }

  /** An expired token gets no answers, and no slices after the server's next look at it (CON-9). */
  #inTime(message: ServerMessage): void {
    const { machine } = this;
    const lateMs = machine.nowMs() - Math.max(this.#expiresAt, this.#renewal);
    if (lateMs < 0 || message.type === 'welcome') return;
    const isAnswer = 'id' in message && message.type !== 'error';
    if (isAnswer) this.#broken('CON-9', `an answer ${lateMs} ms after the token expired`);
    if (machine.simulator.nowMs - machine.disturbedMs < SWEEP_MS || lateMs < SWEEP_MS) return;
    if ('ch' in message) this.#broken('CON-9', `${message.type} ${lateMs} ms after the token expired`);
  }

  #find(ch: number, what: string): Told | undefined {
    const told = this.#told.get(ch);
    if (told === undefined) this.#broken('SUB-8', `${what} of ch ${ch}, which is not subscribed`);
    return told;
  }

  #answered(id: number, ok: object | null): void {
    const asked = this.#asked.get(id);
    this.#asked.delete(id);
    if (asked === undefined) return this.#broken('REQ-1', `an answer to ${id}, which was not asked`);
    if (ok === null) return;
    const { request, atMs } = asked;
    switch (request.type) {
      case 'subscribe':
        this.#mayUse(request.stream, atMs);
        if ((ok as SubscribeOk).kind === 'table') return this.#tables.subscribed(request, ok as SubscribeOk);
        return this.#subscribed(request, ok as SubscribeOk);
      case 'tune':
        return this.#tables.tuned(request);
      case 'change':
        return this.#tables.changed(request, ok as ChangeOk, `${this.#user}/${request.producer} ${request.seq}`);
      case 'call': {
        const { producer, seq } = request;
        if (producer === undefined) return;
        return this.#procedures.answered(
          `${this.#user}/${producer} ${seq}`,
          JSON.stringify((ok as { data: unknown }).data),
        );
      }
      case 'unsubscribe':
        this.#tables.unsubscribed(request.stream);
        for (const [ch, { stream }] of this.#told) if (stream === request.stream) this.#told.delete(ch);
        return;
      case 'publish': {
        const { epoch, offset, at } = ok as PublishOk;
        const entry = this.ledger.find(request.stream, epoch, offset);
        const source = `${this.#user}/${request.producer} ${request.seq}`;
        if (entry === undefined)
          return this.#broken('G2 stored', `${request.stream} ${offset} is acknowledged, not stored`);
        if (`${entry.producer} ${entry.seq}` !== source || entry.at !== at) {
          return this.#broken('G3 once', `${source} is acknowledged with the place of ${entry.producer} ${entry.seq}`);
        }
        if (entry.committedMs >= atMs) this.#mayUse(request.stream, atMs);
        this.#shown(entry);
        return;
      }
      case 'read':
        this.#mayUse(request.stream, atMs);
        return this.#read(request.stream, ok as { epoch: string | null; items: readonly Item[] });
      case 'refresh':
        this.#expiresAt = readToken(request.token)?.expiresAt ?? 0;
        for (const { stream } of this.#told.values()) this.#mayUse(stream, atMs);
        for (const stream of this.#tables.streams) this.#mayUse(stream, atMs);
        return;
      default:
        return;
    }
  }

  /** Denied since before it was asked: it must not have been granted. */
  #mayUse(stream: string, askedMs: number): void {
    const sinceMs = this.rules.denied.get(`${this.#user} ${stream}`);
    if (sinceMs !== undefined && sinceMs < askedMs) this.#broken('SUB-9', `${stream} is granted to ${this.#user}`);
  }

  #subscribed(request: Subscribe, { ch, epoch, head, floor, from }: SubscribeOk): void {
    const { stream, after } = request;
    const told: Told = { stream, request, head, epoch, cursor: from, isFresh: true, isSynced: false };
    this.#told.set(ch, told);
    this.journal.count(after === undefined ? 'subscribes' : 'resumes');
    const history = this.ledger.history(stream, epoch);
    if (head > (history?.head ?? 0)) this.#broken('SUB-3', `${stream}: the head is said to be ${head}`);
    if (floor > (history?.floor ?? 0)) this.#broken('SUB-3', `${stream}: the floor is said to be ${floor}`);
    if (after !== undefined && from !== after.offset) {
      this.#broken('SUB-2', `${stream} resumes at ${from}, asked for ${after.offset}`);
    }
    const wanted = Math.max(history?.floor ?? 0, head - (request.last ?? 0));
    if (after === undefined && from > wanted) this.#broken('SUB-2', `${stream} begins at ${from}, not at ${wanted}`);
  }

  #mayServe(stream: string): void {
    if (this.#revoked.has(stream) && this.rules.isDenied(this.#user ?? '', stream)) {
      this.#broken('SUB-9', `${stream} is served after it was revoked`);
    }
  }

  #entries({ ch, from, to, items, epoch }: Entries): void {
    const told = this.#find(ch, 'entries');
    if (told === undefined) return;
    const { stream, cursor } = told;
    this.#mayServe(stream);
    if (from !== cursor) this.#broken('G1 order', `${stream}: a slice from ${from}, the cursor is ${cursor}`);
    if (items.length !== to - from) this.#broken('G1 order', `${stream}: ${items.length} entries in (${from}, ${to}]`);
    if (from === 0 && epoch === undefined) this.#broken('SUB-6', `${stream}: a slice from 0 without an epoch`);
    told.epoch = epoch ?? told.epoch;
    for (const [index, item] of items.entries()) this.#item(told.stream, told.epoch, from + 1 + index, item);
    told.cursor = to;
    told.isFresh = false;
    this.journal.count('entries sent', items.length);
  }

  #item(stream: string, epoch: string | null, offset: number, item: Item | AmendRecord): void {
    if (item.amends !== undefined) return this.#broken('AMD-2', `${stream} ${offset}: nobody amends in this world`);
    const entry = this.ledger.find(stream, epoch, item.offset);
    if (item.offset !== offset) this.#broken('G1 order', `${stream} ${item.offset} in the place of ${offset}`);
    if (entry === undefined) return this.#broken('G1 order', `${stream} ${item.offset} was never stored`);
    const producer = entry.producer?.slice(entry.producer.lastIndexOf('/') + 1);
    const isSame = item.producer === producer && item.seq === entry.seq && item.at === entry.at;
    if (!isSame || (item.data as { id: string }).id !== entry.id) {
      this.#broken(
        'G1 order',
        `${stream} ${item.offset} is "${(item.data as { id: string }).id}", stored as "${entry.id}"`,
      );
    }
    this.#shown(entry);
  }

  #shown(entry: {
    readonly durableMs: number;
    isShown: boolean;
    readonly stream: string;
    readonly offset: number;
  }): void {
    if (entry.durableMs > this.machine.simulator.nowMs) {
      this.#broken('G2 stored', `${entry.stream} ${entry.offset} is told of before it is on the disk`);
    }
    entry.isShown = true;
  }

  #gap(gap: Gap): void {
    const told = this.#find(gap.ch, 'gap');
    if (told === undefined) return;
    const { stream, cursor, request, isFresh } = told;
    const { reason, to, lost, epoch } = gap;
    this.#mayServe(stream);
    const current = this.ledger.current(stream);
    const said = `${stream}: gap ${reason} from ${cursor} to ${to}, lost ${lost}`;
    this.journal.count('gaps');
    this.journal.count(`gap ${reason}`);
    if (reason === 'trimmed') {
      const floor = this.ledger.history(stream, epoch)?.floor ?? 0;
      if (to > floor) this.#broken('G4 resume', `${said}: entries from ${floor + 1} on are kept`);
      if (to <= cursor || lost !== to - cursor) this.#broken('G4 resume', `${said}: that is not what is missing`);
    } else if (reason === 'skipped') {
      const { most } = request;
      const missed = told.head - cursor;
      if (!isFresh || most === undefined || missed <= most) this.#broken('G4 resume', `${said}: most is ${most}`);
      if (lost !== to - cursor) this.#broken('G4 resume', `${said}: that is not what is skipped`);
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

  /** Whether the position that was asked for is one of the present history. */
  #isThere({ stream, after }: Subscribe, epoch: string | null): boolean {
    if (after === undefined || after.epoch !== epoch) return false;
    const history = this.ledger.history(stream, epoch);
    if (history === undefined || after.offset > history.head) return false;
    return after.at === undefined || after.offset === 0 || history.at(after.offset)?.at === after.at;
  }

  #read(stream: string, { epoch, items }: { epoch: string | null; items: readonly Item[] }): void {
    for (const item of items) this.#item(stream, epoch, item.offset, item);
    for (const [index, { offset }] of items.entries()) {
      if (index > 0 && offset !== (items[index - 1]?.offset ?? 0) + 1)
        this.#broken('REA-1', `${stream}: a page with a hole`);
    }
    this.journal.count('pages read');
  }
}

function shortened(text: string): string {
  return text.length <= 220 ? text : `${text.slice(0, 160)} … ${text.slice(-50)}`;
}
