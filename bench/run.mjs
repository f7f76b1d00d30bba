// `npm run bench -- NAME [--json] [--runs N] [--only CASE]`: runs one benchmark; without a name it lists them.

import { runBench } from './lib/harness.mjs';
import { parseOptions, UsageError } from './lib/options.mjs';

/** Every bench: one folder with a `bench.mjs` that exports `bench`. */
const BENCHES = {
  fanout: { summary: '1,000 subscribers of one log, small messages', load: () => import('./fanout/bench.mjs') },
  echo: { summary: 'the engine: 100 connections get back what they send', load: () => import('./echo/bench.mjs') },
  broadcast: { summary: 'the engine: one message to 1,000 connections', load: () => import('./broadcast/bench.mjs') },
  'engine-idle': { summary: 'the engine: memory of idle connections', load: () => import('./engine-idle/bench.mjs') },
  handshakes: { summary: 'the engine: opening and closing', load: () => import('./handshakes/bench.mjs') },
  idle: { summary: 'memory of a session with one subscription', load: () => import('./idle/bench.mjs') },
  'link-loss': {
    summary: '5,000 clients whose links are reset, 50 messages/s',
    load: () => import('./link-loss/bench.mjs'),
  },
  resume: {
    summary: 'a restart under 10,000 clients, each 20 entries behind',
    load: () => import('./resume/bench.mjs'),
  },
  table: {
    summary: '1,000 readers of a table that changes all the time',
    load: () => import('./table/bench.mjs'),
  },
  call: { summary: 'a procedure while such a table is told', load: () => import('./call/bench.mjs') },
  presence: { summary: '10,000 members come and go, 10 are told', load: () => import('./presence/bench.mjs') },
  polling: { summary: 'a chat over a WebSocket, and over HTTP requests', load: () => import('./polling/bench.mjs') },
  publish: { summary: 'acknowledged durable publishes, 100 connections', load: () => import('./publish/bench.mjs') },
};

const USAGE = `npm run bench -- NAME [--json] [--runs N] [--only CASE]

  --runs N     every arm is measured N times, in turns (default 5)
  --only CASE  one of the bench's cases
  --json       the last line of standard output is the result as JSON

Benches:
${Object.entries(BENCHES)
  .map(([name, { summary }]) => `  ${name.padEnd(12)}${summary}`)
  .join('\n')}

bench/README.md says how they measure and how to read them.
`;

try {
  process.exitCode = await main(process.argv.slice(2));
} catch (error) {
  const isUsage = error instanceof UsageError;
  process.stderr.write(`${isUsage ? `${error.message}\n\n${USAGE}` : error instanceof Error ? error.stack : error}\n`);
  process.exitCode = isUsage ? 2 : 1;
}

/** @param {readonly string[]} args */
async function main(args) {
  const options = parseOptions(args);
  if (options.name === null) {
    process.stdout.write(USAGE);
    return 0;
  }
  if (!Object.hasOwn(BENCHES, options.name)) throw new UsageError(`there is no bench "${options.name}"`);
  const { bench } = await BENCHES[/** @type {keyof typeof BENCHES} */ (options.name)].load();
  // Each bench opens its own kind of system.
  await runBench(/** @type {import('./lib/harness.mjs').Bench<any>} */ (bench), options);
  return 0;
}
