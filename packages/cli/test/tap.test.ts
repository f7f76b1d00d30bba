import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { connect } from '@trunkline/client/node';
import { createWebSocketServer, type WebSocketServerOptions } from '@trunkline/websocket';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Workshop } from './command.js';
import type { app } from './fixtures/app.mjs';

type App = typeof app;

let workshop: Workshop;
const stops: (() => unknown)[] = [];
beforeEach(() => {
  workshop = new Workshop();
});
afterEach(async () => {
  await workshop.close();
  for (const stop of stops.splice(0).reverse()) await stop();
});

/** A server of this process. */
async function serving(options: Partial<WebSocketServerOptions>): Promise<string> {
  const server = createWebSocketServer({ ...options, handler: { message() {}, error() {}, ...options.handler } });
  const http = createServer();
  server.attach(http);
  await new Promise<void>((resolve) => http.listen(0, '127.0.0.1', resolve));
  stops.push(async () => {
    await server.drain({ deadlineMs: 0 });
    await new Promise((resolve) => http.close(resolve));
  });
  return `ws://127.0.0.1:${(http.address() as AddressInfo).port}/`;
}

const echo: Partial<WebSocketServerOptions> = { handler: { message: (socket, data) => void socket.send(data) } };

/** Lines without their times. */
const lines = (out: string) => out.split('\n').map((line) => line.replace(/^\d\d:\d\d:\d\d\.\d{3} {2}/, ''));

describe('trunkline tap', () => {
  it('sends lines, shows frames, and Ctrl-C closes with 1000', async () => {
    const url = await serving(echo);
    const { child, ended, outputs, type } = workshop.start(['tap', url]);
    await outputs(/connected to/);
    type('hello');
    await outputs(/←.*hello/);
    child.kill('SIGINT');
    const { code, out, err } = await ended;
    expect({ code, err }).toEqual({ code: 0, err: '' });
    expect(out).toMatch(/^\d\d:\d\d:\d\d\.\d{3} {2}connected/);
    expect(lines(out)).toEqual([
      `connected to ${url}`,
      '→ text            5 B  hello',
      '← text            5 B  hello',
      '→ close           2 B  1000  normal: the purpose is fulfilled',
      '← close           2 B  1000  normal: the purpose is fulfilled',
      'closed with 1000, normal: the purpose is fulfilled',
      '',
    ]);
  });

  it('takes what is piped into it, waits for the answers, and closes', async () => {
    const { child, ended, type } = workshop.start(['tap', await serving(echo)]);
    type('one', 'two');
    child.stdin?.end('without an end');
    const { code, out } = await ended;
    expect(code).toBe(0);
    expect(lines(out).filter((line) => line.startsWith('←'))).toEqual([
      '← text            3 B  one',
      '← text            3 B  two',
      '← text           14 B  without an end',
      '← close           2 B  1000  normal: the purpose is fulfilled',
    ]);
  });

  it('sends and shows binary as hex', async () => {
    const { child, ended, outputs, type, remarks } = workshop.start(['tap', await serving(echo), '--binary']);
    await outputs(/connected/);
    type('00 FF 0a', 'xyz', '41'.repeat(20));
    await outputs(/←.*20 B\n.*\n {4}00000010 .*\n/);
    await remarks(/^not sent, as it is not hex: xyz\n/);
    child.kill('SIGINT');
    const shown = lines((await ended).out);
    expect(shown.slice(1, 3)).toEqual(['→ binary          3 B  00 ff 0a', '→ binary         20 B']);
    expect(shown[3]).toBe(`    00000000  ${'41 '.repeat(16)} AAAAAAAAAAAAAAAA`);
    expect(shown[4]).toBe(`    00000010  41 41 41 41${' '.repeat(36)}  AAAA`);
  });

  it('lets nothing that a server sends near the terminal', async () => {
    const evil = '\u001b[2J\u0007\u009b31m\r\n\u202Eabc';
    const url = await serving({
      handler: {
        open: (socket) => {
          socket.send(evil);
          socket.close(1000, evil);
        },
        message() {},
      },
    });
    const { code, out } = await workshop.start(['tap', url]).ended;
    expect(code).toBe(0);
    expect(out).toContain('\\u001b[2J\\u0007\\u009b31m\\r\\n\\u202eabc\n');
    expect(out.replaceAll('\n', '')).not.toMatch(/[\p{Cc}\p{Bidi_Control}]/u);
  });

  it('shows pings, pongs and fragments as they are', async () => {
    const url = await serving({ handler: { open: (socket) => void socket.ping(Buffer.from('p')), message() {} } });
    const { child, ended, outputs } = workshop.start(['tap', url]);
    await outputs(/→ pong/);
    child.kill('SIGINT');
    expect(lines((await ended).out)).toEqual(
      expect.arrayContaining(['← ping            1 B  70', '→ pong            1 B  70']),
    );
  });

  it('shows the beginning of what is long, and not half a character', async () => {
    const url = await serving({ handler: { open: (socket) => void socket.send('xé'.repeat(100)), message() {} } });
    const { child, ended, outputs } = workshop.start(['tap', url, '--shown', '5']);
    await outputs(/←/);
    child.kill('SIGINT');
    expect(lines((await ended).out)).toContain('← text          300 B  xéx… 295 B more');
  });

  it('shows what was compressed', async () => {
    const url = await serving({ ...echo, compression: { thresholdBytes: 1 } });
    const { child, ended, outputs, type } = workshop.start(['tap', url, '--deflate']);
    await outputs(/extensions permessage-deflate/);
    type('x'.repeat(2_000));
    await outputs(/= inflated/);
    child.kill('SIGINT');
    const { out } = await ended;
    expect(out).toMatch(/→ text +\d\d B \(deflated\)\n/);
    expect(out).toMatch(/← text +\d\d B \(deflated\)\n/);
    expect(out).toContain(`= inflated   2000 B  ${'x'.repeat(2_000)}\n`);
  });

  it('sends subprotocols and header fields', async () => {
    const seen: unknown[] = [];
    const url = await serving({
      protocols: ['v2'],
      handler: {
        open: (socket, { headers, offeredProtocols }) => {
          seen.push(offeredProtocols, headers.authorization, headers['x-b']);
          socket.close(4321, 'enough');
        },
        message() {},
      },
    });
    const words = [
      '--subprotocol',
      'v3',
      '--subprotocol',
      'v2',
      '-H',
      'Authorization: Bearer a:b',
      '--header',
      'X-B: 2',
    ];
    const { code, out, err } = await workshop.run('tap', url.replace('ws://', ''), ...words);
    expect(seen).toEqual([['v3', 'v2'], 'Bearer a:b', '2']);
    expect(out).toContain(`connected to ${url}, subprotocol v2\n`);
    expect({ code, err }).toEqual({ code: 1, err: `trunkline: closed with 4321 "enough", the application's own\n` });
  });

  it('says why there is no connection, or no longer', async () => {
    const refusing = await serving({ check: () => ({ status: 403, message: 'no' }) });
    expect(await workshop.run('tap', refusing)).toEqual({
      code: 1,
      out: '',
      err: `trunkline: ${refusing}: the server answered the handshake with status 403\n`,
    });
    const dropping = workshop.start(['tap', await serving({ handler: { message: (socket) => socket.abort() } })]);
    await dropping.outputs(/connected/);
    dropping.type('drop me');
    const { code, out, err } = await dropping.ended;
    expect(code).toBe(1);
    expect(out).toMatch(/ lost: 1006, abnormal: the connection ended without a close frame: .*\n$/);
    expect(err).toBe('trunkline: the connection was lost: the connection was lost without a closing handshake\n');
  });
});

describe('trunkline tap --stream', () => {
  /** The fixture's app, in a process of its own. */
  async function serve(port = '0') {
    const running = workshop.start(['start', 'app.mjs', '--port', port, '--data', join(workshop.folder, 'data')]);
    const [, url = ''] = await running.outputs(/is served at (http:\/\/\S+),/);
    return { ...running, url };
  }

  /** Publishes texts as ada, until the test ends. */
  function publisher(url: string) {
    const line = connect<App>(`${url}/line`, { token: 'ada' });
    stops.push(() => line.close());
    const log = line.channel.chat('a b');
    return async (...texts: string[]) => {
      for (const text of texts) await log.publish({ text });
    };
  }

  it('prints the history that was asked for, then what comes; Ctrl-C closes with 1000', async () => {
    const { url } = await serve();
    const publish = publisher(url);
    await publish('one', 'two', 'three\u001b[2J');
    const words = ['tap', url, '--stream', 'chat/a%20b', '--token', 'bob', '--last', '2'];
    const { child, ended, outputs } = workshop.start(words);
    await outputs(/three/);
    await publish('four');
    await outputs(/four/);
    child.kill('SIGINT');
    const { code, out, err } = await ended;
    expect(code).toBe(0);
    expect(lines(out)).toEqual([
      '#2  ada  {"text":"two"}',
      '#3  ada  {"text":"three\\u001b[2J"}',
      '#4  ada  {"text":"four"}',
      '',
    ]);
    expect(err).toBe('trunkline: connected as bob\ntrunkline: closed with 1000, normal: the purpose is fulfilled\n');
  });

  it('goes on where it was when the server comes back', async () => {
    const first = await serve();
    await publisher(first.url)('before');
    const { child, ended, outputs, remarks } = workshop.start([
      'tap',
      first.url,
      '--stream',
      'chat/a b',
      '--token',
      'bob',
    ]);
    await outputs(/before/);
    first.child.kill('SIGTERM');
    await remarks(/connection lost: .*trying again/);
    await first.ended;
    const second = await serve(new URL(first.url).port);
    await publisher(second.url)('after');
    await outputs(/after/);
    child.kill('SIGTERM');
    const { code, out, err } = await ended;
    expect(code).toBe(0);
    expect(lines(out)).toEqual(['#1  ada  {"text":"before"}', '#2  ada  {"text":"after"}', '']);
    expect(err).toContain('trunkline: connected again as bob\n');
  });

  it('ends with one sentence when it is refused, or nobody is there', async () => {
    const { url } = await serve();
    const nobody = await workshop.run('tap', url, '--stream', 'chat/x');
    expect(nobody).toMatchObject({ code: 1, out: '', err: expect.stringMatching(/^trunkline: ws:\S+: .*token.*\n$/) });
    const unknown = await workshop.run('tap', url, '--stream', 'other/x', '--token', 'bob');
    expect(unknown).toMatchObject({ code: 1, out: '', err: expect.stringMatching(/\ntrunkline: other\/x: .*\n$/) });
    const nowhere = await workshop.run('tap', 'ws://127.0.0.1:1', '--stream', 'chat/x');
    expect(nowhere).toMatchObject({
      code: 1,
      out: '',
      err: expect.stringMatching(/^trunkline: \S+: .*ECONNREFUSED.*\n$/),
    });
  });
});
