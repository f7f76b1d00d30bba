// What this client publishes to one log, until it is answered: sent in order, sent again over reconnects under the same
// `seq`, and shown until its entry is.

import {
  type Epoch,
  type ErrorMessage,
  type Item,
  MAX_UNACKNOWLEDGED,
  type Offset,
  TrunklineError,
} from '@trunkline/protocol';
import { createBackoff } from './backoff.js';
import type { Link } from './link.js';
import type { PendingEntry, Published } from './log-handle.js';
import { bytesOf, errorOf, type Reply } from './requests.js';
import { isSameUser } from './same-user.js';
import { isPublishOk } from './server-messages.js';
import type { Shared } from './shared.js';
import { createTimers } from './timers.js';

/** Bytes that a publish has besides its data, at most: a stream's name, a producer, two numbers. */
const ENVELOPE_BYTES = 768;

export type Stored = Readonly<Record<'offset', Offset> & Record<'epoch', Epoch>>;

interface Publication {
  readonly key: string;
  seq: number;
  readonly text: string;
  readonly bytes: number;
  /** Was written to a socket once: the server may have stored it. */
  sent: boolean;
  /** Was written to this socket and is not refused. */
  onWire: boolean;
  /** Failed without anyone knowing its outcome, and is sent again: a `conflict` says that it was not stored. */
  unsure: boolean;
  stored?: Stored;
  view: PendingEntry<unknown>;
  resolve(published: Published): void;
  reject(error: TrunklineError): void;
}

export interface Outbox {
  /** What the application sees; the same list while it is unchanged. */
  readonly views: readonly PendingEntry<unknown>[];
  publish(data: unknown): Promise<Published>;
  /** Writes what waits, in order, as far as it may be written now; fails it if the connection is refused. */
  pump(): void;
  /** The socket is gone, or another one is to be used: all of it goes again, in order, with the next. */
  lost(): void;
  /** The key of the publication that became this entry: it leaves. `undefined` if it is not ours. */
  take(item: Item, epoch: Epoch): string | undefined;
  /** Lets go of what is stored and will not come as an entry any more. */
  settle(): void;
}

/**
 * @param onChange `views` are others.
 * @param awaits a publish is stored, and its entry is not here: whether it will come by itself.
 */
export function createOutbox(
  shared: Shared,
  link: Link,
  stream: string,
  producer: string,
  onChange: () => void,
  awaits: (stored: Stored) => boolean,
): Outbox {
  const { batch } = shared;
  const max = Math.min(shared.maxQueued, MAX_UNACKNOWLEDGED);
  const timers = createTimers<'resend'>(shared);
  const backoff = createBackoff(shared);
  let items: Publication[] = [];
  let lastSeq = 0;
  let release: (() => void) | undefined;
  /** Counts the times that everything was sent again: refusals of earlier times are stale. */
  let round = 0;

  const outbox = {
    views: [] as readonly PendingEntry<unknown>[],
    publish(data: unknown): Promise<Published> {
      const promise = new Promise<Published>((resolve, reject) => {
        const text = toJson(data);
        lastSeq += 1;
        const key = `${producer}:${lastSeq}`;
        const bytes = bytesOf(text);
        const state = { sent: false, onWire: false, unsure: false };
        const item = { key, seq: lastSeq, text, bytes, ...state, resolve, reject } as Publication;
        show(item, data);
        items.push(item);
        makeRoom();
        outbox.pump();
        changed();
      });
      // A failure stands in `pending`: whoever does not look at the promise has not missed it.
      promise.catch(() => {});
      return promise;
    },
    pump() {
      if (link.state === 'refused' && link.error) return refuse(link.error);
      if (!link.dial || timers.has('resend')) return;
      for (const item of items.filter(isOpen)) {
        if (item.onWire) continue;
        const { maxEntryBytes, maxMessageBytes } = link.limits;
        if (item.bytes <= maxEntryBytes && item.bytes + ENVELOPE_BYTES <= maxMessageBytes) write(item);
        // Before the first `welcome` the limits are a guess: what might be too large waits, and all after it.
        else if (!link.knowsLimits) return;
        else fail(item, new TrunklineError('too_large', `the entry has ${item.bytes} bytes`));
      }
    },
    lost() {
      timers.clear('resend');
      rewind();
    },
    take(item: Item, epoch: Epoch): string | undefined {
      const ours = item.producer === producer && isSameUser(item.user ?? null, link.user ?? null);
      const found = items.find(({ stored, sent, seq }) =>
        stored ? stored.epoch === epoch && stored.offset === item.offset : ours && sent && seq === item.seq,
      );
      if (found) {
        found.resolve({ offset: item.offset, at: item.at });
        remove(found);
      }
      return found?.key;
    },
    settle() {
      const done = items.filter(({ stored }) => stored && !awaits(stored));
      if (done.length > 0) remove(...done);
    },
  };
  return outbox;

  function write(item: Publication): void {
    const sentIn = round;
    item.sent = true;
    item.onWire = true;
    const onAnswer = (reply: Reply) => {
      if (isOpen(item) && items.includes(item)) onReply(item, sentIn, reply);
    };
    link.dial?.request({ type: 'publish', stream, producer, seq: item.seq }, onAnswer, item.text);
  }

  function onReply(item: Publication, sentIn: number, reply: Reply): void {
    if (reply.type === 'error') return onError(item, sentIn, reply);
    if (!isPublishOk(reply)) return link.dial?.breach('publish');
    const { offset, at } = reply;
    item.stored = reply;
    item.resolve({ offset, at });
    backoff.reset();
    outbox.settle();
    hold();
  }

  function onError(item: Publication, sentIn: number, error: ErrorMessage): void {
    // It was sent again meanwhile, and that answer counts: refusals by another server, or of what followed a refusal, say nothing new.
    if (sentIn !== round) return;
    if (error.retry) {
      // The server refuses all after it likewise (PUB-4), so all go again.
      rewind();
      timers.set('resend', backoff.nextMs(error.afterMs), outbox.pump);
    } else if (item.unsure && error.code === 'conflict') {
      item.unsure = false;
      lastSeq += 1;
      item.seq = lastSeq;
      write(item);
    } else fail(item, errorOf(error));
  }

  /** The connection is refused: nothing will be answered. */
  function refuse({ code, message }: TrunklineError): void {
    for (const item of items.filter(isOpen)) {
      const outcome = item.sent ? 'unknown' : 'refused';
      fail(item, new TrunklineError(code, message, { retry: false, outcome }));
    }
  }

  function rewind(): void {
    round += 1;
    for (const item of items) item.onWire = false;
  }

  /** One more than fits: the oldest that was never sent fails, as it alone is certain not to be stored. */
  function makeRoom(): void {
    const open = items.filter(isOpen);
    const victim = open.length > max && open.find(({ sent }) => !sent);
    if (victim) fail(victim, new TrunklineError('rate_limited', `more than ${max} publishes wait`));
  }

  function fail(item: Publication, error: TrunklineError): void {
    item.reject(error);
    show(item, item.view.data, error);
    // What nobody looks at must not grow: the oldest failures are forgotten.
    const failed = items.filter(({ view }) => view.error);
    remove(...failed.slice(0, -max));
  }

  function retry(item: Publication): void {
    const { error, data } = item.view;
    if (!error || !items.includes(item)) return;
    // Whoever knows that it was not stored begins anew; else its old number tells the server whether it was.
    item.unsure = error.outcome === 'unknown' && item.sent;
    item.sent = item.unsure;
    item.onWire = false;
    if (!item.unsure) {
      lastSeq += 1;
      item.seq = lastSeq;
    }
    items = [...items.filter((other) => other !== item), item];
    show(item, data);
    makeRoom();
    link.need();
    outbox.pump();
    changed();
  }

  function discard(item: Publication): void {
    if ((isOpen(item) && item.sent) || item.stored) return;
    item.reject(new TrunklineError('conflict', 'discarded'));
    remove(item);
  }

  function remove(...gone: readonly Publication[]): void {
    items = items.filter((item) => !gone.includes(item));
    changed();
  }

  function show(item: Publication, data: unknown, error?: TrunklineError): void {
    item.view = {
      key: item.key,
      data,
      state: error ? 'failed' : 'sending',
      error,
      retry: () => batch.run(() => retry(item)),
      discard: () => batch.run(() => discard(item)),
    } as PendingEntry<unknown>;
  }

  function changed(): void {
    outbox.views = items.map(({ view }) => view);
    hold();
    onChange();
  }

  /** What awaits an answer keeps the connection open. */
  function hold(): void {
    if (items.some(isOpen)) release ??= link.hold();
    else {
      release?.();
      release = undefined;
    }
  }
}

const isOpen = ({ view, stored }: Publication): boolean => !view.error && !stored;

function toJson(data: unknown): string {
  let cause: unknown;
  try {
    const text = JSON.stringify(data);
    if (text !== undefined) return text;
  } catch (thrown) {
    cause = thrown;
  }
  throw new TrunklineError('invalid', 'not a JSON value', { cause });
}
