// GET /market/feed: every tick as a line of JSON, to everyone, as fast as it comes. What most servers do, and what the page compares tables with: nothing
// is left out for who reads slowly, so it waits in buffers and grows old there.

import type { IncomingMessage, ServerResponse } from 'node:http';
import type { PlainTick } from '../../shared/market.js';
import { isSameOrigin, sendJson } from '../http.js';

export const PLAIN_READERS_MAX = 20;
/** Bytes that may wait for a reader in this process; with more it is cut off. */
export const PLAIN_BUFFER_BYTES_MAX = 4_194_304;

export class PlainFeed {
  readonly #readers = new Set<ServerResponse>();

  get readers(): number {
    return this.#readers.size;
  }

  answer(request: IncomingMessage, response: ServerResponse): void {
    if (request.method !== 'GET') {
      response.setHeader('Allow', 'GET');
      return sendJson(response, 405, { problem: 'The feed can only be read.' });
    }
    if (!isSameOrigin(request)) {
      return sendJson(response, 403, { problem: 'The feed is for the pages of this server only.' });
    }
    if (this.#readers.size >= PLAIN_READERS_MAX) {
      response.setHeader('Retry-After', 10);
      return sendJson(response, 503, { problem: 'Too many readers follow the plain feed. Try again in a moment.' });
    }
    response.writeHead(200, {
      'Content-Type': 'application/x-ndjson; charset=utf-8',
      'Cache-Control': 'no-store',
      'X-Accel-Buffering': 'no',
      'X-Content-Type-Options': 'nosniff',
    });
    response.flushHeaders();
    this.#readers.add(response);
    response.on('close', () => this.#readers.delete(response));
  }

  send(tick: PlainTick): void {
    if (this.#readers.size === 0) return;
    const line = `${JSON.stringify(tick)}\n`;
    for (const reader of this.#readers) {
      if (reader.writableLength > PLAIN_BUFFER_BYTES_MAX) reader.destroy();
      else reader.write(line);
    }
  }

  /** Ends all readers. */
  close(): void {
    for (const reader of this.#readers) reader.end();
  }
}
