// `read`: a page of history for someone who scrolls.

import {
  type Broker,
  BrokerUnavailableError,
  type Entry,
  type Page,
  UnrecoverablePositionError,
} from '@trunkline/broker';
import { type Epoch, type Offset, type Read, type StreamName, TrunklineError } from '@trunkline/protocol';
import { mayUse } from './access.js';
import { type Identity, resolveStream, type StreamTarget } from './app.js';
import type { Session } from './session.js';
import { encodeItem } from './slice.js';

/** Bytes of one answer: a page ends early rather than exceed them, and the reader asks on from there. */
export const PAGE_BYTES = 65_536;

/**
 * Answers by itself, so that nothing can come between the last look at the user's rights and the page. Rejects with a TrunklineError:
 * what `readEntries` says, or `invalid`, `unknown_channel`, `forbidden`, `internal`.
 */
export async function answerRead<Request>(
  session: Session<Request>,
  request: Read,
  asked: Identity,
): Promise<undefined> {
  const { engine } = session;
  const target = resolveStream(engine.app, request.stream);
  if (target.channel.kind !== 'log') throw new TrunklineError('invalid', 'this is a table: subscribe to it');
  const { maxPageEntries } = engine.limits;
  if (request.limit > maxPageEntries) {
    throw new TrunklineError('invalid', `limit is ${request.limit}, at most ${maxPageEntries} are allowed`);
  }
  return answerPage(session, request.id, target, 'read', asked, async () =>
    pageText(await readEntries(engine.broker, target.name, request)),
  );
}

/** Answers with what `page` gives, while the user may do that. */
export async function answerPage<Request>(
  session: Session<Request>,
  id: number,
  target: StreamTarget,
  action: 'read' | 'search',
  asked: Identity,
  page: () => Promise<string>,
): Promise<undefined> {
  for (;;) {
    const { rights } = session;
    if (!(await mayUse(session.engine, target, session.identity ?? asked, action))) {
      throw new TrunklineError('forbidden', `you may not ${action} this`);
    }
    const text = await page();
    // Refreshed or revoked meanwhile: the rule is asked again.
    if (session.rights !== rights) continue;
    if (!session.isOver()) session.outflow.send(`{"type":"ok","id":${id},${text}}`);
    return undefined;
  }
}

/** Which entries. */
export type EntriesRequest = Pick<Read, 'epoch' | 'before' | 'after' | 'at' | 'limit'>;

/** A page of a log. */
export interface EntriesPage {
  readonly epoch: Epoch | null;
  readonly head: Offset;
  readonly floor: Offset;
  /** As JSON: entries are stored so, and go out without being parsed. */
  readonly items: readonly string[];
}

/** The members of an answer, as JSON without its braces. */
export function pageText({ epoch, head, floor, items }: EntriesPage): string {
  return `"epoch":${JSON.stringify(epoch)},"head":${head},"floor":${floor},"items":[${items.join(',')}]`;
}

/**
 * The newest entries before an offset (default: the newest of all), or the oldest after one, or since a time.
 * @throws TrunklineError `conflict` if the history is another than the reader's epoch, `not_found` if entries after the position
 * were trimmed, `unavailable`.
 */
export async function readEntries(broker: Broker, stream: StreamName, request: EntriesRequest): Promise<EntriesPage> {
  // Who reads backwards has each entry as it is now: records would be no news.
  const limit = { entries: request.limit, bytes: PAGE_BYTES, entriesOnly: request.after === undefined };
  let page: Page;
  try {
    if (request.at !== undefined) {
      const { from, epoch } = await broker.seek(stream, request.at);
      page = await broker.read(stream, { epoch, offset: from }, limit);
    } else if (request.after === undefined) page = await broker.readBack(stream, request.before, limit);
    else {
      const epoch = request.epoch ?? (await broker.readBack(stream, undefined, { entries: 1, bytes: 0 })).epoch;
      page = await broker.read(stream, { epoch, offset: request.after }, limit);
    }
  } catch (error) {
    if (error instanceof UnrecoverablePositionError) {
      if (error.reason === 'trimmed') {
        throw new TrunklineError('not_found', `entries up to ${error.oldest.offset} are no longer kept`, {
          cause: error,
        });
      }
      throw otherEpoch();
    }
    if (error instanceof BrokerUnavailableError) {
      throw new TrunklineError('unavailable', 'the store cannot be reached: ask again', {
        afterMs: 1_000,
        cause: error,
      });
    }
    throw error;
  }
  if (request.epoch !== undefined && request.epoch !== page.epoch) throw otherEpoch();
  const { epoch, offset: head, floor } = page;
  return { epoch, head, floor, items: inOrder(page, request.after !== undefined || request.at !== undefined) };
}

function inOrder({ entries }: Page, isForwards: boolean): string[] {
  return isForwards ? fittingItems(entries) : fittingItems(entries.toReversed()).reverse();
}

/** The first of the items as text, as far as they fit: a broker counts payloads only, and small ones weigh more around them than in them. */
export function fittingItems(entries: readonly Entry[]): string[] {
  const texts: string[] = [];
  let bytes = 0;
  for (const entry of entries) {
    const item = encodeItem(entry);
    bytes += item.bytes;
    if (bytes > PAGE_BYTES && texts.length > 0) break;
    texts.push(item.text);
  }
  return texts;
}

function otherEpoch(): TrunklineError {
  return new TrunklineError('conflict', 'the stream has another history by now: subscribe anew');
}
