// A network link that can fail: TCP connections pass through it until it is cut. (A browser's own "offline" leaves open WebSockets open.)

import { once } from 'node:events';
import { connect, createServer, type Server, type Socket } from 'node:net';

export class Link {
  readonly #sockets = new Set<Socket>();
  #targetPort = 0;
  #isCut = false;

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

  restore(): void {
    this.#isCut = false;
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
    for (const [from, to] of [
      [near, far],
      [far, near],
    ] as const) {
      this.#sockets.add(from);
      from.on('data', (bytes) => to.write(bytes));
      from.on('end', () => to.end());
      from.on('error', () => to.destroy());
      from.on('close', () => {
        this.#sockets.delete(from);
        to.destroy();
      });
    }
  }
}
