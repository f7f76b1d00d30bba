/** Who gets in: checks that take their time, and caps on what waits. */
import { afterEach, describe, expect, it } from 'vitest';
import { createWebSocketServer, type Refusal, type WebSocketServerOptions } from '../src/index.js';
import {
  accept,
  FakeClock,
  FakeTransport,
  fakeRequest,
  RawPeer,
  RecordingHandler,
  requestText,
  serve,
  stopAll,
  turn,
} from './support/node.js';
import { masked, TEXT } from './support/wire.js';

afterEach(stopAll);

const NO: Refusal = { status: 401, message: 'No.' };

function start(options: Partial<WebSocketServerOptions> = {}) {
  const clock = new FakeClock();
  const handler = new RecordingHandler();
  const server = createWebSocketServer({ handler, clock, idlePingMs: 0, ...options });
  const status = (transport: FakeTransport): string => transport.written.subarray(9, 12).toString();
  return { clock, handler, server, status };
}

/** A check whose answers are given by hand. */
function slow() {
  const answers: { resolve(refusal?: Refusal): void; reject(error: unknown): void }[] = [];
  const check = (): Promise<Refusal | undefined> =>
    new Promise((resolve, reject) => {
      answers.push({ resolve, reject });
    });
  return { answers, check };
}

describe('a check that takes its time', () => {
  it('lets in or refuses when it is done, and what the peer sent meanwhile is not lost', async () => {
    const { answers, check } = slow();
    const handler = new RecordingHandler();
    const { port } = await serve({ handler, check });
    const peer = await RawPeer.connect(port);
    peer.send(Buffer.concat([Buffer.from(requestText()), masked(TEXT, 'with the request')]));
    const other = await RawPeer.connect(port);
    other.send(requestText());
    while (answers.length < 2) await turn();
    peer.send(masked(TEXT, 'later'));
    expect(handler.log.items).toEqual([]);
    answers[0]?.resolve();
    expect(await handler.received(2)).toEqual(['with the request', 'later']);
    answers[1]?.resolve(NO);
    expect(await other.head()).toMatch(/^HTTP\/1\.1 401 /);
  });

  it('answers 503 after handshakeMs, whatever it says then', async () => {
    const { answers, check } = slow();
    const { clock, server, status, handler } = start({ check, limits: { handshakeMs: 3_000 } });
    const transport = await accept(server);
    clock.advance(2_500);
    expect(transport.written).toHaveLength(0);
    clock.advance(500);
    await turn();
    expect(status(transport)).toBe('503');
    answers[0]?.resolve();
    await turn();
    expect(handler.log.items).toEqual([]);
  });

  it('is forgotten when the peer goes', async () => {
    const { answers, check } = slow();
    const { clock, server, handler } = start({ check });
    const transport = await accept(server);
    transport.destroy();
    await turn();
    answers[0]?.resolve();
    await turn();
    expect(handler.log.items).toEqual([]);
    expect(clock.timers).toBe(0);
  });

  it('lets nobody in once the server drains', async () => {
    const { answers, check } = slow();
    const { server, status } = start({ check });
    const transport = await accept(server);
    await server.drain();
    answers[0]?.resolve();
    await turn();
    await turn();
    expect(status(transport)).toBe('503');
  });

  it('answers 500 when it fails, and its error is not swallowed', async () => {
    const { answers, check } = slow();
    const { server, status } = start({ check });
    const transport = await accept(server);
    const listeners = process.listeners('uncaughtException');
    process.removeAllListeners('uncaughtException');
    const thrown = new Promise((resolve) => process.once('uncaughtException', resolve));
    const cause = new Error('on purpose');
    answers[0]?.reject(cause);
    expect(await thrown).toBe(cause);
    for (const listener of listeners) process.on('uncaughtException', listener);
    expect(status(transport)).toBe('500');
  });
});

describe('caps', () => {
  it.each([
    [2, undefined],
    [3, undefined],
    [4, '503'],
  ])('maxPendingHandshakes 3: of %i handshakes in check the last is answered %s', async (count, answer) => {
    const { answers, check } = slow();
    const { server, status, handler } = start({ check, limits: { maxPendingHandshakes: 3 } });
    const transports: FakeTransport[] = [];
    for (let index = 0; index < count; index++) transports.push(await accept(server));
    await turn();
    const last = transports.at(-1) as FakeTransport;
    expect(status(last)).toBe(answer ?? '');
    if (answer !== undefined) expect(last.destroyed).toBe(true);
    for (const { resolve } of answers) resolve();
    await turn();
    expect(handler.sockets).toHaveLength(Math.min(count, 3));
    // There is room again.
    await accept(server);
    expect(answers).toHaveLength(Math.min(count, 3) + 1);
  });

  it('does not wait for more refused peers than maxPendingHandshakes to go', async () => {
    const { server, clock, status } = start({ check: () => NO, limits: { maxPendingHandshakes: 2 } });
    const transports = [await accept(server), await accept(server), await accept(server)];
    await turn();
    expect(transports.map(status)).toEqual(['401', '401', '503']);
    expect(transports.map(({ destroyed }) => destroyed)).toEqual([false, false, true]);
    clock.advance(2_000);
    expect(transports.map(({ destroyed }) => destroyed)).toEqual([true, true, true]);
    await turn();
    expect(status(await accept(server))).toBe('401');
  });

  it('a hook caps the connections of an address', async () => {
    const seen: [string, number][] = [];
    const handler = new RecordingHandler();
    const { port } = await serve({
      handler,
      checkAddress: (address, open) => {
        seen.push([address, open]);
        return open < 2 ? undefined : { status: 429, message: 'Enough.' };
      },
    });
    const peers = [await RawPeer.open(port), await RawPeer.open(port), await RawPeer.open(port)];
    expect(await Promise.all(peers.map(async (peer) => (await peer.head()).slice(9, 12)))).toEqual([
      '101',
      '101',
      '429',
    ]);
    peers[0]?.socket.destroy();
    await handler.closed();
    await turn();
    expect(await (await RawPeer.open(port)).head()).toMatch(/ 101 /);
    expect(seen).toEqual([0, 1, 2, 1].map((open) => ['127.0.0.1', open]));
  });

  it('refused peers are told as before', async () => {
    const refused: number[] = [];
    const { server, status } = start({ path: '/x', refused: ({ status: code }) => refused.push(code) });
    const transport = new FakeTransport();
    server.handleUpgrade(fakeRequest(), transport, Buffer.alloc(0));
    await turn();
    expect([status(transport), refused]).toEqual(['404', [404]]);
  });
});
