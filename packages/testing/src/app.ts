// The application that simulated servers run: four kinds of rooms, tables and a procedure, with hooks and rules that are slow, throw and change.

import type { Action, AppRuntime, ChannelRuntime, Identity, LogRuntime } from '@trunkline/core';
import { streamName } from '@trunkline/protocol';
import type { Journal } from './journal.js';
import type { Machine } from './machine.js';
import { type ProcedureLedger, simulatedProcedure } from './procedures.js';
import type { Random } from './random.js';
import { type TableSetup, tableRuntimes } from './tables.js';

/** Of a connection: who dialled. */
export interface RequestInfo {
  readonly client: string;
}

/** What clients publish. */
export interface Entry {
  /** Unique in a world. */
  readonly id: string;
  readonly rude?: boolean;
  /** Weight. */
  readonly pad: string;
}

/** What the app's hooks do for a while. */
export interface AppWeather {
  slowHooks: boolean;
  throwingHooks: boolean;
  slowIdentity: boolean;
  brokenIdentity: boolean;
}

/** Rules and tokens: they outlive servers. */
export class AppState {
  readonly weather: AppWeather = {
    slowHooks: false,
    throwingHooks: false,
    slowIdentity: false,
    brokenIdentity: false,
  };
  /** `user stream` → since when the user may not use it. */
  readonly denied = new Map<string, number>();

  /** Words of entries that the app's own code did not let pass, at least once. */
  readonly turnedAway = new Set<string>();
  /** `user stream` that were ever denied. */
  readonly everDenied = new Set<string>();

  deny(user: string, stream: string, sinceMs: number): void {
    const right = `${user} ${stream}`;
    this.everDenied.add(right);
    if (!this.denied.has(right)) this.denied.set(right, sinceMs);
  }

  /** When the right was taken that is gone now; `undefined`: it is not gone. */
  deniedSince(user: string, stream: string): number | undefined {
    return this.denied.get(`${user} ${stream}`);
  }

  isDenied(user: string, stream: string): boolean {
    return this.denied.has(`${user} ${stream}`);
  }
}

/** Entries that each kind of room keeps. */
export interface Retentions {
  readonly chat: number;
  readonly feed: number;
  readonly wide: number;
}

export interface AppOptions {
  readonly state: AppState;
  readonly retentions: Retentions;
  /** `undefined`: nobody is present. */
  readonly graceMs: number | undefined;
  /** Users mark what they have read. */
  readonly hasMarks: boolean;
  /** What becomes of a channel where a back end is asked. */
  readonly attach: (channel: readonly [string, ChannelRuntime]) => [string, ChannelRuntime];
  readonly tables: TableSetup;
  readonly procedures: ProcedureLedger;
  readonly machine: Machine;
  readonly random: Random;
  readonly journal: Journal;
}

/** Of these everybody may amend what anybody wrote. */
const AMENDABLE = { amend: ['edit', 'delete', 'react'], moderate: () => true } as const;
/** As far as a world gets none of these bounds is met: they have tests of their own. */
const MARKED = { markers: { expireMs: 365 * 86_400_000, maxReaders: 10_000 } } as const;
export const AMENDABLE_ROOMS = ['chat/lobby', 'chat/side', 'wide/load'] as const;

export const ROOMS = ['chat/lobby', 'chat/side', 'feed/news', 'vault/gold', 'wide/load'] as const;

export function simulatedApp(options: AppOptions): AppRuntime<RequestInfo> {
  const { state, retentions, graceMs, hasMarks, attach, tables, procedures, machine, random, journal } = options;
  const { weather } = state;
  const pause = (ms: number) => new Promise<void>((resolve) => machine.after(ms, resolve));
  const running = new Set<string>();

  const validate: LogRuntime['validate'] = (data) =>
    typeof (data as Partial<Entry> | null)?.id === 'string' ? { value: data } : { problem: 'id: expected text' };

  const authorize = (key: string) => async (user: unknown, params: readonly string[], action: Action) => {
    if (random.chance(0.2)) await pause(random.between(0, 30));
    const denied = state.isDenied(String(user), streamName(key, params));
    if (denied) journal.count(`refused: may not ${action}`);
    return !denied;
  };

  const onPublish: LogRuntime['onPublish'] = async ({ entry, user, params, source }) => {
    const lane = `${user}/${source.producer} ${params.join('/')}`;
    if (running.has(lane)) journal.broken('G11 producer order', `two hooks of ${lane} run at a time`);
    running.add(lane);
    const given = entry as Entry;
    try {
      if (weather.slowHooks) await pause(random.skewed(50, 4_000));
      else if (random.chance(0.5)) await pause(random.between(0, 60));
      if (random.chance(weather.throwingHooks ? 0.4 : 0.005)) {
        journal.count('hooks that threw');
        state.turnedAway.add(given.id);
        throw new Error('the hook failed');
      }
      if (given.rude === true) {
        state.turnedAway.add(given.id);
        return { refusal: { code: 'rude', message: 'be kind' } };
      }
      return { store: { ...given, hooked: true } };
    } finally {
      running.delete(lane);
    }
  };

  const room = (key: string, more: Partial<LogRuntime>): [string, LogRuntime] => [
    key,
    { kind: 'log', params: ['room'], validate, authorize: authorize(key), ...more },
  ];

  const marked = hasMarks ? MARKED : {};
  return {
    channels: new Map<string, ChannelRuntime>(
      [
        room('chat', {
          retain: { entries: retentions.chat },
          onPublish,
          ...AMENDABLE,
          ...marked,
          ...(graceMs === undefined ? {} : { presence: { graceMs } }),
        }),
        room('feed', { retain: { entries: retentions.feed } }),
        room('vault', marked),
        room('wide', { retain: { entries: retentions.wide }, ...AMENDABLE }),
        ...tableRuntimes(tables, authorize),
      ].map(attach),
    ),
    procedures: new Map([['order', simulatedProcedure(procedures, machine, random.branch('orders'), journal)]]),
    async authenticate(token): Promise<Identity | null> {
      if (weather.slowIdentity) await pause(random.skewed(20, 3_000));
      if (weather.brokenIdentity && random.chance(0.5)) throw new Error('who knows');
      const given = readToken(token);
      if (given === null || given.expiresAt <= machine.nowMs()) {
        journal.count('tokens refused');
        return null;
      }
      return { id: given.user, user: given.user, publicUser: { id: given.user }, expiresAt: given.expiresAt };
    },
  };
}

/** A token says whose it is and when it expires: nobody here forges any. */
export function makeToken(user: string, expiresAt: number): string {
  return `${user}~${expiresAt}`;
}

export function readToken(token: string | undefined): { readonly user: string; readonly expiresAt: number } | null {
  const [user, expiresAt] = token?.split('~') ?? [];
  return user === undefined || expiresAt === undefined ? null : { user, expiresAt: Number(expiresAt) };
}
