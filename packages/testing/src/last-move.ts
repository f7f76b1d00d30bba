// With nothing else wrong, a server takes over while another one drains: everyone goes on, and shows nothing but `live`.

import type { World } from './world.js';

/** More than the slowest link needs to open a connection and resume all its streams. */
const WITHIN_MS = 20_000;
/** Then it says goodbye to who is left, and stops. */
const LEAVE_MS = 6_000;
const SETTLED_MS = 10_000;

/** @param missing the first thing that is not as it must be */
export async function lastMove(
  world: World,
  missing: () => string | undefined,
  isBroken: () => boolean,
): Promise<void> {
  const { simulator, journal, users, features, market, tables } = world;
  const fromMs = simulator.nowMs;
  for (const { states } of users) states.clear();
  tables.late.clear();
  world.handOver(WITHIN_MS);
  // Life goes on meanwhile.
  for (let step = 1; step <= 20; step++) {
    simulator.at(fromMs + (step * WITHIN_MS) / 20, () => {
      for (const table of features.tables) market.change(table);
      const user = users[step % users.length];
      user?.host.machine.run(() => {
        for (const view of user.views.values()) user.publish(view);
        if (step % 4 === 0) user.tables?.change();
        if (step % 4 === 1) user.amend();
      });
    });
  }
  await simulator.run(fromMs + WITHIN_MS + LEAVE_MS, () => isBroken() || lookAtViews(world));
  // Rows that go by themselves go on changing the tables.
  await simulator.run(simulator.nowMs + SETTLED_MS, () => isBroken() || missing() === undefined);
  if (isBroken()) return;
  for (const { host, states } of users) {
    // Somebody may have set the server's clock: then a token ends before its client expects it.
    const other = [...states].find((state) => state !== 'live' && !state.endsWith('the token expired'));
    if (other !== undefined) journal.broken('G10 restart', `${host.name} was ${other} while its server drained`);
  }
  if (world.former !== undefined) journal.broken('G9 close', `${world.former.name} has drained, and is there`);
  const lacking = missing();
  if (lacking !== undefined) journal.broken('G6 converge', `${lacking}, after a server drained`);
}

/** Whether somebody sees anything but `live`, while their connection is, and was. */
function lookAtViews({ users, journal, tables: ledger }: World): boolean {
  for (const { host, states, line, views, tables } of users) {
    // Whose connection ended for a reason of its own comes back, and catches up.
    if (line.connection.snapshot().state !== 'live' || [...states].some((state) => state !== 'live')) continue;
    // Of a durable table few deletions are remembered here: who came too late for one, by the ledger, begins anew (TAB-5).
    const handles = (tables?.handles ?? []).filter(({ name }) => !ledger.late.has(`${host.name} ${name}`));
    const shown = [...[...views.values()].map(({ handle }) => handle), ...handles];
    const other = shown.find((handle) => handle.snapshot().state !== 'live');
    if (other === undefined) continue;
    const { state } = other.snapshot();
    journal.broken('G10 restart', `${host.name} sees ${other.name} ${state} while its server drains`);
    return true;
  }
  return false;
}
