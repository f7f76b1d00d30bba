import { connect } from '@trunkline/client/node';
import { WebSocket } from '@trunkline/websocket';
import { afterEach, describe, expect, it } from 'vitest';
import type { app } from '../chat-app.js';
import { onStop, run, stopAll, until } from './support/example.js';

afterEach(stopAll);

/** A member of the lobby: what is in it, and a way to wait for more. */
function join(url: string, name: string) {
  const line = connect<typeof app>(`${url}/line`, { token: name });
  onStop(() => line.close());
  const lobby = line.channel.chat('lobby');
  const checks = new Set<() => void>();
  onStop(lobby.subscribe(() => checks.forEach((check) => void check())));
  const texts = () => lobby.snapshot().entries.map(({ user, data }) => `${user ?? 'server'}: ${data.text}`);
  const reaches = async (count: number) => {
    await until(
      () => texts().length >= count,
      (check) => checks.add(check),
    );
    return texts();
  };
  return { lobby, reaches };
}

describe.each([
  ['express.js', 'Express'],
  ['fastify.js', 'Fastify'],
  ['hono.js', 'Hono'],
])('%s', (file, name) => {
  it('serves pages and a line on one port, both ways', async () => {
    const example = await run(file);
    expect(await (await fetch(example.url)).text()).toBe(`${name} is here, and a Trunkline at /line.\n`);
    const [ada, bob] = [join(example.url, 'ada'), join(example.url, 'bob')];
    await ada.lobby.publish({ text: 'hello' });
    expect(await bob.reaches(1)).toEqual(['ada: hello']);
    const announced = await fetch(`${example.url}/announce/${encodeURIComponent('all hear')}`, { method: 'POST' });
    expect(await announced.json()).toEqual({ offset: 2 });
    expect(await bob.reaches(2)).toEqual(['ada: hello', 'server: all hear']);
    expect((await fetch(`${example.url}/nothing`)).status).toBe(404);
  });

  it('ends when it is asked to, also with a line open', async () => {
    const example = await run(file);
    await join(example.url, 'ada').lobby.publish({ text: 'still here' });
    expect(await example.end()).toEqual({ code: 0, errors: '' });
  });
});

describe('bare-server.js', () => {
  async function member(url: string, name: string) {
    const socket = new WebSocket(`${url}/chat?name=${name}`);
    onStop(() => socket.close());
    const heard: string[] = [];
    const checks = new Set<() => void>();
    socket.onmessage = ({ data }) => {
      heard.push(String(data));
      for (const check of checks) check();
    };
    const closed = new Promise<number>((resolve) => {
      socket.onclose = ({ code }) => resolve(code);
    });
    const reaches = async (count: number) => {
      await until(
        () => heard.length >= count,
        (check) => checks.add(check),
      );
      return heard;
    };
    await reaches(1);
    return { socket, reaches, closed };
  }

  it('tells all what one says', async () => {
    const { url } = await run('bare-server.js');
    const [ada, bob] = [await member(url, 'ada'), await member(url, 'bob')];
    ada.socket.send('hello');
    expect(await ada.reaches(2)).toEqual(['welcome, ada', 'ada: hello']);
    expect(await bob.reaches(2)).toEqual(['welcome, bob', 'ada: hello']);
    bob.socket.send(new Uint8Array(1));
    expect(await bob.closed).toBe(1003);
  });

  it('ends with 1001 for everybody', async () => {
    const example = await run('bare-server.js');
    const ada = await member(example.url, 'ada');
    expect(await example.end()).toEqual({ code: 0, errors: '' });
    expect(await ada.closed).toBe(1001);
  });
});
