// The simulated world, and its parts for who simulates something else.

export { FAULT_KINDS } from './faults.js';
export type { Violation } from './journal.js';
export { Machine } from './machine.js';
export { type Conditions, Pipe, type PipeEnds } from './pipe.js';
export { Random } from './random.js';
export { runSeed, type Verdict } from './run-seed.js';
export { Simulator } from './simulator.js';
