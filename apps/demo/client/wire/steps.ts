// The diagram's steps: events one after the other, with runs of equal frames folded into one.

import type { WireEnd, WireFrame, WireOpen } from '../../shared/wire.js';
import { frameContent, frameLabel, opcodeName } from './describe.js';
import type { SeenEvent } from './wire-source.js';

type Keyed<E> = E & { readonly key: string };

export type Step =
  | { readonly kind: 'open'; readonly key: string; readonly event: Keyed<WireOpen> }
  | {
      readonly kind: 'frame';
      readonly key: string;
      readonly event: Keyed<WireFrame>;
      readonly sinceMs: number | undefined;
    }
  | {
      readonly kind: 'run';
      readonly key: string;
      readonly label: string;
      readonly events: readonly Keyed<WireFrame>[];
      readonly sinceMs: number | undefined;
    }
  | { readonly kind: 'end'; readonly key: string; readonly event: Keyed<WireEnd> };

/** Fewer equal frames than this in a row stand for themselves. */
const RUN_MIN = 4;

export function stepsOf(events: readonly SeenEvent[], filter: string): readonly Step[] {
  const wanted = filter.trim().toLowerCase();
  const shown = wanted === '' ? events : events.filter((event) => wordsOf(event).toLowerCase().includes(wanted));
  const steps: Step[] = [];
  for (let index = 0; index < shown.length; ) {
    const event = shown[index];
    if (event === undefined) break;
    const before = shown[index - 1];
    const sinceMs = before?.connection === event.connection ? event.at - before.at : undefined;
    if (event.kind !== 'frame') {
      steps.push(
        event.kind === 'open' ? { kind: 'open', key: event.key, event } : { kind: 'end', key: event.key, event },
      );
      index += 1;
      continue;
    }
    const run = runFrom(shown, index);
    if (run.length >= RUN_MIN) {
      steps.push({
        kind: 'run',
        key: `run ${event.key}`,
        label: isHeartbeat(event) ? 'ping, pong' : frameLabel(event),
        events: run,
        sinceMs,
      });
      index += run.length;
    } else {
      steps.push({ kind: 'frame', key: event.key, event, sinceMs });
      index += 1;
    }
  }
  return steps;
}

function runFrom(events: readonly SeenEvent[], start: number): Keyed<WireFrame>[] {
  const run: Keyed<WireFrame>[] = [];
  const first = events[start];
  for (const event of events.slice(start)) {
    if (first?.kind !== 'frame' || event.kind !== 'frame' || !isEqual(first, event)) break;
    run.push(event);
  }
  return run;
}

function isEqual(a: WireFrame, b: WireFrame): boolean {
  if (a.connection !== b.connection) return false;
  if (isHeartbeat(a) && isHeartbeat(b)) return true;
  return a.direction === b.direction && a.opcode === b.opcode && frameLabel(a) === frameLabel(b);
}

/** Questions and answers that only keep the connection alive: a run of them goes both ways. */
function isHeartbeat(frame: WireFrame): boolean {
  return /^p[io]ng$/i.test(frameLabel(frame));
}

/** What the filter looks through. */
function wordsOf(event: SeenEvent): string {
  if (event.kind === 'open') return `handshake ${event.requestHead} ${event.responseHead}`;
  if (event.kind === 'end') return `closed ${event.code} ${event.reason}`;
  const way = event.direction === 'in' ? 'in client → server' : 'out server → client';
  return `${way} ${opcodeName(event.opcode)} ${frameLabel(event)} ${frameContent(event)} ${event.preview}`;
}
