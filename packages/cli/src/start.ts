// `trunkline start`: an app, a broker, a server, until a signal ends them.

import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { sqliteBroker } from '@trunkline/broker-sqlite';
import { serve } from '@trunkline/server';
import { loadApp } from './app-module.js';
import type { Command } from './arguments.js';
import { Failure } from './failure.js';

/** A second signal within this time is the same one: npm passes on what the terminal has sent to the whole group already. */
const SAME_SIGNAL_MS = 1_000;

/** Serves until SIGINT or SIGTERM. A second signal ends the process at once. @throws Failure if it cannot start. */
export async function start({ module, port, host, data }: Extract<Command, { name: 'start' }>): Promise<void> {
  const app = await loadApp(module);
  const file = join(data, 'trunkline.db');
  const server = await open();
  // Before the line that tells the world: whoever reads it may send a signal at once.
  const signal = nextSignal();
  process.stdout.write(`trunkline: ${module} is served at ${server.url}, its data is in ${file}\n`);
  await signal;
  await server.close();

  async function open() {
    try {
      await mkdir(data, { recursive: true });
      return await serve(app, { port, host, broker: sqliteBroker(file) });
    } catch (error) {
      throw explained(error, { port, host });
    }
  }
}

/** What servers and brokers reject with has a code and says all there is to say; anything else is a bug and keeps its stack. */
function explained(error: unknown, { port, host }: { port: number; host: string }): unknown {
  if (!(error instanceof Error) || typeof (error as { code?: unknown }).code !== 'string') return error;
  const { code } = error as Error & { code: string };
  if (code === 'EADDRINUSE') return new Failure(`port ${port} of ${host} is in use: choose another with --port`);
  return new Failure(error.message);
}

function nextSignal(): Promise<void> {
  return new Promise((resolve) => {
    let since: number | null = null;
    const onSignal = (signal: NodeJS.Signals) => {
      if (since === null) {
        since = performance.now();
        resolve();
      } else if (performance.now() - since > SAME_SIGNAL_MS) {
        process.exit(signal === 'SIGINT' ? 130 : 143);
      }
    };
    process.on('SIGINT', onSignal);
    process.on('SIGTERM', onSignal);
  });
}
