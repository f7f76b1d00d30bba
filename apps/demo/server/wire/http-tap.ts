// What a client asks over HTTP, for the Wire: Node tells of each request and of its answer's end. What belongs to a client says so in
// a header; everything else is not looked at.

import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { WIRE_TAB_HEADER } from '../../shared/wire.js';
import { PREVIEW_BYTES, type SeenExchange } from './ring.js';
import { isTabId, nowMs, type WireTabs } from './tabs.js';

const START = 'http.server.request.start';
const FINISH = 'http.server.response.finish';

interface Message {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly socket: Socket;
}

interface Watched {
  readonly tab: string;
  readonly atMs: number;
  readonly writtenBefore: number;
  readonly requestBody: Sample;
  readonly answer: Sample;
}

export class HttpTap {
  readonly #tabs: WireTabs;
  readonly #watched = new WeakMap<IncomingMessage, Watched>();

  constructor(tabs: WireTabs) {
    this.#tabs = tabs;
    subscribe(START, this.#started);
    subscribe(FINISH, this.#finished);
  }

  close(): void {
    unsubscribe(START, this.#started);
    unsubscribe(FINISH, this.#finished);
  }

  readonly #started = (message: unknown): void => {
    const { request, socket } = message as Message;
    const tab = request.headers[WIRE_TAB_HEADER];
    if (typeof tab !== 'string' || !isTabId(tab)) return;
    const [requestBody, answer] = [new Sample(), new Sample()];
    this.#watched.set(request, { tab, atMs: nowMs(), writtenBefore: socket.bytesWritten, requestBody, answer });
    // Passed on as they are: nothing else may notice.
    const { push } = request;
    request.push = (chunk, encoding) => {
      if (chunk !== null) requestBody.add(chunk);
      return push.call(request, chunk, encoding);
    };
    const { write } = socket;
    socket.write = (chunk: string | Uint8Array, ...rest: unknown[]) => {
      answer.add(chunk, typeof rest[0] === 'string' ? (rest[0] as BufferEncoding) : undefined);
      return Reflect.apply(write, socket, [chunk, ...rest]);
    };
    answer.done = () => {
      socket.write = write;
    };
  };

  readonly #finished = (message: unknown): void => {
    const { request, response, socket } = message as Message;
    const watched = this.#watched.get(request);
    if (watched === undefined) return;
    this.#watched.delete(request);
    const { tab, atMs, writtenBefore, requestBody, answer } = watched;
    answer.done();
    const requestHead = headOf(`${request.method} ${request.url} HTTP/${request.httpVersion}`, request.rawHeaders);
    const [responseHead = '', ...body] = answer.text.split('\r\n\r\n');
    const exchange: SeenExchange = {
      requestHead,
      responseHead,
      requestBytes: Buffer.byteLength(requestHead) + requestBody.bytes,
      // What compression or chunks add is on the wire too.
      responseBytes: socket.bytesWritten - writtenBefore,
      requestBodyBytes: requestBody.bytes,
      responseBodyBytes: Math.max(0, answer.bytes - Buffer.byteLength(responseHead) - 4),
      requestBody: requestBody.text,
      responseBody: body.join('\r\n\r\n'),
      status: response.statusCode,
      tookMs: nowMs() - atMs,
    };
    this.#tabs.ring(tab).exchange(exchange, atMs);
  };
}

/** The beginning of what passed, and how much it was. */
class Sample {
  bytes = 0;
  done: () => void = () => {};
  readonly #parts: Buffer[] = [];
  #kept = 0;

  get text(): string {
    return new TextDecoder().decode(Buffer.concat(this.#parts), { stream: this.#kept < this.bytes });
  }

  add(chunk: string | Uint8Array, encoding?: BufferEncoding): void {
    const bytes = typeof chunk === 'string' ? Buffer.from(chunk, encoding) : chunk;
    this.bytes += bytes.length;
    if (this.#kept >= PREVIEW_BYTES) return;
    const part = Buffer.from(bytes.subarray(0, PREVIEW_BYTES - this.#kept));
    this.#parts.push(part);
    this.#kept += part.length;
  }
}

/** A head as it was on the wire, with the empty line at its end. */
function headOf(first: string, rawHeaders: readonly string[]): string {
  let head = `${first}\r\n`;
  for (let index = 0; index < rawHeaders.length; index += 2)
    head += `${rawHeaders[index]}: ${rawHeaders[index + 1]}\r\n`;
  return `${head}\r\n`;
}
