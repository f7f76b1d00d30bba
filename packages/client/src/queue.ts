// What this client writes to one stream, until it is answered: sent in order, and sent again over reconnects under the same `seq`.
// An outbox of a log and the changes of a table are each one of these.

import { type ErrorMessage, type Limits, TrunklineError } from '@trunkline/protocol';
import { createBackoff } from './backoff.js';
import type { Link } from './link.js';
import { bytesOf, errorOf, type Reply } from './requests.js';
import type { Shared } from './shared.js';
import { createTimers } from './timers.js';

/** Bytes that a write has besides its content, at most: a stream's name, a producer, two numbers. */
export const ENVELOPE_BYTES = 768;

/** One write. */
export interface Queued {
  seq: number;
  /** Default: what its queue writes. */
  readonly type?: 'amend';
  /** Its content: members of a JSON object, as text. */
  readonly text: string;
  /** Bytes of the largest thing in it that `maxEntryBytes` bounds. */
  readonly largestBytes: number;
  /** Rows that it names. */
  readonly rows: number;
  /** Waits for an answer, or to be sent. */
  isOpen: boolean;
  /** Was written to a socket once: the server may have stored it. */
  sent: boolean;
  /** Was written to this socket and is not refused. */
  onWire: boolean;
  /** Failed without anyone knowing its outcome, and is sent again: a `conflict` says that it was not stored. */
  unsure: boolean;
  /** Obeys the answer. `false`: it is none to this. */
  stored(reply: Reply): boolean;
  failed(error: TrunklineError): void;
}

export interface Queue<Item extends Queued> {
  items: readonly Item[];
  /** The number of a write that is new, */
  nextSeq(): number;
  /** and where it stands. */
  begin(rows: number): Pick<Queued, 'seq' | 'rows' | 'isOpen' | 'sent' | 'onWire' | 'unsure'>;
  /** Behind those that wait. One more than fits makes the oldest fail that was never sent. */
  push(item: Item): void;
  /** Writes what waits, in order, as far as it may be written now; fails it if the connection is refused. */
  pump(): void;
  /** The socket is gone, or another one is to be used: all of it goes again, in order, with the next. */
  lost(): void;
  remove(...gone: readonly Item[]): void;
  /** What awaits an answer keeps the connection open. */
  hold(): void;
}

/** @param onChange `items` are others. */
export function createQueue<Item extends Queued>(
  shared: Shared,
  link: Link,
  stream: string,
  producer: string,
  type: 'publish' | 'change',
  onChange: () => void,
): Queue<Item> {
  const max = shared.maxQueued;
  const timers = createTimers<'resend'>(shared);
  const backoff = createBackoff(shared);
  let lastSeq = 0;
  let release: (() => void) | undefined;
  /** Counts the times that everything was sent again: refusals of earlier times are stale. */
  let round = 0;

  const queue: Queue<Item> = {
    items: [],
    nextSeq() {
      lastSeq += 1;
      return lastSeq;
    },
    begin: (rows) => ({ seq: queue.nextSeq(), rows, isOpen: true, sent: false, onWire: false, unsure: false }),
    push(item) {
      queue.items = [...queue.items.filter((other) => other !== item), item];
      makeRoom();
      link.need();
      queue.pump();
      changed();
    },
    pump() {
      if (link.state === 'refused' && link.error) return refuse(link.error);
      if (!link.dial || timers.has('resend')) return;
      for (const item of queue.items.filter(isOpen)) {
        if (item.onWire) continue;
        if (fits(item, link.limits)) write(item);
        // Before the first `welcome` the limits are a guess: what might be too large waits, and all after it.
        else if (!link.knowsLimits) return;
        else fail(item, new TrunklineError('too_large', `${item.largestBytes} bytes, ${item.rows} rows`));
      }
    },
    lost() {
      timers.clear('resend');
      rewind();
    },
    remove(...gone) {
      queue.items = queue.items.filter((item) => !gone.includes(item));
      changed();
    },
    hold() {
      if (queue.items.some(isOpen)) release ??= link.hold();
      else {
        release?.();
        release = undefined;
      }
    },
  };
  return queue;

  function write(item: Item): void {
    const { dial } = link;
    const sentIn = round;
    item.sent = true;
    item.onWire = true;
    const onAnswer = (reply: Reply) => {
      if (!item.isOpen || !queue.items.includes(item)) return;
      // What is no answer to this is the fault of whoever gave it: by now the link may have another socket.
      if (!onReply(item, sentIn, reply)) dial?.breach(type);
    };
    dial?.request({ type: item.type ?? type, stream, producer, seq: item.seq }, onAnswer, item.text);
  }

  /** `false`: it is no answer. */
  function onReply(item: Item, sentIn: number, reply: Reply): boolean {
    if (reply.type === 'error') {
      onError(item, sentIn, reply);
      return true;
    }
    item.isOpen = false;
    if (item.stored(reply)) {
      backoff.reset();
      queue.hold();
      return true;
    }
    item.isOpen = true;
    return false;
  }

  function onError(item: Item, sentIn: number, error: ErrorMessage): void {
    // It was sent again meanwhile, and that answer counts: refusals by another server, or of what followed a refusal, say nothing new.
    if (sentIn !== round) return;
    if (error.retry) {
      // The server refuses all after it likewise (PUB-4), so all go again.
      rewind();
      timers.set('resend', backoff.nextMs(error.afterMs), queue.pump);
    } else if (item.unsure && error.code === 'conflict') {
      item.unsure = false;
      item.seq = queue.nextSeq();
      write(item);
    } else fail(item, errorOf(error));
  }

  /** The connection is refused: nothing will be answered. */
  function refuse({ code, message }: TrunklineError): void {
    for (const item of queue.items.filter(isOpen)) {
      const outcome = item.sent ? 'unknown' : 'refused';
      fail(item, new TrunklineError(code, message, { retry: false, outcome }));
    }
  }

  function rewind(): void {
    round += 1;
    for (const item of queue.items) item.onWire = false;
  }

  /** One more than fits: the oldest that was never sent fails, as it alone is certain not to be stored. */
  function makeRoom(): void {
    const open = queue.items.filter(isOpen);
    const victim = open.length > max && open.find(({ sent }) => !sent);
    if (victim) fail(victim, new TrunklineError('rate_limited', `more than ${max} writes wait`));
  }

  function fail(item: Item, error: TrunklineError): void {
    item.isOpen = false;
    item.failed(error);
    changed();
  }

  function changed(): void {
    queue.hold();
    onChange();
  }
}

const isOpen = (item: Queued): boolean => item.isOpen;

const fits = ({ text, largestBytes, rows }: Queued, limits: Limits): boolean =>
  largestBytes <= limits.maxEntryBytes &&
  rows <= limits.maxRowsPerChange &&
  bytesOf(text) + ENVELOPE_BYTES <= limits.maxMessageBytes;

/** @throws TrunklineError `invalid` */
export function toJson(data: unknown): string {
  let cause: unknown;
  try {
    const text = JSON.stringify(data);
    if (text !== undefined) return text;
  } catch (thrown) {
    cause = thrown;
  }
  throw new TrunklineError('invalid', 'not a JSON value', { cause });
}
