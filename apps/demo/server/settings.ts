// What the environment may set: PORT, HOST, TRUNKLINE_DATA, TRUNKLINE_DRAIN, TRUNKLINE_FEEDS, TRUNKLINE_API_KEY.

import { resolve } from 'node:path';
import type { FeedsOptions } from './feeds/feeds.js';

export interface Settings {
  /** Default 7400. 0 lets the system choose. */
  readonly port: number;
  /** Address to bind to. Default 127.0.0.1: this computer only. */
  readonly host: string;
  /** Folder of the database, the guests' secret and the images of messages. Default `./data`. */
  readonly dataFolder: string;
  /** How long pages have to move to another server at the end, in milliseconds. Default 0: nobody else can open this one's database. */
  readonly drainMs: number;
  /** The generator of weather and sports: run by the server unless TRUNKLINE_FEEDS is `off`, with the key in TRUNKLINE_API_KEY. */
  readonly feeds: FeedsOptions;
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
    feeds: { isOn: readSwitch('TRUNKLINE_FEEDS', env.TRUNKLINE_FEEDS), apiKey: readApiKey(env.TRUNKLINE_API_KEY) },
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

function readSwitch(name: string, text: string | undefined): boolean {
  const word = text?.trim().toLowerCase() || 'on';
  if (word === 'on' || word === 'off') return word === 'on';
  throw new StartError(`${name} is ${JSON.stringify(text)}: it must be on or off.`);
}

/** Not repeated in the sentence that refuses it: it is a secret. */
function readApiKey(text: string | undefined): string | undefined {
  const key = text?.trim() || undefined;
  if (key === undefined || /^[\x21-\x7e]{32,200}$/.test(key)) return key;
  throw new StartError(
    'TRUNKLINE_API_KEY must have 32 to 200 visible ASCII characters: openssl rand -hex 32 makes one.',
  );
}
