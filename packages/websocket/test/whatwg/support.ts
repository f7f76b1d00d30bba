/** A TCP server that answers handshakes by hand, and sockets whose events are written down. */
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { type CloseEventFields, upgradeResponse, WebSocket, type WebSocketOptions } from '../../src/index.js';
import { Log, onStop, RawPeer } from '../support/node.js';

interface Answer {
  readonly index?: number;
  readonly protocol?: string;
  /** Bytes behind the answer. */
  readonly more?: Buffer;
}

export class RawServer {
  readonly #peers = new Log<RawPeer>();
  readonly #server = createServer({ allowHalfOpen: true }, (socket: Socket) => this.#peers.add(new RawPeer(socket)));

  static async start(): Promise<RawServer> {
    const raw = new RawServer();
    await new Promise<void>((resolve) => raw.#server.listen(0, '127.0.0.1', resolve));
    onStop(() => new Promise((resolve) => raw.#server.close(resolve)));
    return raw;
  }

  get url(): string {
    return `ws://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  /** The next connection's request. */
  async request(index = 0): Promise<{ peer: RawPeer; text: string; key: string }> {
    const peer = (await this.#peers.count(index + 1))[index] as RawPeer;
    const text = await peer.head();
    return { peer, text, key: /Sec-WebSocket-Key: (.*)\r\n/.exec(text)?.[1] ?? '' };
  }

  /** Answers the request as it should be, and sends more bytes along. */
  async accept({ index = 0, protocol = '', more = Buffer.alloc(0) }: Answer = {}): Promise<RawPeer> {
    const { peer, key } = await this.request(index);
    return peer.send(Buffer.concat([Buffer.from(upgradeResponse(key, protocol)), more]));
  }
}

export type Seen =
  | { readonly type: 'open' | 'error'; readonly event: Event }
  | { readonly type: 'message'; readonly event: MessageEvent }
  | { readonly type: 'close'; readonly event: CloseEventFields };

export class Watched {
  readonly seen = new Log<Seen>();

  constructor(readonly socket: WebSocket) {
    socket.addEventListener('open', (event) => this.seen.add({ type: 'open', event }));
    socket.addEventListener('message', (event) => this.seen.add({ type: 'message', event }));
    socket.addEventListener('error', (event) => this.seen.add({ type: 'error', event }));
    socket.addEventListener('close', (event) => this.seen.add({ type: 'close', event }));
    onStop(() => socket.close());
  }

  get types(): string[] {
    return this.seen.items.map(({ type }) => type);
  }

  get data(): unknown[] {
    return this.seen.items.flatMap((item) => (item.type === 'message' ? [item.event.data] : []));
  }

  async opened(): Promise<WebSocket> {
    await this.seen.until(({ type }) => type === 'open');
    return this.socket;
  }

  async received(count: number): Promise<unknown[]> {
    await this.seen.until(() => this.data.length >= count);
    return this.data;
  }

  /** How it ended, as the close event says. */
  async closed(): Promise<{ code: number; reason: string; wasClean: boolean }> {
    const { code, reason, wasClean } = await this.closeEvent();
    return { code, reason, wasClean };
  }

  async closeEvent(): Promise<CloseEventFields> {
    const { event } = await this.seen.until((item): item is Seen & { type: 'close' } => item.type === 'close');
    return event;
  }
}

export function watch(url: string, protocols: string | string[] = [], options: WebSocketOptions = {}): Watched {
  return new Watched(new WebSocket(url, protocols, options));
}

/** The name of the DOMException that a call throws. */
export function thrown(run: () => unknown): string {
  try {
    run();
  } catch (error) {
    return error instanceof DOMException ? error.name : `not a DOMException: ${String(error)}`;
  }
  return 'nothing';
}
