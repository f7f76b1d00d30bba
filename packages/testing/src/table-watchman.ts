// When changes of tables stop, how long it takes until everyone has the rows as they are: an interval of the rate, the time that the link needs for one
// slice, and a round trip (docs/guarantees.md, G6).

import { MAX_SLICE_BYTES } from '@trunkline/protocol';
import type { TableView } from './table-view.js';
import type { User } from './user.js';
import type { World } from './world.js';

/** A client reports what it has processed this often, and a slice waits until most of the one before is; the store and a flush take some milliseconds. */
const REPORT_MS = 200;
const SLACK_MS = 100;
/** A slice is put on a connection while less than this is on its way (TAB-7). */
const WINDOW_BYTES = 4_096;
const STEPS = 6;
/** The slowest rate, over the slowest link. */
const LATEST_MS = 15_000;

/** A few steps of each table; then everyone has them in time. */
export async function lastSteps(world: World, isBroken: () => boolean): Promise<void> {
  const { simulator, features, market, users, journal } = world;
  let waiting = 0;
  for (const table of features.tables) {
    for (let count = STEPS; count > 0; count--) {
      waiting += 1;
      market.change(table, () => {
        waiting -= 1;
      });
    }
  }
  await simulator.run(simulator.nowMs + 5_000, () => isBroken() || waiting === 0);
  if (waiting > 0) return journal.broken('G6 converge', `${waiting} steps of the server are not stored`);
  // Rows that go by themselves are no end of changes: what is due in the meantime is looked at by the next round.
  const fromMs = simulator.nowMs;
  for (const { states } of users) states.clear();
  for (const user of users) {
    for (const view of user.tables?.views ?? []) lookAt(world, user, view, fromMs);
  }
  await simulator.run(fromMs + LATEST_MS, isBroken);
}

function lookAt(world: World, user: User, view: TableView, fromMs: number): void {
  const { simulator, tables, journal } = world;
  const withinMs = boundMs(world, user, view);
  const headAt = () => tables.current(view.handle.name)?.head;
  const head = headAt();
  simulator.at(fromMs + withinMs, () => {
    // Rows expired meanwhile: changes have not stopped.
    if (headAt() !== head || !view.isOpen) return;
    // A token ended before its client expected it, as clocks are off: who comes back has more to do.
    if ([...user.states].some((state) => state !== 'live')) return;
    const lacking = view.lacking();
    if (lacking === undefined) journal.count('replicas that were there in time');
    else {
      journal.broken(
        'G6 converge',
        `${user.host.name} ${view.handle.name} ${lacking}, ${Math.round(withinMs)} ms after the last change`,
      );
    }
  });
}

function boundMs({ features, tables }: World, { host, tables: hand }: User, view: TableView): number {
  const { latencyMs, jitterMs, bytesPerMs } = host.usual;
  const bytes = features.tables.reduce((sum, { stream }) => sum + (tables.current(stream)?.bytes ?? 0), 0);
  const rates = (hand?.views ?? []).filter(
    (other) => other.isOpen && other.handle === view.handle && other.interest.paused !== true,
  );
  const periodOf = ({ interest }: TableView) => 1_000 / (interest.ratePerSecond ?? Number.POSITIVE_INFINITY);
  const subscriptionMs = Math.min(...rates.map(periodOf));
  // A view that is slower than the subscription that it shares waits for its own turn once it is there; so does one that has shown the
  // first of several slices, which there may be where a table has more than one of them holds.
  const isInParts = (tables.current(view.handle.name)?.bytes ?? 0) > MAX_SLICE_BYTES;
  const viewMs = periodOf(view) > subscriptionMs || isInParts ? periodOf(view) : 0;
  const roundTripMs = 2 * (latencyMs + 2 * jitterMs);
  // Slices of several tables share the connection's window: each may wait until the client has reported the one before.
  const waits = Math.min(features.tables.length, Math.ceil(bytes / WINDOW_BYTES));
  return subscriptionMs + viewMs + bytes / bytesPerMs + waits * (roundTripMs + REPORT_MS) + SLACK_MS;
}
