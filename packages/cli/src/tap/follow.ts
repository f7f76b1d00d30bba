// `trunkline tap URL --stream NAME`: follows a stream of a Trunkline server, over reconnects: a log entry by entry, a table row by row.

import {
  BadNameError,
  type ConnectionSnapshot,
  connect,
  type Line,
  type LogInterest,
  type TableInterest,
  type TrunklineError,
  type UntypedApp,
  type UntypedHandle,
} from '@trunkline/client/node';
import type { Follow } from '../commands.js';
import { Failure, usage } from '../failure.js';
import { onSignals } from '../signals.js';
import { closeWords } from './close-words.js';
import { EntryLines } from './entry-lines.js';
import { quoted } from './frames.js';
import { printable } from './printable.js';
import { RowLines } from './row-lines.js';
import { note, wordOf } from './words.js';

/** Resolves after Ctrl-C. @throws Failure if the server cannot be reached at first, or refuses. */
export function follow(url: URL, options: Follow): Promise<void> {
  const { key, params, token } = options;
  const line = connect<UntypedApp>(url, {
    ...(token === null ? {} : { token }),
    onProblem: ({ message }) => note(message),
  });
  // Whoever read what is printed has left (`| head`).
  process.stdout.on('error', () => process.exit(0));
  return new Promise((resolve, reject) => {
    const stream = streamOf(line, key, params);
    const show = printer(stream, options);
    let hasBeenLive = false;
    let shown: ConnectionSnapshot | null = null;
    const stops: (() => void)[] = [];
    const end = async (failure: Failure | null) => {
      forgetSignals();
      const closing = line.close();
      for (const stop of stops.splice(0)) stop();
      const how = await closing;
      if (how !== undefined && failure === null)
        note(`closed with ${how.code}${quoted(how.reason)}, ${closeWords(how.code)}`);
      if (failure === null) resolve();
      else reject(failure);
    };
    const forgetSignals = onSignals(() => void end(null));

    const onConnection = () => {
      const now = line.connection.snapshot();
      if (now.state === shown?.state) return;
      shown = now;
      if (now.state === 'live') {
        note(`connected${hasBeenLive ? ' again' : ''} as ${wordOf(now.user)}`);
        hasBeenLive = true;
      } else if (now.state === 'refused' || (now.state === 'waiting' && !hasBeenLive)) {
        void end(new Failure(`${url.href}: ${printable(now.reason ?? now.state)}`));
      } else if (now.state === 'waiting') {
        note(`connection lost: ${printable(now.reason ?? '')}; trying again`);
      }
    };
    const onStream = () => {
      show();
      const { state, error } = stream.snapshot();
      if (state === 'refused') void end(new Failure(`${stream.name}: ${printable(refusalOf(options, error))}`));
    };
    stops.push(line.connection.subscribe(onConnection), stream.subscribe(onStream, interestOf(options)));
  });
}

/** What is asked for. Without a word about it the server says what the stream is. */
function interestOf({ last, keys, ratePerSecond }: Follow): LogInterest & TableInterest {
  return {
    ...(last === null ? {} : { last }),
    ...(keys === null ? {} : { keys }),
    ...(ratePerSecond === null ? {} : { ratePerSecond }),
  };
}

/** Prints what is new in the stream, whatever it is, each time that it is called. */
function printer(stream: UntypedHandle, { keys, json }: Follow): () => void {
  const entries = new EntryLines(json);
  const rows = new RowLines(keys, json);
  let hasBeenLive = false;
  return () => {
    if (stream.kind() !== 'table') {
      const { gap } = stream.snapshot();
      if (gap !== undefined) {
        if (json) print([JSON.stringify({ gap: gap.reason, lost: gap.lost ?? null })]);
        else note(`${gap.lost ?? 'some'} entries will not come (${gap.reason})`);
        stream.dismissGap();
      }
      return print(entries.of(stream.snapshot()));
    }
    const { state, rows: now } = stream.asTable().snapshot();
    print(rows.of(now, new Date()));
    if (hasBeenLive || state !== 'live') return;
    hasBeenLive = true;
    if (json) print([JSON.stringify({ live: true, rows: rows.size })]);
    else note(`${rows.size} ${rows.size === 1 ? 'row' : 'rows'}; from here on what changes`);
  };
}

function print(lines: readonly string[]): void {
  if (lines.length > 0) process.stdout.write(`${lines.join('\n')}\n`);
}

/** Options that are for the other kind of stream explain themselves; all else is as the server says. */
function refusalOf({ last, keys, ratePerSecond }: Follow, error: TrunklineError | undefined): string {
  if (error?.code === 'conflict' && last !== null) return 'this is a table, and --last is for logs';
  if (error?.code === 'conflict' && (keys !== null || ratePerSecond !== null))
    return `this is a log, and --${keys === null ? 'rate' : 'keys'} is for tables`;
  return error?.message ?? 'refused';
}

function streamOf(line: Line<UntypedApp>, key: string, params: readonly string[]) {
  try {
    const stream = line.channel[key]?.(...params);
    if (stream !== undefined) return stream;
  } catch (error) {
    if (!(error instanceof BadNameError)) throw error;
  }
  throw usage(`--stream takes a name like chat/lobby, not ${JSON.stringify([key, ...params].join('/'))}`);
}
