// What `table` and `call` share: the systems, and the process that serves the market for each.

import { join, resolve } from 'node:path';
import { node } from '../lib/peers.mjs';

/** @typedef {import('../lib/harness.mjs').System & { server: readonly string[], dialect: string }} TableSystem */

/** Another checkout, built and with its `bench` installed, to compare a change with. */
const BASE = process.env.BENCH_BASE;
const SERVERS = join(import.meta.dirname, 'servers');

export const READERS = 1_000;

/** @type {readonly TableSystem[]} */
export const OURS = [
  { name: 'trunkline', server: [join(SERVERS, 'trunkline.mjs')], dialect: 'trunkline' },
  ...(BASE === undefined
    ? []
    : [{ name: 'base', server: [resolve(BASE, 'bench/table/servers/trunkline.mjs')], dialect: 'trunkline' }]),
];

/** Others that broadcast every change to all. @type {readonly TableSystem[]} */
export const BROADCASTS = [
  { name: 'ws', server: [join(SERVERS, 'ws.mjs'), 'each'], dialect: 'plain' },
  { name: 'socket.io', server: [join(SERVERS, 'socket-io.mjs'), 'each'], dialect: 'socket.io' },
];

/** The same with one message for the changes of a batch. @type {readonly TableSystem[]} */
export const BATCHED = [
  { name: 'ws-batched', server: [join(SERVERS, 'ws.mjs')], dialect: 'plain' },
  { name: 'socket.io-batched', server: [join(SERVERS, 'socket-io.mjs')], dialect: 'socket.io' },
];

/** @param {TableSystem} system @param {readonly string[]} [flags] Of Node. */
export function serverCommand({ server }, flags = []) {
  return [...node(), ...flags, ...server];
}
