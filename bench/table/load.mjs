// The load process of `table`: all readers of one server. Started by arm.mjs with its plan as JSON.

import { connectControl } from '../lib/control.mjs';
import { obey } from '../lib/load-process.mjs';
import { Readers } from './readers.mjs';

/** @typedef {import('./readers.mjs').TablePlan} Plan */

const plan = /** @type {Plan} */ (JSON.parse(process.argv[2] ?? ''));
const control = await connectControl(plan.controlPort);
const readers = new Readers(plan, control);
await readers.connect();
await readers.turn({ leadMs: plan.warmUpMs, windowMs: 0, counts: false });
await obey({
  turn: () => readers.turn({ leadMs: plan.leadMs, windowMs: plan.windowMs, counts: true }),
  finish: () => readers.finish(),
});
control.end();
