import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { connect as connectTls } from 'node:tls';
import { connect, WebSocket } from '@trunkline/websocket';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { TEST_CERTIFICATE, TEST_KEY } from '../../websocket/test/support/test-certificate.js';
import { Workshop } from './command.js';

let workshop: Workshop;
beforeEach(() => {
  workshop = new Workshop();
});
afterEach(() => workshop.close());

async function echoing(...more: string[]) {
  const running = workshop.start(['echo', '--port', '0', ...more]);
  const [, url = ''] = await running.outputs(/^trunkline: echoes at (wss?:\/\/\S+)\n/);
  return { ...running, url };
}

interface Talk {
  readonly answers: readonly (string | Uint8Array)[];
  readonly extensions: string;
  readonly code: number;
  readonly error: string | undefined;
}

/** Sends messages, and closes when as many have come back. */
function talk(
  url: string,
  messages: readonly (string | Uint8Array)[],
  compression = false,
  ca = TEST_CERTIFICATE,
): Promise<Talk> {
  return new Promise((resolve) => {
    const answers: (string | Uint8Array)[] = [];
    let error: string | undefined;
    connect(url, {
      compression,
      limits: { maxMessageBytes: 1 << 28 },
      tls: { ca },
      handler: {
        open: (socket) => {
          for (const message of messages) socket.send(message);
        },
        message: (socket, data) => {
          answers.push(data);
          if (answers.length === messages.length) socket.close();
        },
        error: (_socket, problem) => {
          error = problem.code;
        },
        close: ({ extensions }, code) => resolve({ answers, extensions, code, error }),
      },
    });
  });
}

describe('trunkline echo', () => {
  it('answers each message with itself, and a plain request with a sentence', async () => {
    const { url } = await echoing();
    const messages = ['hello', '', Buffer.from('00ff', 'hex'), 'é'.repeat(40_000)];
    const { answers, code, extensions } = await talk(url, messages);
    expect(answers).toEqual(messages);
    expect({ code, extensions }).toEqual({ code: 1000, extensions: '' });
    const page = await fetch(url.replace('ws', 'http'));
    expect([page.status, page.headers.get('upgrade'), await page.text()]).toEqual([
      426,
      'websocket',
      expect.stringMatching(/echo server/),
    ]);
  });

  it('compresses only with --deflate', async () => {
    const plain = await echoing();
    const deflating = await echoing('--deflate');
    expect((await talk(plain.url, ['x'.repeat(5_000)], true)).extensions).toBe('');
    const { answers, extensions } = await talk(deflating.url, ['x'.repeat(5_000)], true);
    expect(extensions).toMatch(/^permessage-deflate/);
    expect(answers).toEqual(['x'.repeat(5_000)]);
  });

  it('takes messages up to --max-message', async () => {
    const { url } = await echoing('--max-message', '2000000');
    const [most] = (await talk(url, [new Uint8Array(2_000_000)])).answers;
    expect(most).toHaveLength(2_000_000);
    expect((await talk(url, [new Uint8Array(2_000_001)])).code).toBe(1009);
  });

  it('holds back whoever sends without reading, and answers all in the end', async () => {
    const { url } = await echoing('--max-message', '1000000');
    const socket = new WebSocket(url);
    let count = 0;
    const done = new Promise<void>((resolve) => {
      socket.onmessage = () => {
        count++;
        if (count === 40) resolve();
      };
    });
    await new Promise((resolve) => {
      socket.onopen = resolve;
    });
    for (let index = 0; index < 40; index++) socket.send(new Uint8Array(1_000_000));
    await done;
    socket.close();
  });

  it('serves TLS with a certificate and its key', async () => {
    const [cert, key] = [join(workshop.folder, 'cert.pem'), join(workshop.folder, 'key.pem')];
    writeFileSync(cert, TEST_CERTIFICATE);
    writeFileSync(key, TEST_KEY);
    const { url } = await echoing('--tls', '--cert', cert, '--key', key, '--host', 'localhost');
    expect(url).toMatch(/^wss:/);
    const port = new URL(url).port;
    expect((await talk(`wss://localhost:${port}`, ['secret'])).answers).toEqual(['secret']);
    const trusting = workshop.start(['tap', `wss://localhost:${port}`, '--ca', cert]);
    await trusting.outputs(/connected to/);
    const careless = workshop.start(['tap', `wss://localhost:${port}`, '-k']);
    await careless.outputs(/connected to/);
    const { code, err } = await workshop.run('tap', `wss://localhost:${port}`);
    expect(code).toBe(1);
    expect(err).toMatch(/^trunkline: wss:\S+: could not connect: .*certificate/);
  });

  it('makes a certificate for the run where it is given none', async () => {
    const { url, outputs } = await echoing('--tls', '--host', 'localhost');
    const [, fingerprint] = await outputs(/SHA-256 ([0-9A-F:]{95})\n/);
    const port = Number(new URL(url).port);
    const socket = connectTls({ port, host: 'localhost', rejectUnauthorized: false });
    await once(socket, 'secureConnect');
    const shown = socket.getPeerX509Certificate();
    socket.destroy();
    expect(shown?.fingerprint256).toBe(fingerprint);
    expect((await talk(`wss://localhost:${port}`, ['secret'], false, shown?.toString())).answers).toEqual(['secret']);
    const careless = workshop.start(['tap', `wss://localhost:${port}`, '--insecure']);
    await careless.outputs(/connected to/);
    expect((await talk(`wss://localhost:${port}`, ['secret'])).error).toBe('connect_failed');
  });

  it('says in one line what is wrong with a certificate', async () => {
    const nonsense = join(workshop.folder, 'nonsense.pem');
    writeFileSync(nonsense, 'nonsense');
    const missing = await workshop.run('echo', '--port', '0', '--cert', 'none.pem', '--key', nonsense);
    expect(missing).toMatchObject({
      code: 1,
      err: expect.stringMatching(/^trunkline: none\.pem cannot be read: .*\n$/),
    });
    const wrong = await workshop.run('echo', '--port', '0', '--cert', nonsense, '--key', nonsense);
    expect(wrong).toMatchObject({
      code: 1,
      err: expect.stringMatching(/^trunkline: .* are no certificate and key: .*\n$/),
    });
  });

  it('closes with 1001 when it is ended', async () => {
    const { child, ended, url } = await echoing();
    const socket = new WebSocket(url);
    await new Promise((resolve) => {
      socket.onopen = resolve;
    });
    const closed = new Promise((resolve) => {
      socket.onclose = ({ code }) => resolve(code);
    });
    child.kill('SIGTERM');
    expect(await closed).toBe(1001);
    expect(await ended).toMatchObject({ code: 0, err: '' });
  });

  it('says in one line that the port is in use', async () => {
    const { port } = new URL((await echoing()).url);
    expect(await workshop.run('echo', '--port', port)).toEqual({
      code: 1,
      out: '',
      err: `trunkline: port ${port} of 127.0.0.1 is in use: choose another with --port\n`,
    });
  });
});
