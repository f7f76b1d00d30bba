// What the environment may set: PORT, HOST, TRUNKLINE_DATA, TRUNKLINE_DRAIN.

import { resolve } from 'node:path';

export interface Settings {
  /** Default 7400. 0 lets the system choose. */
  readonly port: number;
  /** Address to bind to. Default 127.0.0.1: this computer only. */
  readonly host: string;
  /** Folder of the database and the guests' secret. Default `./data`. */
  readonly dataFolder: string;
  /** How long pages have to move to another server at the end, in milliseconds. Default 0: nobody else can open this one's database. */
  readonly drainMs: number;
}

/** Why the demo cannot start, in one sentence for whoever started it. */
export class StartError extends Error {
  override readonly name = 'StartError';
}

/** @throws StartError if a value makes no sense. */
export function readSettings(env: Readonly<Record<string, string | undefined>>): Settings {
  return {
    port: readPort(env.PORT),
    host: env.HOST?.trim() || '127.0.0.1',
    dataFolder: resolve(env.TRUNKLINE_DATA?.trim() || 'data'),
    drainMs: 1_000 * readDrain(env.TRUNKLINE_DRAIN),
  };
}

function readPort(text: string | undefined): number {
  if (text === undefined || text.trim() === '') return 7400;
  const port = Number(text);
  if (/^\d+$/.test(text.trim()) && port <= 65_535) return port;
  throw new StartError(`PORT is ${JSON.stringify(text)}: it must be a whole number from 0 to 65535.`);
}

/** In seconds, at most a day. */
function readDrain(text: string | undefined): number {
  const seconds = text?.trim() || '0';
  if (/^\d{1,5}$/.test(seconds) && Number(seconds) <= 86_400) return Number(seconds);
  throw new StartError(
    `TRUNKLINE_DRAIN is ${JSON.stringify(text)}: it must be a whole number of seconds, at most 86400.`,
  );
}
