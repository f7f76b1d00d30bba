// What the environment may set: PORT, HOST, TRUNKLINE_DATA.

import { resolve } from 'node:path';

export interface Settings {
  /** Default 7400. 0 lets the system choose. */
  readonly port: number;
  /** Address to bind to. Default 127.0.0.1: this computer only. */
  readonly host: string;
  /** Folder of the database and the guests' secret. Default `./data`. */
  readonly dataFolder: string;
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
  };
}

function readPort(text: string | undefined): number {
  if (text === undefined || text.trim() === '') return 7400;
  const port = Number(text);
  if (/^\d+$/.test(text.trim()) && port <= 65_535) return port;
  throw new StartError(`PORT is ${JSON.stringify(text)}: it must be a whole number from 0 to 65535.`);
}
