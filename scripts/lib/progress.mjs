// What a person sees while something takes time: one line per step with its seconds.

const EVERY_MS = 5_000;

export function seconds(ms) {
  return `${(ms / 1_000).toFixed(1)} s`;
}

/** Runs a step under a title. A long one says now and then that it is still at work. */
export async function step(title, work) {
  const began = performance.now();
  const since = () => seconds(performance.now() - began);
  process.stdout.write(`· ${title} …\n`);
  const timer = setInterval(() => process.stdout.write(`  still ${title}, ${since()}\n`), EVERY_MS);
  try {
    const result = await work();
    process.stdout.write(`  done in ${since()}\n`);
    return result;
  } finally {
    clearInterval(timer);
  }
}

/** A failure that is explained by its message alone, without a stack. */
export class Explained extends Error {}

/** Runs a script's main function; a failure is one explanation and exit code 1. */
export async function main(work) {
  try {
    process.exitCode = (await work()) ?? 0;
  } catch (error) {
    process.stderr.write(`${error instanceof Explained ? error.message.trimEnd() : error.stack}\n`);
    process.exitCode = 1;
  }
}
