// The words behind `trunkline tap`.

import type { Values } from '../arguments.js';
import type { Follow, TapCommand } from '../commands.js';
import { usage } from '../failure.js';
import { wholeNumber } from '../values.js';

type Environment = Readonly<Record<string, string | undefined>>;

/** @throws Failure with exit code 2 when the words make no sense. */
export function tapCommand(words: readonly string[], values: Values, environment: Environment): TapCommand {
  const [address, ...more] = words;
  if (address === undefined) throw usage('tap needs a URL');
  if (more.length > 0) throw usage(`tap takes one URL, not ${more.length + 1}`);
  const follow = followOf(values, environment);
  const url = urlOf(address);
  if (follow !== null && url.pathname === '/') url.pathname = '/line';
  return {
    name: 'tap',
    url,
    subprotocols: (values.subprotocol ?? []).flatMap((names) => names.split(',').map((name) => name.trim())),
    headers: Object.fromEntries((values.header ?? []).map(headerOf)),
    binary: values.binary === true,
    deflate: values.deflate === true,
    ca: values.ca ?? null,
    insecure: values.insecure === true,
    lingerMs: values.stay === true ? null : wholeNumber('--linger', values.linger ?? '1000', 0, 2_147_483_647),
    shownBytes: wholeNumber('--shown', values.shown ?? '4096', 0, 1_073_741_823),
    follow,
  };
}

/** Without a scheme it is `ws:`; `http:` and `https:` mean `ws:` and `wss:`. */
function urlOf(text: string): URL {
  const withScheme = /^[a-z][a-z0-9+.-]*:\/\//i.test(text) ? text : `ws://${text}`;
  const absolute = withScheme.replace(/^http/i, 'ws');
  if (!/^wss?:/i.test(absolute) || !URL.canParse(absolute))
    throw usage(`${JSON.stringify(text)} is not a WebSocket URL`);
  return new URL(absolute);
}

function headerOf(text: string): [string, string] {
  const colon = text.indexOf(':');
  if (colon < 1) throw usage(`a header is written "Name: value", not ${JSON.stringify(text)}`);
  return [text.slice(0, colon).trim(), text.slice(colon + 1).trim()];
}

/** What is for streams only, and what is for all else only. */
const STREAM_ONLY = ['token', 'last', 'keys', 'rate', 'json'] as const;
/** What makes a stream a table. */
const TABLE_ONLY = ['keys', 'rate'] as const;
const FRAMES_ONLY = [
  'subprotocol',
  'header',
  'binary',
  'deflate',
  'ca',
  'insecure',
  'linger',
  'stay',
  'shown',
] as const;

function followOf(values: Values, environment: Environment): Follow | null {
  const { stream } = values;
  const misplaced = (stream === undefined ? STREAM_ONLY : FRAMES_ONLY).find((option) => values[option] !== undefined);
  if (misplaced !== undefined) {
    throw usage(`--${misplaced} ${stream === undefined ? 'is for --stream' : 'cannot be used with --stream'}`);
  }
  if (stream === undefined) return null;
  const [key = '', ...params] = stream.split('/').map(decoded);
  if (key === '' || params.includes(''))
    throw usage(`--stream takes a name like chat/lobby, not ${JSON.stringify(stream)}`);
  const ofTable = TABLE_ONLY.find((option) => values[option] !== undefined);
  if (values.last !== undefined && ofTable !== undefined)
    throw usage(`--last is for logs and --${ofTable} for tables: a stream is one of them`);
  return {
    key,
    params,
    token: values.token ?? environment.TRUNKLINE_TOKEN ?? null,
    last: values.last === undefined ? null : wholeNumber('--last', values.last, 0, 1_000),
    keys: values.keys === undefined ? null : values.keys.flatMap((names) => names.split(',').map(keyOf)),
    ratePerSecond: values.rate === undefined ? null : rateOf(values.rate),
    json: values.json === true,
  };
}

/** A row's key, in which a comma is written %2C. */
function keyOf(text: string): string {
  if (text === '') throw usage('--keys takes keys with commas between them, and none of them is empty');
  return decoded(text);
}

/** Times a second: a table can be followed at a rate below one. */
function rateOf(text: string): number {
  const rate = /^\d{1,3}(?:\.\d{1,6})?$/.test(text) ? Number(text) : Number.NaN;
  if (rate > 0 && rate <= 100) return rate;
  throw usage(`--rate must be a number above 0 and at most 100, not ${JSON.stringify(text)}`);
}

/** Names are percent-encoded on the wire; what is not is taken as it stands. */
function decoded(segment: string): string {
  try {
    return decodeURIComponent(segment);
  } catch {
    return segment;
  }
}
