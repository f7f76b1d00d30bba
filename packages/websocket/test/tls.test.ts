/** TLS: `wss:` over `node:https` on the server and `node:tls` on the client (RFC 6455 §4.1, §10.6). */
import { createServer, type ServerOptions } from 'node:https';
import { createSecureContext } from 'node:tls';
import { afterEach, describe, expect, it } from 'vitest';
import { type ConnectOptions, connect, createWebSocketServer, type NodeSocket } from '../src/index.js';
import { listen, onStop, RecordingHandler, stopAll } from './support/node.js';
import { TEST_CERTIFICATE, TEST_KEY } from './support/test-certificate.js';

afterEach(stopAll);

/** A secure server that echoes. */
async function serveTls(options: ServerOptions = {}) {
  const handler = new RecordingHandler({ message: (socket, data) => void socket.send(data) });
  const https = createServer({ key: TEST_KEY, cert: TEST_CERTIFICATE, ...options });
  const server = createWebSocketServer({ handler, compression: true });
  server.attach(https);
  // A peer that gives up in the TLS handshake is not the server's failure.
  https.on('tlsClientError', () => {});
  return { handler, https, server, port: await listen(https) };
}

function dial(url: string, options: Partial<ConnectOptions> = {}): { handler: RecordingHandler; socket: NodeSocket } {
  const handler = new RecordingHandler();
  const socket = connect(url, { handler, ...options });
  onStop(() => socket.abort());
  return { handler, socket };
}

describe('wss', () => {
  it("FR-25 HC-05 carries messages of all sizes over TLS, the server's certificate verified", async () => {
    const { port, handler } = await serveTls();
    const client = dial(`wss://localhost:${port}/`, { tls: { ca: TEST_CERTIFICATE }, compression: true });
    expect(await client.handler.opened()).toMatchObject({ handshake: { isSecure: true } });
    expect(await handler.opened()).toMatchObject({ handshake: { isSecure: true, address: '127.0.0.1' } });
    const messages = [0, 1, 125, 126, 16_384, 65_536, 900_000].map((size) => 'x'.repeat(size));
    for (const message of messages) {
      client.socket.send(message);
      expect((await client.handler.received(messages.indexOf(message) + 1)).at(-1)).toBe(message);
    }
    client.socket.close(4_001, 'enough');
    expect(await handler.closed()).toMatchObject({ code: 4_001, reason: 'enough', wasClean: true });
    expect(await client.handler.closed()).toMatchObject({ code: 4_001, wasClean: true });
  });

  it('FR-01 masks over TLS too', async () => {
    const { port, handler } = await serveTls();
    const client = dial(`wss://127.0.0.1:${port}/`, { tls: { ca: TEST_CERTIFICATE } });
    await client.handler.opened();
    client.socket.send('hello');
    // A server fails every frame that is not masked.
    await handler.received(1);
    expect(handler.errorCodes).toEqual([]);
  });

  it('HC-05 CVE-2020-15133 refuses a certificate that it cannot verify, by default', async () => {
    const { port, handler } = await serveTls();
    const client = dial(`wss://localhost:${port}/`);
    await client.handler.closed();
    expect(client.handler.errorCodes).toEqual(['connect_failed']);
    expect(client.handler.log.items[0]).toMatchObject({ error: { cause: { code: 'DEPTH_ZERO_SELF_SIGNED_CERT' } } });
    expect(handler.log.items).toEqual([]);
  });

  it('HC-05 refuses a certificate for another name', async () => {
    const { port } = await serveTls();
    const client = dial(`wss://localhost:${port}/`, { tls: { ca: TEST_CERTIFICATE, servername: 'other.example' } });
    await client.handler.closed();
    expect(client.handler.log.items[0]).toMatchObject({ error: { cause: { code: 'ERR_TLS_CERT_ALTNAME_INVALID' } } });
  });

  it('HC-05 verifies nothing only where it is told so', async () => {
    const { port } = await serveTls();
    await dial(`wss://localhost:${port}/`, { tls: { rejectUnauthorized: false } }).handler.opened();
  });

  it('HC-05 sends the name of the server (SNI), and none for an address', async () => {
    const names: string[] = [];
    const { port, https } = await serveTls({
      SNICallback: (name, done) => {
        names.push(name);
        done(null, createSecureContext({ key: TEST_KEY, cert: TEST_CERTIFICATE }));
      },
    });
    const hosts: unknown[] = [];
    https.on('upgrade', ({ headers }) => hosts.push(headers.host));
    for (const host of ['localhost', '127.0.0.1']) {
      await dial(`wss://${host}:${port}/`, { tls: { ca: TEST_CERTIFICATE } }).handler.opened();
    }
    expect(names).toEqual(['localhost']);
    expect(hosts).toEqual([`localhost:${port}`, `127.0.0.1:${port}`]);
  });

  it('HC-05 presents a certificate of its own where it has one', async () => {
    const { port, https } = await serveTls({ requestCert: true, ca: TEST_CERTIFICATE });
    const isAuthorized = new Promise((resolve) => {
      https.on('secureConnection', ({ authorized }) => resolve(authorized));
    });
    const tls = { ca: TEST_CERTIFICATE, cert: TEST_CERTIFICATE, key: TEST_KEY };
    await dial(`wss://localhost:${port}/`, { tls }).handler.opened();
    expect(await isAuthorized).toBe(true);
  });

  it('fails, and hangs nowhere, where the server does not speak TLS or the client does not', async () => {
    const { port } = await serveTls();
    const plain = dial(`ws://localhost:${port}/`);
    await plain.handler.closed();
    expect(plain.handler.errorCodes).toHaveLength(1);
  });

  it('reports a server that is cut off in the middle', async () => {
    const { port, handler } = await serveTls();
    const client = dial(`wss://localhost:${port}/`, { tls: { ca: TEST_CERTIFICATE } });
    await client.handler.opened();
    await handler.opened();
    handler.socket.abort();
    expect(await client.handler.closed()).toMatchObject({ code: 1006 });
    expect(client.handler.errorCodes).toEqual(['connection_lost']);
  });
});
