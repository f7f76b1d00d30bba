// A deploy under two pages that keep writing: what they see of it, and that nothing is missing after it.

import { expect, it } from 'vitest';
import { openChat, texts, untilLive } from './support/chat.js';
import { expectAll, write } from './support/deploy.js';
import { stage } from './support/stage.js';
import { noteStates, outageMs } from './support/states.js';

const on = stage();
it('SIGTERM and a new process on the same file and port: nothing lost, nothing twice, a moment of reconnecting', async () => {
  const context = await on.context();
  const ada = await openChat(context, on.server.url, 'Ada', 'deploy');
  const bob = await openChat(context, on.server.url, 'Bob', 'deploy');
  const shown = [await noteStates(ada), await noteStates(bob)];
  const writing = Promise.all([write(ada, 'ada'), write(bob, 'bob')]);
  await expect.poll(async () => (await texts(ada)).length).toBeGreaterThanOrEqual(10);
  const sinceMs = performance.now();
  expect(await on.server.stop('SIGTERM')).toBe(0);
  const stoppedMs = performance.now();
  await on.server.start();
  const startedMs = performance.now();
  await writing;
  await expectAll(ada, bob);
  await Promise.all([untilLive(ada), untilLive(bob)]);

  const states = await Promise.all(shown.map((read) => read()));
  const outages = states.map(outageMs);
  const restartMs = startedMs - sinceMs;
  console.log(
    `stop ${Math.round(stoppedMs - sinceMs)} ms, start ${Math.round(startedMs - stoppedMs)} ms, not live for ${outages.map(Math.round).join(' and ')} ms`,
  );
  for (const [index, log] of states.entries()) {
    expect(log.length, 'the pages met the restart').toBeGreaterThan(1);
    // Once away and once back: no flicker after it was live again.
    expect(
      log.filter(({ state }) => state === 'live'),
      JSON.stringify(log),
    ).toHaveLength(2);
    // What the clients add to the time in which nobody was there: a wait of their back-off, which is 2 s at most now, and a resume, for which
    // a busy machine has its time.
    expect(outages[index]).toBeLessThan(restartMs + 10_000);
  }
});
