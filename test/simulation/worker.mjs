// One of the processes that run seeds: `node worker.mjs WORLD`, where WORLD is the file of `@trunkline/testing` to use. Gets seeds as
// messages, answers each with its verdict.

import { pathToFileURL } from 'node:url';

const { runSeed } = await import(pathToFileURL(process.argv[2]).href);

process.on('message', async (seed) => {
  process.send(await runSeed(seed));
});
process.send('ready');
