import type { Socket } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { createWebSocketServer } from '../src/index.js';
import { accept, FakeClock, RawPeer, RecordingHandler, serve, stopAll, turn } from './support/node.js';
import { BINARY, CLOSE, closeBody, masked, PING, TEXT } from './support/wire.js';

afterEach(stopAll);

describe('pause', () => {
  it('stops between two messages of a chunk, and resume goes on, later and in order', async () => {
    const handler = new RecordingHandler({ message: (socket) => socket.pause() });
    const transport = await accept(createWebSocketServer({ handler }));
    transport.receive(Buffer.concat(['a', 'b', 'c'].map((text) => masked(TEXT, text))));
    expect(await handler.received(1)).toEqual(['a']);
    await turn();
    await turn();
    expect(handler.messages).toEqual(['a']);
    handler.socket.resume();
    expect(handler.messages).toEqual(['a']);
    expect(await handler.received(2)).toEqual(['a', 'b']);
    handler.socket.resume();
    expect(await handler.received(3)).toEqual(['a', 'b', 'c']);
  });

  it('wins over a resume of the same turn', async () => {
    const handler = new RecordingHandler();
    const transport = await accept(createWebSocketServer({ handler }));
    handler.socket.pause();
    handler.socket.resume();
    handler.socket.pause();
    transport.receive(masked(TEXT, 'later'));
    await turn();
    await turn();
    expect(handler.messages).toEqual([]);
    handler.socket.resume();
    expect(await handler.received(1)).toEqual(['later']);
  });

  it('holds the peer back by TCP: memory stays bounded however much it has to say', async () => {
    const handler = new RecordingHandler({ message: (socket) => socket.pause() });
    const { port, http } = await serve({ handler });
    const transports: Socket[] = [];
    http.prependListener('upgrade', (_request, socket) => transports.push(socket as Socket));
    const peer = await RawPeer.open(port);
    const other = await RawPeer.open(port);
    await handler.log.count(2);
    const opens = 2;
    const message = masked(BINARY, Buffer.alloc(64_000, 7));
    const total = 64 * 16;
    for (let index = 0; index < total; index++) peer.send(message);
    await handler.received(1);
    // A hundred round trips elsewhere: time enough for everything that can move to move.
    for (let round = 0; round < 100; round++) {
      other.send(masked(PING, `${round}`));
      await other.framesUntil(round + 1);
    }
    expect(handler.messages).toHaveLength(1);
    expect(transports[0]?.bytesRead).toBeLessThan(400_000);
    // The kernel took what it can hold; the rest is still with the sender.
    expect(peer.socket.writableLength).toBeGreaterThan((total * message.length) / 2);
    handler.react.message = () => {};
    handler.sockets[0]?.resume();
    await handler.log.until(({ type }) => type === 'message' && handler.log.items.length >= total + opens + 100);
    expect(handler.messages).toHaveLength(total);
  });

  it('does not lose the messages and the close that came meanwhile', async () => {
    const handler = new RecordingHandler();
    const { port } = await serve({ handler });
    const peer = await RawPeer.open(port);
    await handler.opened();
    handler.socket.pause();
    peer.send(Buffer.concat([masked(TEXT, 'a'), masked(TEXT, 'b'), masked(CLOSE, closeBody(1000))]));
    peer.socket.end();
    for (let index = 0; index < 20; index++) await turn();
    expect(handler.log.items).toHaveLength(1);
    handler.socket.resume();
    expect(await handler.closed()).toMatchObject({ code: 1000, wasClean: true });
    expect(handler.messages).toEqual(['a', 'b']);
  });

  it('ends with close: what is read then is dropped, and the answer is seen', async () => {
    const handler = new RecordingHandler({ message: (socket) => socket.pause() });
    const { port } = await serve({ handler });
    const peer = await RawPeer.open(port);
    peer.send(Buffer.concat([masked(TEXT, 'a'), masked(TEXT, 'b'), masked(TEXT, 'c')]));
    await handler.received(1);
    handler.socket.close(1001);
    handler.socket.pause();
    await peer.framesUntil(1);
    peer.send(masked(CLOSE, closeBody(1001)));
    expect(await handler.closed()).toMatchObject({ code: 1001, wasClean: true });
    expect(handler.messages).toEqual(['a']);
  });

  it('does not outlive closeWaitMs', async () => {
    const clock = new FakeClock();
    const handler = new RecordingHandler();
    const { port } = await serve({ handler, clock });
    await RawPeer.open(port);
    await handler.opened();
    handler.socket.pause();
    handler.socket.close();
    await turn();
    clock.advance(10_000);
    expect(await handler.closed()).toMatchObject({ code: 1006 });
  });
});
