// The plain HTTP side of a port that closes. Node's own `close` ends at once what is idle between two requests, so that a load
// balancer's standing connection would never learn why; and what has never asked anything (browsers open such connections to be
// quick) holds it open for ever. Here the port stops listening first, and its connections end when their time has come.

import type { Server as HttpServer } from 'node:http';
import { Server as NetServer } from 'node:net';

export class HttpSide {
  /** Requests that are not answered yet. */
  #open = 0;
  #isClosing = false;
  #idle: (() => void) | null = null;

  constructor(private readonly server: HttpServer) {
    // Before the handler, which may answer at once.
    server.prependListener('request', (_, response) => {
      this.#open += 1;
      // Whoever holds a connection that stands gets no further answer on it, and goes elsewhere.
      if (this.#isClosing) response.setHeader('connection', 'close');
      response.once('close', () => {
        this.#open -= 1;
        if (this.#open === 0) this.#idle?.();
      });
    });
  }

  /** The port is free for another process. Connections that stand go on. @returns resolves when the last one has ended. */
  stopListening(): Promise<void> {
    this.#isClosing = true;
    return new Promise((resolve) => {
      NetServer.prototype.close.call(this.server, () => resolve());
    });
  }

  /** Waits for the requests that are not answered, at most `deadlineMs`, then ends every connection that is not a WebSocket. */
  async end(deadlineMs: number): Promise<void> {
    if (this.#open > 0 && deadlineMs > 0) {
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, deadlineMs);
        this.#idle = () => {
          clearTimeout(timer);
          resolve();
        };
      });
    }
    this.server.closeAllConnections();
    // Only now, as it would have ended idle connections: stops Node's search for requests that are late.
    this.server.close();
  }
}
