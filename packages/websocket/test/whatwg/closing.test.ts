import { afterEach, describe, expect, it } from 'vitest';
import { CloseEvent } from '../../src/index.js';
import { stopAll } from '../support/node.js';
import { CLOSE, closeBody, hex, plain, TEXT } from '../support/wire.js';
import { RawServer, thrown, watch } from './support.js';

afterEach(stopAll);

async function pair() {
  const raw = await RawServer.start();
  const watched = watch(raw.url);
  const peer = await raw.accept();
  await watched.opened();
  return { watched, socket: watched.socket, peer };
}

describe('close()', () => {
  it('WA-07 takes 1000 and 3000-4999', async () => {
    const { socket } = await pair();
    const close = (code: unknown) => thrown(() => Reflect.apply(socket.close, socket, [code]));
    for (const code of [0, 999, 1001, 1005, 2999, 5000, 65_535, 70_000, -1, null, Number.NaN, 'x', 2999.4, 4999.6]) {
      expect(close(code), String(code)).toBe('InvalidAccessError');
    }
    expect(socket.readyState).toBe(1);
    expect(close('3000')).toBe('nothing');
    expect(close(5000), 'also when it does nothing').toBe('InvalidAccessError');
  });

  it.each([
    [2999.5, 3000],
    [4999.4, 4999],
    [3000.5, 3000],
    [999.5, 1000],
    [1000.5, 1000],
  ])('WA-07 rounds %d to %d', async (given, sent) => {
    const { socket, peer } = await pair();
    socket.close(given);
    expect((await peer.framesUntil(1))[0]?.payload).toEqual(closeBody(sent));
  });

  it('WA-07 takes a reason of 123 bytes', async () => {
    const { socket, peer } = await pair();
    expect(thrown(() => socket.close(1000, 'é'.repeat(62)))).toBe('SyntaxError');
    expect(thrown(() => socket.close(1000, 'x'.repeat(124)))).toBe('SyntaxError');
    const reason = `${'é'.repeat(61)}x`;
    socket.close(1000, reason);
    expect((await peer.framesUntil(1))[0]?.payload).toEqual(closeBody(1000, reason));
  });

  it.each([
    ['nothing', [], hex('')],
    ['undefined', [undefined], hex('')],
    ['an empty reason alone', [undefined, ''], hex('')],
    ['a reason alone', [undefined, 'why'], closeBody(1000, 'why')],
    ['a code', [4000], closeBody(4000)],
    ['both', [4000, 'why'], closeBody(4000, 'why')],
  ])('WA-07 given %s, sends the body for it', async (_what, given, body) => {
    const { socket, peer } = await pair();
    Reflect.apply(socket.close, socket, given);
    expect((await peer.framesUntil(1))[0]).toMatchObject({ opcode: CLOSE, payload: body });
  });

  it('WA-07 does nothing a second time', async () => {
    const { watched, socket, peer } = await pair();
    socket.close(4001);
    socket.close(4002);
    const frames = await peer.framesUntil(1);
    peer.send(plain(CLOSE, closeBody(4001)));
    await watched.closed();
    socket.close();
    expect(frames).toHaveLength(1);
    expect(peer.frames).toHaveLength(1);
    expect(watched.types).toEqual(['open', 'close']);
  });

  it('WA-07 fails a connection that is not open yet', async () => {
    const raw = await RawServer.start();
    const watched = watch(raw.url);
    const { peer } = await raw.request();
    watched.socket.close();
    expect(watched.socket.readyState).toBe(2);
    expect(await watched.closed()).toMatchObject({ code: 1006, reason: '', wasClean: false });
    expect(watched.types).toEqual(['error', 'close']);
    await peer.ended();
  });

  it('WA-07 fails one in the very task that made it', async () => {
    const watched = watch('ws://127.0.0.1:1');
    watched.socket.close();
    expect(watched.types).toEqual([]);
    await watched.closed();
    expect(watched.types).toEqual(['error', 'close']);
  });
});

describe('the close event', () => {
  it('WA-13 says how the peer closed', async () => {
    for (const [body, code, reason] of [
      [closeBody(4321, 'schön'), 4321, 'schön'],
      [closeBody(1001), 1001, ''],
      [hex(''), 1005, ''],
    ] as const) {
      const { watched, socket, peer } = await pair();
      peer.send(plain(CLOSE, body));
      const event = await watched.closeEvent();
      expect(event).toBeInstanceOf(CloseEvent);
      expect([event.type, event.target, event.cancelable]).toEqual(['close', socket, false]);
      expect(await watched.closed()).toEqual({ code, reason, wasClean: true });
      expect(watched.types).toEqual(['open', 'close']);
    }
  });

  it('WA-13 says what the peer answered, not what we sent', async () => {
    const { watched, socket, peer } = await pair();
    socket.close(3000, 'ours');
    await peer.framesUntil(1);
    peer.send(plain(CLOSE, closeBody(3001, 'theirs')));
    expect(await watched.closed()).toMatchObject({ code: 3001, reason: 'theirs', wasClean: true });
  });

  it('WA-13 comes after an error event when the connection is lost or the peer breaks a rule', async () => {
    const lost = await pair();
    lost.peer.socket.destroy();
    const breach = await pair();
    breach.peer.send(plain(TEXT, hex('ff')));
    for (const { watched } of [lost, breach]) {
      expect(await watched.closed()).toMatchObject({ code: 1006, reason: '', wasClean: false });
      expect(watched.types).toEqual(['open', 'error', 'close']);
    }
    expect((await breach.peer.framesUntil(1))[0]?.payload.readUInt16BE(0)).toBe(1007);
  });

  it('WA-13 has defaults of its own', () => {
    const bare = new CloseEvent('close');
    expect([bare.code, bare.reason, bare.wasClean, bare.cancelable]).toEqual([0, '', false, false]);
    const event = new CloseEvent('x', { code: 3000, reason: 'r', wasClean: true, cancelable: true });
    expect([event.type, event.code, event.reason, event.wasClean, event.cancelable]).toEqual([
      'x',
      3000,
      'r',
      true,
      true,
    ]);
    expect(event).toBeInstanceOf(Event);
  });

  it('WA-15 has the reason as text: a byte order mark stays, our lone surrogates become U+FFFD', async () => {
    const { watched, socket, peer } = await pair();
    socket.close(1000, 'a\uD800b');
    expect((await peer.framesUntil(1))[0]?.payload).toEqual(closeBody(1000, 'a\uFFFDb'));
    peer.send(plain(CLOSE, closeBody(1000, '\uFEFFok')));
    expect((await watched.closed()).reason).toBe('\uFEFFok');
  });

  it('WA-15 fails a reason that is not UTF-8, as RFC 6455 §8.1 wants before anything could be replaced', async () => {
    const { watched, peer } = await pair();
    peer.send(plain(CLOSE, closeBody(1000, hex('ff'))));
    expect(await watched.closed()).toMatchObject({ code: 1006, reason: '', wasClean: false });
  });
});
