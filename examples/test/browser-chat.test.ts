// The page's own module, with our WebSocket class where a browser has its own.

import { WebSocket } from '@trunkline/websocket';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { Chat } from '../browser-chat/page/chat.js';
import { onStop, run, stopAll, until } from './support/example.js';

const sockets: WebSocket[] = [];
beforeEach(() => {
  vi.stubGlobal(
    'WebSocket',
    class extends WebSocket {
      constructor(url: string, protocols: string) {
        super(url, protocols);
        sockets.push(this);
      }
    },
  );
});
afterEach(async () => {
  await stopAll();
  sockets.length = 0;
  vi.unstubAllGlobals();
});

function member(url: string, token: string, after: (run: () => void) => void = (run) => void setImmediate(run)) {
  const heard: string[] = [];
  const states: string[] = [];
  const checks = new Set<() => void>();
  const changed = () => {
    for (const check of checks) check();
  };
  const chat = new Chat({
    url: `${url.replace('http', 'ws')}/line`,
    room: 'the lobby',
    token,
    onEntries: (entries) => {
      heard.push(...entries.map(({ user, data }) => `${user}: ${data.text}`));
      changed();
    },
    onState: (state) => {
      states.push(state);
      changed();
    },
    // At once, or when the test says so: none waits on the clock.
    after,
  });
  onStop(() => chat.close());
  const when = (holds: () => boolean) => until(holds, (check) => checks.add(check));
  return {
    chat,
    heard,
    states,
    hears: async (count: number) => {
      await when(() => heard.length >= count);
      return heard;
    },
    is: (state: string, times = 1) => when(() => states.filter((other) => other === state).length >= times),
  };
}

describe('the chat without a library', () => {
  it('serves its page', async () => {
    const { url } = await run('browser-chat/server.js');
    expect(await (await fetch(`${url}/?name=ada`)).text()).toContain('<script type="module" src="page.js">');
    for (const file of ['page.js', 'chat.js']) {
      expect((await fetch(`${url}/${file}`)).headers.get('content-type')).toMatch(/^text\/javascript/);
    }
    expect((await fetch(`${url}/../server.js`)).status).toBe(404);
  });

  it('talks, and shows newcomers what was said', async () => {
    const { url } = await run('browser-chat/server.js');
    const ada = member(url, 'ada');
    ada.chat.publish('one');
    ada.chat.publish('two');
    expect(await ada.hears(2)).toEqual(['ada: one', 'ada: two']);
    const bob = member(url, 'bob');
    expect(await bob.hears(2)).toEqual(['ada: one', 'ada: two']);
    await bob.is('live');
    bob.chat.publish('three');
    expect(await ada.hears(3)).toEqual(['ada: one', 'ada: two', 'bob: three']);
  });

  it('resumes after a lost connection, with nothing missing and nothing twice', async () => {
    const { url } = await run('browser-chat/server.js');
    let comeBack = () => {};
    const ada = member(url, 'ada');
    const bob = member(url, 'bob', (again) => {
      comeBack = again;
    });
    ada.chat.publish('first');
    await bob.hears(1);
    await bob.is('live');
    sockets[1]?.close(4000);
    await bob.is('connection lost, trying again');
    // More than the history that a newcomer gets.
    const missed = Array.from({ length: 60 }, (_, index) => `ada: ${index}`);
    for (const text of missed) ada.chat.publish(text.slice(5));
    bob.chat.publish('written while away');
    await ada.hears(61);
    comeBack();
    await bob.hears(62);
    await ada.hears(62);
    expect(bob.heard).toEqual(['ada: first', ...missed, 'bob: written while away']);
    expect(ada.heard).toEqual(bob.heard);
  });

  it('does not come back when it is refused, and says why a message is', async () => {
    const { url } = await run('browser-chat/server.js');
    const nobody = member(url, '');
    await nobody.is('refused: the token is missing, invalid or expired');
    expect(nobody.states.filter((state) => state === 'connecting')).toHaveLength(1);
    const ada = member(url, 'ada');
    await ada.is('live');
    ada.chat.publish('x'.repeat(501));
    ada.chat.publish('fine');
    expect(await ada.hears(1)).toEqual(['ada: fine']);
    expect(ada.states.at(-1)).toMatch(/text/);
  });
});
