// One HTTP server, two owners of upgrades: a line at /line, and `ws` at a path of its own, attached as Engine.IO attaches (Socket.IO 4.8): it takes the
// request listeners over, answers what begins with its path, and ends upgrades on which nothing was written after a while.

import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Duplex } from 'node:stream';
import { memoryBroker } from '@trunkline/broker';
import { connect } from '@trunkline/client/node';
import { attach, trunkline } from '@trunkline/server';
import { describe, expect, it } from 'vitest';
import { WebSocket, WebSocketServer } from 'ws';
import * as z from 'zod';
import { onStop } from './support/cleanup.js';

const PATH = '/socket.io/';
const t = trunkline({ authenticate: ({ token }) => (token ? { id: token } : null) });
const app = t.app({ channels: { chat: t.log(['room'], { entry: z.object({ text: z.string() }) }) } });

const attachLine = async (server: Server) => {
  const trunk = await attach(app, server, { broker: memoryBroker() });
  onStop(() => trunk.close());
};

/** @returns ends what nobody has answered, which the other does by a timer: how many it ended. */
function attachOther(server: Server): () => number {
  const sockets = new WebSocketServer({ noServer: true });
  onStop(() => {
    for (const socket of sockets.clients) socket.terminate();
  });
  sockets.on('connection', (socket) => socket.on('message', (data) => socket.send(`other: ${data}`)));
  const isOurs = ({ url = '' }: IncomingMessage) => url.startsWith(PATH);
  const listeners = server.listeners('request');
  server.removeAllListeners('request');
  server.on('request', (request: IncomingMessage, response: ServerResponse) => {
    if (isOurs(request)) response.end('polling');
    else for (const listener of listeners) listener.call(server, request, response);
  });
  const foreign: Duplex[] = [];
  server.on('upgrade', (request: IncomingMessage, socket: Duplex, head: Buffer) => {
    if (!isOurs(request)) foreign.push(socket);
    else sockets.handleUpgrade(request, socket, head, (opened) => sockets.emit('connection', opened, request));
  });
  return () => {
    const ended = foreign.filter(
      (socket) => socket.writable && (socket as Duplex & { bytesWritten: number }).bytesWritten <= 0,
    );
    for (const socket of ended) socket.end();
    return ended.length;
  };
}

describe.each(['the line first', 'the other first'])('%s', (order) => {
  async function start() {
    const server = createServer((_request, response) => response.end('page'));
    onStop(() => new Promise((resolve) => server.close(resolve)));
    onStop(() => server.closeAllConnections());
    if (order === 'the line first') await attachLine(server);
    const endUnanswered = attachOther(server);
    if (order === 'the other first') await attachLine(server);
    await new Promise<void>((resolve) => {
      server.listen(0, '127.0.0.1', resolve);
    });
    return { host: `127.0.0.1:${(server.address() as AddressInfo).port}`, endUnanswered };
  }

  function other(host: string) {
    const socket = new WebSocket(`ws://${host}${PATH}?EIO=4&transport=websocket`);
    onStop(() => socket.terminate());
    const opened = new Promise((resolve, reject) => socket.once('open', resolve).once('error', reject));
    const say = (text: string) =>
      new Promise<string>((resolve) => {
        socket.once('message', (data) => resolve(String(data)));
        socket.send(text);
      });
    return { opened, say };
  }

  it('both are served, each at its path, and so are plain requests', async () => {
    const { host, endUnanswered } = await start();
    const line = connect<typeof app>(`ws://${host}/line`, { token: 'ada' });
    onStop(() => line.close());
    const lobby = line.channel.chat('lobby');
    const { opened, say } = other(host);
    await opened;
    expect(await say('hello')).toBe('other: hello');
    expect(await lobby.publish({ text: 'hello' })).toMatchObject({ offset: 1 });
    // The other's timer has nothing to end.
    expect(endUnanswered()).toBe(0);
    expect(await lobby.publish({ text: 'still there' })).toMatchObject({ offset: 2 });
    expect(await say('still here')).toBe('other: still here');
    expect(line.connection.snapshot()).toMatchObject({ state: 'live', lastClose: undefined });
    expect(await (await fetch(`http://${host}${PATH}?transport=polling`)).text()).toBe('polling');
    expect(await (await fetch(`http://${host}/`)).text()).toBe('page');
  });

  it('an upgrade at no path of either is left to the other, which ends it', async () => {
    const { host, endUnanswered } = await start();
    const stranger = new WebSocket(`ws://${host}/elsewhere`);
    const failed = new Promise<Error>((resolve) => stranger.once('error', resolve));
    const { opened } = other(host);
    await opened;
    await expect.poll(endUnanswered).toBe(1);
    expect((await failed).message).toMatch(/socket hang up/);
  });
});
