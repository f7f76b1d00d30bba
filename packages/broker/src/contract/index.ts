// The contract suite: one list of cases that every broker passes. No test framework is needed to run them:
//
//   const { cases } = brokerContract({ make: () => makeWorld(), skip: {} });
//   for (const { name, run } of cases) test(name, run);

import { AMEND_CASES, AMEND_RESTART_CASES } from './amend-cases.js';
import { APPEND_CASES } from './append-cases.js';
import { ERASED_CASES, ERASED_OUTBOX_CASES } from './erased-cases.js';
import { BYTES_CASES, BYTES_RESTART_CASES, SEEK_CASES } from './history-cases.js';
import { randomCommands, runCommands } from './model.js';
import { OUTBOX_CASES, OUTBOX_RESTART_CASES } from './outbox-cases.js';
import { FENCE_CASES, PRODUCER_CASES } from './producer-cases.js';
import { seeded } from './random.js';
import { READ_CASES, REMOVE_CASES, RETENTION_CASES } from './read-cases.js';
import { ODD_CASES, RESTART_CASES } from './restart-cases.js';
import { RESULT_CASES, RESULT_RESTART_CASES } from './result-cases.js';
import { RUN_CASES } from './run-cases.js';
import { SEARCH_CASES, SEARCH_RESTART_CASES } from './search-cases.js';
import { SIGNAL_CASES } from './signal-cases.js';
import { CHANGE_CASES } from './table-cases.js';
import { EXPIRY_CASES, TABLE_RESTART_CASES, TABLE_WATCH_CASES } from './table-life-cases.js';
import { ROWS_CASES } from './table-rows-cases.js';
import { CLOSE_CASES, LEASE_CASES, WATCH_CASES } from './watch-cases.js';
import type { BrokerWorld, Case } from './world.js';

export { withFlakyNotifications } from './flaky-notifications.js';
export { forwards } from './forwards.js';
export { type Command, randomCommands, runCommands } from './model.js';
export { seeded } from './random.js';
export type { BrokerWorld } from './world.js';

export interface ContractOptions {
  /** A fresh, empty world; its clock, if it has one, stands at 1_700_000_000_000. Called once for each case. */
  make(): BrokerWorld | Promise<BrokerWorld>;
  /** Name of a case → why it cannot hold for this broker. A name that is no case's is an error. */
  readonly skip?: Readonly<Record<string, string>>;
}

export interface Contract {
  /** To be run in any order, one at a time or together. */
  readonly cases: readonly { readonly name: string; readonly run: () => Promise<void> }[];
  readonly skipped: readonly { readonly name: string; readonly reason: string }[];
}

const MODEL_CASES: readonly Case[] = [1, 2, 3, 4].map((seed) => ({
  name: `random calls give what a plain array gives (seed ${seed})`,
  run: (world) => runCommands(world, randomCommands(seeded(seed), 150)),
}));

const CASES: readonly Case[] = [
  ...APPEND_CASES,
  ...PRODUCER_CASES,
  ...RUN_CASES,
  ...FENCE_CASES,
  ...READ_CASES,
  ...RETENTION_CASES,
  ...REMOVE_CASES,
  ...WATCH_CASES,
  ...LEASE_CASES,
  ...AMEND_CASES,
  ...AMEND_RESTART_CASES,
  ...ERASED_CASES,
  ...ERASED_OUTBOX_CASES,
  ...RESTART_CASES,
  ...ODD_CASES,
  ...CHANGE_CASES,
  ...ROWS_CASES,
  ...EXPIRY_CASES,
  ...TABLE_WATCH_CASES,
  ...TABLE_RESTART_CASES,
  ...RESULT_CASES,
  ...RESULT_RESTART_CASES,
  ...OUTBOX_CASES,
  ...OUTBOX_RESTART_CASES,
  ...SIGNAL_CASES,
  ...SEEK_CASES,
  ...BYTES_CASES,
  ...BYTES_RESTART_CASES,
  ...SEARCH_CASES,
  ...SEARCH_RESTART_CASES,
  ...CLOSE_CASES,
  ...MODEL_CASES,
];

/** @throws Error if `skip` names something that is not a case. */
export function brokerContract({ make, skip = {} }: ContractOptions): Contract {
  const reasons = new Map(Object.entries(skip));
  const unknown = [...reasons.keys()].filter((name) => !CASES.some((one) => one.name === name));
  if (unknown.length > 0) throw new Error(`the contract has no such case: ${unknown.join(', ')}`);
  return {
    cases: CASES.filter(({ name }) => !reasons.has(name)).map(({ name, run }) => ({
      name,
      run: async () => {
        const world = await make();
        try {
          await run(world);
        } finally {
          await world.close();
        }
      },
    })),
    skipped: [...reasons].map(([name, reason]) => ({ name, reason })),
  };
}
