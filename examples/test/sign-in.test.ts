// Guests, members, tokens that end and rights that are taken away.

import { connect, type TokenSource } from '@trunkline/client/node';
import { SignJWT } from 'jose';
import { afterEach, describe, expect, it } from 'vitest';
import type { app } from '../sign-in/server.js';
import { onStop, run, stopAll, until } from './support/example.js';

afterEach(stopAll);

const SECRET = '5a'.repeat(32);
const FILE = 'sign-in/server.js';

interface Pass {
  readonly status: number;
  readonly token: string;
  readonly expiresAt: number;
  readonly id: string;
  readonly name: string;
  readonly cookie: string;
}

async function post(url: string, body: object = {}, headers: Record<string, string> = {}): Promise<Pass> {
  const response = await fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: JSON.stringify(body),
  });
  const cookie = response.headers.get('set-cookie')?.split(';')[0] ?? '';
  return { ...((await response.json()) as Omit<Pass, 'status' | 'cookie'>), status: response.status, cookie };
}

function join(url: string, token: TokenSource, room = 'lobby') {
  const line = connect<typeof app>(`${url}/line`, { token, onProblem: () => {} });
  onStop(() => line.close());
  const chat = line.channel.chat(room);
  const checks = new Set<() => void>();
  const look = () => checks.forEach((check) => void check());
  onStop(chat.subscribe(look));
  onStop(line.connection.subscribe(look));
  const reaches = (holds: () => boolean) => until(holds, (check) => checks.add(check));
  return { line, chat, reaches, is: (state: string) => reaches(() => chat.snapshot().state === state) };
}

/** A token signed with the server's secret, with any claims. */
const sign = (claims: object, alg = 'HS256') =>
  new SignJWT({ name: 'Eve', isMember: true, sub: 'member-eve', aud: 'line', ...claims })
    .setProtectedHeader({ alg })
    .sign(Buffer.from(SECRET, 'hex'));
const inSeconds = (seconds: number) => Math.floor(Date.now() / 1_000) + seconds;

describe(FILE, () => {
  it('makes a guest, who stays the same one with the cookie, and is another one without', async () => {
    const { url } = await run(FILE);
    const guest = await post(`${url}/token`);
    expect(guest).toMatchObject({ status: 200, id: expect.stringMatching(/^guest-[\w-]{12}$/) });
    expect(Math.abs(guest.expiresAt - Date.now() - 300_000)).toBeLessThan(10_000);
    expect(await post(`${url}/token`, {}, { cookie: guest.cookie })).toMatchObject({ id: guest.id, name: guest.name });
    expect((await post(`${url}/token`)).id).not.toBe(guest.id);
    const { line, chat, is } = join(url, async () => post(`${url}/token`, {}, { cookie: guest.cookie }));
    await is('live');
    await chat.publish({ text: 'hello' });
    expect(line.connection.snapshot().user).toEqual({ id: guest.id, name: guest.name });
  });

  it('lets members into every room, and guests into the lobby', async () => {
    const { url } = await run(FILE);
    const password = 'notes on the engine';
    for (const body of [{ name: 'ada', password: 'x' }, { name: 'eve', password }, { name: 7 }, { password }, []]) {
      expect((await post(`${url}/sign-in`, body)).status).toBe(401);
    }
    const ada = await post(`${url}/sign-in`, { name: 'ada', password });
    expect(ada).toMatchObject({ status: 200, id: 'member-ada', name: 'ada' });
    await join(url, ada.token, 'staff').is('live');
    const guest = join(url, (await post(`${url}/token`)).token, 'staff');
    await guest.is('refused');
    expect(guest.chat.snapshot().error).toMatchObject({ code: 'forbidden' });
  });

  it('puts a user out, of what is open and of what comes', async () => {
    const { url } = await run(FILE);
    const ada = await post(`${url}/sign-in`, { name: 'ada', password: 'notes on the engine' });
    const guest = await post(`${url}/token`);
    const [member, rude] = [join(url, ada.token), join(url, guest.token)];
    await Promise.all([member.is('live'), rude.is('live')]);
    const ban = (token: string, id: unknown = guest.id) =>
      post(`${url}/ban`, { id }, { authorization: `Bearer ${token}` });
    expect((await ban(guest.token, 'member-ada')).status).toBe(403);
    expect((await ban('forged.token.here')).status).toBe(403);
    expect((await ban(ada.token, 7)).status).toBe(400);
    expect(await ban(ada.token)).toMatchObject({ status: 200, ended: 1 });
    await rude.is('refused');
    await member.chat.publish({ text: 'they are gone' });
    expect(rude.chat.snapshot().entries).toEqual([]);
    await expect(rude.chat.publish({ text: 'am I?' })).rejects.toMatchObject({ code: 'forbidden' });
    expect((await post(`${url}/token`, {}, { cookie: guest.cookie })).status).toBe(403);
    const again = join(url, guest.token);
    await again.reaches(() => again.line.connection.snapshot().state === 'refused');
  });

  it('refuses every token that is not its own, or is over', async () => {
    const { url } = await run(FILE, { TOKEN_SECRET: SECRET });
    const exp = inSeconds(60);
    const [head, claims, signature] = (await sign({ exp })).split('.');
    const none = Buffer.from('{"alg":"none"}').toString('base64url');
    const tokens: Record<string, string> = {
      expired: await sign({ exp: inSeconds(-1) }),
      'without an end': await sign({}),
      'of nobody': await sign({ exp, sub: undefined }),
      'for the cookie': await sign({ exp, aud: 'cookie' }),
      'of another algorithm': await sign({ exp }, 'HS512'),
      'not signed': `${head}.${claims}.`,
      'that names no algorithm': `${none}.${claims}.`,
      'with another head': `${none}.${claims}.${signature}`,
    };
    for (const [what, token] of Object.entries(tokens)) {
      const { line, reaches } = join(url, token);
      await reaches(() => line.connection.snapshot().lastClose !== undefined);
      expect(line.connection.snapshot(), what).toMatchObject({ state: 'refused', lastClose: { code: 4501 } });
    }
    await join(url, await sign({ exp })).is('live');
  });

  it('ends the connection with the token, and goes on with the next one', async () => {
    const { url } = await run(FILE, { TOKEN_SECRET: SECRET });
    const tokens = [await sign({ exp: inSeconds(2) }), await sign({ exp: inSeconds(300) })];
    const { line, is, reaches } = join(url, () => tokens.shift() ?? 'none');
    await is('live');
    await reaches(() => line.connection.snapshot().lastClose?.code === 4501);
    await is('live');
    expect(tokens).toEqual([]);
  });

  it('says no to a secret that is too short', async () => {
    await expect(run(FILE, { TOKEN_SECRET: '5a'.repeat(31) })).rejects.toThrow('64 hexadecimal digits');
  });

  it('ends when it is asked to, also with a line open', async () => {
    const example = await run(FILE);
    await join(example.url, (await post(`${example.url}/token`)).token).is('live');
    expect(await example.end()).toEqual({ code: 0, errors: '' });
  });

  it('answers what makes no sense', async () => {
    const { url } = await run(FILE);
    expect((await fetch(`${url}/token`)).status).toBe(405);
    expect((await post(`${url}/nothing`)).status).toBe(404);
    expect((await post(`${url}/sign-in`, { name: 'x'.repeat(100_000) })).status).toBe(401);
    expect((await post(`${url}/sign-in`, {}, { 'content-type': 'text/plain' })).status).toBe(401);
    expect((await post(`${url}/token`, {}, { cookie: 'session=forged' })).status).toBe(200);
  });
});
