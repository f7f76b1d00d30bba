// The package `ws` as an echo server that obeys the same words as ours, and as a client.

import type { AddressInfo } from 'node:net';
import { type ClientOptions, type RawData, WebSocket, WebSocketServer } from 'ws';
import { onStop } from './cleanup.js';
import { Inbox } from './inbox.js';
import type { Closed } from './ours.js';
import type { EchoPeer, Message } from './samples.js';

export interface WsServer {
  readonly url: string;
  readonly opened: Inbox<WebSocket>;
  readonly closed: Inbox<Omit<Closed, 'wasClean'>>;
}

export async function startWs(options: ConstructorParameters<typeof WebSocketServer>[0] = {}): Promise<WsServer> {
  const opened = new Inbox<WebSocket>();
  const closed = new Inbox<Omit<Closed, 'wasClean'>>();
  const server = new WebSocketServer({ ...options, host: '127.0.0.1', port: 0 });
  server.on('connection', (socket) => {
    opened.add(socket);
    socket.on('error', () => {});
    socket.on('message', (data, isBinary) => echoOrObey(socket, messageOf(data, isBinary)));
    socket.on('close', (code, reason) => closed.add({ code, reason: reason.toString() }));
  });
  await new Promise((resolve) => server.once('listening', resolve));
  onStop(async () => {
    for (const socket of server.clients) socket.terminate();
    await new Promise((resolve) => server.close(resolve));
  });
  const { port } = server.address() as AddressInfo;
  return { url: `ws://127.0.0.1:${port}/`, opened, closed };
}

function echoOrObey(socket: WebSocket, data: Message): void {
  if (typeof data !== 'string' || !data.startsWith('!')) {
    socket.send(data);
    return;
  }
  const [command, first, ...rest] = data.split(' ');
  if (command === '!ping') socket.ping(first);
  else if (command === '!abort') socket.terminate();
  else if (first === undefined) socket.close();
  else socket.close(Number(first), rest.join(' '));
}

export interface WsClient extends EchoPeer {
  readonly socket: WebSocket;
  readonly closed: Inbox<Omit<Closed, 'wasClean'>>;
  readonly pings: Inbox<string>;
  readonly pongs: Inbox<string>;
}

/** A client of `ws`, when it is open. */
export async function openWs(
  url: string,
  options: ClientOptions = {},
  protocols: readonly string[] = [],
): Promise<WsClient> {
  const messages = new Inbox<Message>();
  const closed = new Inbox<Omit<Closed, 'wasClean'>>();
  const pings = new Inbox<string>();
  const pongs = new Inbox<string>();
  const socket = new WebSocket(url, [...protocols], options);
  onStop(() => socket.terminate());
  socket.on('message', (data, isBinary) => messages.add(messageOf(data, isBinary)));
  socket.on('ping', (payload) => pings.add(payload.toString()));
  socket.on('pong', (payload) => pongs.add(payload.toString()));
  socket.on('close', (code, reason) => {
    messages.end(`closed with ${code} ${reason}`);
    closed.add({ code, reason: reason.toString() });
  });
  await new Promise((resolve, reject) => {
    socket.once('open', resolve);
    socket.on('error', reject);
  });
  return { socket, closed, pings, pongs, send: (data) => socket.send(data), next: () => messages.next() };
}

function messageOf(data: RawData, isBinary: boolean): Message {
  const bytes = Array.isArray(data) ? Buffer.concat(data) : Buffer.from(data as Buffer);
  return isBinary ? bytes : bytes.toString();
}
