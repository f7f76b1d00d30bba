// The end of `trunkline start`: what it says on the console, and that it comes.

import type { Trunk } from '@trunkline/server';

/** For requests in work and closing handshakes. */
const DEADLINE_MS = 5_000;
/** For the store, which has only to write down what it has accepted; a disk that takes longer than this hangs. */
const STORE_MS = 5_000;
/** For what the app's own code still has to do. */
const LEFTOVERS_MS = 1_000;

/** Closes, and sees to it that the process ends soon: with 1 if the store does not close, else with 0, whatever the app's code holds open. */
export async function closeWithin(
  server: Pick<Trunk<Record<never, never>>, 'close' | 'health'>,
  signal: NodeJS.Signals,
  drainMs: number,
): Promise<void> {
  const { connections } = server.health();
  process.stdout.write(`trunkline: ${signal}: ${plan(connections, drainMs)}\n`);
  const hung = setTimeout(
    () => {
      process.stderr.write('trunkline: the store did not close in time; what it has acknowledged is safe\n');
      process.exit(1);
    },
    drainMs + DEADLINE_MS + STORE_MS,
  );
  await server.close({ drainMs, deadlineMs: DEADLINE_MS });
  clearTimeout(hung);
  // Timers, sockets and hooks of the app that never return: they do not keep this waiting, nor does this keep the process alive.
  setTimeout(() => process.exit(0), LEFTOVERS_MS).unref();
}

function plan(connections: number, drainMs: number): string {
  if (connections === 0) return 'closing, nobody is connected';
  const clients = connections === 1 ? '1 client' : `${connections} clients`;
  const goodbye = `goodbye to ${clients}, at most ${DEADLINE_MS / 1_000} s`;
  return drainMs === 0
    ? goodbye
    : `${clients} may move for ${drainMs / 1_000} s; then ${goodbye.replace(clients, 'who is left')}`;
}
