// Pages of history before the first entry shown: one at a time, asked for again on the next connection.

import type { Epoch, Offset, TrunklineError } from '@trunkline/protocol';
import { createBackoff } from './backoff.js';
import type { Link } from './link.js';
import type { Replica } from './replica.js';
import { errorOf } from './requests.js';
import { isReadOk } from './server-messages.js';
import type { Shared } from './shared.js';
import { createTimers } from './timers.js';

export interface OlderPages {
  isLoading(): boolean;
  load(count: number): Promise<void>;
  /** Sends the request, if there is one and it can be sent; ends it if the connection is refused. */
  send(): void;
  /** The socket is gone, and with it the answer; or another one is to be used. */
  lost(): void;
}

interface Page {
  readonly before: Offset;
  readonly epoch: Epoch | null;
  readonly limit: number;
  readonly promise: Promise<void>;
  readonly settle: (error?: TrunklineError) => void;
}

export function createOlderPages(
  shared: Shared,
  link: Link,
  stream: string,
  replica: Replica,
  onChange: () => void,
): OlderPages {
  const timers = createTimers<'again'>(shared);
  const backoff = createBackoff(shared);
  let page: Page | undefined;

  const end = (error?: TrunklineError) => {
    page?.settle(error);
    page = undefined;
    onChange();
  };

  const pages: OlderPages = {
    isLoading: () => page !== undefined,
    load(count) {
      if (page) return page.promise;
      if (!replica.hasOlder()) return Promise.resolve();
      const release = link.hold();
      let settle = (_error?: TrunklineError) => {};
      const promise = new Promise<void>((resolve, reject) => {
        settle = (error) => {
          release();
          if (error) reject(error);
          else resolve();
        };
      });
      promise.catch(() => {});
      const limit = Math.max(1, Math.min(count, link.limits.maxPageEntries));
      page = { before: replica.from + 1, epoch: replica.epoch, limit, promise, settle };
      onChange();
      pages.send();
      return promise;
    },
    send() {
      const mine = page;
      if (!mine || timers.has('again')) return;
      if (link.state === 'refused') return end(link.error);
      const { dial } = link;
      if (!dial) return;
      const { before, epoch, limit } = mine;
      replica.expectOlder();
      dial.request({ type: 'read', stream, epoch: epoch ?? undefined, before, limit }, (reply) => {
        if (mine !== page) return;
        if (reply.type === 'error') {
          if (!reply.retry) return end(errorOf(reply));
          return timers.set('again', backoff.nextMs(reply.afterMs), pages.send);
        }
        if (!isReadOk(reply)) return dial.breach('read');
        backoff.reset();
        // A gap may have moved the replica meanwhile: then the page is of no use, and nobody misses it.
        const fits = replica.epoch === epoch && replica.from === before - 1;
        if (fits && !replica.prepend(reply.items, reply.floor, reply.head)) return dial.breach('read');
        end();
      });
    },
    lost: () => timers.clear('again'),
  };
  return pages;
}
