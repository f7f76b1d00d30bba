// Who may connect: the table of origins and hosts, and what a proxy may say.

import { CLOSE } from '@trunkline/protocol';
import { afterEach, describe, expect, it, vi } from 'vitest';
import type { ServeOptions } from '../src/index.js';
import { describeRequest, originProblem } from '../src/origin.js';
import { served } from './support/app.js';
import { Dialled } from './support/dial.js';

interface Row {
  readonly origin: string | undefined;
  readonly host: string;
  readonly welcome: boolean;
  readonly why: string;
  readonly allowed?: readonly string[];
  readonly production?: boolean;
  readonly isPublic?: boolean;
  readonly forwarded?: boolean;
}

const TABLE: readonly Row[] = [
  { origin: undefined, host: 'evil.example', welcome: true, why: 'a program, not a browser' },
  { origin: 'https://a.example', host: 'a.example', isPublic: true, welcome: true, why: 'the same host' },
  { origin: 'https://a.example', host: 'a.example:443', isPublic: true, welcome: true, why: "the scheme's own port" },
  { origin: 'https://A.example', host: 'a.EXAMPLE', isPublic: true, welcome: true, why: 'upper case' },
  { origin: 'https://a.example:8443', host: 'a.example', isPublic: true, welcome: false, why: 'another port' },
  { origin: 'https://b.example', host: 'a.example', isPublic: true, welcome: false, why: 'another host' },
  { origin: 'https://a.example.evil', host: 'a.example', isPublic: true, welcome: false, why: 'a longer host' },
  { origin: 'https://sub.a.example', host: 'a.example', isPublic: true, welcome: false, why: 'a subdomain' },
  { origin: 'null', host: 'localhost:7400', welcome: false, why: 'a sandboxed frame' },
  { origin: 'null', host: 'null', isPublic: true, welcome: false, why: 'a host named null' },
  { origin: 'file://', host: 'localhost:7400', welcome: false, why: 'a file' },
  { origin: 'chrome-extension://abc', host: 'abc', isPublic: true, welcome: false, why: 'an extension' },
  { origin: 'https://', host: 'a.example', isPublic: true, welcome: false, why: 'no host' },
  { origin: '', host: '', isPublic: true, welcome: false, why: 'an empty origin' },
  { origin: 'http://localhost:5173', host: 'localhost:7400', welcome: true, why: 'a dev server' },
  { origin: 'http://127.0.0.1:5173', host: 'localhost:7400', welcome: true, why: 'another name of loopback' },
  { origin: 'http://[::1]:5173', host: '127.0.0.1:7400', welcome: true, why: 'loopback of IPv6' },
  { origin: 'http://app.localhost', host: 'localhost:7400', welcome: true, why: 'a subdomain of localhost' },
  { origin: 'http://localhost:5173', host: 'localhost:7400', production: true, welcome: false, why: 'in production' },
  {
    origin: 'http://localhost:7400',
    host: 'localhost:7400',
    production: true,
    welcome: true,
    why: 'the same, in production',
  },
  {
    origin: 'http://localhost.evil.example',
    host: 'localhost:7400',
    welcome: false,
    why: 'a name that begins with localhost',
  },
  {
    origin: 'http://127.0.0.1.evil.example',
    host: 'localhost:7400',
    welcome: false,
    why: 'a name that begins with 127.0.0.1',
  },
  {
    origin: 'http://localhost:5173',
    host: 'a.example',
    isPublic: true,
    welcome: false,
    why: 'loopback to a public host',
  },
  { origin: 'http://evil.example:7400', host: 'evil.example:7400', welcome: false, why: 'DNS rebinding' },
  {
    origin: 'http://evil.example:7400',
    host: 'evil.example:7400',
    production: true,
    welcome: false,
    why: 'DNS rebinding in production',
  },
  {
    origin: 'https://a.example',
    host: 'a.example',
    forwarded: true,
    welcome: true,
    why: 'a trusted proxy before a loopback server',
  },
  {
    origin: 'https://b.example',
    host: 'a.example',
    forwarded: true,
    welcome: false,
    why: 'another host behind a proxy',
  },
  {
    origin: 'https://b.example',
    host: 'a.example',
    allowed: ['https://b.example'],
    welcome: true,
    why: 'the allow-list',
  },
  {
    origin: 'http://b.example',
    host: 'a.example',
    allowed: ['https://b.example'],
    welcome: false,
    why: 'another scheme than the allowed one',
  },
  { origin: 'null', host: 'a.example', allowed: ['*'], welcome: true, why: 'any origin' },
];

describe('an origin', () => {
  it.each(TABLE)('$origin at host $host: $welcome ($why)', (row) => {
    const { allowed = [], production = false, isPublic = false, forwarded = false } = row;
    const problem = originProblem(
      row.origin,
      { host: row.host, isForwarded: forwarded },
      { allowed, isLoopbackServer: !isPublic, isProduction: production },
    );
    if (row.welcome) expect(problem).toBeNull();
    else {
      expect(problem).toContain(JSON.stringify(row.origin));
      expect(problem).toContain(JSON.stringify(row.host));
      expect(problem).toContain('origins: [');
    }
  });
});

describe('what a request says', () => {
  const describing = (address: string, headers: Record<string, string>, trusted: readonly string[] = ['127.0.0.1']) => {
    const { info, claim } = describeRequest({ url: '/line', address, headers: { host: 'inner', ...headers } }, trusted);
    return { address: info.address, ...claim };
  };

  it.each([
    ['nothing from a proxy', '10.0.0.9', {}, { address: '10.0.0.9', host: 'inner', isForwarded: false }],
    [
      'a stranger that claims things',
      '10.0.0.9',
      { 'x-forwarded-for': '1.2.3.4', 'x-forwarded-host': 'a.example' },
      { address: '10.0.0.9', host: 'inner', isForwarded: false },
    ],
    [
      'a trusted proxy',
      '127.0.0.1',
      { 'x-forwarded-for': '1.2.3.4', 'x-forwarded-host': 'a.example' },
      { address: '1.2.3.4', host: 'a.example', isForwarded: true },
    ],
    [
      'a trusted proxy that keeps the host',
      '127.0.0.1',
      { 'x-forwarded-for': '1.2.3.4' },
      { host: 'inner', isForwarded: true },
    ],
    [
      'a page made to point here, from the address of the proxy',
      '127.0.0.1',
      {},
      { address: '127.0.0.1', isForwarded: false },
    ],
    [
      'the address as IPv6 writes it',
      '::ffff:127.0.0.1',
      { 'x-forwarded-for': '::ffff:1.2.3.4' },
      { address: '1.2.3.4' },
    ],
    [
      'a client that wrote the first hops itself',
      '127.0.0.1',
      { 'x-forwarded-for': '6.6.6.6, 1.2.3.4' },
      { address: '1.2.3.4' },
    ],
    ['nonsense', '127.0.0.1', { 'x-forwarded-for': ' , ' }, { address: '127.0.0.1' }],
  ])('%s', (_, address, headers, expected) => {
    expect(describing(address, headers as Record<string, string>)).toMatchObject(expected);
  });

  it('passes over proxies that are trusted too', () => {
    const headers = { 'x-forwarded-for': '1.2.3.4, 10.0.0.2' };
    expect(describing('10.0.0.1', headers, ['10.0.0.1', '10.0.0.2']).address).toBe('1.2.3.4');
  });
});

describe('CON-3: through a socket', () => {
  const open: { close(options: { deadlineMs: number }): Promise<void> }[] = [];
  afterEach(async () => {
    vi.unstubAllEnvs();
    for (const trunk of open.splice(0)) await trunk.close({ deadlineMs: 0 });
  });

  async function dial(headers: Record<string, string>, options: Partial<ServeOptions> = {}) {
    const server = await served(options);
    open.push(server.trunk);
    const peer = new Dialled(`${server.url}/line`, { headers });
    await peer.opened;
    return { peer, server };
  }

  it('a page of another origin gets an error and 4503, and both values are logged with the option to set', async () => {
    const { peer, server } = await dial({ Origin: 'https://evil.example' });
    peer.say({ type: 'hello', version: 1, token: 'ada' });
    expect(await peer.closed).toMatchObject({ code: CLOSE.forbidden, wasClean: true });
    expect(peer.messages).toMatchObject([{ type: 'error', code: 'forbidden', retry: false }]);
    expect(server.log).toMatchObject([
      {
        level: 'warn',
        details: { origin: 'https://evil.example', host: `127.0.0.1:${server.port}`, address: '127.0.0.1' },
        message: expect.stringContaining('set origins: ["https://evil.example"]'),
      },
    ]);
  });

  it('a dev server may connect outside of production, and not in it', async () => {
    const headers = { Origin: 'http://localhost:5173' };
    const { peer } = await dial(headers);
    peer.say({ type: 'hello', version: 1, token: 'ada' });
    await peer.type('welcome');
    vi.stubEnv('NODE_ENV', 'production');
    expect(await (await dial(headers)).peer.closed).toMatchObject({ code: CLOSE.forbidden });
  });

  it('a page behind a trusted proxy may connect to a loopback server, and is known by its own address', async () => {
    const headers = { Origin: 'https://a.example', 'X-Forwarded-Host': 'a.example', 'X-Forwarded-For': '1.2.3.4' };
    const { peer } = await dial(headers, { trustedProxies: ['127.0.0.1'] });
    peer.say({ type: 'hello', version: 1, token: 'ada' });
    await peer.type('welcome');
    expect(await (await dial(headers)).peer.closed).toMatchObject({ code: CLOSE.forbidden });
  });
});
