// Judges all that a server says on one connection, at the moment in which it says it, by the ledger and by what was asked.

import type { SharedText } from '@trunkline/core';
import type { ChangeOk, ClientMessage, PublishOk, ReadOk, ServerMessage, SubscribeOk } from '@trunkline/protocol';
import { type AppState, readToken } from './app.js';
import type { Journal } from './journal.js';
import type { Ledger } from './ledger.js';
import { LogOracle } from './log-oracle.js';
import type { Machine } from './machine.js';
import type { MarkLedger } from './mark-ledger.js';
import { MarkOracle } from './mark-oracle.js';
import type { PresenceLedger } from './presence-ledger.js';
import type { ProcedureLedger } from './procedures.js';
import type { TableLedger } from './table-ledger.js';
import { TableOracle } from './table-oracle.js';
import type { Wire } from './wire.js';

type Request = Extract<ClientMessage, { id: number }>;

interface Asked {
  readonly request: Request;
  readonly atMs: number;
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
  readonly marks: MarkLedger;
  readonly procedures: ProcedureLedger;
  readonly presence: PresenceLedger;
  readonly rules: AppState;
  readonly journal: Journal;
}

export class WireOracle {
  private readonly machine: Machine;
  private readonly rules: AppState;
  private readonly journal: Journal;
  readonly #wire: Wire;
  readonly #procedures: ProcedureLedger;
  readonly #presence: PresenceLedger;
  readonly #logs: LogOracle;
  readonly #tables: TableOracle;
  readonly #marks: MarkOracle;
  readonly #asked = new Map<number, Asked>();
  #user: string | undefined;
  /** Who it says it is: what comes with the `hello` is worked on when that is so. */
  #claims = '';
  readonly #revoked = new Map<string, number | undefined>();
  /** When the token expires, by the server's clock. */
  #expiresAt = Number.POSITIVE_INFINITY;
  /** The same of the token that was sent last: from when on it counts is the server's to say. */
  #renewal = 0;
  #hasEnded = false;

  constructor(
    readonly name: string,
    { machine, wire, ledger, tables, marks, procedures, presence, rules, journal }: OracleParts,
  ) {
    this.machine = machine;
    this.rules = rules;
    this.journal = journal;
    this.#wire = wire;
    this.#procedures = procedures;
    this.#presence = presence;
    this.#logs = new LogOracle(name, machine.simulator, ledger, journal);
    this.#tables = new TableOracle(name, tables, presence, journal);
    this.#marks = new MarkOracle(name, marks, journal, (stream) => this.#isRevoked(stream));
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
      if (message.type === 'hello') {
        const given = readToken(message.token);
        this.#expiresAt = given?.expiresAt ?? 0;
        this.#claims = given?.user ?? '';
      }
      if (message.type === 'mark') this.#marks.asked(message, this.#claims);
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
      if (message.type === 'entries' && message.items.length > 1) {
        const bytes = Buffer.byteLength(shared.text) - 200;
        if (bytes > MAX_SLICE_BYTES) this.journal.broken('G5 bounded', `a slice of ${bytes} bytes`);
      }
    }
    this.#judge(message, shared.bytes);
  }

  closing(code: number): void {
    this.journal.count(`closed by the server with ${code}`);
    this.#hasEnded = true;
    // The peer may take its time to answer: it is gone all the same.
    if (this.#user !== undefined) this.#presence.looks(this, this.#user, new Set());
  }
  closed(): void {
    this.#hasEnded = true;
    this.#logs.closed();
    this.#looks();
    this.#tables.closed();
    this.#asked.clear();
  }

  /** The server is told, now, that the user's right is gone: as long as that is so, nothing of the stream may come any more. */
  revoked(stream: string): void {
    this.#revoked.set(stream, this.rules.deniedSince(this.#user ?? '', stream));
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
        if (this.#find(message.ch, message.type)) this.#logs.entries(message);
        return;
      case 'gap':
        if (this.#find(message.ch, message.type)) this.#logs.gap(message);
        return;
      case 'rows':
        if (!this.#tables.has(message.ch))
          return this.#broken('SUB-8', `rows of ch ${message.ch}, which is not subscribed`);
        this.#mayServe(this.#tables.streamOf(message.ch));
        this.#marks.rows(this.#tables.streamOf(message.ch), message);
        return this.#tables.rows(message, bytes);
      case 'synced':
        if (this.#tables.has(message.ch)) this.#tables.synced(message.ch, message.to);
        else if (this.#find(message.ch, message.type)) this.#logs.synced(message.ch, message.to);
        return;
      case 'ended':
        if (!this.#tables.has(message.ch)) this.#find(message.ch, message.type);
        this.#tables.ended(message.ch);
        this.#logs.ended(message.ch);
        this.#looks();
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

  #looks(): void {
    if (this.#user !== undefined) this.#presence.looks(this, this.#user, this.#logs.looked);
  }

  /** A log that is subscribed, and may be served. */
  #find(ch: number, what: string): boolean {
    if (this.#logs.has(ch)) {
      if (what !== 'synced' && what !== 'ended') this.#mayServe(this.#logs.streamOf(ch));
      return true;
    }
    this.#broken('SUB-8', `${what} of ch ${ch}, which is not subscribed`);
    return false;
  }

  #mayServe(stream: string): void {
    // A right that was given back and taken once more is another one: the server may not know of it yet.
    if (this.#isRevoked(stream)) this.#broken('SUB-9', `${stream} is served after it was revoked`);
  }

  #isRevoked(stream: string): boolean {
    const since = this.rules.deniedSince(this.#user ?? '', stream);
    return since !== undefined && this.#revoked.get(stream) === since;
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
        this.#logs.subscribed(request, ok as SubscribeOk);
        return this.#looks();
      case 'tune':
        if (!this.#logs.streams.includes(request.stream)) return this.#tables.tuned(request);
        this.#logs.tuned(request);
        return this.#looks();
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
        this.#logs.unsubscribed(request.stream);
        return this.#looks();
      case 'amend': {
        const entry = this.#logs.amended(request, ok as PublishOk, `${this.#user}/${request.producer} ${request.seq}`);
        if (entry !== undefined && entry.committedMs >= atMs) this.#mayUse(request.stream, atMs);
        return;
      }
      case 'publish': {
        const entry = this.#logs.published(
          request,
          ok as PublishOk,
          `${this.#user}/${request.producer} ${request.seq}`,
        );
        if (entry === undefined) return;
        if (entry.committedMs >= atMs) this.#mayUse(request.stream, atMs);
        else this.journal.count('publishes answered again');
        return;
      }
      case 'mark':
      case 'follow':
      case 'unfollow':
        this.#mayUse(request.stream, atMs);
        return this.#marks.answered(request, this.#user ?? '', atMs);
      case 'read':
        this.#mayUse(request.stream, atMs);
        return this.#logs.read(request.stream, ok as ReadOk);
      case 'refresh':
        this.#expiresAt = readToken(request.token)?.expiresAt ?? 0;
        for (const stream of [...this.#logs.streams, ...this.#tables.streams]) this.#mayUse(stream, atMs);
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
}

function shortened(text: string): string {
  return text.length <= 220 ? text : `${text.slice(0, 160)} … ${text.slice(-50)}`;
}
