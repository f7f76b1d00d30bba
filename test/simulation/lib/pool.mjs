// Runs seeds in a few processes, each as fast as it can. Seeds are handed out in order, so that the first bad one is found first.

import { fork } from 'node:child_process';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';

const WORKER = fileURLToPath(new URL('../worker.mjs', import.meta.url));
/** The world as it is built. */
export const WORLD = createRequire(import.meta.url).resolve('@trunkline/testing');

/**
 * @param {{ from: number, count: number, world?: string, processes?: number, onVerdict: (verdict) => boolean }} options
 * `onVerdict` gets each verdict, in the order in which they are ready, and says whether to go on.
 */
export async function runSeeds({ from, count, world = WORLD, processes = 2, onVerdict }) {
  let next = from;
  let goesOn = true;
  const work = () =>
    new Promise((resolve, reject) => {
      const worker = fork(WORKER, [world], { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
      let running;
      worker.on('message', (message) => {
        if (message !== 'ready' && goesOn) goesOn = onVerdict(message) && goesOn;
        running = undefined;
        if (!goesOn || next >= from + count) {
          worker.disconnect();
          return;
        }
        running = next;
        next += 1;
        worker.send(running);
      });
      worker.on('error', reject);
      worker.on('exit', (code, signal) => {
        if (running === undefined && code === 0) resolve();
        else reject(new Error(`the process that ran seed ${running} ended with ${signal ?? code}`));
      });
    });
  await Promise.all(Array.from({ length: Math.min(processes, count) }, work));
}
