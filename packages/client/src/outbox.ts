// What this client publishes to one log, until it is answered: queued, and shown until its entry is. Amendments wait in the same line,
// and are not shown.

import { type Epoch, type Item, type Offset, TrunklineError } from '@trunkline/protocol';
import type { Link } from './link.js';
import type { PendingEntry, Published } from './log-handle.js';
import { createQueue, type Queue, type Queued, toJson } from './queue.js';
import { bytesOf } from './requests.js';
import { isSameUser } from './same-user.js';
import { isPublishOk } from './server-messages.js';
import type { Shared } from './shared.js';

export type Stored = Readonly<Record<'offset', Offset> & Record<'epoch', Epoch>>;

interface Publication extends Queued {
  readonly key: string;
  place?: Stored;
  /** None of an amendment. */
  view?: PendingEntry<unknown>;
  resolve(published: Published): void;
  reject(error: TrunklineError): void;
}

/** A member of an `amend`. */
export type Amending = Readonly<Partial<Record<'edit' | 'delete' | 'react' | 'unreact', unknown>>>;

export interface Outbox extends Pick<Queue<Publication>, 'pump' | 'lost'> {
  /** What the application sees; the same list while it is unchanged. */
  readonly views: readonly PendingEntry<unknown>[];
  publish(data: unknown): Promise<Published>;
  /** @param change one of the four */
  amend(offset: Offset, change: Amending): Promise<Published>;
  isBusy(): boolean;
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
  const max = shared.maxQueued;
  const queue = createQueue<Publication>(shared, link, stream, producer, 'publish', () => {
    outbox.views = queue.items.flatMap(({ view }) => view ?? []);
    onChange();
  });

  const outbox = {
    views: [] as readonly PendingEntry<unknown>[],
    pump: queue.pump,
    lost: queue.lost,
    isBusy: () => queue.items.length > 0,
    publish(data: unknown): Promise<Published> {
      const promise = write('data', data, {}, (item) => show(item, data));
      // A failure stands in `pending`: whoever does not look at the promise has not missed it.
      promise.catch(() => {});
      return promise;
    },
    amend(offset: Offset, change: Amending): Promise<Published> {
      const [[name, value] = ['', undefined]] = Object.entries(change);
      return write(name, value, { offset });
    },
    take(item: Item, epoch: Epoch): string | undefined {
      const ours = item.producer === producer && isSameUser(item.user ?? null, link.user ?? null);
      const found = queue.items.find(({ place, sent, seq }) =>
        place ? place.epoch === epoch && place.offset === item.offset : ours && sent && seq === item.seq,
      );
      if (found) {
        found.resolve({ offset: item.offset, at: item.at });
        queue.remove(found);
      }
      return found?.key;
    },
    settle() {
      const done = queue.items.filter(({ place, view }) => place && !(view && awaits(place)));
      if (done.length > 0) queue.remove(...done);
    },
  };
  return outbox;

  /** @param name of the member that holds what is written @param show it; of an amendment there is nothing to show. */
  function write(name: string, value: unknown, rest: object, show?: (item: Publication) => void): Promise<Published> {
    return new Promise((resolve, reject) => {
      const text = toJson(value);
      const begun = queue.begin(0);
      const item = {
        ...begun,
        ...(show ? {} : { type: 'amend' }),
        key: `${producer}:${begun.seq}`,
        text: `${toJson({ ...rest, [name]: 0 }).slice(1, -2)}${text}`,
        largestBytes: bytesOf(text),
        resolve,
        reject,
        stored(reply) {
          if (!isPublishOk(reply)) return false;
          const { offset, at } = reply;
          item.place = reply;
          resolve({ offset, at });
          outbox.settle();
          return true;
        },
        failed: (error) => fail(item, error),
      } as Publication;
      show?.(item);
      queue.push(item);
    });
  }

  function fail(item: Publication, error: TrunklineError): void {
    item.reject(error);
    if (!item.view) return queue.remove(item);
    show(item, item.view.data, error);
    // What nobody looks at must not grow: the oldest failures are forgotten.
    const failed = queue.items.filter(({ view }) => view?.error);
    if (failed.length > max) queue.remove(...failed.slice(0, -max));
  }

  function retry(item: Publication): void {
    const { error, data } = item.view ?? {};
    if (!error || !queue.items.includes(item)) return;
    // Whoever knows that it was not stored begins anew; else its old number tells the server whether it was.
    item.unsure = error.outcome === 'unknown' && item.sent;
    item.sent = item.unsure;
    item.onWire = false;
    item.isOpen = true;
    if (!item.unsure) item.seq = queue.nextSeq();
    show(item, data);
    queue.push(item);
  }

  function discard(item: Publication): void {
    if ((item.isOpen && item.sent) || item.place) return;
    item.reject(new TrunklineError('conflict', 'discarded'));
    queue.remove(item);
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
}
