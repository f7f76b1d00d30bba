// History apart from what a log shows: pages by place or time, what was found by words, and the way back to one entry. Nothing here touches the
// replica but `reach`, which loads older pages as a scroll would.

import type { Amendment, Epoch, Item, Offset, ReadOk } from '@trunkline/protocol';
import type { Asks } from './asks.js';
import type { LogHandle } from './log-handle.js';
import { type AnyEntry, isRecord, presentEntry } from './replica.js';
import { isReadOk, isSearchOk } from './server-messages.js';

/** Which page: exactly one of the three. */
export type PageRequest = (
  | { readonly before: Offset; readonly after?: undefined; readonly at?: undefined }
  | { readonly after: Offset; readonly before?: undefined; readonly at?: undefined }
  | { readonly at: number | Date; readonly before?: undefined; readonly after?: undefined }
) & {
  /** Entries at most. Default 50, at most `maxPageEntries` of the server (1,000), or the read is refused with `invalid`. A page has at most 64 KB. */
  readonly limit?: number | undefined;
  /** Of an earlier page: another history is refused with `conflict`. */
  readonly epoch?: Epoch | undefined;
};

/** A page of a log, each entry as it was when the page was read. */
export interface HistoryPage<Entry> {
  readonly epoch: Epoch | null;
  /** In offset order. */
  readonly entries: readonly Entry[];
  /** The page has all entries in `(from, to]`: read on with `before: from + 1`, or with `after: to`. */
  readonly from: Offset;
  readonly to: Offset;
  /** Something may be kept before it, */
  readonly hasOlder: boolean;
  /** and after it. */
  readonly hasNewer: boolean;
}

/** Which page of what was found. */
export interface SearchOptions {
  /** Only entries before this offset: that of the last one of the page before. */
  readonly before?: Offset | undefined;
  /** Entries at most. Default 50, at most 100, or the search is refused with `invalid`. */
  readonly limit?: number | undefined;
}

/** What was found. */
export interface FoundEntries<Entry> {
  /** Newest first. */
  readonly entries: readonly Entry[];
  /** There are more: search on with `before: entries.at(-1).offset`. */
  readonly more: boolean;
}

/** What became of the way to an entry. `gone`: it is not kept any more, never was, or is no entry. `far`: more than `most` entries lie before it. */
export type Reached = 'here' | 'gone' | 'far';

/** Of every log. */
export interface WithHistory<Entry> {
  /** Reads a page, whatever is shown. Waits over reconnects. Rejects with `TrunklineError`: `not_found` where entries after `after` were trimmed. */
  readonly read: (request: PageRequest) => Promise<HistoryPage<Entry>>;
  /**
   * Finds entries that have all words of the query, the last one at least as the beginning of a word; without regard to case and accents, and no
   * character has another meaning. At most 200 characters and 8 words (`too_large`). Sees all that was stored when it began. Waits over reconnects, and
   * while the server begins its index. Rejects with `TrunklineError`: `forbidden` if the channel is not searched, or not by this user.
   */
  readonly search: (query: string, options?: SearchOptions) => Promise<FoundEntries<Entry>>;
  /**
   * Loads older pages until the entry at `offset` is shown; resolves with what became of that. Whoever calls it has the log open (`subscribe`, `useLog`).
   * @param most entries that may be loaded for it. Default 1,000.
   */
  readonly reach: (offset: Offset, most?: number) => Promise<Reached>;
}

const PAGE = 50;
const REACH = 1_000;

export function createHistory(
  asks: Asks,
  { name: stream, snapshot, loadOlder, subscribe }: LogHandle<unknown, unknown, unknown, string, Amendment>,
): WithHistory<AnyEntry> {
  const page = (entries: ReadOk['items'], epoch: Epoch | null): AnyEntry[] =>
    entries
      .filter((item): item is Item => !isRecord(item))
      .map((item) => presentEntry(item, `${epoch}:${item.offset}`, item));
  return {
    async read({ at, before, after, epoch: known, limit = PAGE }) {
      const time = at === undefined ? at : Number(at);
      const question = { type: 'read', stream, epoch: known, before, after, at: time, limit } as const;
      const { epoch, head, floor, items } = await asks.ask(question, isReadOk);
      const first = items[0]?.offset ?? 0;
      const last = items.at(-1)?.offset ?? 0;
      const [from, to] =
        after !== undefined
          ? [after, last || head]
          : before !== undefined
            ? [first ? first - 1 : floor, Math.min(before - 1, head)]
            : [first ? first - 1 : head, last || head];
      return { epoch, entries: page(items, epoch), from, to, hasOlder: from > floor, hasNewer: to < head };
    },
    async search(query, { before, limit = PAGE } = {}) {
      const question = { type: 'search', stream, query, before, limit } as const;
      const { epoch, items, more } = await asks.ask(question, isSearchOk);
      return { entries: page(items, epoch), more };
    },
    async reach(offset, most = REACH) {
      // No entries for itself: whoever looks has said how many they begin with.
      const close = subscribe(() => {}, { last: 0 });
      try {
        const isShown = () => snapshot().entries.some((entry) => entry.offset === offset);
        await until(() => isShown() || ['live', 'refused'].includes(snapshot().state));
        const begun = snapshot().entries.length;
        for (;;) {
          const { entries, hasOlder, state } = snapshot();
          const first = entries[0]?.offset ?? Number.POSITIVE_INFINITY;
          if (isShown()) return 'here';
          if (first < offset || !hasOlder || state === 'refused') return 'gone';
          const left = most - (entries.length - begun);
          if (left <= 0) return 'far';
          await loadOlder(Math.min(left, 200));
        }
      } finally {
        close();
      }
    },
  };

  function until(isTrue: () => boolean): Promise<void> {
    return new Promise((resolve) => {
      const close = subscribe(look, { last: 0 });
      look();
      function look(): void {
        if (!isTrue()) return;
        resolve();
        // Not within the call that makes it.
        void Promise.resolve().then(() => close());
      }
    });
  }
}
