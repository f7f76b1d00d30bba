// The app's own code, run by the core.

import { TrunklineError } from '@trunkline/protocol';
import type { Log } from './ports.js';

/**
 * What it gives. What it throws is the app's failure, but for a TrunklineError, which it meant.
 * @throws TrunklineError `internal`
 */
export async function runHook<T>(log: Log, what: string, run: () => T | Promise<T>): Promise<T> {
  try {
    return await run();
  } catch (error) {
    throw appFailure(log, what, error);
  }
}

/** The same without waiting: a promise that it gives is not looked into. */
export function runHookNow<T>(log: Log, what: string, run: () => T): T {
  try {
    return run();
  } catch (error) {
    throw appFailure(log, what, error);
  }
}

function appFailure(log: Log, what: string, error: unknown): TrunklineError {
  if (error instanceof TrunklineError) return error;
  log.error({ error }, what);
  return new TrunklineError('internal', `${what}; the server's log has the cause`, { cause: error });
}
