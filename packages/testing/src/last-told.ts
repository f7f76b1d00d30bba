// With nothing else wrong: the dead letters are those that died, and when they are sent again the back end has everything. And of what it was to
// be asked first, nothing is stored that it did not let pass, unless the world is set up so.

import type { World } from './world.js';

const WITHIN_MS = 15_000;

export async function lastTold(world: World, isBroken: () => boolean): Promise<void> {
  const { simulator, journal, backend, node, setup, ledger } = world;
  const link = node?.backend;
  if (backend === undefined || link === undefined) return;
  // Whoever waits for its turn has had it by now.
  await simulator.run(simulator.nowMs + 1_000, isBroken);
  const { waiting, deadLetters } = link.backend.health;
  if (waiting > 0) return journal.broken('Told', `${waiting} entries are said to wait`);
  if (deadLetters !== backend.ledger.letters)
    return journal.broken(
      'Told',
      `${deadLetters} dead letters are said to be there, they are ${backend.ledger.letters}`,
    );
  link.look();
  await simulator.run(simulator.nowMs + 1_000, isBroken);
  link.replay();
  await simulator.run(simulator.nowMs + WITHIN_MS, () => isBroken() || backend.ledger.lacking(true) === undefined);
  const lacking = backend.ledger.lacking(true);
  if (lacking !== undefined && !isBroken())
    return journal.broken('Told', `${lacking}, ${WITHIN_MS / 1_000} s after it was sent again`);
  for (const stream of ledger.streams) {
    if (!stream.startsWith('chat/')) continue;
    for (const { id = '', amends, offset } of ledger.current(stream)?.entries ?? []) {
      if (amends !== undefined || backend.backend.accepted.has(id)) continue;
      journal.count('entries stored that the back end was not asked about');
      if (setup.backend.whenDown === 'refuse')
        return journal.broken('Told', `${stream} ${offset} "${id}" is stored, and the back end did not let it pass`);
    }
  }
}
