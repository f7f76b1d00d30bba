// A network link that can fail: TCP connections pass through it until it is cut. (A browser's own "offline" leaves open WebSockets open.)

import { once } from 'node:events';
import { connect, createServer, type Server, type Socket } from 'node:net';

interface Pair {
  readonly sockets: readonly [near: Socket, far: Socket];
  isWebSocket: boolean;
  isSwallowed: boolean;
  isMuted: boolean;
}

export class Link {
  readonly #sockets = new Set<Socket>();
  readonly #pairs = new Set<Pair>();
  #targetPort = 0;
  #isCut = false;
  #isMute = false;

  private constructor(
    readonly port: number,
    readonly server: Server,
  ) {}

  static async to(targetPort: number): Promise<Link> {
    const server = createServer({ pauseOnConnect: false });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const address = server.address();
    if (address === null || typeof address === 'string') throw new Error('no port');
    const link = new Link(address.port, server);
    link.turnTo(targetPort);
    server.on('connection', (near) => link.#join(near, link.#targetPort));
    return link;
  }

  /** New connections go there from now on; those that stand stay where they are, as behind a load balancer. */
  turnTo(targetPort: number): void {
    this.#targetPort = targetPort;
  }

  get url(): string {
    return `http://localhost:${this.port}`;
  }

  /** Breaks every connection and refuses new ones. */
  cut(): void {
    this.#isCut = true;
    for (const socket of this.#sockets) socket.resetAndDestroy();
  }

  /**
   * Half-open: the WebSockets that stand go nowhere from now on, and neither end hears of it, as when a router forgot them. Plain
   * connections are closed, as browsers do with idle ones when the computer goes to sleep. New ones pass.
   */
  swallow(): void {
    for (const pair of this.#pairs) {
      if (pair.isWebSocket) pair.isSwallowed = true;
      else for (const socket of pair.sockets) socket.resetAndDestroy();
    }
  }

  /** What a page says on its WebSockets still arrives, what it is told on them does not: answers are lost on the way. So it is with later ones. */
  mute(): void {
    this.#isMute = true;
    for (const pair of this.#pairs) pair.isMuted = pair.isWebSocket;
  }

  restore(): void {
    this.#isCut = false;
    this.#isMute = false;
  }

  async close(): Promise<void> {
    this.cut();
    this.server.close();
    await once(this.server, 'close');
  }

  #join(near: Socket, targetPort: number): void {
    if (this.#isCut) {
      near.resetAndDestroy();
      return;
    }
    const far = connect(targetPort, '127.0.0.1');
    const pair: Pair = { sockets: [near, far], isWebSocket: false, isSwallowed: false, isMuted: false };
    this.#pairs.add(pair);
    near.once('data', (bytes) => {
      pair.isWebSocket = bytes.subarray(0, 9).toString('latin1') === 'GET /line';
      pair.isMuted = this.#isMute && pair.isWebSocket;
    });
    near.on('close', () => this.#pairs.delete(pair));
    for (const [from, to] of [
      [near, far],
      [far, near],
    ] as const) {
      this.#sockets.add(from);
      from.on('data', (bytes) => pair.isSwallowed || (pair.isMuted && from === far) || to.write(bytes));
      from.on('end', () => pair.isSwallowed || to.end());
      from.on('error', () => pair.isSwallowed || to.destroy());
      from.on('close', () => {
        this.#sockets.delete(from);
        if (!pair.isSwallowed) to.destroy();
      });
    }
  }
}
