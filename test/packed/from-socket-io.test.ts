// docs/guides/from-socket-io.md: its code for Trunkline, on the tarballs, compiled and run; and beside Socket.IO itself, where that is installed:
// the benches have it in a lockfile of their own (`npm ci --prefix bench`).

import { existsSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { connect, type UntypedApp } from '@trunkline/client/node';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { guide } from './guide.js';
import { readme } from './readme.js';
import { Programs, ROOT, startUntil } from './tools.js';

const PEERS = join(ROOT, 'bench/node_modules');
const hasSocketIo = existsSync(join(PEERS, 'socket.io/package.json'));
const page = guide('docs/guides/from-socket-io.md', {
  'package.json': '{ "name": "from-socket-io", "type": "module" }',
  'tsconfig.json': readme(readFileSync(join(ROOT, 'docs/guides/chat.md'), 'utf8'))['tsconfig.json'] ?? '',
});
/** Above the folder: what the project has not is looked for there. */
const above = join(dirname(page.folder), 'node_modules');

const programs = new Programs();
const leave: (() => unknown)[] = [];

async function start(program: string): Promise<string> {
  const words = [`build/${program}.js`];
  const starting = startUntil(/listening .*?port:? (\d+)/, words, page.folder, { settings: { PORT: '0' } });
  const server = await programs.start(starting);
  return server.match[1] ?? '';
}

/** Waits for what a store comes to. */
function reaches<T>(subscribe: (onChange: () => void) => () => void, look: () => T | undefined): Promise<T> {
  return new Promise((resolve) => {
    const check = () => {
      const found = look();
      if (found !== undefined) resolve(found);
    };
    leave.push(subscribe(check));
    check();
  });
}

interface Said {
  readonly text: string;
  readonly author: string;
}

/** Somebody on a new page. */
function member(port: string, token: string) {
  const line = connect<UntypedApp>(`ws://127.0.0.1:${port}/line`, { token });
  leave.push(() => line.close());
  const lobby = line.channel.chat?.('lobby');
  if (lobby === undefined) throw new Error('there is no chat');
  const said = () =>
    lobby.snapshot().entries.map(({ data }) => {
      const { author, text } = data as Said;
      return `${author}: ${text}`;
    });
  return {
    publish: (text: string) => lobby.publish({ text }),
    hears: (count: number) => reaches(lobby.subscribe, () => (said().length >= count ? said() : undefined)),
  };
}

beforeAll(async () => {
  page.make();
  if (hasSocketIo) symlinkSync(PEERS, above);
  else rmSync(join(page.folder, 'beside.ts'));
  expect(await page.tsc()).toBe('');
});
afterEach(async () => {
  for (const end of leave.splice(0).reverse()) await end();
  await programs.stop();
  rmSync(join(page.folder, 'data'), { recursive: true, force: true });
});
afterAll(() => {
  rmSync(above, { force: true });
  page.remove();
});

it('the client of the page talks to the server of the page', async () => {
  const port = await start('server');
  const bob = member(port, 'bob');
  const LINE = `ws://127.0.0.1:${port}/line`;
  await programs.start(startUntil(/live \[ 'ada: hello' \]/, ['build/client.js'], page.folder, { settings: { LINE } }));
  expect(await bob.hears(1)).toEqual(['ada: hello']);
});

it('does not compile where a field is sent that the server has not defined', async () => {
  const mend = page.breakIn('client.ts', "{ text: 'hello' }", "{ txet: 'hello' }");
  await expect(page.tsc()).rejects.toThrow(/client\.ts.*txet/s);
  mend();
});

/** What is used of `socket.io-client`. */
interface OldSocket {
  on(event: string, listener: (...words: never[]) => void): void;
  emitWithAck(event: string, ...words: unknown[]): Promise<unknown>;
  close(): void;
}

describe.skipIf(!hasSocketIo)('beside Socket.IO', () => {
  it.each(['polling', 'websocket'])('old pages (%s) and new ones are in one room', async (transport) => {
    const { io } = createRequire(join(PEERS, 'x.js'))('socket.io-client') as {
      io(url: string, options: object): OldSocket;
    };
    const port = await start('beside');
    const old = (token: string) => {
      const socket = io(`http://127.0.0.1:${port}`, { auth: { token }, transports: [transport], forceNew: true });
      leave.push(() => socket.close());
      const heard: string[] = [];
      const checks = new Set<() => void>();
      socket.on('message', (_room: string, { id, author, text }: { id: number } & Said) => {
        heard.push(`${id} ${author}: ${text}`);
        for (const check of checks) check();
      });
      const listen = (check: () => void) => {
        checks.add(check);
        return () => void checks.delete(check);
      };
      const hears = (count: number) => reaches(listen, () => (heard.length >= count ? [...heard] : undefined));
      return { socket, hears };
    };
    const [ada, bob] = [old('ada'), member(port, 'bob')];
    expect(await ada.socket.emitWithAck('message', 'lobby', 'too early')).toEqual({ error: 'invalid' });
    expect(await ada.socket.emitWithAck('join', 'lobby')).toEqual({ history: [] });
    expect(await ada.socket.emitWithAck('message', 'lobby', 'from an old page')).toEqual({ id: 1 });
    expect(await bob.hears(1)).toEqual(['ada: from an old page']);
    await bob.publish('from a new one');
    expect(await ada.hears(2)).toEqual(['1 ada: from an old page', '2 bob: from a new one']);

    // Who comes later has the history in the answer, and nobody is told of it again.
    const eve = old('eve');
    expect(await eve.socket.emitWithAck('join', 'staff')).toEqual({ error: 'forbidden' });
    expect(await eve.socket.emitWithAck('join', 'lobby')).toEqual({
      history: [
        { id: 1, author: 'ada', text: 'from an old page' },
        { id: 2, author: 'bob', text: 'from a new one' },
      ],
    });
    await bob.publish('to all');
    expect(await eve.hears(1)).toEqual(['3 bob: to all']);
    expect(await ada.hears(3)).toEqual([expect.any(String), expect.any(String), '3 bob: to all']);
  });
});
