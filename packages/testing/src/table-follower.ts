// Tells the ledger of the tables that a server has in its own memory: what it begins with, and every step.

import type { Advance } from '@trunkline/broker';
import type { Engine } from '@trunkline/core';
import type { StreamName } from '@trunkline/protocol';
import type { Machine } from './machine.js';
import type { TableLedger } from './table-ledger.js';
import type { SimulatedTable, TableSetup } from './tables.js';

const ALL = { entries: 1_000_000 };
/** What a store that is well takes to write a checkpoint, and the timer to fire. */
const WRITE_MS = 500;
/** All that a server asks a table's broker for, of one stream. */
const CALLS = ['change', 'readRows', 'readRow', 'lookup', 'watch'] as const;

type Call = (name: StreamName, ...rest: unknown[]) => unknown;

/** To be called before anyone else asks for the table. */
export function followTable(
  { stream, keep }: SimulatedTable,
  engine: Pick<Engine, 'app' | 'brokerOf'>,
  machine: Machine,
  ledger: TableLedger,
  { checkpointMs }: TableSetup,
): void {
  const channel = engine.app.channels.get(stream.split('/')[0] ?? '');
  if (channel?.kind !== 'table') throw new Error(`${stream} is no table`);
  const broker = engine.brokerOf(channel);
  const [watch, readRows] = [broker.watch.bind(broker), broker.readRows.bind(broker)];
  const name = stream as StreamName;
  let isThere = false;
  const step = ({ epoch, from, to, rows = [], gone = [] }: Advance) =>
    ledger.stepped({ stream, epoch, from, to, rows, gone, durableMs: machine.simulator.nowMs });
  const ask = async () => {
    let waiting: Advance[] | null = [];
    const heard = (advance: Advance) => {
      if (!machine.isAlive) return;
      if (waiting === null) step(advance);
      else waiting.push(advance);
    };
    // Asked for in one go: nothing happens between the two.
    const asked = Promise.all([watch(name, heard), readRows(name, { epoch: null, offset: 0 }, ALL)]);
    const answer = await asked.catch(() => null);
    if (answer === null) return;
    const [watched, page] = answer;
    if (isThere) return watched.close();
    isThere = true;
    if (page.offset > 1) throw new Error(`${stream} was at ${page.offset} before anyone could look`);
    if (keep === 'checkpoint') ledger.loaded(stream, page.epoch, page.rows, checkpointMs + WRITE_MS);
    for (const advance of waiting) step(advance);
    waiting = null;
  };
  // Where the store could not be read, the next one who asks has the table loaded; and so before each of them is asked here, and the
  // ledger has the rows that were loaded before anything is done to them.
  const first = () => {
    if (!isThere) void ask();
  };
  for (const method of CALLS) {
    const call = broker[method].bind(broker) as Call;
    const later: Call = (given, ...rest) => {
      if (given === name) first();
      return call(given, ...rest);
    };
    Object.assign(broker, { [method]: later });
  }
  first();
}
