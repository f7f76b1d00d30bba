// What the server notes of HTTP requests, for the Wire.

import { createServer, request as open, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { HttpTap } from '../server/wire/http-tap.js';
import { WireTabs } from '../server/wire/tabs.js';
import type { WireExchange } from '../shared/wire.js';

const TAB = `${'0123456789abcdef'.repeat(2)}-polling`;
let tabs: WireTabs;
let tap: HttpTap;
let server: Server;
let port = 0;

beforeEach(async () => {
  tabs = new WireTabs();
  tap = new HttpTap(tabs);
  server = createServer(async (request, response) => {
    let body = '';
    for await (const part of request) body += part;
    response.setHeader('ETag', '"7"');
    if (request.url === '/none') response.writeHead(304).end();
    else response.end(`{"got":${body.length},"token":"not for you"}`);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  port = (server.address() as AddressInfo).port;
});
afterEach(async () => {
  tap.close();
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
});

/** Sends a request and gives the bytes that its socket carried. */
function send(path: string, headers: Record<string, string>, body = ''): Promise<{ sent: number; got: number }> {
  return new Promise((resolve, reject) => {
    const request = open({
      port,
      host: '127.0.0.1',
      path,
      method: body === '' ? 'GET' : 'POST',
      headers,
      agent: false,
    });
    request.on('response', (response) => {
      const { socket } = response;
      response.resume().on('end', () => resolve({ sent: socket.bytesWritten, got: socket.bytesRead }));
    });
    request.on('error', reject).end(body);
  });
}
const seen = () => tabs.ring(TAB).after(0).events as readonly WireExchange[];
const next = () => new Promise<void>((resolve) => void tabs.ring(TAB).listen(resolve));

it('has head, body and bytes of a request and its answer, as the socket carried them', async () => {
  const noted = next();
  const body = '{"text":"héllo"}';
  const { sent, got } = await send(
    '/some?tab=1',
    { 'x-wire-tab': TAB, authorization: 'Bearer abc', cookie: 'a=b' },
    body,
  );
  await noted;
  const [exchange] = seen();
  expect(exchange).toMatchObject({ kind: 'exchange', status: 200, requestBody: body, requestBodyBytes: 17 });
  expect([exchange?.requestBytes, exchange?.responseBytes]).toEqual([sent, got]);
  expect(exchange?.requestHead).toMatch(/^POST \/some\?tab=•••• HTTP\/1\.1\n/);
  expect(exchange?.requestHead).toMatch(/authorization: Bearer ••••\ncookie: a=••••/);
  expect(exchange?.requestHead).not.toContain(TAB);
  expect(exchange?.responseHead).toMatch(/^HTTP\/1\.1 200 OK\n(.*\n)*ETag: "7"/);
  expect(exchange?.responseBody).toBe('{"got":16,"token":"••••"}');
  expect(exchange?.responseBodyBytes).toBe(32);
  expect(tabs.ring(TAB).totals).toMatchObject({ requests: 1, bytesIn: sent, bytesOut: got, dataBytes: 17 + 32 });
});

it('keeps the beginning of a large body, and counts all of it', async () => {
  const noted = next();
  await send('/some', { 'x-wire-tab': TAB }, 'x'.repeat(100_000));
  await noted;
  const [exchange] = seen();
  expect([exchange?.requestBody.length, exchange?.requestBodyBytes]).toEqual([2048, 100_000]);
});

it('has an answer without a body', async () => {
  const noted = next();
  await send('/none', { 'x-wire-tab': TAB });
  await noted;
  expect(seen()[0]).toMatchObject({ status: 304, responseBodyBytes: 0, responseBody: '' });
});

it('does not look at what names no wire, or none that can be', async () => {
  await send('/some', {});
  await send('/some', { 'x-wire-tab': 'somebody' });
  const noted = next();
  await send('/some', { 'x-wire-tab': TAB });
  await noted;
  expect(seen()).toHaveLength(1);
});
