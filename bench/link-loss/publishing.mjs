// Runs in a server: publishes to the rooms in turns, at a steady pace.

import { steadyMs } from '../lib/steady.mjs';
import { messageOf } from './message.mjs';

/**
 * The orders of a server: `warm ROOMS` publishes to each room once, `rooms`, `rate` and `publish COUNT` the messages after it.
 * @param {(room: number, message: import('./message.mjs').Message) => void} publish
 */
export function publishing(publish) {
  let rooms = 1;
  let rate = 1;
  /** @type {number[]} */
  let numbers = [];
  const send = (/** @type {number} */ room) => {
    const n = (numbers[room] ?? 0) + 1;
    numbers[room] = n;
    publish(room, messageOf(n, steadyMs()));
  };
  return {
    warm: (/** @type {number} */ count) => {
      rooms = count;
      numbers = [];
      for (let room = 0; room < rooms; room += 1) send(room);
    },
    rate: (/** @type {number} */ perSecond) => {
      rate = perSecond;
    },
    publish: (/** @type {number} */ count) => {
      const startMs = steadyMs();
      let published = 0;
      const timer = setInterval(() => {
        const due = Math.min(count, Math.floor(((steadyMs() - startMs) / 1e3) * rate));
        for (; published < due; published += 1) send(published % rooms);
        if (published === count) clearInterval(timer);
      }, 1e3 / rate);
    },
  };
}
