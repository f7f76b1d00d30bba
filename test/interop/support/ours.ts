/**
 * Our engine as an echo server and as a client. The server obeys, in a text: `!close CODE REASON`, `!close`, `!abort`,
 * `!ping PAYLOAD`; the echo servers that are not ours know the same words.
 */
import { createServer, type Server } from 'node:http';
import { createSecureServer, type Http2SecureServer } from 'node:http2';
import { createServer as createHttpsServer, type Server as HttpsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import {
  type ConnectOptions,
  connect,
  createWebSocketServer,
  type NodeSocket,
  type WebSocketServerOptions,
} from '@trunkline/websocket';
import { TEST_CERTIFICATE, TEST_KEY } from '../../../packages/websocket/test/support/test-certificate.js';
import { onStop } from './cleanup.js';
import { Inbox } from './inbox.js';
import type { EchoPeer, Message } from './samples.js';

export interface Closed {
  readonly code: number;
  readonly reason: string;
  readonly wasClean: boolean;
}

/** HTTP/1.1, the same over TLS, or TLS with HTTP/2 and HTTP/1.1. */
export type Kind = 'http' | 'https' | 'http2';

export interface EchoServer {
  readonly port: number;
  /** Where it is, for `fetch` and for `WebSocket`. */
  readonly page: string;
  readonly url: string;
  /** The handshakes that Node saw: `upgrade` of HTTP/1.1, or `stream` of HTTP/2. */
  readonly handshakes: string[];
  readonly opened: Inbox<NodeSocket<unknown>>;
  readonly closed: Inbox<Closed>;
  readonly pongs: Inbox<string>;
}

type EchoOptions = Omit<WebSocketServerOptions, 'handler'> & { readonly kind?: Kind };

const CERTIFICATE = { cert: TEST_CERTIFICATE, key: TEST_KEY };
const PAGE = '<!doctype html><title>Interop</title>';

export async function startEcho({ kind = 'http', ...options }: EchoOptions = {}): Promise<EchoServer> {
  const http = makeServer(kind);
  const opened = new Inbox<NodeSocket<unknown>>();
  const closed = new Inbox<Closed>();
  const pongs = new Inbox<string>();
  const server = createWebSocketServer({
    ...options,
    handler: {
      open: (socket) => opened.add(socket),
      message: echoOrObey,
      pong: (_socket, payload) => pongs.add(Buffer.from(payload).toString()),
      close: (_socket, code, reason, wasClean) => closed.add({ code, reason, wasClean }),
    },
  });
  server.attach(http);
  const handshakes: string[] = [];
  http.on('upgrade', () => handshakes.push('upgrade'));
  http.on('stream', (_stream: unknown, headers: Record<string, unknown>) => {
    if (headers[':protocol'] === 'websocket') handshakes.push('stream');
  });
  http.listen(0, '127.0.0.1');
  await new Promise((resolve) => http.once('listening', resolve));
  onStop(async () => {
    await server.drain({ deadlineMs: 0 });
    await new Promise((resolve) => {
      http.close(resolve);
      if ('closeAllConnections' in http) http.closeAllConnections();
    });
  });
  const { port } = http.address() as AddressInfo;
  const address = `${kind === 'http' ? '127.0.0.1' : 'localhost'}:${port}/`;
  const s = kind === 'http' ? '' : 's';
  return { port, page: `http${s}://${address}`, url: `ws${s}://${address}`, handshakes, opened, closed, pongs };
}

function makeServer(kind: Kind): Server | HttpsServer | Http2SecureServer {
  const answer = (
    _request: unknown,
    response: { setHeader(name: string, value: string): void; end(body: string): void },
  ) => {
    response.setHeader('content-type', 'text/html');
    response.end(PAGE);
  };
  if (kind === 'http') return createServer(answer);
  if (kind === 'https') return createHttpsServer(CERTIFICATE, answer);
  const server = createSecureServer({ ...CERTIFICATE, allowHTTP1: true }, answer);
  server.on('session', (session) => onStop(() => session.destroy()));
  return server;
}

function echoOrObey(socket: NodeSocket<unknown>, data: Message): void {
  if (typeof data !== 'string' || !data.startsWith('!')) {
    socket.send(data);
    return;
  }
  const [command, first, ...rest] = data.split(' ');
  if (command === '!ping') socket.ping(Buffer.from(first ?? ''));
  else if (command === '!abort') socket.abort();
  else if (first === undefined) socket.close(null);
  else socket.close(Number(first), rest.join(' '));
}

export interface OurClient extends EchoPeer {
  readonly socket: NodeSocket<unknown>;
  readonly closed: Inbox<Closed>;
  readonly pings: Inbox<string>;
  readonly pongs: Inbox<string>;
}

/** Our client, when it is open. */
export async function openOurs(url: string, options: Omit<ConnectOptions, 'handler'> = {}): Promise<OurClient> {
  const messages = new Inbox<Message>();
  const closed = new Inbox<Closed>();
  const pings = new Inbox<string>();
  const pongs = new Inbox<string>();
  const socket = await new Promise<NodeSocket<unknown>>((resolve, reject) => {
    connect(url, {
      ...options,
      handler: {
        open: resolve,
        message: (_socket, data) => messages.add(data),
        ping: (_socket, payload) => pings.add(Buffer.from(payload).toString()),
        pong: (_socket, payload) => pongs.add(Buffer.from(payload).toString()),
        error: (_socket, error) => reject(error),
        close: (_socket, code, reason, wasClean) => {
          messages.end(`closed with ${code} ${reason}`);
          closed.add({ code, reason, wasClean });
        },
      },
    });
  });
  onStop(() => socket.abort());
  return { socket, closed, pings, pongs, send: (data) => void socket.send(data), next: () => messages.next() };
}
