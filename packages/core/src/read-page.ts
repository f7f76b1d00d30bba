// `read`: a page of history for someone who scrolls.

import { type Broker, BrokerUnavailableError, type Page, UnrecoverablePositionError } from '@trunkline/broker';
import { type Read, type StreamName, TrunklineError } from '@trunkline/protocol';
import { encodeItem } from './slice.js';

/** Bytes of one answer: a page ends early rather than exceed them, and the reader asks on from there. */
const PAGE_BYTES = 65_536;

/**
 * The answer as text: entries are stored as JSON, and go out without being parsed.
 * @throws TrunklineError `conflict` if the history is another than the reader's epoch, `not_found` if entries after the position
 * were trimmed, `unavailable`.
 */
export async function readPage(broker: Broker, stream: StreamName, request: Read): Promise<string> {
  const limit = { entries: request.limit, bytes: PAGE_BYTES };
  let page: Page;
  try {
    if (request.after === undefined) page = await broker.readBack(stream, request.before, limit);
    else {
      const epoch = request.epoch ?? (await broker.readBack(stream, undefined, { entries: 1 })).epoch;
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
  const { id } = request;
  const items = page.entries.map((entry) => encodeItem(entry).text).join(',');
  const epoch = JSON.stringify(page.epoch);
  return `{"type":"ok","id":${id},"epoch":${epoch},"head":${page.offset},"floor":${page.floor},"items":[${items}]}`;
}

function otherEpoch(): TrunklineError {
  return new TrunklineError('conflict', 'the stream has another history by now: subscribe anew');
}
