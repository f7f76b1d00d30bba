// The demo as a program and as an HTTP server: how it starts, ends and refuses to.

import { statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { freePort } from '../support/free-port.js';
import { DemoServer, runDemo } from './support/demo-server.js';

let server: DemoServer;

beforeAll(async () => {
  server = await DemoServer.start();
});
afterAll(() => server.remove());

function become(body: string, headers: Record<string, string> = {}): Promise<Response> {
  return fetch(`${server.url}/guest`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json', ...headers },
    body,
  });
}

async function failure(env: Record<string, string>): Promise<{ code: number | null; errors: string }> {
  const run = runDemo({ TRUNKLINE_DATA: join(server.folder, 'other'), ...env });
  const code = await run.ended;
  return { code, errors: run.errors() };
}

it('says in one line that its port is in use', async () => {
  const { code, errors } = await failure({ PORT: String(server.port) });
  expect(code).toBe(1);
  expect(errors.trim().split('\n')).toEqual([expect.stringContaining(`port ${server.port}`)]);
  expect(errors).toContain('in use');
});

it('says in one line that PORT makes no sense', async () => {
  for (const PORT of ['seven', '-1', '70000', '74.5']) {
    const { code, errors } = await failure({ PORT });
    expect(code).toBe(1);
    expect(errors).toBe(`Trunkline demo: PORT is "${PORT}": it must be a whole number from 0 to 65535.\n`);
  }
});

it('says in one line what is wrong with its data', async () => {
  const PORT = String(await freePort());
  const inUse = await failure({ PORT, TRUNKLINE_DATA: server.folder });
  expect([inUse.code, inUse.errors.trim().split('\n').length]).toEqual([1, 1]);

  const file = join(server.folder, 'file');
  writeFileSync(file, '');
  const noFolder = await failure({ PORT, TRUNKLINE_DATA: file });
  expect([noFolder.code, noFolder.errors.trim().split('\n').length]).toEqual([1, 1]);
  expect(noFolder.errors).toContain(file);
});

it('ends with 0 on SIGINT and on SIGTERM, and can start again at once', async () => {
  expect(await server.stop()).toBe(0);
  await server.start();
  const other = runDemo({ PORT: '0', TRUNKLINE_DATA: join(server.folder, 'term') });
  await new Promise((resolve) => other.child.stdout?.once('data', resolve));
  other.child.kill('SIGTERM');
  expect(await other.ended).toBe(0);
  expect(other.output()).toMatch(
    /^Trunkline demo: http:\/\/localhost:\d+\nTrunkline demo: SIGTERM: goodbye to 0 connections\.\n$/,
  );
});

it('keeps its secret to itself', () => {
  expect(statSync(join(server.folder, 'secret')).mode & 0o777).toBe(0o600);
});

it('answers pages with 200, others with 404, all with a policy', async () => {
  const status = async (path: string, init?: RequestInit) =>
    (await fetch(`${server.url}${path}`, { redirect: 'manual', ...init })).status;
  expect(await status('/')).toBe(200);
  expect(await status('/chat/lobby')).toBe(200);
  expect(await status('/chat')).toBe(302);
  expect(await status('/chat/a/b')).toBe(404);
  expect(await status('/..%2f..%2fpackage.json')).toBe(404);
  expect(await status('/assets/none.js')).toBe(404);
  expect(await status('/', { method: 'POST' })).toBe(405);
  expect(await status('/line')).toBe(426);
  const { headers } = await fetch(server.url);
  expect(headers.get('content-security-policy')).toContain("default-src 'self'");
  expect(headers.get('content-security-policy')).toContain("frame-ancestors 'none'");
  expect(headers.get('x-content-type-options')).toBe('nosniff');
  expect(headers.get('referrer-policy')).toBe('no-referrer');
});

it('makes guests, and keeps the id of one that renews', async () => {
  const first = await (await become('{"name":"  Ada "}')).json();
  expect(first).toMatchObject({ name: 'Ada', id: expect.stringMatching(/^[\w-]{12}$/) });
  const renewed = await (await become('{"name":"Ada L."}', { Authorization: `Bearer ${first.token}` })).json();
  expect(renewed).toMatchObject({ name: 'Ada L.', id: first.id });
  const stranger = await (await become('{"name":"Ada"}', { Authorization: 'Bearer forged.token.here' })).json();
  expect(stranger.id).not.toBe(first.id);
});

it('refuses what is no guest', async () => {
  expect((await become('{"name":"   "}')).status).toBe(422);
  expect((await become(`{"name":"${'x'.repeat(41)}"}`)).status).toBe(422);
  expect((await become('{"name":"a\\u0000b"}')).status).toBe(422);
  expect((await become('{"name":7}')).status).toBe(422);
  expect((await become('{')).status).toBe(400);
  expect((await become(JSON.stringify({ name: 'x'.repeat(5000) }))).status).toBe(413);
  expect((await become('name=Ada', { 'Content-Type': 'application/x-www-form-urlencoded' })).status).toBe(415);
  expect((await become('{"name":"Ada"}', { Origin: 'https://evil.example' })).status).toBe(403);
  expect((await become('{"name":"Ada"}', { Origin: 'null' })).status).toBe(403);
  expect((await fetch(`${server.url}/guest`)).status).toBe(405);
  expect(await (await become('{"name":""}')).json()).toEqual({
    problem: 'A name needs at least one visible character.',
  });
});
