// The systems that the engine's benches compare: WebSockets and nothing above them. One server program per system does for all.

import { join } from 'node:path';
import { bufferutilProblem, bun, bunProblem, node } from '../lib/peers.mjs';

/**
 * @typedef {import('../lib/harness.mjs').System & {
 *   server: string, program: (nodeFlags: readonly string[]) => string[], options?: import('./servers/options.mjs').ServerOptions
 * }} EngineSystem
 */

/** Another build of the engine, to compare a change with: the path of a copy of packages/websocket, compiled. */
const BASE = process.env.BENCH_BASE;

const onNode = (/** @type {readonly string[]} */ flags) => [...node(), ...flags];
const onBun = () => bun();

/** @type {readonly EngineSystem[]} */
export const ENGINE_SYSTEMS = [
  { name: 'trunkline', server: 'trunkline.mjs', program: onNode },
  ...(BASE === undefined
    ? []
    : [{ name: 'base', server: 'trunkline.mjs', program: onNode, options: { engine: BASE } }]),
  { name: 'ws', server: 'ws.mjs', program: onNode },
  { name: 'bun', server: 'bun.mjs', program: onBun, missing: bunProblem },
];

/** `ws` with its optional native addon, which masks and unmasks. @type {EngineSystem} */
export const WS_WITH_ADDON = {
  name: 'ws+addon',
  server: 'ws.mjs',
  program: onNode,
  options: { addon: true },
  missing: bufferutilProblem,
};

/**
 * The command of a server.
 * @param {EngineSystem} system
 * @param {import('./servers/options.mjs').ServerOptions} [more] Besides those of the system.
 * @param {readonly string[]} [nodeFlags] For those on Node.
 */
export function serverCommand({ program, server, options }, more = {}, nodeFlags = []) {
  return [...program(nodeFlags), join(import.meta.dirname, 'servers', server), JSON.stringify({ ...options, ...more })];
}

/** What is not equal between the engines in every bench. */
export const NOT_EQUAL = [
  'bun is another runtime with its networking in C++: here for information. The others run on Node.',
];
