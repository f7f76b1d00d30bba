// How a world is set up: which features its people use, where its entries and rows are kept, and the limits of its servers. A seed draws some of
// all there is, so that many seeds together meet everything and none of them takes long.

import { DEFAULT_LIMITS } from '@trunkline/protocol';
import { backendSetup } from './backend-link.js';
import type { Journal } from './journal.js';
import type { Random } from './random.js';
import type { ServerSetup } from './server-node.js';
import { type SimulatedTable, TABLES, tableSetup } from './tables.js';

export interface Features {
  /** `apart`: a store that outlives servers and serves several, so that one can take over while another one drains. */
  readonly store: 'disk' | 'memory' | 'apart';
  readonly hasLogs: boolean;
  /** Entries of some logs are edited, deleted and reacted to. */
  readonly hasAmendments: boolean;
  /** Who has the chat open is present there. */
  readonly hasPresence: boolean;
  /** People mark what they have read of some logs, and follow them. */
  readonly hasMarks: boolean;
  /** A back end is asked what may be stored, and told of what was. */
  readonly hasBackend: boolean;
  readonly tables: readonly SimulatedTable[];
  readonly hasCalls: boolean;
}

export function featuresOf(random: Random, journal: Journal): Features {
  const dice = random.next();
  const store = dice < 0.55 ? 'disk' : dice < 0.8 ? 'memory' : 'apart';
  const uses = random.next();
  const hasLogs = uses < 0.75;
  const hasTables = uses > 0.5;
  const hasCalls = random.chance(0.35);
  const hasAmendments = hasLogs && random.chance(0.4);
  const hasPresence = hasLogs && random.chance(0.35);
  const hasMarks = hasLogs && random.branch('marks').chance(0.25);
  // Of several servers on one store each would tell of everything.
  const hasBackend = hasLogs && store !== 'apart' && random.branch('backend').chance(0.18);
  const tables = hasTables ? tablesOf(random, store) : [];
  journal.count({ disk: 'worlds on a disk', memory: 'worlds in memory', apart: 'worlds with a store apart' }[store]);
  if (hasLogs) journal.count('worlds with logs');
  if (hasTables) journal.count('worlds with tables');
  if (hasCalls) journal.count('worlds with calls');
  if (hasAmendments) journal.count('worlds with amendments');
  if (hasPresence) journal.count('worlds with presence');
  if (hasBackend) journal.count('worlds with a back end');
  if (hasMarks) journal.count('worlds with read marks');
  return { store, hasLogs, hasAmendments, hasPresence, hasMarks, hasBackend, tables, hasCalls };
}

/** One that clients write, and mostly another one. */
function tablesOf(random: Random, store: Features['store']): readonly SimulatedTable[] {
  // Of a table that a server has in its memory there is one for each server.
  const possible = TABLES.filter(({ keep }) => store !== 'apart' || keep === 'durable');
  const first = random.pick(possible.filter(({ write }) => write === 'client'));
  const others = possible.filter((table) => table !== first);
  return random.chance(0.6) ? [first, random.pick(others)] : [first];
}

export function setupOf(random: Random): ServerSetup {
  return {
    limits: {
      ...DEFAULT_LIMITS,
      maxRequestsInWork: random.pick([4, 16, 64]),
      publishRatePerSecond: random.pick([10, 50]),
      publishBurst: random.pick([20, 100]),
      maxPageEntries: random.pick([20, 1_000]),
    },
    pingMs: Math.round(random.skewed(3_000, 9_000)),
    helloTimeoutMs: 5_000,
    stallTimeoutMs: Math.round(random.skewed(5_000, 20_000)),
    ringBytes: Math.round(random.skewed(600, 65_536)),
    flushIntervalMs: random.pick([0, 0, 5]),
    retentions: { chat: random.whole(40, 200), feed: random.whole(5, 30), wide: random.whole(30, 60) },
    graceMs: random.pick([1_000, 5_000]),
    hasFlakyNotifications: random.chance(0.4),
    tables: tableSetup(random.branch('tables')),
    backend: backendSetup(random.branch('backend')),
  };
}
