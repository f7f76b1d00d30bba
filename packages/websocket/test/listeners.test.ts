/** Listening to one socket: `on`, and `for await`. */
import { createServer } from 'node:http';
import { createServer as createSecureServer } from 'node:https';
import { afterEach, describe, expect, expectTypeOf, it } from 'vitest';
import { connect, createWebSocketServer, type NodeSocket, upgradeResponse, type WebSocketError } from '../src/index.js';
import { accept, Log, listen, onStop, RawPeer, RecordingHandler, serve, stopAll, turn } from './support/node.js';
import { TEST_CERTIFICATE, TEST_KEY } from './support/test-certificate.js';
import { CLOSE, closeBody, frame, masked, PING, plain, TEXT } from './support/wire.js';

afterEach(stopAll);

async function start(handler = new RecordingHandler()) {
  const transport = await accept(createWebSocketServer({ handler, idlePingMs: 0 }));
  return { handler, transport, socket: handler.socket };
}

/** Everything a loop gets, and how it ends. */
async function collect(messages: AsyncIterable<string | Uint8Array>, log = new Log<string>()): Promise<string> {
  try {
    for await (const message of messages) log.add(String(message));
    return 'done';
  } catch (error) {
    return (error as WebSocketError).code;
  }
}

describe('on', () => {
  it('hears what happens, behind the handler, until it stops', async () => {
    const { handler, transport, socket } = await start();
    const heard: unknown[][] = [];
    const stop = socket.on('message', (data) => heard.push([data, handler.messages.length]));
    const again = (data: string | Uint8Array): unknown => heard.push(['again', data]);
    socket.on('message', again);
    socket.on('ping', (payload) => heard.push(['ping', Buffer.from(payload).toString()]));
    socket.on('close', (code, reason, wasClean) => heard.push(['close', code, reason, wasClean]));
    transport.receive(Buffer.concat([masked(TEXT, 'a'), masked(PING, 'p')]));
    await handler.received(1);
    await turn();
    stop();
    stop();
    transport.receive(Buffer.concat([masked(TEXT, 'b'), masked(CLOSE, closeBody(4_000, 'bye'))]));
    await handler.closed();
    expect(heard).toEqual([
      ['a', 1],
      ['again', 'a'],
      ['ping', 'p'],
      ['again', 'b'],
      ['close', 4_000, 'bye', true],
    ]);
  });

  it('is typed by the event', () => {
    expectTypeOf<Parameters<NodeSocket['on']>[0]>().toEqualTypeOf<
      'open' | 'message' | 'ping' | 'pong' | 'drain' | 'error' | 'close'
    >();
    const check = (socket: NodeSocket): void => {
      socket.on('error', (error) => expectTypeOf(error).toEqualTypeOf<WebSocketError>());
      socket.on('message', (data) => expectTypeOf(data).toEqualTypeOf<string | Uint8Array>());
      // @ts-expect-error there is no such event
      socket.on('messages', () => {});
    };
    expect(check).toBeTypeOf('function');
  });

  it('costs a socket without listeners nothing: its handler is the one that all share', async () => {
    const { handler, socket } = await start();
    expect(socket.handler).toBe(handler);
    socket.on('message', () => {});
    expect(socket.handler).not.toBe(handler);
  });

  it('closes with 1011 when a listener throws, and tells the listeners of errors', async () => {
    const handler = { open: (socket: NodeSocket) => sockets.add(socket) };
    const sockets = new Log<NodeSocket>();
    const transport = await accept(createWebSocketServer({ handler, idlePingMs: 0 }));
    const [socket] = await sockets.count(1);
    const errors = new Log<string>();
    socket?.on('error', (error) => errors.add(error.code));
    socket?.on('message', () => {
      throw new Error('on purpose');
    });
    transport.receive(masked(TEXT, 'x'));
    expect(await errors.count(1)).toEqual(['handler_threw']);
    await turn();
    expect(transport.frames).toMatchObject([{ opcode: CLOSE, payload: closeBody(1011) }]);
  });

  it('hears of a client that cannot connect', async () => {
    const socket = connect('ws://127.0.0.1:1');
    const events = new Log<string>();
    socket.on('error', ({ code }) => events.add(code));
    socket.on('close', (code) => events.add(String(code)));
    expect(await events.count(2)).toEqual(['connect_failed', '1006']);
  });
});

describe('for await', () => {
  it("gives a client's messages in order, and ends with the connection", async () => {
    const handler = new RecordingHandler({
      open(socket) {
        for (const text of ['a', 'b', 'c']) socket.send(text);
        socket.close();
      },
    });
    const { url } = await serve({ handler });
    const log = new Log<string>();
    expect(await collect(connect(url), log)).toBe('done');
    expect(log.items).toEqual(['a', 'b', 'c']);
  });

  it('serves a connection in a loop begun in open', async () => {
    const loops: Promise<string>[] = [];
    const handler = {
      open(socket: NodeSocket) {
        const echo = async (): Promise<string> => {
          for await (const message of socket) socket.send(`${message}!`);
          return 'done';
        };
        loops.push(echo());
      },
    };
    const { port } = await serve({ handler });
    const peer = await RawPeer.open(port);
    peer.send(masked(TEXT, 'a')).send(masked(TEXT, 'b'));
    expect((await peer.framesUntil(2)).map(({ payload }) => payload.toString())).toEqual(['a!', 'b!']);
    peer.send(masked(CLOSE));
    expect(await loops[0]).toBe('done');
  });

  it('delivers what waits before it throws the error that ended the connection', async () => {
    const { transport, socket, handler } = await start();
    const messages = socket[Symbol.asyncIterator]();
    transport.receive(
      Buffer.concat([masked(TEXT, 'a'), masked(TEXT, 'b'), frame({ opcode: TEXT, payload: 'unmasked' })]),
    );
    await handler.closed();
    const log = new Log<string>();
    expect(await collect(messages, log)).toBe('frame_invalid');
    expect(log.items).toEqual(['a', 'b']);
    expect(await messages.next()).toEqual({ value: undefined, done: true });
  });

  it('throws what kept a client from connecting', async () => {
    expect(await collect(connect('ws://127.0.0.1:1'))).toBe('connect_failed');
  });

  it('ends at once for a closed socket', async () => {
    const { socket } = await start();
    socket.abort();
    await turn();
    expect(await collect(socket)).toBe('done');
  });

  it.each([
    ['messages', 'x', 64],
    ['characters', 'x'.repeat(6_554), 10],
  ])('pauses a peer while too many %s wait, and loses none', async (_what, text, most) => {
    const { transport, socket, handler } = await start();
    const messages = socket[Symbol.asyncIterator]();
    const total = most * 3 + 1;
    for (let index = 0; index < total; index++) transport.receive(masked(TEXT, text));
    await handler.received(most);
    for (let index = 0; index < 5; index++) await turn();
    expect(handler.messages).toHaveLength(most);
    for (let index = 0; index < total; index++) expect(await messages.next()).toEqual({ value: text, done: false });
    expect(handler.messages).toHaveLength(total);
  });

  it('answers several calls of next in order', async () => {
    const { transport, socket } = await start();
    const messages = socket[Symbol.asyncIterator]();
    socket.on('message', (data) => data === 'b' && socket.abort());
    const both = [messages.next(), messages.next(), messages.next()];
    transport.receive(Buffer.concat([masked(TEXT, 'a'), masked(TEXT, 'b')]));
    expect(await Promise.all(both)).toEqual([
      { value: 'a', done: false },
      { value: 'b', done: false },
      { value: undefined, done: true },
    ]);
  });

  it.each([
    ['plain', false, 5],
    ['plain', false, 2_000],
    ['TLS', true, 5],
    ['TLS', true, 2_000],
  ])(
    'a slow loop loses nothing of a server that ended TCP right behind its close: %s, tls %s, %i bytes',
    async (_what, isTls, size) => {
      const total = 400;
      const said = Array.from({ length: total }, (_, index) => plain(TEXT, `${index} ${'x'.repeat(size)}`));
      const http = isTls ? createSecureServer({ key: TEST_KEY, cert: TEST_CERTIFICATE }) : createServer();
      http.on('upgrade', ({ headers }, socket) => {
        const head = upgradeResponse(String(headers['sec-websocket-key']), '');
        socket.on('error', () => {});
        socket.end(Buffer.concat([Buffer.from(head), ...said, plain(CLOSE, closeBody(4_000, 'all said'))]));
      });
      const socket = connect(`${isTls ? 'wss' : 'ws'}://localhost:${await listen(http)}/`, {
        tls: { ca: TEST_CERTIFICATE },
      });
      onStop(() => socket.abort());
      const codes: unknown[] = [];
      socket.on('close', (code, reason, wasClean) => codes.push(code, reason, wasClean));
      let count = 0;
      for await (const message of socket) {
        expect(String(message).startsWith(`${count} `)).toBe(true);
        count++;
        for (let index = 0; index < 3; index++) await turn();
      }
      expect(count).toBe(total);
      expect(codes).toEqual([4_000, 'all said', true]);
    },
  );

  it('a slow loop loses nothing of a client that ended its side, neither', async () => {
    const { transport, socket } = await start();
    const messages = socket[Symbol.asyncIterator]();
    const frames = Array.from({ length: 200 }, (_, index) => masked(TEXT, String(index)));
    transport.receive(Buffer.concat([...frames, masked(CLOSE, closeBody(4_001))]));
    transport.push(null);
    for (let index = 0; index < 10; index++) await turn();
    const log = new Log<string>();
    expect(await collect(messages, log)).toBe('done');
    expect(log.items).toHaveLength(200);
  });

  it('leaving the loop closes nothing, and a socket that it paused goes on', async () => {
    const { transport, socket, handler } = await start();
    const loop = (async (): Promise<void> => {
      for await (const message of socket) {
        if (message === '0') break;
      }
    })();
    for (let index = 0; index < 200; index++) transport.receive(masked(TEXT, String(index)));
    await loop;
    await handler.received(200);
    expect(socket.readyState).toBe('open');
  });

  it('each loop gets every message', async () => {
    const handler = new RecordingHandler();
    const { port } = await serve({ handler });
    const peer = await RawPeer.open(port);
    onStop(() => peer.socket.destroy());
    await handler.opened();
    const logs = [new Log<string>(), new Log<string>()];
    const loops = logs.map((log) => collect(handler.socket, log));
    peer.send(Buffer.concat([masked(TEXT, 'a'), masked(TEXT, 'b'), masked(CLOSE)]));
    expect(await Promise.all(loops)).toEqual(['done', 'done']);
    expect(logs.map(({ items }) => items)).toEqual([
      ['a', 'b'],
      ['a', 'b'],
    ]);
  });
});
