// Becoming a guest: who one is, until when, and how often an address may ask.

import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { memoryBroker } from '@trunkline/broker';
import { connect } from '@trunkline/client/node';
import { serve } from '@trunkline/server';
import { decodeJwt } from 'jose';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { type App, demoApp } from '../server/app.js';
import { answerGuest } from '../server/guest-route.js';
import { Guests } from '../server/guests.js';
import { RateLimit } from '../server/rate-limit.js';
import type { GuestPass } from '../shared/guest.js';

const HOUR_MS = 3_600_000;

describe('POST /guest', () => {
  const guests = new Guests(new Uint8Array(32).fill(7));
  let server: Server;
  let url = '';
  let nowMs = 0;
  beforeEach(async () => {
    nowMs = 0;
    const limit = new RateLimit({ burst: 3, ratePerSecond: 0.5, nowMs: () => nowMs });
    server = createServer((request, response) => void answerGuest(guests, limit, request, response));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/guest`;
  });
  afterEach(async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });

  const ask = (init: RequestInit = {}) =>
    fetch(url, { method: 'POST', headers: { 'Content-Type': 'application/json' }, body: '{"name":"Ada"}', ...init });

  it('gives a pass whose token ends when it says', async () => {
    const pass = (await (await ask()).json()) as GuestPass;
    expect(await guests.verify(pass.token)).toEqual({ id: pass.id, name: 'Ada', expiresAt: pass.expiresAt });
    expect(decodeJwt(pass.token).exp).toBe(pass.expiresAt / 1000);
  });

  it('answers 429 with Retry-After to what is too much, and goes on after that time', async () => {
    for (let n = 0; n < 3; n++) expect((await ask()).status).toBe(200);
    nowMs = 500;
    const tooMuch = await ask();
    expect(tooMuch.status).toBe(429);
    expect(tooMuch.headers.get('retry-after')).toBe('2');
    expect(await tooMuch.json()).toEqual({ problem: 'Too many guests come from your address. Try again in 2 s.' });
    nowMs = 1_999;
    expect((await ask()).status).toBe(429);
    nowMs = 2_000;
    expect((await ask()).status).toBe(200);
    expect((await ask()).status).toBe(429);
  });

  it('counts what can become no guest only if it might have', async () => {
    for (let n = 0; n < 9; n++) {
      expect((await fetch(url)).status).toBe(405);
      expect((await ask({ headers: { 'Sec-Fetch-Site': 'cross-site' } })).status).toBe(403);
    }
    for (let n = 0; n < 3; n++) expect((await ask({ body: '{' })).status).toBe(400);
    expect((await ask()).status).toBe(429);
  });
});

describe('a guest on the line', () => {
  afterEach(() => {
    vi.useRealTimers();
  });

  it('is one for an hour, and can renew the pass for a week', async () => {
    vi.useFakeTimers({ toFake: ['Date'], now: 1_763_650_000_000 });
    const guests = new Guests(new Uint8Array(32));
    const { token, id, expiresAt } = await guests.issue('Ada', undefined);
    expect(expiresAt).toBeGreaterThan(Date.now() + HOUR_MS - 1_000);
    vi.setSystemTime(expiresAt - 1_000);
    expect(await guests.verify(token)).toMatchObject({ id });
    vi.setSystemTime(expiresAt + 1_000);
    expect(await guests.verify(token)).toBeNull();
    expect(await guests.issue('Ada', token)).toMatchObject({ id });
    vi.setSystemTime(expiresAt + 24 * 7 * HOUR_MS + 1_000);
    expect((await guests.issue('Ada', token)).id).not.toBe(id);
  });

  it('loses the line when the pass ends', async () => {
    vi.useFakeTimers({ toFake: ['Date'] });
    const guests = new Guests(new Uint8Array(32));
    const { token, expiresAt } = await guests.issue('Ada', undefined);
    const trunk = await serve(demoApp(guests), { port: 0, broker: memoryBroker() });
    const line = connect<App>(`${trunk.url}/line`, { token, onProblem: () => {} });
    const states: string[] = [];
    const refused = new Promise<void>((resolve) => {
      line.connection.subscribe(() => {
        const { state } = line.connection.snapshot();
        states.push(state);
        if (state === 'live') vi.setSystemTime(expiresAt);
        if (state === 'refused') resolve();
      });
    });
    line.open();
    await refused;
    expect(states).toContain('live');
    expect(line.connection.snapshot()).toMatchObject({ reason: 'the token expired', lastClose: { code: 4501 } });
    await line.close();
    await trunk.close({ deadlineMs: 0 });
  });
});

describe('a rate limit', () => {
  it('lets a burst through, and then what comes back', () => {
    let nowMs = 0;
    const limit = new RateLimit({ burst: 60, ratePerSecond: 1, nowMs: () => nowMs });
    for (let n = 0; n < 60; n++) expect(limit.take('192.0.2.1')).toBe(0);
    expect(limit.take('192.0.2.1')).toBe(1);
    nowMs = 999;
    expect(limit.take('192.0.2.1')).toBe(1);
    nowMs = 1_000;
    expect(limit.take('192.0.2.1')).toBe(0);
    nowMs = 1_000_000;
    for (let n = 0; n < 60; n++) expect(limit.take('192.0.2.1')).toBe(0);
    expect(limit.take('192.0.2.1')).toBe(1);
    expect(limit.take('192.0.2.2')).toBe(0);
  });

  it.each([
    ['192.0.2.1', '::ffff:192.0.2.1', true],
    ['192.0.2.1', '192.0.2.2', false],
    ['2001:db8:1:2::1', '2001:db8:1:2:ffff::9', true],
    ['2001:db8:1:2::1', '2001:0db8:0001:0002:0:0:0:5', true],
    ['2001:db8:1:2::1', '2001:db8:1:3::1', false],
    ['2001:db8::1', '2001:db8:0:0:5::', true],
    ['fe80::1%eth0', 'fe80::2%eth0', true],
    ['::1', '::2', true],
    ['', '', true],
  ])('counts %s and %s together: %s', (one, other, isSame) => {
    const limit = new RateLimit({ burst: 1, nowMs: () => 0 });
    expect(limit.take(one)).toBe(0);
    expect(limit.take(other) > 0).toBe(isSame);
  });

  it('remembers so many addresses, and forgets the one that asked longest ago', () => {
    const limit = new RateLimit({ burst: 1, maxAddresses: 100, nowMs: () => 0 });
    for (let n = 0; n < 100; n++) expect(limit.take(`10.0.0.${n}`)).toBe(0);
    expect(limit.take('10.0.0.0')).toBe(1);
    expect(limit.addresses).toBe(100);
    expect(limit.take('10.0.1.1')).toBe(0);
    expect(limit.addresses).toBe(100);
    expect(limit.take('10.0.0.0')).toBe(1);
    expect(limit.take('10.0.0.1')).toBe(0);
    for (let n = 0; n < 10_000; n++) limit.take(`10.1.${n >> 8}.${n & 255}`);
    expect(limit.addresses).toBe(100);
  });
});
