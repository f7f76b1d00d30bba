// One parent holds the decisions: which command, what is printed where, which exit code.

import { readFileSync } from 'node:fs';
import { parseCommand } from './arguments.js';
import type { Command } from './commands.js';
import { Failure } from './failure.js';
import { HELP } from './help.js';

/**
 * Runs the command line and resolves with its exit code: 0, 1 (it failed) or 2 (the words made no sense).
 * `start` and `echo` resolve when a signal (SIGINT, SIGTERM) has ended the server, `tap` when its connection has ended.
 */
export async function main(words: readonly string[]): Promise<number> {
  try {
    const command = parseCommand(words, process.env);
    if (command.name === 'help') process.stdout.write(HELP);
    else if (command.name === 'version') process.stdout.write(`${version()}\n`);
    else await run(command);
    return 0;
  } catch (error) {
    if (!(error instanceof Failure)) throw error;
    process.stderr.write(`trunkline: ${error.message}\n`);
    return error.exitCode;
  }
}

/** Loads what the command needs, and no more: a server with its store takes five times as long as the rest. */
async function run(command: Exclude<Command, { readonly name: 'help' | 'version' }>): Promise<void> {
  if (command.name === 'start') return (await import('./start.js')).start(command);
  if (command.name === 'echo') return (await import('./echo.js')).echo(command);
  return (await import('./tap/tap.js')).tap(command);
}

function version(): string {
  const manifest = readFileSync(new URL('../package.json', import.meta.url), 'utf8');
  return (JSON.parse(manifest) as { version: string }).version;
}
