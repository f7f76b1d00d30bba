// `trunkline start`: an app, a broker, a server, until a signal ends them.

import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { sqliteBroker } from '@trunkline/broker-sqlite';
import { serve } from '@trunkline/server';
import { loadApp } from './app-module.js';
import type { StartCommand } from './commands.js';
import { closeWithin } from './ending.js';
import { Failure } from './failure.js';
import { nextSignal } from './signals.js';

/** Serves until SIGINT or SIGTERM. A second signal ends the process at once. @throws Failure if it cannot start. */
export async function start({ module, port, host, data, drainMs, apiKeys }: StartCommand): Promise<void> {
  const app = await loadApp(module);
  const file = join(data, 'trunkline.db');
  const server = await open();
  // Before the line that tells the world: whoever reads it may send a signal at once.
  const signal = nextSignal();
  process.stdout.write(`trunkline: ${module} is served at ${server.url}, its data is in ${file}\n`);
  await closeWithin(server, await signal, drainMs);

  async function open() {
    try {
      await mkdir(data, { recursive: true });
      return await serve(app, { port, host, apiKeys, broker: sqliteBroker(file) });
    } catch (error) {
      throw explained(error, { port, host });
    }
  }
}

/** What servers and brokers reject with has a code and says all there is to say; anything else is a bug and keeps its stack. */
function explained(error: unknown, { port, host }: { port: number; host: string }): unknown {
  // Names the key, and never its secret.
  if (error instanceof TypeError && error.message.startsWith('apiKeys: ')) {
    return new Failure(error.message.replace('apiKeys', 'TRUNKLINE_API_KEYS'));
  }
  if (!(error instanceof Error) || typeof (error as { code?: unknown }).code !== 'string') return error;
  const { code } = error as Error & { code: string };
  if (code === 'EADDRINUSE') return new Failure(`port ${port} of ${host} is in use: choose another with --port`);
  return new Failure(error.message);
}
