// What is found by time and by words, on the calling side: apart from how calls travel.

import { checkSearch, checkTime, type Search, type SearchPage, type SearchQuery, type Seek } from '@trunkline/broker';
import type { StreamName } from '@trunkline/protocol';
import { pageOf } from './answers.js';
import { keyText } from './key-text.js';
import type { ReaderCall, SearchCall, SearchDone } from './messages.js';
import { OutboxCalls } from './outbox-calls.js';

export abstract class SearchCalls extends OutboxCalls implements Search {
  /** Reads after what was written to the stream before. Rejects if the broker is closed. */
  protected abstract readingOf(name: StreamName, call: ReaderCall): Promise<unknown>;

  async seek(name: StreamName, at: number): Promise<Seek> {
    checkTime(at);
    return (await this.readingOf(name, { type: 'seek', stream: keyText(name), at })) as Seek;
  }

  async search(name: StreamName, query: SearchQuery): Promise<SearchPage> {
    checkSearch(query);
    const stream = keyText(name);
    const { text, before, limit, bytes } = query;
    const fields = [...query.fields];
    const bounds = { ...(before === undefined ? {} : { before }), ...(bytes === undefined ? {} : { bytes }) };
    const call: SearchCall = { type: 'search', stream, fields, text, limit, ...bounds };
    // Comes to the writing thread behind all that was written before.
    await this.writing({ type: 'index', stream, fields }, name);
    const { more, ...page } = (await this.readingOf(name, call)) as SearchDone;
    return { ...pageOf(page), more };
  }
}
