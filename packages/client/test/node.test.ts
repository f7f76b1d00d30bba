// The Node entry over our own engine, against a real server socket on loopback.

import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { connect, type Line, type UntypedApp } from '@trunkline/client/node';
import { DEFAULT_LIMITS, encode, type ServerMessage } from '@trunkline/protocol';
import { createWebSocketServer, type NodeSocket, type WebSocketServer } from '@trunkline/websocket';
import { afterEach, describe, expect, it } from 'vitest';

const started: { server: Server; sockets: WebSocketServer }[] = [];

afterEach(async () => {
  for (const { server, sockets } of started.splice(0)) {
    await sockets.drain();
    await new Promise((resolve) => server.close(resolve));
  }
});

/** A server that welcomes, gives a stream of one entry, and stores publishes in a list. */
async function serve() {
  const server = createServer();
  const stored: unknown[] = [];
  const closes: string[] = [];
  const protocols: string[] = [];
  const answer = (socket: NodeSocket, ...messages: readonly ServerMessage[]) =>
    socket.send(messages.map(encode).join('\n'));
  const sockets = createWebSocketServer({
    path: '/line',
    limits: { maxBufferedBytes: 16_777_216 },
    protocols: ['trunkline.v1.json'],
    handler: {
      open: (socket) => void protocols.push(socket.protocol),
      message(socket, data) {
        for (const line of String(data).split('\n')) {
          const message = JSON.parse(line);
          if (message.type === 'hello') {
            answer(socket, {
              type: 'welcome',
              session: 's',
              user: { id: 'ada' },
              pingMs: 25_000,
              now: Date.now(),
              features: [],
              limits: DEFAULT_LIMITS,
            });
          } else if (message.type === 'subscribe') {
            const head = { ch: 1, kind: 'log', epoch: 'e', head: 1, floor: 0, from: 0 } as const;
            const items = [{ offset: 1, at: 1, data: 'first' }];
            answer(
              socket,
              { type: 'ok', id: message.id, ...head },
              { type: 'entries', ch: 1, from: 0, to: 1, epoch: 'e', items },
              { type: 'synced', ch: 1, to: 1 },
            );
          } else if (message.type === 'publish') {
            stored.push(message.data);
            answer(socket, { type: 'ok', id: message.id, epoch: 'e', offset: stored.length, at: 1 });
          }
        }
      },
      close: (_socket, code, _reason, wasClean) => void closes.push(`${code} ${wasClean}`),
    },
  });
  sockets.attach(server);
  started.push({ server, sockets });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return { url: `http://127.0.0.1:${port}/line`, stored, closes, protocols };
}

/** Resolves when a condition holds, by the line's own news. */
function until(line: Line<UntypedApp>, holds: () => boolean): Promise<void> {
  return new Promise((resolve) => {
    const look = () => {
      if (!holds()) return;
      unlisten();
      resolve();
    };
    const unlisten = line.connection.subscribe(look);
    look();
  });
}

describe('the Node entry', () => {
  it('subscribes, publishes, and leaves with a closing handshake', async () => {
    const { url, stored, closes, protocols } = await serve();
    const line = connect<UntypedApp>(url);
    const log = line.channel.anything?.('at all');
    if (log === undefined) throw new Error('a proxy has every channel');
    const shown = new Promise<void>((resolve) => {
      const leave = log.subscribe(() => {
        if (log.snapshot().state !== 'live') return;
        leave();
        resolve();
      });
    });
    await shown;
    expect(log.snapshot().entries.map(({ data }) => data)).toEqual(['first']);
    // Larger than what one write of the engine holds by default: 64 at once, 60 KB each.
    const large = 'x'.repeat(60_000);
    await Promise.all(Array.from({ length: 64 }, () => log.publish(large)));
    expect(stored).toHaveLength(64);
    await expect(line.close()).resolves.toEqual({ code: 1000, reason: '', wasClean: true });
    expect(closes).toEqual(['1000 true']);
    expect(protocols).toEqual(['trunkline.v1.json']);
  });

  it('says why it cannot connect, and goes on trying', async () => {
    const { url } = await serve();
    const { server, sockets } = started.splice(0)[0] ?? {};
    await sockets?.drain();
    await new Promise((resolve) => server?.close(resolve));
    const line = connect<UntypedApp>(url);
    line.open();
    await until(line, () => line.connection.snapshot().state === 'waiting');
    expect(line.connection.snapshot().reason).toContain('ECONNREFUSED');
    await line.close();
  });

  it('wants an absolute url, at once', () => {
    expect(() => connect('/line')).toThrow(TypeError);
  });
});
