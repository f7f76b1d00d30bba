// Tells the ledger of the tables that a server has in its own memory: what it begins with, and every step.

import type { Advance } from '@trunkline/broker';
import type { Engine } from '@trunkline/core';
import type { StreamName } from '@trunkline/protocol';
import type { Machine } from './machine.js';
import type { TableLedger } from './table-ledger.js';
import type { SimulatedTable, TableSetup } from './tables.js';

const AGAIN_MS = 200;
const ALL = { entries: 1_000_000 };
/** What a store that is well takes to write a checkpoint, and the timer to fire. */
const WRITE_MS = 500;

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
  const name = stream as StreamName;
  let waiting: Advance[] | null = [];
  const step = ({ epoch, from, to, rows = [], gone = [] }: Advance) =>
    ledger.stepped({ stream, epoch, from, to, rows, gone, durableMs: machine.simulator.nowMs });
  const heard = (advance: Advance) => {
    if (!machine.isAlive) return;
    if (waiting === null) step(advance);
    else waiting.push(advance);
  };
  const begin = async () => {
    // Asked for in one go: nothing happens between the two.
    const [, page] = await Promise.all([
      broker.watch(name, heard),
      broker.readRows(name, { epoch: null, offset: 0 }, ALL),
    ]);
    if (keep === 'checkpoint') ledger.loaded(stream, page.epoch, page.rows, checkpointMs + WRITE_MS);
    for (const advance of waiting ?? []) step(advance);
    waiting = null;
  };
  const tryAgain = () => {
    waiting = [];
    begin().catch(() => machine.after(AGAIN_MS, tryAgain));
  };
  tryAgain();
}
