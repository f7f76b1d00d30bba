// The command line, from words to one of a few commands. No I/O here.

import { parseArgs } from 'node:util';
import { Failure } from './failure.js';

/** What the user asked for. */
export type Command =
  | { readonly name: 'help' }
  | { readonly name: 'version' }
  | {
      readonly name: 'start';
      /** Path of the module that exports `app`. */
      readonly module: string;
      /** 0 takes any free port. */
      readonly port: number;
      readonly host: string;
      /** Folder of the database. */
      readonly data: string;
    };

type Environment = Readonly<Record<string, string | undefined>>;

/**
 * Options win over the environment (`PORT`, `HOST`, `TRUNKLINE_DATA`), which wins over the defaults.
 * @throws Failure with exit code 2 when the words make no sense.
 */
export function parseCommand(words: readonly string[], environment: Environment = {}): Command {
  const { values, positionals } = parse(words);
  if (values.help === true || positionals[0] === 'help') return { name: 'help' };
  if (values.version === true) return { name: 'version' };
  const [name, module, ...more] = positionals;
  if (name === undefined) return { name: 'help' };
  if (name !== 'start') throw usage(`there is no command ${name}`);
  if (module === undefined) throw usage('start needs the path of a module that exports `app`');
  if (more.length > 0) throw usage(`start takes one module, not ${more.length + 1}`);
  return {
    name,
    module,
    port: portOf(values.port ?? environment.PORT ?? '7400'),
    host: values.host ?? environment.HOST ?? '127.0.0.1',
    data: values.data ?? environment.TRUNKLINE_DATA ?? 'data',
  };
}

function parse(words: readonly string[]) {
  try {
    return parseArgs({
      args: [...words],
      allowPositionals: true,
      options: {
        help: { type: 'boolean', short: 'h' },
        version: { type: 'boolean', short: 'v' },
        port: { type: 'string', short: 'p' },
        host: { type: 'string' },
        data: { type: 'string' },
      },
    });
  } catch (error) {
    // Node's own sentence names the option; what follows it is advice for positionals that look like options.
    throw usage(String((error as Error).message).split('. ')[0] ?? 'unknown option');
  }
}

function portOf(text: string): number {
  const port = /^\d{1,5}$/.test(text) ? Number(text) : Number.NaN;
  if (port <= 65_535) return port;
  throw usage(`the port must be a number from 0 to 65535, not ${JSON.stringify(text)}`);
}

function usage(problem: string): Failure {
  return new Failure(`${problem}; see trunkline --help`, 2);
}
