/** A WebSocket client on HTTP/2 (RFC 8441), just enough to test a server with. */
import {
  type ClientHttp2Session,
  type ClientHttp2Stream,
  connect,
  type IncomingHttpHeaders,
  type OutgoingHttpHeaders,
} from 'node:http2';
import { Log, onStop } from './node.js';
import { TEST_CERTIFICATE } from './test-certificate.js';
import { type ParsedFrame, parseFrames } from './wire.js';

/** A session whose first settings are there. */
export async function session(url: string): Promise<ClientHttp2Session> {
  const made = connect(url, { ca: TEST_CERTIFICATE });
  made.on('error', () => {});
  onStop(() => made.destroy());
  await new Promise((resolve) => made.once('remoteSettings', resolve));
  return made;
}

export class H2Peer {
  readonly #changed = new Log<null>();
  #received: Buffer = Buffer.alloc(0);
  hasEnded = false;
  isClosed = false;
  headers: IncomingHttpHeaders | null = null;

  constructor(readonly stream: ClientHttp2Stream) {
    const changed = (): void => this.#changed.add(null);
    stream.on('response', (headers) => {
      this.headers = headers;
      changed();
    });
    stream.on('data', (chunk: Buffer) => {
      this.#received = Buffer.concat([this.#received, chunk]);
      changed();
    });
    stream.on('end', () => {
      this.hasEnded = true;
      changed();
    });
    stream.on('error', () => {});
    stream.on('close', () => {
      this.isClosed = true;
      changed();
    });
  }

  static ask(on: ClientHttp2Session, path = '/', fields: OutgoingHttpHeaders = {}): H2Peer {
    const request: OutgoingHttpHeaders = {
      ':method': 'CONNECT',
      ':protocol': 'websocket',
      ':scheme': 'https',
      ':path': path,
      ':authority': 'localhost',
      'sec-websocket-version': '13',
      ...fields,
    };
    const given = Object.entries(request).filter(([, value]) => value !== undefined);
    return new H2Peer(on.request(Object.fromEntries(given), { endStream: false }));
  }

  /** Asks, and waits for the answer. */
  static async open(on: ClientHttp2Session, path = '/', fields: OutgoingHttpHeaders = {}): Promise<H2Peer> {
    const peer = H2Peer.ask(on, path, fields);
    await peer.until(() => peer.headers !== null || peer.isClosed);
    return peer;
  }

  get status(): number | undefined {
    const status = this.headers?.[':status'];
    return status === undefined ? undefined : Number(status);
  }

  get text(): string {
    return this.#received.toString();
  }

  get frames(): ParsedFrame[] {
    return parseFrames(this.#received).frames;
  }

  until(done: () => boolean): Promise<unknown> {
    return done() ? Promise.resolve() : this.#changed.until(done);
  }

  async framesUntil(count: number): Promise<ParsedFrame[]> {
    await this.until(() => this.frames.length >= count);
    return this.frames;
  }

  send(bytes: Uint8Array): this {
    this.stream.write(bytes);
    return this;
  }
}
