// The tables of the simulated app: one of each way to keep rows, and who may write them.

import type { TableRuntime } from '@trunkline/core';
import type { Random } from './random.js';

export type Keep = TableRuntime['keep'];

/** How a world's tables are set up. */
export interface TableSetup {
  /** Deletions that durable tables remember: few, so that readers come too late for them. */
  readonly tombstones: number;
  readonly checkpointMs: number;
  /** A row of `desk` goes by itself after this long. */
  readonly expireMs: number;
  /** Rows with some weight: slices are large beside the window of a reader, and the whole table is more than one of them. */
  readonly isHeavy: boolean;
}

export interface SimulatedTable {
  readonly stream: string;
  readonly keep: Keep;
  readonly write: TableRuntime['write'];
}

export const TABLES: readonly SimulatedTable[] = [
  { stream: 'quotes/nyse', keep: 'durable', write: 'server' },
  { stream: 'desk/one', keep: 'durable', write: 'client' },
  { stream: 'pulse/now', keep: 'memory', write: 'client' },
  { stream: 'game/first', keep: 'checkpoint', write: 'client' },
];

const BY_STREAM = new Map(TABLES.map((table) => [table.stream, table]));

/** Of a stream that is a table of the app. */
export function tableOf(stream: string): SimulatedTable | undefined {
  return BY_STREAM.get(stream);
}

export const KEYS = Array.from({ length: 14 }, (_, index) => `row-${index}`);

export function tableSetup(random: Random): TableSetup {
  return {
    tombstones: random.pick([1, 2, 4, 10]),
    checkpointMs: random.pick([200, 1_000]),
    expireMs: Math.round(random.skewed(3_000, 30_000)),
    isHeavy: random.chance(0.2),
  };
}

/** What each row of the app has. */
export interface SimulatedRow {
  /** The word of the change that wrote it last: unique in a world. */
  readonly by: string;
}

export const tableRuntimes = (setup: TableSetup, authorize: (key: string) => TableRuntime['authorize']) =>
  TABLES.map(({ stream, keep, write }): [string, TableRuntime] => {
    const [key = ''] = stream.split('/');
    const rule = authorize(key);
    const runtime: TableRuntime = {
      kind: 'table',
      params: ['name'],
      write,
      keep,
      checkpointMs: setup.checkpointMs,
      validate: (row) =>
        typeof (row as Partial<SimulatedRow> | null)?.by === 'string'
          ? { value: row }
          : { problem: 'by: expected text' },
      ...(rule === undefined ? {} : { authorize: rule }),
      ...(key === 'desk' ? { expireMs: setup.expireMs } : {}),
    };
    return [key, runtime];
  });
