/**
 * The largest message that the defaults allow comes back from an echo, again and again: what Node still counts of the last
 * answer must not use up the room of the next one (over TLS it counts until some time after the peer has it all).
 */
import { createServer } from 'node:http';
import { createServer as createSecureServer } from 'node:https';
import { afterEach, describe, expect, it } from 'vitest';
import { connect, createWebSocketServer, DEFAULT_LIMITS } from '../src/index.js';
import { accept, listen, onStop, RecordingHandler, stopAll, turn } from './support/node.js';
import { TEST_CERTIFICATE, TEST_KEY } from './support/test-certificate.js';
import { BINARY, masked } from './support/wire.js';

afterEach(stopAll);

const ROUNDS = 8;

async function echoing(isSecure: boolean, limits = {}) {
  const handler = new RecordingHandler({ message: (socket, data) => void socket.send(data) });
  const http = isSecure ? createSecureServer({ key: TEST_KEY, cert: TEST_CERTIFICATE }) : createServer();
  createWebSocketServer({ handler, limits }).attach(http);
  const url = `${isSecure ? 'wss' : 'ws'}://localhost:${await listen(http)}/`;
  const atClient = new RecordingHandler();
  const socket = connect(url, { handler: atClient, limits, tls: { ca: TEST_CERTIFICATE } });
  onStop(() => socket.abort());
  await atClient.opened();
  return { handler, atClient, socket };
}

describe.each([
  ['TLS', true],
  ['TCP', false],
])('over %s', (_name, isSecure) => {
  it.each([
    ['by default', {}, DEFAULT_LIMITS.maxMessageBytes],
    ['with maxMessageBytes raised to 8 MiB', { maxMessageBytes: 8_388_608 }, 8_388_608],
  ])('the largest message %s is echoed each time', async (_which, limits, largest) => {
    const { handler, atClient, socket } = await echoing(isSecure, limits);
    for (let round = 1; round <= ROUNDS; round++) {
      const bytes = Buffer.alloc(largest, round);
      expect(socket.send(bytes)).not.toBe('dropped');
      await atClient.log.until(({ type }) => type === 'close' || atClient.messages.length === round);
      expect(atClient.errorCodes).toEqual([]);
      expect(bytes.equals(atClient.messages.at(-1) as Uint8Array)).toBe(true);
    }
    expect(handler.errorCodes).toEqual([]);
  });

  it.each([
    [-1, true],
    [0, true],
    [1, false],
  ])('a message of %i bytes more than the default allows', async (more, isLegal) => {
    const { handler, atClient, socket } = await echoing(isSecure);
    socket.send(new Uint8Array(DEFAULT_LIMITS.maxMessageBytes + more));
    await atClient.log.until(({ type }) => type === 'close' || type === 'message');
    expect(atClient.messages).toHaveLength(isLegal ? 1 : 0);
    if (isLegal) return;
    await handler.closed();
    expect(handler.errorCodes).toEqual(['message_too_big']);
    expect(await atClient.closed()).toMatchObject({ code: 1009 });
  });
});

it('a peer gets the largest message again while the transport has not confirmed the last one', async () => {
  const handler = new RecordingHandler({ message: (socket, data) => void socket.send(data) });
  const server = createWebSocketServer({ handler });
  const transport = await accept(server);
  transport.isStuck = true;
  const largest = masked(BINARY, Buffer.alloc(DEFAULT_LIMITS.maxMessageBytes, 1));
  for (let round = 1; round <= 3; round++) {
    transport.receive(largest);
    await handler.received(round);
    await turn();
  }
  expect(handler.errorCodes).toEqual([]);
  transport.unstick();
  await turn();
  expect(transport.frames.map(({ payload }) => payload.length)).toEqual(Array(3).fill(1_048_576));
});
