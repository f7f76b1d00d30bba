// `trunkline tap URL --stream NAME`: follows a log of a Trunkline server, over reconnects, entry by entry.

import {
  BadNameError,
  type ConnectionSnapshot,
  connect,
  type Line,
  type LogEntry,
  type UntypedApp,
} from '@trunkline/client/node';
import type { Follow } from '../commands.js';
import { Failure, usage } from '../failure.js';
import { onSignals } from '../signals.js';
import { closeWords } from './close-words.js';
import { quoted } from './frames.js';
import { printable, timeOf } from './printable.js';

/** Resolves after Ctrl-C. @throws Failure if the server cannot be reached at first, or refuses. */
export function follow(url: URL, { key, params, token, last }: Follow): Promise<void> {
  const line = connect<UntypedApp>(url, {
    ...(token === null ? {} : { token }),
    onProblem: ({ message }) => note(message),
  });
  // Whoever read the entries has left (`| head`).
  process.stdout.on('error', () => process.exit(0));
  return new Promise((resolve, reject) => {
    const log = openLog(line, key, params);
    const printer = new EntryPrinter();
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
    const onLog = () => {
      const { entries, gap, state, error } = log.snapshot();
      if (gap !== undefined) {
        note(`${gap.lost ?? 'some'} entries will not come (${gap.reason})`);
        log.dismissGap();
      }
      printer.print(entries);
      // The client's word for a stream of another kind.
      const why = error?.code === 'conflict' ? 'this stream is a table, and tap follows logs only' : error?.message;
      if (state === 'refused') void end(new Failure(`${log.name}: ${printable(why ?? state)}`));
    };
    stops.push(line.connection.subscribe(onConnection), log.subscribe(onLog, { last }));
  });
}

function openLog(line: Line<UntypedApp>, key: string, params: readonly string[]) {
  try {
    const log = line.channel[key]?.(...params);
    if (log !== undefined) return log;
  } catch (error) {
    if (!(error instanceof BadNameError)) throw error;
  }
  throw usage(`--stream takes a name like chat/lobby, not ${JSON.stringify([key, ...params].join('/'))}`);
}

/** Prints what was not printed before. */
class EntryPrinter {
  #lastKey: string | null = null;

  print(entries: readonly LogEntry<unknown, unknown>[]): void {
    // Not found: all are new, as of a replica only what is oldest is let go.
    const known = entries.findLastIndex(({ key }) => key === this.#lastKey);
    for (const { offset, at, user, data } of entries.slice(known + 1)) {
      const by = user === undefined ? '' : `  ${wordOf(user)}`;
      process.stdout.write(`${timeOf(new Date(at))}  #${offset}${by}  ${printable(JSON.stringify(data))}\n`);
    }
    this.#lastKey = entries.at(-1)?.key ?? this.#lastKey;
  }
}

/** A user as others see it: text as it is, all else as JSON. */
function wordOf(user: unknown): string {
  return printable(typeof user === 'string' ? user : (JSON.stringify(user) ?? 'nobody'));
}

/** Not among the entries, which may be piped on. */
function note(text: string): void {
  process.stderr.write(`trunkline: ${text}\n`);
}
