import { createServer } from 'node:net';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { MisuseError, upgradeResponse, WebSocket, type WebSocketError } from '../../src/index.js';
import { onStop, RawPeer, stopAll } from '../support/node.js';
import { plain, TEXT } from '../support/wire.js';
import { RawServer, thrown, Watched, watch } from './support.js';

afterEach(async () => {
  await stopAll();
  vi.unstubAllGlobals();
});

/** The constructor's own checks, without a connection: nobody listens at port 0. */
const urlOf = (url: string) => new WebSocket(url).url;

describe('the URL', () => {
  it('WA-01 may have four schemes, and is ws or wss', () => {
    expect(urlOf('ws://example.com:0/a?b')).toBe('ws://example.com:0/a?b');
    expect(urlOf('WSS://EXAMPLE.com:0')).toBe('wss://example.com:0/');
    expect(urlOf('http://example.com:0/')).toBe('ws://example.com:0/');
    expect(urlOf('https://example.com:0/')).toBe('wss://example.com:0/');
    expect(new WebSocket(new URL('ws://example.com:0')).url).toBe('ws://example.com:0/');
  });

  it.each(['ftp://example.com', 'mailto:a@b', 'about:blank', 'nonsense', '//example.com', '', 'ws://a b', 'ws://'])(
    'WA-01 refuses %j',
    (url) => {
      expect(thrown(() => new WebSocket(url))).toBe('SyntaxError');
    },
  );

  it.each(['ws://example.com/#a', 'ws://example.com/#', 'http://example.com/#'])(
    'WA-01 refuses the fragment of %s',
    (url) => {
      expect(thrown(() => new WebSocket(url))).toBe('SyntaxError');
    },
  );

  it('WA-01 may be relative where the program has a location', () => {
    vi.stubGlobal('location', { href: 'https://example.com:0/app/#top' });
    expect(urlOf('line?x')).toBe('wss://example.com:0/app/line?x');
    expect(urlOf('')).toBe('wss://example.com:0/app/');
  });

  it('WA-01 is needed', () => {
    expect(() => Reflect.construct(WebSocket, [])).toThrow(TypeError);
    expect(() => Reflect.apply(WebSocket as unknown as () => void, undefined, ['ws://x'])).toThrow(TypeError);
  });
});

describe('subprotocols', () => {
  const make = (protocols: unknown) => () => Reflect.construct(WebSocket, ['ws://127.0.0.1:0', protocols]);

  it.each([[''], ['a b'], ['a,b'], ['é'], ['a\n'], ['"a"'], ['\u007f'], [['a', '']], [[null, 'null']]])(
    'WA-02 refuses %j',
    (protocols) => {
      expect(thrown(make(protocols))).toBe('SyntaxError');
    },
  );

  it('WA-02 refuses one that is named twice, in whatever case', () => {
    expect(thrown(make(['a', 'b', 'a']))).toBe('SyntaxError');
    expect(thrown(make(['chat', 'CHAT']))).toBe('SyntaxError');
  });

  it('WA-02 takes text, any iterable, or nothing', () => {
    for (const protocols of ['a', ['a', 'b'], new Set(['a', 'b']), undefined, [], 5, null]) {
      expect(thrown(make(protocols)), String(protocols)).toBe('nothing');
    }
  });

  it('WA-02 are asked for in their order', async () => {
    const raw = await RawServer.start();
    watch(raw.url, ['b', 'a']);
    expect((await raw.request()).text).toContain('Sec-WebSocket-Protocol: b, a\r\n');
  });
});

describe('the request', () => {
  it('WA-03 stores nothing, tells nobody where it comes from, and has the credentials of the URL', async () => {
    const raw = await RawServer.start();
    const { socket } = watch(`${raw.url.replace('//', '//ada:p%40ss@')}/x`);
    const { text } = await raw.request();
    expect(text).toContain('\r\nPragma: no-cache\r\nCache-Control: no-cache\r\n');
    expect(text).not.toMatch(/^(?:Referer|Origin|Cookie):/im);
    expect(text).toContain(`\r\nAuthorization: Basic ${Buffer.from('ada:p@ss').toString('base64')}\r\n`);
    expect(text).not.toContain('ada');
    expect(socket.url).toBe(`${raw.url.replace('//', '//ada:p%40ss@')}/x`);
  });

  it('WA-03 follows no redirect', async () => {
    const raw = await RawServer.start();
    const target = await RawServer.start();
    const watched = watch(raw.url);
    const { peer } = await raw.request();
    peer.send(`HTTP/1.1 302 Found\r\nLocation: ${target.url}\r\nContent-Length: 0\r\n\r\n`);
    expect(await watched.closed()).toMatchObject({ code: 1006, wasClean: false });
    expect(watched.types).toEqual(['error', 'close']);
  });

  it('takes header fields and limits from a third argument, and refuses bad ones at once', async () => {
    const raw = await RawServer.start();
    watch(raw.url, [], { headers: { authorization: 'Bearer x', 'cache-control': 'max-age=0', Cookie: 'a=b' } });
    const { text } = await raw.request();
    expect(text).toContain('authorization: Bearer x\r\ncache-control: max-age=0\r\nCookie: a=b\r\n');
    expect(text).not.toContain('Cache-Control');
    expect(() => watch(raw.url, [], { headers: { 'a b': 'c' } })).toThrow(MisuseError);
    expect(() => watch(raw.url, [], { limits: { maxMessageBytes: -1 } })).toThrow(MisuseError);
  });
});

describe('the answer', () => {
  it('WA-04 must choose a subprotocol if any was asked for', async () => {
    const raw = await RawServer.start();
    const failures: WebSocketError[] = [];
    const watched = watch(raw.url, ['a'], { failed: (error) => failures.push(error) });
    await raw.accept({ more: plain(TEXT, 'early') });
    expect(await watched.closed()).toMatchObject({ code: 1006, reason: '', wasClean: false });
    expect(watched.types).toEqual(['error', 'close']);
    expect(failures.map(({ code }) => code)).toEqual(['handshake_invalid']);
  });

  it('WA-04 must not choose another one, nor any if none was asked for', async () => {
    for (const asked of [['a'], []]) {
      const raw = await RawServer.start();
      const watched = watch(raw.url, asked);
      await raw.accept({ protocol: 'b' });
      await watched.closed();
      expect(watched.types).toEqual(['error', 'close']);
    }
  });

  it('WA-05 has url at once, protocol and extensions from the open event on', async () => {
    const raw = await RawServer.start();
    const watched = watch(`${raw.url}/a?b`, ['x', 'y']);
    const { socket } = watched;
    expect(socket).toMatchObject({ url: `${raw.url}/a?b`, protocol: '', extensions: '' });
    await raw.accept({ protocol: 'y' });
    await watched.opened();
    expect(socket).toMatchObject({ protocol: 'y', extensions: '' });
  });

  it('WA-06 moves the state from 0 to 3, and has its names on the class and each instance', async () => {
    const raw = await RawServer.start();
    const watched = watch(raw.url);
    const { socket } = watched;
    const states: number[] = [socket.readyState];
    for (const type of ['open', 'close']) socket.addEventListener(type, () => states.push(socket.readyState));
    await raw.accept();
    await watched.opened();
    socket.close();
    states.push(socket.readyState);
    const frames = await (await raw.request()).peer.framesUntil(1);
    expect(frames).toHaveLength(1);
    (await raw.request()).peer.send(plain(8));
    await watched.closed();
    expect(states).toEqual([0, 1, 2, 3]);
    for (const place of [WebSocket, WebSocket.prototype, socket]) {
      expect([place.CONNECTING, place.OPEN, place.CLOSING, place.CLOSED]).toEqual([0, 1, 2, 3]);
    }
    for (const place of [WebSocket, WebSocket.prototype]) {
      expect(Object.getOwnPropertyDescriptor(place, 'OPEN')).toEqual({
        value: 1,
        enumerable: true,
        writable: false,
        configurable: false,
      });
    }
  });

  it('WA-06 looks like the browser’s class', async () => {
    const { socket } = watch('ws://127.0.0.1:0');
    expect(socket).toBeInstanceOf(EventTarget);
    expect(WebSocket.name).toBe('WebSocket');
    expect(Object.prototype.toString.call(socket)).toBe('[object WebSocket]');
    const own = Object.getOwnPropertyNames(WebSocket.prototype).filter((name) => /^[a-z]/.test(name));
    expect(own.sort()).toEqual([
      ...['binaryType', 'bufferedAmount', 'close', 'constructor', 'extensions', 'onclose', 'onerror', 'onmessage'],
      ...['onopen', 'protocol', 'readyState', 'send', 'url'],
    ]);
  });
});

describe('a failure', () => {
  /** A TCP server that treats every connection like this. */
  async function serving(treat: (peer: RawPeer) => unknown): Promise<number> {
    const server = createServer({ allowHalfOpen: true }, (socket) => void treat(new RawPeer(socket)));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    onStop(() => new Promise((resolve) => server.close(resolve)));
    return (server.address() as { port: number }).port;
  }

  const answering = (answer: string) => async (peer: RawPeer) => {
    await peer.head();
    peer.send(answer);
  };

  const WAYS: Record<string, () => Promise<string>> = {
    'a name that does not exist': async () => `ws://${'a'.repeat(64)}.invalid`,
    'a port where nobody listens': async () => {
      const raw = await RawServer.start();
      const { url } = raw;
      await stopAll();
      return url;
    },
    'port 0': async () => 'ws://127.0.0.1:0',
    'no TLS at the other end': async () => `wss://127.0.0.1:${await serving((peer) => peer.send('SSH-2.0-x\r\n'))}`,
    'a bad status': async () => `ws://127.0.0.1:${await serving(answering('HTTP/1.1 401 Unauthorized\r\n\r\n'))}`,
    'a wrong accept': async () =>
      `ws://127.0.0.1:${await serving(answering(upgradeResponse('AAAAAAAAAAAAAAAAAAAAAA==', '').toString()))}`,
    'an answer that is not HTTP': async () => `ws://127.0.0.1:${await serving(answering('hello\r\n\r\n'))}`,
    'an end without an answer': async () => `ws://127.0.0.1:${await serving((peer) => peer.socket.end())}`,
  };

  it.each(Object.keys(WAYS))('WA-14 does not tell events from %s', async (way) => {
    const url = await WAYS[way]?.();
    const failures: WebSocketError[] = [];
    const watched = watch(url ?? '', [], { failed: (error) => failures.push(error) });
    const { socket } = watched;
    expect(socket.readyState).toBe(0);
    const close = await watched.closed();
    expect(watched.types).toEqual(['error', 'close']);
    expect(close).toMatchObject({ code: 1006, reason: '', wasClean: false });
    const error = watched.seen.items[0]?.event as Event;
    expect(Object.getPrototypeOf(error)).toBe(Event.prototype);
    expect(JSON.stringify([error, close])).not.toMatch(/127\.0\.0\.1|ECONN|invalid|401/);
    expect(socket).toMatchObject({ readyState: 3, protocol: '', extensions: '' });
    // Who has made the socket may know.
    expect(failures).toHaveLength(1);
    expect(failures[0]?.message).toMatch(/\w/);
  });

  it('WA-14 tells the cause before the error event, even if the one who is told throws', async () => {
    const order: string[] = [];
    const uncaught = new Promise<Error>((resolve) => {
      const [former] = [process.listeners('uncaughtException')];
      process.removeAllListeners('uncaughtException');
      process.once('uncaughtException', (error) => {
        for (const listener of former) process.on('uncaughtException', listener);
        resolve(error);
      });
    });
    const failed = () => {
      order.push('failed');
      throw new Error('the one who was told');
    };
    const watched = new Watched(new WebSocket('ws://127.0.0.1:0', [], { failed }));
    watched.socket.onerror = () => order.push('error');
    await watched.closed();
    expect(order).toEqual(['failed', 'error']);
    expect((await uncaught).message).toBe('the one who was told');
  });
});
