// The load process of `publish`, for the servers with a network. Started by bench.mjs with its plan as JSON.

import { runBatchLoad } from '../lib/batch-load.mjs';
import { failLoad } from '../lib/load-process.mjs';
import { Publisher } from './publisher.mjs';

/** @typedef {import('../lib/batch-load.mjs').BatchPlan & { echoes: boolean, logs: number }} Plan */
/** @typedef {import('../lib/batch-load.mjs').BatchOutcome & { counted?: Record<string, number> }} Outcome */

/** Every so manieth connection decodes all of its answers, and reads back what was acknowledged last. */
const SAMPLE = 20;

const plan = /** @type {Plan} */ (JSON.parse(process.argv[2] ?? ''));
const fail = (/** @type {Error} */ error) => failLoad(plan.system, error);

/** @type {(index: number, answered: (publisher: Publisher) => void) => Promise<Publisher>} */
const open = (index, answered) => {
  const { port, depth, echoes, logs } = plan;
  return Publisher.open({
    port,
    index,
    depth,
    echoes,
    logs,
    isSampled: !echoes && index % SAMPLE === 0,
    answered,
    failed: fail,
  });
};

await runBatchLoad(plan, open, fail, async (publishers, control) => {
  if (plan.echoes) return {};
  try {
    for (const publisher of publishers.filter(({ index }) => index % SAMPLE === 0)) {
      if ((await publisher.readBack()) !== plan.depth) throw new Error('an answer of the last batch was not decoded');
    }
    // Each log is one that some connection publishes to: every publish is in one of them, once.
    const heads = await Promise.all(publishers.slice(0, plan.logs).map((publisher) => publisher.head()));
    const stored = heads.reduce((sum, head) => sum + head, 0);
    const acknowledged = publishers.reduce((sum, { published }) => sum + published, 0);
    if (stored !== acknowledged) throw new Error(`${acknowledged} were acknowledged, ${stored} are stored`);
  } catch (error) {
    fail(/** @type {Error} */ (error));
  }
  return { counted: (await control.usage()).counted };
});
