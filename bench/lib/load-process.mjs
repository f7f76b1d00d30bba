// A load process's side of the bench: it announces itself when it is connected and warm, then obeys `turn` and `finish` on standard input.

import { createInterface } from 'node:readline';

/**
 * Resolves when the bench ends.
 * @param {{ turn: () => Promise<void>, finish: () => Promise<object> }} orders
 */
export async function obey({ turn, finish }) {
  say({ ready: true });
  for await (const line of createInterface({ input: process.stdin })) {
    if (line === 'turn') {
      await turn();
      say({ done: true });
    } else {
      say(await finish());
    }
  }
}

/** What is wrong is wrong for good: the process ends, and with it the bench. @param {string} system @param {Error} error @returns {never} */
export function failLoad(system, error) {
  process.stderr.write(`${system}: ${error.message}\n`);
  process.exit(1);
}

/** @param {object} answer */
function say(answer) {
  process.stdout.write(`${JSON.stringify(answer)}\n`);
}
