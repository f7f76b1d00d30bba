// A WebSocket client that records, and waits for events instead of time.

import { once } from 'node:events';
import { connect as connectTcp, type Socket } from 'node:net';
import type { ClientMessage, ServerMessage } from '@trunkline/protocol';
import { connect, type NodeSocket } from '@trunkline/websocket';

export interface Closed {
  readonly code: number;
  readonly reason: string;
  readonly wasClean: boolean;
}

export class Dialled {
  readonly messages: ServerMessage[] = [];
  readonly closed: Promise<Closed>;
  readonly opened: Promise<void>;
  readonly socket: NodeSocket<unknown>;
  #waiting: { readonly is: (message: ServerMessage) => boolean; readonly found: (message: ServerMessage) => void }[] =
    [];
  #ids = 0;

  constructor(
    url: string,
    options: { headers?: Record<string, string>; protocols?: string[]; maxMessageBytes?: number } = {},
  ) {
    let onOpen = () => {};
    let onClose: (closed: Closed) => void = () => {};
    this.opened = new Promise((resolve) => {
      onOpen = resolve;
    });
    this.closed = new Promise((resolve) => {
      onClose = resolve;
    });
    this.socket = connect(`${url.replace('http', 'ws')}`, {
      ...(options.headers === undefined ? {} : { headers: options.headers }),
      protocols: options.protocols ?? ['trunkline.v1.json'],
      handler: {
        open: () => onOpen(),
        message: (_, data) => this.#heard(String(data)),
        error: () => {},
        close: (_, code, reason, wasClean) => onClose({ code, reason, wasClean }),
      },
    });
  }

  say(...messages: readonly (ClientMessage | string)[]): void {
    this.socket.send(messages.map((one) => (typeof one === 'string' ? one : JSON.stringify(one))).join('\n'));
  }

  /** The first message, past or to come, for which `is` holds. */
  async next<M extends ServerMessage>(is: (message: ServerMessage) => message is M): Promise<M>;
  async next(is: (message: ServerMessage) => boolean): Promise<ServerMessage>;
  next(is: (message: ServerMessage) => boolean): Promise<ServerMessage> {
    const known = this.messages.find(is);
    if (known !== undefined) return Promise.resolve(known);
    return new Promise((found) => this.#waiting.push({ is, found }));
  }
  type<T extends ServerMessage['type']>(type: T): Promise<Extract<ServerMessage, { type: T }>> {
    return this.next((message): message is Extract<ServerMessage, { type: T }> => message.type === type);
  }

  /** Sends a request and waits for its answer. */
  async ask(request: object): Promise<ServerMessage> {
    this.#ids += 1;
    const id = this.#ids;
    this.say({ ...request, id } as ClientMessage);
    return this.next((message) => 'id' in message && message.id === id);
  }

  #heard(text: string): void {
    for (const line of text.split('\n')) {
      const message = JSON.parse(line) as ServerMessage;
      this.messages.push(message);
      this.#waiting = this.#waiting.filter(({ is, found }) => {
        if (!is(message)) return true;
        found(message);
        return false;
      });
    }
  }
}

/** A connection that said hello and was let in. */
export async function enter(url: string, token = 'ada'): Promise<Dialled> {
  const dialled = new Dialled(`${url}/line`);
  await dialled.opened;
  dialled.say({ type: 'hello', version: 1, token });
  await dialled.type('welcome');
  return dialled;
}

/** A plain TCP connection. That the server resets it is an end like any other: nobody hears an `error`. */
export function dialTcp(port: number, options: { allowHalfOpen?: boolean } = {}): Socket {
  return connectTcp({ port, host: '127.0.0.1', ...options }).on('error', () => {});
}

/** A plain TCP connection after the WebSocket handshake: what follows is up to the test. */
export async function rawLine(port: number): Promise<Socket> {
  const socket = dialTcp(port);
  await once(socket, 'connect');
  socket.write(
    `GET /line HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n` +
      'Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n',
  );
  const [head] = (await once(socket, 'data')) as [Buffer];
  if (!head.toString('latin1').startsWith('HTTP/1.1 101')) throw new Error(`no upgrade: ${head}`);
  return socket;
}

/** A client's text frame, with a mask of zeros. */
export function frame(text: string, opcode = 1): Buffer {
  const payload = Buffer.from(text);
  const size = payload.length;
  const length =
    size < 126
      ? [0x80 | size]
      : size < 65_536
        ? [0x80 | 126, size >> 8, size & 255]
        : [0x80 | 127, 0, 0, 0, 0, size >>> 24, (size >> 16) & 255, (size >> 8) & 255, size & 255];
  return Buffer.concat([Buffer.from([0x80 | opcode, ...length, 0, 0, 0, 0]), payload]);
}
