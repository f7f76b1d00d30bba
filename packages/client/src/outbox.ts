// What this client publishes to one log, until it is answered: queued, and shown until its entry is.

import { type Epoch, type Item, MAX_UNACKNOWLEDGED, type Offset, TrunklineError } from '@trunkline/protocol';
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
  view: PendingEntry<unknown>;
  resolve(published: Published): void;
  reject(error: TrunklineError): void;
}

export interface Outbox extends Pick<Queue<Publication>, 'pump' | 'lost'> {
  /** What the application sees; the same list while it is unchanged. */
  readonly views: readonly PendingEntry<unknown>[];
  publish(data: unknown): Promise<Published>;
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
  const queue = createQueue<Publication>(shared, link, stream, producer, 'publish', () => {
    outbox.views = queue.items.map(({ view }) => view);
    onChange();
  });

  const outbox = {
    views: [] as readonly PendingEntry<unknown>[],
    pump: queue.pump,
    lost: queue.lost,
    publish(data: unknown): Promise<Published> {
      const promise = new Promise<Published>((resolve, reject) => {
        const text = toJson(data);
        const begun = queue.begin(0);
        const item = {
          ...begun,
          key: `${producer}:${begun.seq}`,
          text: `"data":${text}`,
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
        show(item, data);
        queue.push(item);
      });
      // A failure stands in `pending`: whoever does not look at the promise has not missed it.
      promise.catch(() => {});
      return promise;
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
      const done = queue.items.filter(({ place }) => place && !awaits(place));
      if (done.length > 0) queue.remove(...done);
    },
  };
  return outbox;

  function fail(item: Publication, error: TrunklineError): void {
    item.reject(error);
    show(item, item.view.data, error);
    // What nobody looks at must not grow: the oldest failures are forgotten.
    const failed = queue.items.filter(({ view }) => view.error);
    if (failed.length > max) queue.remove(...failed.slice(0, -max));
  }

  function retry(item: Publication): void {
    const { error, data } = item.view;
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
