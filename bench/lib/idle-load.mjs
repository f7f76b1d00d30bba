// A load of connections that are opened and then say nothing, and what the server holds for them: its memory before and after.

import { connectControl } from './control.mjs';
import { obey } from './load-process.mjs';

/**
 * @typedef {object} IdlePlan
 * @property {number} port
 * @property {number} controlPort
 * @property {number} connections
 * @property {number} warmUpConnections Opened and cut off before.
 */

/**
 * @typedef {object} IdleOutcome
 * @property {number} connections
 * @property {number} bytesBefore Resident, of the server.
 * @property {number} bytesAfter
 */

/** Few, so that the warm-up itself leaves the server no larger. */
const HANDSHAKES_AT_ONCE = 20;

/**
 * Runs until the bench ends.
 * @template {{ end: () => void }} C
 * @param {IdlePlan} plan
 * @param {(number: number) => Promise<C>} open Resolves when the connection is in use.
 * @param {(connections: readonly C[], control: import('./control.mjs').Control) => Promise<void>} checked
 *   In the end: whether all of them are still in use.
 */
export async function runIdleLoad(plan, open, checked) {
  const control = await connectControl(plan.controlPort);
  await openAll(plan.warmUpConnections, (connection) => connection.end());
  const before = await control.collect();
  /** @type {C[]} */
  const connections = [];
  await openAll(plan.connections, (connection) => connections.push(connection));
  const after = await control.collect();

  await obey({
    turn: async () => undefined,
    /** @returns {Promise<IdleOutcome>} */
    finish: async () => {
      await checked(connections, control);
      return { connections: plan.connections, bytesBefore: before.rssBytes, bytesAfter: after.rssBytes };
    },
  });
  for (const connection of connections) connection.end();
  control.end();

  /** @param {number} count @param {(connection: C) => void} opened */
  async function openAll(count, opened) {
    let next = 0;
    const worker = async () => {
      while (next < count) {
        next += 1;
        opened(await open(next));
      }
    };
    await Promise.all(Array.from({ length: HANDSHAKES_AT_ONCE }, worker));
  }
}
