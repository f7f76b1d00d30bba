// GET /wire?tab=ID: the events of one client as Server-Sent Events. The reader is a cursor over the client's ring: it gets what
// is new at most 30 times a second, nothing while its socket is full, and after a reconnect goes on from there.

import type { IncomingMessage, ServerResponse } from 'node:http';
import { isSameOrigin, sendJson } from '../http.js';
import type { WireRing } from './ring.js';
import { tabIds, type WireTabs } from './tabs.js';

const BATCH_MS = 34;
// Keeps proxies from taking a quiet stream for a dead one.
const COMMENT_MS = 20_000;
const READERS_MAX = 4;

export class WireRoute {
  readonly #readers = new Set<ServerResponse>();

  constructor(readonly tabs: WireTabs) {}

  answer(request: IncomingMessage, response: ServerResponse): void {
    const [id, ...others] = tabIds(request.url ?? '');
    if (id === undefined || others.length > 0) {
      sendJson(response, 400, { problem: 'Name the client: /wire?tab= and 32 hexadecimal digits.' });
      return;
    }
    if (!isSameOrigin(request)) {
      sendJson(response, 403, { problem: 'The wire is shown to the pages of this server only.' });
      return;
    }
    const ring = this.tabs.ring(id);
    if (ring.listeners >= READERS_MAX) {
      sendJson(response, 429, { problem: 'Too many readers of this client.' });
      return;
    }
    response.writeHead(200, {
      'Content-Type': 'text/event-stream; charset=utf-8',
      'Cache-Control': 'no-store',
      'X-Accel-Buffering': 'no',
      'X-Content-Type-Options': 'nosniff',
    });
    this.#read(ring, this.#resumeFrom(request), response);
  }

  /** Ends all readers. */
  close(): void {
    for (const response of this.#readers) response.end();
  }

  /** From `Last-Event-ID`, which a browser sends when it reconnects, or from `after`, which the page sends when it does. */
  #resumeFrom(request: IncomingMessage): number {
    const header = request.headers['last-event-id'];
    const after = new URL(request.url ?? '/', 'http://localhost').searchParams.get('after');
    const [boot, n] = (typeof header === 'string' ? header : after)?.split(':') ?? [];
    return boot === this.tabs.boot && /^\d{1,15}$/.test(n ?? '') ? Number(n) : 0;
  }

  #read(ring: WireRing, from: number, response: ServerResponse): void {
    let sent = from;
    let timer: NodeJS.Timeout | undefined;

    const send = () => {
      timer = undefined;
      if (response.writableNeedDrain) return;
      const batch = this.tabs.batch(ring, sent);
      sent = ring.head;
      response.write(`id: ${this.tabs.boot}:${sent}\ndata: ${JSON.stringify(batch)}\n\n`);
    };
    const soon = () => {
      timer ??= setTimeout(send, BATCH_MS);
    };
    const unlisten = ring.listen(soon);
    const comment = setInterval(() => {
      if (!response.writableNeedDrain) response.write(': \n\n');
    }, COMMENT_MS);
    response.on('drain', soon);
    response.on('close', () => {
      unlisten();
      clearTimeout(timer);
      clearInterval(comment);
      this.#readers.delete(response);
    });
    this.#readers.add(response);
    response.write('retry: 1000\n\n');
    send();
  }
}
