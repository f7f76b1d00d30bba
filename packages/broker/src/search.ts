// The power to find entries by words. Optional: a broker without it cannot serve channels that say `search`.

import type { Offset, StreamName } from '@trunkline/protocol';
import type { Broker, Entry, StreamState } from './broker.js';
import { isPositiveInteger } from './check-arguments.js';
import { wordsOf } from './words.js';

/** What is looked for. */
export interface SearchQuery {
  /** Top-level members of the payload whose texts are looked at; what is no text says nothing. The broker looks into payloads for this alone. */
  readonly fields: readonly string[];
  /** Words (`wordsOf`), all of which have to occur in an entry, the last one at least as the beginning of a word. Nothing in it has another meaning. */
  readonly text: string;
  /** Only entries before this offset. Default: all. */
  readonly before?: Offset;
  /** Entries at most. */
  readonly limit: number;
  /** As of `PageLimit`. Default: no bound. */
  readonly bytes?: number;
}

/** What a search found. */
export interface SearchPage extends StreamState {
  /** Newest first, each as it is now. */
  readonly entries: readonly Entry[];
  /** There are more, before the last of these. */
  readonly more: boolean;
}

/** The power to find entries by words. */
export interface Search {
  /**
   * Finds entries. Sees every append and amendment that has resolved: nothing that was edited away, deleted or trimmed is found, and nothing is
   * missing. A text without a word finds nothing.
   *
   * A broker may keep an index, which begins with the first search of a stream for these fields. It is brought up to date before a search is
   * answered, in steps that keep nobody else waiting; if that would take long the search is refused, and the work goes on.
   *
   * @throws IndexingError while much is not indexed yet
   * @throws BrokerUnavailableError, WrongKindError
   */
  search(stream: StreamName, query: SearchQuery): Promise<SearchPage>;
}

/** Whether the broker has this power. */
export function canSearch(broker: Broker): broker is Broker & Search {
  return typeof (broker as Partial<Search>).search === 'function';
}

/** @throws TypeError or RangeError when the query can never be right. */
export function checkSearch({ fields, text, before, limit, bytes }: SearchQuery): void {
  if (fields.length === 0 || fields.some((field) => typeof field !== 'string')) {
    throw new TypeError('fields must name at least one member of the payload');
  }
  if (typeof text !== 'string') throw new TypeError('text must be text');
  if (before !== undefined && !(Number.isSafeInteger(before) && before >= 0)) {
    throw new RangeError(`before must be an offset, not ${before}`);
  }
  if (!isPositiveInteger(limit)) throw new RangeError(`limit must be an integer of at least 1, not ${limit}`);
  if (bytes !== undefined && !(bytes >= 0)) throw new RangeError(`bytes must be at least 0, not ${bytes}`);
}

/** The words of the named members of a payload, each once. */
export function wordsIn(data: string, fields: readonly string[]): string[] {
  // Most payloads of other kinds are told apart by their first character.
  if (!data.startsWith('{')) return [];
  const value = JSON.parse(data) as Readonly<Record<string, unknown>>;
  const texts = fields.map((field) => (Object.hasOwn(value, field) ? value[field] : undefined));
  return wordsOf(texts.filter((text) => typeof text === 'string').join(' '));
}

/** Whether an entry with these words is found by those of a query, of which there is at least one. */
export function isFound(words: readonly string[], wanted: readonly string[]): boolean {
  const start = wanted.at(-1) ?? '';
  const has = new Set(words);
  return wanted.slice(0, -1).every((word) => has.has(word)) && words.some((word) => word.startsWith(start));
}
