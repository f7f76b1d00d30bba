// The bundled files over HTTP, and what happens when they go away under a running server.

import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { pages } from '../server/pages.js';

let folder = '';
let server: Server;
let url = '';

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'trunkline-pages-'));
  mkdirSync(join(folder, 'assets'));
  writeFileSync(join(folder, 'index.html'), '<!doctype html><title>Demo</title>');
  writeFileSync(join(folder, 'assets', 'a.css'), 'p {}');
  server = createServer(pages(folder));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});

afterEach(async () => {
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
  rmSync(folder, { recursive: true });
});

it('serves files, the document for every page, and 404 with the document for all else', async () => {
  expect(await (await fetch(`${url}/assets/a.css`)).text()).toBe('p {}');
  for (const path of ['/', '/chat/lobby']) expect((await fetch(url + path)).status).toBe(200);
  const missing = await fetch(`${url}/nowhere`);
  expect(missing.status).toBe(404);
  expect(await missing.text()).toContain('<title>Demo</title>');
});

it('outlives a file that vanished', async () => {
  rmSync(join(folder, 'assets', 'a.css'));
  const answer = await fetch(`${url}/assets/a.css`).then(
    (response) => response.text(),
    () => 'broken off',
  );
  expect(answer).toBe('broken off');
  expect((await fetch(`${url}/`)).status).toBe(200);
});
