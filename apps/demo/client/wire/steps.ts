// The diagram's steps: events one after the other, with runs of equal frames folded into one.

import type { WireEnd, WireExchange, WireFrame, WireOpen } from '../../shared/wire.js';
import { opcodeName, type Said } from './describe.js';

/** A frame with what it says, and the key under which a list shows it. */
export type SeenFrame = WireFrame & {
  readonly key: string;
  readonly said: Said;
  /** Counts the runs of equal frames: a run keeps its number while its oldest frames are let go. */
  readonly run: number;
};
export type SeenEvent =
  | (WireOpen & { readonly key: string })
  | SeenFrame
  | (WireEnd & { readonly key: string })
  | (WireExchange & { readonly key: string });

export type Step =
  | { readonly kind: 'open'; readonly key: string; readonly event: Extract<SeenEvent, WireOpen> }
  | {
      readonly kind: 'frame';
      readonly key: string;
      readonly event: SeenFrame;
      readonly sinceMs: number | undefined;
    }
  | {
      readonly kind: 'run';
      readonly key: string;
      /** "rows × 48, seen × 12" */
      readonly label: string;
      /** The streams that they are about. */
      readonly content: string;
      readonly events: readonly SeenFrame[];
      readonly sinceMs: number | undefined;
    }
  | { readonly kind: 'end'; readonly key: string; readonly event: Extract<SeenEvent, WireEnd> }
  | ExchangesStep;

/** One request and its answer, or several that are alike. */
export interface ExchangesStep {
  readonly kind: 'exchanges';
  readonly key: string;
  readonly events: readonly Extract<SeenEvent, WireExchange>[];
  readonly sinceMs: number | undefined;
}

/** What is shown; a part that is empty wants everything. */
export interface Filter {
  /** Words that a frame has somewhere. */
  readonly text: string;
  /** A type of message, or of control frame. */
  readonly kind: string;
  /** A stream's name. */
  readonly stream: string;
}

/** Fewer equal frames than this in a row stand for themselves. */
const RUN_MIN = 4;

export function stepsOf(events: readonly SeenEvent[], filter: Filter): readonly Step[] {
  const shown = events.filter((event) => isWanted(event, filter));
  const steps: Step[] = [];
  for (let index = 0; index < shown.length; ) {
    const event = shown[index];
    if (event === undefined) break;
    if (event.kind === 'exchange') {
      const step = exchangesFrom(shown, index, event);
      steps.push(step);
      index += step.events.length;
      continue;
    }
    if (event.kind !== 'frame') {
      steps.push(
        event.kind === 'open' ? { kind: 'open', key: event.key, event } : { kind: 'end', key: event.key, event },
      );
      index += 1;
      continue;
    }
    const before = shown[index - 1];
    const sinceMs = before?.connection === event.connection ? event.at - before.at : undefined;
    const { end, count } = runFrom(shown, index, event);
    if (count >= RUN_MIN) {
      const run = shown.slice(index, end) as SeenFrame[];
      const streams = [...new Set(run.flatMap(({ said }) => said.streams))];
      const content = streams.join(', ');
      // By what stays when its oldest frames are let go: one that was opened stays open.
      steps.push({
        kind: 'run',
        key: `run ${event.run} ${groupOf(event)}`,
        label: runLabel(run, count),
        content,
        events: run,
        sinceMs,
      });
      index = end;
    } else {
      steps.push({ kind: 'frame', key: event.key, event, sinceMs });
      index += 1;
    }
  }
  return steps;
}

/** Whether the second frame continues a run of the first, in the way of the stream of frames as it comes. */
export function continues(first: SeenFrame | undefined, next: Omit<SeenFrame, 'run'>): boolean {
  return (
    first !== undefined &&
    first.connection === next.connection &&
    (groupOf(first) === groupOf(next) || (isAside(next) && !isAside(first)))
  );
}

/** How many frames equal the first, and where the last of them is. What goes on aside does not end a run. */
function runFrom(events: readonly SeenEvent[], start: number, first: SeenFrame): { end: number; count: number } {
  const group = groupOf(first);
  let end = start;
  let count = 0;
  for (let index = start; index < events.length; index += 1) {
    const event = events[index];
    if (event?.kind !== 'frame' || event.connection !== first.connection) break;
    if (groupOf(event) === group) {
      count += 1;
      end = index + 1;
    } else if (isAside(first) || !isAside(event)) break;
  }
  return { end, count };
}

/** "rows × 48", and what came in between. Heartbeats are counted together. */
function runLabel(run: readonly SeenFrame[], count: number): string {
  const [first] = run;
  const asides = new Map<string, number>();
  for (const frame of run) {
    if (first === undefined || groupOf(frame) === groupOf(first)) continue;
    for (const kind of frame.said.kinds) {
      const label = isBeat(kind) ? 'ping, pong' : kind;
      asides.set(label, (asides.get(label) ?? 0) + 1);
    }
  }
  const name = first === undefined ? '' : isHeartbeat(first) ? 'ping, pong' : first.said.kinds.join(', ');
  return [[name, count] as const, ...asides].map(([label, number]) => `${label} × ${number}`).join(', ');
}

/** The same for frames that are alike. */
function groupOf({ direction, opcode, said }: Pick<SeenFrame, 'direction' | 'opcode' | 'said'>): string {
  if (isHeartbeat({ said })) return 'heartbeat';
  return `${direction} ${opcode} ${opcode === 8 ? said.label : said.kinds.join(' ')}`;
}

/** Questions and answers that only keep the connection alive: a run of them goes both ways. */
function isHeartbeat({ said }: Pick<SeenFrame, 'said'>): boolean {
  return isBeat(said.label);
}

function isBeat(kind: string): boolean {
  return /^p[io]ng$/i.test(kind);
}

/** What belongs to the line and not to what it carries. */
function isAside(frame: Pick<SeenFrame, 'said'>): boolean {
  return frame.said.kinds.length > 0 && frame.said.kinds.every((kind) => kind === 'seen' || isBeat(kind));
}

function isWanted(event: SeenEvent, { text, kind, stream }: Filter): boolean {
  if (kind !== '' && !aboutOf(event).kinds.includes(kind)) return false;
  if (stream !== '' && !aboutOf(event).streams.includes(stream)) return false;
  const wanted = text.trim().toLowerCase();
  return wanted === '' || wordsOf(event).toLowerCase().includes(wanted);
}

/** What can be chosen: types of messages or methods of requests, and the streams that they are about. */
export function aboutOf(event: SeenEvent): { readonly kinds: readonly string[]; readonly streams: readonly string[] } {
  if (event.kind === 'frame') return event.said;
  if (event.kind !== 'exchange') return { kinds: [], streams: [] };
  const [method = '', path = ''] = askOf(event).split(' ');
  const stream = /^\/v1\/channels\/(.+)\/(?:entries|rows)(?:\/[^/]*)?$/.exec(path)?.[1];
  return { kinds: [method], streams: stream === undefined ? [] : [stream] };
}

/** What a request asks, without its conditions: `GET /v1/channels/chat/lobby/entries`. */
export function askOf({ requestHead }: Pick<WireExchange, 'requestHead'>): string {
  return /^\S+ [^\s?]*/.exec(requestHead)?.[0] ?? '';
}

/** Polls with nothing new are alike, and one arrow. */
function exchangesFrom(
  events: readonly SeenEvent[],
  start: number,
  first: Extract<SeenEvent, WireExchange>,
): ExchangesStep {
  const alike: Extract<SeenEvent, WireExchange>[] = [];
  for (const event of events.slice(start)) {
    if (event.kind !== 'exchange' || event.status !== first.status || askOf(event) !== askOf(first)) break;
    alike.push(event);
  }
  const before = events[start - 1];
  const sinceMs = before === undefined ? undefined : first.at - before.at;
  const run = alike.length >= RUN_MIN ? alike : alike.slice(0, 1);
  // By its newest but for the last ones: one that was opened stays open while more come and its oldest are let go.
  return { kind: 'exchanges', key: run.length === 1 ? first.key : `run of ${first.key}`, events: run, sinceMs };
}

/** What the filter looks through. */
function wordsOf(event: SeenEvent): string {
  if (event.kind === 'open') return `handshake ${event.requestHead} ${event.responseHead}`;
  if (event.kind === 'exchange') {
    return `${event.requestHead} ${event.requestBody} ${event.responseHead} ${event.responseBody}`;
  }
  if (event.kind === 'end') return `closed ${event.code} ${event.reason}`;
  const way = event.direction === 'in' ? 'in client → server' : 'out server → client';
  return `${way} ${opcodeName(event.opcode)} ${event.said.label} ${event.said.content} ${event.preview}`;
}
