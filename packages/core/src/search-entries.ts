// `search`: entries of a log by words, for channels that say in what.

import { type Broker, canSearch, IndexingError, wordsOf } from '@trunkline/broker';
import {
  MAX_FOUND,
  MAX_QUERY_LENGTH,
  MAX_QUERY_WORDS,
  type Offset,
  type Search,
  type StreamName,
  TrunklineError,
} from '@trunkline/protocol';
import { type Identity, resolveStream, type StreamTarget } from './app.js';
import { callBroker } from './broker-call.js';
import type { Log } from './ports.js';
import { answerPage, type EntriesPage, fittingItems, PAGE_BYTES, pageText } from './read-page.js';
import type { Session } from './session.js';

/** What is looked for. */
export interface SearchRequest {
  readonly query: string;
  /** Only entries before it. Default: all. */
  readonly before?: Offset;
  readonly limit: number;
}

/** Newest first. */
export interface FoundPage extends EntriesPage {
  /** There are more, before the last of these. */
  readonly more: boolean;
}

/** Rejects as `answerRead` does. */
export async function answerSearch<Request>(
  session: Session<Request>,
  request: Search,
  asked: Identity,
): Promise<undefined> {
  const { broker, log, app } = session.engine;
  const target = resolveStream(app, request.stream);
  const fields = searchedIn(target.channel, request);
  return answerPage(session, request.id, target, 'search', asked, async () =>
    foundText(await searchEntries(broker, log, target.name, fields, request)),
  );
}

/** The members of an answer, as JSON without its braces. */
export function foundText(page: FoundPage): string {
  return `${pageText(page)},"more":${page.more}`;
}

/**
 * The members that the channel is searched in.
 * @throws TrunklineError `invalid` (a table, the limit), `forbidden` if it is not searched, `too_large`.
 */
export function searchedIn(channel: StreamTarget['channel'], { query, limit }: SearchRequest): readonly string[] {
  if (channel.kind !== 'log') throw new TrunklineError('invalid', 'this is a table: it has no entries to search');
  if (channel.search === undefined) throw new TrunklineError('forbidden', 'this channel cannot be searched');
  if (limit > MAX_FOUND) {
    throw new TrunklineError('invalid', `limit is ${limit}, at most ${MAX_FOUND} are allowed`);
  }
  if (query.length > MAX_QUERY_LENGTH) {
    throw new TrunklineError(
      'too_large',
      `the query has ${query.length} characters, at most ${MAX_QUERY_LENGTH} are allowed`,
    );
  }
  const words = wordsOf(query).length;
  if (words > MAX_QUERY_WORDS) {
    throw new TrunklineError('too_large', `the query has ${words} words, at most ${MAX_QUERY_WORDS} are allowed`);
  }
  return channel.search;
}

/** Rejects with TrunklineError `unavailable`, `internal`. */
export async function searchEntries(
  broker: Broker,
  log: Log,
  stream: StreamName,
  fields: readonly string[],
  { query, before, limit }: SearchRequest,
): Promise<FoundPage> {
  if (!canSearch(broker)) {
    log.error({ stream }, 'the channel says search, and the broker cannot search');
    throw new TrunklineError('internal', "this server's store cannot search; the server's log says so too");
  }
  const asked = { fields, text: query, limit, bytes: PAGE_BYTES, ...(before === undefined ? {} : { before }) };
  const found = broker.search(stream, asked).catch((error: unknown) => {
    if (!(error instanceof IndexingError)) throw error;
    const text = `${error.left} entries are not indexed yet: ask again`;
    throw new TrunklineError('unavailable', text, { afterMs: 1_000, cause: error });
  });
  const page = await found.catch((error: unknown) => {
    if (error instanceof TrunklineError) throw error;
    return callBroker<never>(log, Promise.reject(error));
  });
  const { epoch, offset: head, floor, entries } = page;
  const items = fittingItems(entries);
  return { epoch, head, floor, items, more: page.more || items.length < entries.length };
}
