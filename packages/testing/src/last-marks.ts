// With nothing else wrong: who begins or ends to follow a log is shown so in all tabs, and soon; who may no longer read it is shown no count; who
// may again is shown the exact one. And what is more than 99 is "99+".

import { MARKED_ROOMS } from './mark-ledger.js';
import type { MarkView } from './mark-view.js';
import type { World } from './world.js';

/** A round over the followers, a slice over the slowest link, and a client that reads it. */
const WITHIN_MS = 8_000;
const AGAIN_MS = 20_000;
const MANY = 110;

/** @param missing the first thing that is not as it must be */
export async function lastMarks(
  world: World,
  missing: () => string | undefined,
  isBroken: () => boolean,
): Promise<void> {
  const { simulator, journal, seed } = world;
  const log = MARKED_ROOMS[seed % MARKED_ROOMS.length] as string;
  // The room that keeps all there is.
  if (seed % 4 === 1) await publishMany(world, 'vault', 'gold');
  await turn(world, log, isBroken);
  if (!isBroken()) await revoke(world, log, isBroken);
  if (isBroken()) return;
  const fromMs = simulator.nowMs;
  const isThere = () => simulator.nowMs > fromMs + 1_000 && missing() === undefined;
  await simulator.run(fromMs + AGAIN_MS, () => isBroken() || isThere());
  const lacking = missing();
  if (!isBroken() && lacking !== undefined)
    journal.broken('G6 converge', `${lacking}, ${AGAIN_MS / 1_000} s after a right was given back`);
}

/** Somebody ends to follow the log and begins anew. */
async function turn(world: World, log: string, isBroken: () => boolean): Promise<void> {
  const { simulator, journal, users } = world;
  const [first] = users;
  const tabs = tabsOf(world, first?.user ?? '', log);
  const [own] = tabs;
  if (own === undefined) return;
  for (const what of ['unfollow', 'follow'] as const) {
    let isAnswered = false;
    own.handle[what]().then(
      () => {
        isAnswered = true;
      },
      () => {},
    );
    const late = () => tabs.find(({ handle }) => handle.unread.snapshot().isFollowing !== (what === 'follow'));
    await simulator.run(simulator.nowMs + WITHIN_MS, () => isBroken() || (isAnswered && late() === undefined));
    // Who was not let, as the token had ended, has not followed.
    if (isBroken() || !isAnswered) return;
    const tab = late();
    if (tab !== undefined) return journal.broken('MRK-4', `${tab.who} shows ${log} as before the ${what}`);
    journal.count(`${what}s shown in time`);
  }
}

/** The right to read is taken, and given back. */
async function revoke(world: World, log: string, isBroken: () => boolean): Promise<void> {
  const { simulator, journal, users, rules, marks } = world;
  const user = marks.followers(log).find((name) => users.some((one) => one.user === name));
  if (user === undefined) return;
  rules.deny(user, log, simulator.nowMs);
  world.node?.revoke(user, log);
  const tabs = tabsOf(world, user, log);
  const shown = () => tabs.find(({ handle }) => handle.unread.snapshot().isFollowing);
  await simulator.run(simulator.nowMs + WITHIN_MS, () => isBroken() || shown() === undefined);
  if (isBroken()) return;
  const who = shown()?.who;
  if (who !== undefined) return journal.broken('MRK-5', `${who} is shown a count of ${log}, which was revoked`);
  journal.count('counts that went with the right');
  rules.denied.clear();
  world.node?.judgeAgain(user, log);
}

const tabsOf = ({ users }: World, user: string, log: string): readonly MarkView[] =>
  users
    .filter((one) => one.user === user)
    .flatMap(({ marks }) => marks?.views ?? [])
    .filter((view) => view.log === log);

async function publishMany({ node, simulator }: World, key: string, room: string): Promise<void> {
  for (let count = MANY; count > 0; count--) {
    const data = { id: `many-${count}`, pad: '' };
    node?.machine.run(() => void node.engine.publish(key, [room], data).catch(() => {}));
  }
  await simulator.run(simulator.nowMs + 2_000, () => false);
}
