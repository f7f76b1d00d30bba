// Somebody at a browser: the real client on a simulated machine, looking at rooms, writing, leaving, coming back.

import {
  connect,
  type Line,
  type TokenSource,
  TrunklineError,
  type UntypedApp,
  type WithPresence,
} from '@trunkline/client';
import { AmendHand } from './amend-hand.js';
import { AMENDABLE_ROOMS, type AppState, makeToken, ROOMS } from './app.js';
import { socketOf } from './client-socket.js';
import type { Host } from './host.js';
import type { Journal } from './journal.js';
import type { Ledger } from './ledger.js';
import { LogView } from './log-view.js';
import { BEGINNING_MS } from './machine.js';
import { MarkHand } from './mark-hand.js';
import type { MarkLedger } from './mark-ledger.js';
import { PresenceView } from './presence-view.js';
import { ProcedureHand } from './procedure-hand.js';
import type { ProcedureLedger } from './procedures.js';
import type { Random } from './random.js';
import type { Features } from './setup.js';
import { TableHand } from './table-hand.js';
import type { TableLedger } from './table-ledger.js';
import type { TableSetup } from './tables.js';

/** What became of something that was published. */
interface Publication {
  readonly stream: string;
  readonly id: string;
  /** It was never fit to be stored. */
  readonly isOdd: boolean;
  outcome: 'open' | 'stored' | 'refused' | 'unknown';
}

export interface UserParts {
  readonly host: Host;
  /** Who it is; two hosts may belong to one user. */
  readonly user: string;
  readonly random: Random;
  readonly ledger: Ledger;
  readonly tables: TableLedger;
  readonly marks: MarkLedger;
  readonly procedures: ProcedureLedger;
  readonly features: Features;
  readonly tableSetup: TableSetup;
  readonly journal: Journal;
  readonly rules: AppState;
  readonly tokenLifeMs: number;
  readonly isHeavy: boolean;
}

const NOBODY_CARES = () => {};

export class User {
  readonly line: Line<UntypedApp>;
  readonly views = new Map<string, LogView>();
  readonly publications: Publication[] = [];
  readonly tables: TableHand | undefined;
  readonly calls: ProcedureHand | undefined;
  /** Who is in the lobby. */
  readonly presence: PresenceView | undefined;
  readonly amends: AmendHand | undefined;
  readonly marks: MarkHand | undefined;
  /** States of the connection since it was looked at last. */
  readonly states = new Set<string>();
  readonly host: Host;
  readonly user: string;
  /** Asking for a token fails, for a while. */
  hasTokenTrouble = false;
  readonly #parts: UserParts;
  #isActive = true;
  #hasLeft = false;
  #count = 0;

  constructor(parts: UserParts) {
    const { host, random, ledger, journal, user, rules, features, tables, procedures, tableSetup } = parts;
    this.#parts = parts;
    this.host = host;
    this.user = user;
    this.line = connect<UntypedApp>('ws://simulated/line', {
      clock: host.machine,
      network: host.network,
      socket: socketOf(host, undefined, (text) => this.marks?.sent(text)),
      random: random.branch('client').next,
      token: this.#token,
      lingerMs: random.pick([0, 200, 1_000]),
      onProblem: ({ source, message }) => {
        journal.count(`problems told by the client: ${source}`);
        journal.trace(host.name, `problem: ${message}`);
        if (source === 'listener') journal.broken('clients work', `${host.name}: ${message}`);
      },
    });
    for (const stream of features.hasLogs ? ROOMS : []) {
      const [key = '', room = ''] = stream.split('/');
      const handle = this.line.channel[key]?.(room);
      if (handle !== undefined) this.views.set(stream, new LogView(host.name, handle, ledger, journal));
    }
    const lobby = features.hasPresence ? this.line.channel.chat?.('lobby') : undefined;
    if (lobby !== undefined) {
      const { presence } = lobby as unknown as WithPresence<unknown>;
      this.presence = new PresenceView(host.name, 'chat/lobby', presence, journal);
    }
    if (features.hasAmendments) this.amends = new AmendHand({ host, random: random.branch('amends'), ledger, journal });
    if (features.hasMarks) {
      const hand = { host, user, random: random.branch('marks'), ledger, marks: parts.marks, journal };
      this.marks = new MarkHand(this.line, { ...hand, views: this.views });
    }
    if (features.tables.length > 0) {
      const hand = { host, user, random: random.branch('tables'), ledger: tables, journal, rules };
      this.tables = new TableHand(this.line, { ...hand, tables: features.tables, isHeavy: tableSetup.isHeavy });
    }
    if (features.hasCalls) {
      this.calls = new ProcedureHand(this.line, { host, random: random.branch('calls'), ledger: procedures, journal });
    }
    this.line.connection.subscribe(() => {
      const { state, reason } = this.line.connection.snapshot();
      this.states.add(reason === undefined ? state : `${state}: ${reason}`);
      journal.trace(host.name, () => `is ${state}${reason === undefined ? '' : `: ${reason}`}`);
      // An application would show a button; here somebody presses it.
      if (state === 'refused' && !this.#hasLeft) host.machine.after(random.between(500, 6_000), this.line.retry);
    });
  }

  /** Looks at some rooms, and does something now and then, until `rest`. */
  start(): void {
    const { random, host } = this.#parts;
    for (const view of this.views.values()) if (random.chance(0.7)) view.open(this.#interest());
    this.tables?.start();
    this.marks?.start();
    if (random.chance(0.6)) this.presence?.open();
    const again = () => {
      host.machine.after(random.skewed(350, 10_000), () => {
        if (!this.#isActive) return;
        this.#act();
        again();
      });
    };
    again();
  }

  /** Does nothing more by itself; looks at all rooms. */
  rest(): void {
    this.#isActive = false;
    this.hasTokenTrouble = false;
    this.host.signal('wake');
    this.tables?.rest();
    this.marks?.rest();
    this.presence?.open();
    for (const view of this.views.values()) {
      view.open({});
      // Who reads on backwards comes to the same.
      view.handle.loadOlder(10).catch(NOBODY_CARES);
      for (const pending of view.handle.snapshot().pending) if (pending.state === 'failed') pending.discard();
    }
    this.#tryAgain();
  }

  /** What was refused while rights were taken may be seen again: somebody tries, now and then. */
  #tryAgain(): void {
    if (this.#hasLeft) return;
    this.line.retry();
    this.host.machine.after(5_000, () => this.#tryAgain());
  }

  /** Leaves for good. */
  leave(): void {
    this.#hasLeft = true;
    for (const view of this.views.values()) view.close();
    this.tables?.leave();
    this.marks?.leave();
    this.presence?.close();
  }

  /** What was published and is not settled. */
  get open(): readonly Publication[] {
    return this.publications.filter(({ outcome }) => outcome === 'open');
  }

  /** What was refused must not be there, and what was stored must be. */
  judge(): void {
    this.tables?.judge();
    this.amends?.judge();
    const { ledger, journal, host } = this.#parts;
    for (const { id, stream, outcome } of this.publications) {
      // What an earlier history held, and took with it, is no matter.
      const isStored = ledger.current(stream)?.byId.has(id) === true;
      if (outcome === 'refused' && isStored) {
        journal.broken('REQ-4', `${host.name}: ${stream} "${id}" was refused, and is stored`);
      }
    }
  }

  readonly #token: TokenSource = async () => {
    const { random, host, user, tokenLifeMs } = this.#parts;
    if (random.chance(0.5)) {
      await new Promise<void>((resolve) => host.machine.after(random.between(0, 400), resolve));
    }
    if (this.hasTokenTrouble && random.chance(0.7)) throw new Error('no token today');
    const expiresAt = Math.floor(BEGINNING_MS + host.machine.simulator.nowMs + random.between(0.3, 1) * tokenLifeMs);
    return { token: makeToken(user, expiresAt), expiresAt };
  };

  #interest() {
    const { random } = this.#parts;
    return {
      last: random.pick([0, 3, 20, 50, undefined]),
      most: random.chance(0.25) ? random.whole(3, 30) : undefined,
    };
  }

  #act(): void {
    const { random, features } = this.#parts;
    if (this.calls !== undefined && random.chance(0.2)) return this.calls.act();
    if (this.tables !== undefined && (!features.hasLogs || random.chance(0.5))) {
      if (random.chance(0.95)) return this.tables.act();
      return this.#wander(random.next());
    }
    if (this.amends !== undefined && random.chance(0.35)) return this.amend();
    if (this.marks !== undefined && random.chance(0.3)) return this.marks.act();
    if (this.presence !== undefined && random.chance(0.05)) {
      if (this.presence.isOpen) return this.presence.close();
      return this.presence.open();
    }
    const view = random.pick([...this.views.values()]);
    const dice = random.next();
    if (dice < 0.55) this.publish(view);
    else if (dice < 0.6) {
      for (let count = random.whole(3, 20); count > 0; count--) this.publish(view);
      // Right behind them, while they are being stored.
      const isAmendable = AMENDABLE_ROOMS.some((stream) => stream === view.handle.name);
      if (isAmendable) this.amends?.act(view);
    } else if (dice < 0.605) for (let count = 75; count > 0; count--) this.publish(view);
    else if (dice < 0.8) {
      if (view.isOpen) view.close();
      else view.open(this.#interest());
    } else if (dice < 0.88) {
      if (view.isOpen) view.handle.loadOlder(random.whole(1, 40)).catch(NOBODY_CARES);
    } else if (dice < 0.95) this.#lookAfterFailures(view);
    else this.#wander((dice - 0.95) / 0.05);
  }

  /** Another page for a while, a lid that is closed, a button that is pressed. */
  #wander(dice: number): void {
    if (dice < 0.2) this.host.signal('hidden');
    else if (dice < 0.5) this.host.signal('wake');
    else if (dice < 0.7) void this.line.close();
    else this.line.retry();
  }

  /** Amends an entry of one of the logs whose entries can be. */
  amend(): void {
    const view = this.views.get(this.#parts.random.pick(AMENDABLE_ROOMS));
    if (view !== undefined) this.amends?.act(view);
  }

  publish(view: LogView): void {
    const { random, host, isHeavy, journal } = this.#parts;
    this.#count += 1;
    const id = `${host.name}-${this.#count}`;
    const stream = view.handle.name;
    const isWide = stream.startsWith('wide');
    const pad = 'x'.repeat(
      Math.round(isWide && isHeavy ? random.between(8_000, 40_000) : random.skewed(1, isWide ? 3_000 : 120)),
    );
    const dice = random.next();
    const odd = dice < 0.01 ? { id: 7 } : dice < 0.02 ? { id, pad: 'y'.repeat(70_000) } : undefined;
    const data = odd ?? { id, pad, ...(random.chance(0.02) ? { rude: true } : {}) };
    journal.trace(host.name, () => `publishes "${id}" to ${stream}`);
    const publication: Publication = { stream, id, isOdd: odd !== undefined, outcome: 'open' };
    this.publications.push(publication);
    journal.count('publishes');
    view.handle.publish(data).then(
      ({ offset }) => this.#stored(publication, offset),
      (error: unknown) => this.#failed(publication, error),
    );
  }

  #stored(publication: Publication, offset: number): void {
    const { ledger, journal, host } = this.#parts;
    publication.outcome = 'stored';
    journal.count('publishes acknowledged');
    if (!ledger.withId(publication.id).some((stored) => stored.offset === offset)) {
      journal.broken('G2 stored', `${host.name}: ${publication.stream} "${publication.id}" is said to be at ${offset}`);
    }
  }

  #failed(publication: Publication, error: unknown): void {
    const { journal, host } = this.#parts;
    const { stream, id } = publication;
    if (!(error instanceof TrunklineError)) return journal.broken('clients work', `${host.name}: ${String(error)}`);
    journal.trace(host.name, `"${id}" failed: ${error.code} (${error.outcome})`);
    publication.outcome = error.outcome;
    journal.count(`publishes failed: ${error.code}`);
    // A refusal whose answer was lost is met again as a conflict: what came after it is stored by then.
    const { rules, user } = this.#parts;
    const wasRefused = publication.isOdd || rules.turnedAway.has(id) || rules.everDenied.has(`${user} ${stream}`);
    if (error.code === 'conflict' && error.message !== 'discarded' && !wasRefused) {
      journal.broken('G11 producer order', `${host.name}: ${stream} "${id}": ${error.message}`);
    }
  }

  #lookAfterFailures(view: LogView): void {
    const { random } = this.#parts;
    for (const pending of view.handle.snapshot().pending) {
      if (pending.state !== 'failed') continue;
      if (random.chance(0.5)) pending.discard();
      else {
        const { id } = pending.data as { id: string };
        // From now on anything may become of it, but once.
        for (const publication of this.publications) if (publication.id === id) publication.outcome = 'unknown';
        pending.retry();
      }
    }
  }
}
