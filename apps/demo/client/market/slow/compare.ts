// Two connections, each over a link of its own of the same speed, to the same ticks: a table, which leaves out what is old, and a plain feed, which does not.
// How old the newest price is that each has handed on is measured, five times a second.

import { connect, type Line } from '@trunkline/client';
import { CLOCK_KEY, type Quote, type QuoteClock } from '../../../shared/market.js';
import { passes } from '../../guest/passes.js';
import type { App } from '../../trunkline.js';
import { readPlain } from './read-plain.js';
import { SlowLink } from './slow-link.js';
import { slowSocket } from './slow-socket.js';

export interface ArmNow {
  /** How old its newest price is, in milliseconds; `null` before there is one. */
  readonly ageMs: number | null;
  /** Bytes that its link has passed. */
  readonly bytes: number;
  readonly problem: string | undefined;
}

export interface ComparisonNow {
  /** Since the beginning, in seconds. */
  readonly seconds: number;
  readonly table: ArmNow;
  readonly plain: ArmNow;
}

const SAMPLE_MS = 200;

/**
 * @param main the page's own connection, which is fast: it tells how far this clock and the server's are apart.
 * @returns what ends it.
 */
export function compare(main: Line<App>, bytesPerSecond: number, onSample: (now: ComparisonNow) => void): () => void {
  const beganMs = performance.now();
  const abort = new AbortController();
  const clock = newestAt(main);
  /** This clock less the server's, at most: the quickest tick tells most. */
  let offsetMs = Number.POSITIVE_INFINITY;
  const stopClock = clock.follow((at) => {
    const wayMs = (main.connection.snapshot().rttMs ?? 0) / 2;
    offsetMs = Math.min(offsetMs, Date.now() - at - wayMs);
  });

  const tableLink = new SlowLink(bytesPerSecond);
  const slow: Line<App> = connect<App>('/line', {
    token: () => passes.token('market', false),
    socket: slowSocket(tableLink),
    lingerMs: 0,
    onProblem: () => {},
  });
  let tableAt: number | undefined;
  const stopTable = newestAt(slow).follow((at) => {
    tableAt = at;
  });
  const stopAll = slow.channel.quotes().open();

  const plainLink = new SlowLink(bytesPerSecond);
  let plainAt: number | undefined;
  let plainProblem: string | undefined;
  readPlain(plainLink, abort.signal, ({ at }) => {
    plainAt = at;
  }).then(
    () => {
      plainProblem = 'The server ended the feed.';
    },
    (error: unknown) => {
      plainProblem = error instanceof Error ? error.message : String(error);
    },
  );

  const timer = setInterval(() => {
    const ageOf = (at: number | undefined) =>
      at === undefined || !Number.isFinite(offsetMs) ? null : Math.max(0, Date.now() - at - offsetMs);
    const { state, reason } = slow.connection.snapshot();
    onSample({
      seconds: (performance.now() - beganMs) / 1000,
      table: {
        ageMs: ageOf(tableAt),
        bytes: tableLink.passedBytes,
        problem: state === 'refused' || state === 'waiting' ? (reason ?? state) : undefined,
      },
      plain: { ageMs: ageOf(plainAt), bytes: plainLink.passedBytes, problem: plainProblem },
    });
  }, SAMPLE_MS);

  return () => {
    clearInterval(timer);
    abort.abort();
    stopClock();
    stopTable();
    stopAll();
    void slow.close();
    tableLink.cut();
    plainLink.cut();
  };
}

/** The time of the newest step of the quotes that a line has. */
function newestAt(line: Line<App>) {
  const row = line.channel.quotes().row(CLOCK_KEY);
  const atOf = (now: Quote | QuoteClock | undefined) => (now !== undefined && 'at' in now ? now.at : undefined);
  return {
    follow: (onNext: (at: number) => void) => {
      let last: number | undefined;
      return row.subscribe(() => {
        const at = atOf(row.snapshot());
        if (at !== undefined && at !== last) onNext(at);
        last = at;
      });
    },
  };
}
