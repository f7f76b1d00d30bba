// A server that has tables without rows, and remembers what it is asked. What it answers can be something else for a while.

import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';

export interface Recorded {
  readonly method: string;
  readonly path: string;
  readonly authorization: string | undefined;
  readonly idempotencyKey: string | undefined;
  readonly body: string;
}

/** Instead of the usual answer, which `null` leaves. `drop`: the connection ends without one. */
export type Fault = null | { readonly status: number; readonly headers?: Record<string, string> } | 'drop';

export class RecordingServer {
  readonly requests: Recorded[] = [];
  /** What comes next is answered so, one fault for each request. */
  readonly faults: Fault[] = [];
  connections = 0;
  #waiting: (() => void)[] = [];
  readonly #sockets = new Set<Socket>();
  #server: Server | undefined;
  #port = 0;

  get url(): string {
    return `http://127.0.0.1:${this.#port}`;
  }

  /** Again on the same port, after `stop`. */
  async start(): Promise<void> {
    const server = createServer((request, response) => {
      // Who is gone in the middle of a request has asked for nothing.
      void bodyOf(request).then(
        (body) => this.#answer(request, body, response),
        () => {},
      );
    });
    server.on('connection', (socket) => {
      this.connections += 1;
      this.#sockets.add(socket);
      socket.once('close', () => this.#sockets.delete(socket));
    });
    server.listen(this.#port, '127.0.0.1');
    await once(server, 'listening');
    this.#port = (server.address() as AddressInfo).port;
    this.#server = server;
  }

  async stop(): Promise<void> {
    const server = this.#server;
    if (server === undefined) return;
    this.#server = undefined;
    server.close();
    for (const socket of this.#sockets) socket.destroy();
    await once(server, 'close');
  }

  /** Resolves when so many were asked in all. */
  async asked(count: number): Promise<void> {
    while (this.requests.length < count) await new Promise<void>((resolve) => this.#waiting.push(resolve));
  }

  #answer(request: IncomingMessage, body: string, response: ServerResponse): void {
    this.#note(request, body);
    const fault = this.faults.shift() ?? null;
    if (fault === 'drop') return void response.destroy();
    const answer = fault === null ? usualAnswer(request) : { error: { message: 'as the test says' } };
    response.writeHead(fault?.status ?? 200, { 'content-type': 'application/json', ...fault?.headers });
    response.end(JSON.stringify(answer));
  }

  #note({ method = '', url = '', headers }: IncomingMessage, body: string): void {
    const { authorization } = headers;
    const idempotencyKey = headers['idempotency-key']?.toString();
    this.requests.push({ method, path: url, authorization, idempotencyKey, body });
    for (const tell of this.#waiting.splice(0)) tell();
  }
}

async function bodyOf(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of request as AsyncIterable<Buffer>) chunks.push(chunk);
  return Buffer.concat(chunks).toString();
}

function usualAnswer({ method }: IncomingMessage): unknown {
  if (method === 'GET') return { epoch: null, head: 0, floor: 0, to: 0, rows: [], deleted: [] };
  return { epoch: 'e', offset: 1, at: 1 };
}
