// The command line, from words to one of a few commands. No I/O here.

import { parseArgs } from 'node:util';
import type { Command, EchoCommand, StartCommand } from './commands.js';
import { type Failure, usage } from './failure.js';
import { tapCommand } from './tap/arguments.js';
import { namedSecrets, wholeNumber } from './values.js';

type Environment = Readonly<Record<string, string | undefined>>;

const OPTIONS = {
  help: { type: 'boolean', short: 'h' },
  version: { type: 'boolean', short: 'v' },
  port: { type: 'string', short: 'p' },
  host: { type: 'string' },
  data: { type: 'string' },
  drain: { type: 'string' },
  deflate: { type: 'boolean' },
  tls: { type: 'boolean' },
  cert: { type: 'string' },
  key: { type: 'string' },
  'max-message': { type: 'string' },
  subprotocol: { type: 'string', multiple: true },
  header: { type: 'string', short: 'H', multiple: true },
  binary: { type: 'boolean' },
  ca: { type: 'string' },
  insecure: { type: 'boolean', short: 'k' },
  linger: { type: 'string' },
  stay: { type: 'boolean' },
  shown: { type: 'string' },
  stream: { type: 'string' },
  token: { type: 'string' },
  last: { type: 'string' },
  keys: { type: 'string', multiple: true },
  rate: { type: 'string' },
  json: { type: 'boolean' },
} as const;

type OptionName = keyof typeof OPTIONS;

/** The options of each command. */
const TAKES: Readonly<Record<'start' | 'echo' | 'tap', readonly OptionName[]>> = {
  start: ['port', 'host', 'data', 'drain'],
  echo: ['port', 'host', 'deflate', 'tls', 'cert', 'key', 'max-message'],
  tap: [
    ...(['subprotocol', 'header', 'binary', 'deflate', 'ca', 'insecure', 'linger', 'stay', 'shown'] as const),
    ...(['stream', 'token', 'last', 'keys', 'rate', 'json'] as const),
  ],
};

export type Values = ReturnType<typeof parse>['values'];

/**
 * Options win over the environment (`PORT`, `HOST`, `TRUNKLINE_DATA`, `TRUNKLINE_DRAIN`, `TRUNKLINE_TOKEN`), which wins over the defaults.
 * API keys come from the environment alone (`TRUNKLINE_API_KEYS`): every user of a computer can read a command line.
 * @throws Failure with exit code 2 when the words make no sense.
 */
export function parseCommand(words: readonly string[], environment: Environment = {}): Command {
  const { values, positionals } = parse(words);
  if (values.help === true || positionals[0] === 'help') return { name: 'help' };
  if (values.version === true) return { name: 'version' };
  const [name, ...rest] = positionals;
  if (name === undefined) return { name: 'help' };
  if (name !== 'start' && name !== 'echo' && name !== 'tap') throw usage(`there is no command ${name}`);
  const foreign = Object.keys(values).find((option) => !TAKES[name].some((known) => known === option));
  if (foreign !== undefined) throw usage(`${name} has no option --${foreign}`);
  if (name === 'start') return startCommand(rest, values, environment);
  if (name === 'echo') return echoCommand(rest, values, environment);
  return tapCommand(rest, values, environment);
}

function startCommand(words: readonly string[], values: Values, environment: Environment): StartCommand {
  const [module, ...more] = words;
  if (module === undefined) throw usage('start needs the path of a module that exports `app`');
  if (more.length > 0) throw usage(`start takes one module, not ${more.length + 1}`);
  return {
    name: 'start',
    module,
    ...addressOf(values, environment),
    data: values.data ?? environment.TRUNKLINE_DATA ?? 'data',
    drainMs: 1_000 * wholeNumber('--drain', values.drain ?? environment.TRUNKLINE_DRAIN ?? '0', 0, 86_400),
    apiKeys: namedSecrets('TRUNKLINE_API_KEYS', environment.TRUNKLINE_API_KEYS ?? ''),
  };
}

function echoCommand(words: readonly string[], values: Values, environment: Environment): EchoCommand {
  if (words.length > 0) throw usage(`echo takes options only, not ${JSON.stringify(words[0])}`);
  const { cert, key } = values;
  if ((cert === undefined) !== (key === undefined)) {
    throw usage('TLS needs both --cert FILE and --key FILE, in PEM format, or neither');
  }
  const madeForTheRun = values.tls === true ? 'self-signed' : null;
  return {
    name: 'echo',
    ...addressOf(values, environment),
    deflate: values.deflate === true,
    tls: cert === undefined || key === undefined ? madeForTheRun : { certificate: cert, key },
    maxMessageBytes: wholeNumber('--max-message', values['max-message'] ?? '1048576', 0, 1_073_741_823),
  };
}

function addressOf(values: Values, environment: Environment) {
  const port = wholeNumber('the port', values.port ?? environment.PORT ?? '7400', 0, 65_535);
  return { port, host: values.host ?? environment.HOST ?? '127.0.0.1' };
}

function parse(words: readonly string[]) {
  try {
    return parseArgs({ args: [...words], allowPositionals: true, options: OPTIONS });
  } catch (error) {
    throw unreadable(error);
  }
}

/** Node's own sentence names the option; what follows it is advice for positionals that look like options. */
function unreadable(error: unknown): Failure {
  return usage(String((error as Error).message).split('. ')[0] ?? 'unknown option');
}
