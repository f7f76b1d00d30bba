// `ws` as a client of our server.

import type { CompressionOptions } from '@trunkline/websocket';
import { describe, expect, it } from 'vitest';
import { type PerMessageDeflateOptions, WebSocket } from 'ws';
import { startEcho } from './support/ours.js';
import { changedByEcho, MEBIBYTES, noise } from './support/samples.js';
import { openWs } from './support/ws.js';

const SERVERS: Readonly<Record<string, boolean | CompressionOptions>> = {
  'no compression': false,
  'compression, nothing kept': { thresholdBytes: 0 },
  'compression with context takeover': { thresholdBytes: 0, serverContextTakeover: true, clientContextTakeover: true },
  'compression with small windows': {
    thresholdBytes: 0,
    serverContextTakeover: true,
    clientContextTakeover: true,
    serverMaxWindowBits: 9,
    clientMaxWindowBits: 10,
  },
};

const CLIENTS: Readonly<Record<string, boolean | PerMessageDeflateOptions>> = {
  'no offer': false,
  'what ws offers by default': { threshold: 0 },
  server_no_context_takeover: { threshold: 0, serverNoContextTakeover: true },
  client_no_context_takeover: { threshold: 0, clientNoContextTakeover: true },
  server_max_window_bits: { threshold: 0, serverMaxWindowBits: 10 },
  client_max_window_bits: { threshold: 0, clientMaxWindowBits: 11 },
};

describe.each(Object.entries(SERVERS))('our server with %s', (_name, compression) => {
  it.each(Object.entries(CLIENTS))('echoes to ws with %s', async (_offer, perMessageDeflate) => {
    const server = await startEcho({ compression });
    const client = await openWs(server.url, { perMessageDeflate });
    const socket = await server.opened.next();
    const isCompressed = compression !== false && perMessageDeflate !== false;
    expect(client.socket.extensions).toBe(isCompressed ? 'permessage-deflate' : '');
    expect(socket.extensions.startsWith('permessage-deflate')).toBe(isCompressed);
    expect(await changedByEcho(client)).toEqual([]);
  });
});

describe.each([false, true])('our server and a client of ws, compression %s', (isCompressed) => {
  const open = async (options = {}) => {
    const server = await startEcho({ compression: isCompressed, ...options });
    return { server, client: await openWs(server.url, { perMessageDeflate: isCompressed }) };
  };

  it('exchange messages of 1 MiB', async () => {
    const { client } = await open();
    expect(await changedByEcho(client, MEBIBYTES)).toEqual([]);
  });

  it('put fragments together, with a ping between them', async () => {
    const { client } = await open();
    const bytes = noise(30_000);
    client.socket.send('Grüße, ', { fin: false, compress: isCompressed });
    client.socket.send(Buffer.from('世界').subarray(0, 4), { fin: false, compress: isCompressed });
    client.socket.ping('between');
    client.socket.send(Buffer.from('世界').subarray(4), { fin: true, compress: isCompressed });
    expect(await client.pongs.next()).toBe('between');
    expect(await client.next()).toBe('Grüße, 世界');
    for (let at = 0; at < 30_000; at += 10_000) {
      client.socket.send(bytes.subarray(at, at + 10_000), { fin: at === 20_000, binary: true, compress: isCompressed });
    }
    expect(Buffer.compare((await client.next()) as Uint8Array, bytes)).toBe(0);
  });
});

describe('our server and a client of ws', () => {
  it('ping each other', async () => {
    const server = await startEcho();
    const client = await openWs(server.url);
    client.socket.ping('from ws');
    expect(await client.pongs.next()).toBe('from ws');
    client.send('!ping from-us');
    expect(await client.pings.next()).toBe('from-us');
    expect(await server.pongs.next()).toBe('from-us');
  });

  it('agree on a subprotocol', async () => {
    const server = await startEcho({ protocols: ['chat.v2', 'chat.v1'] });
    const client = await openWs(server.url, {}, ['chat.v1', 'other']);
    expect(client.socket.protocol).toBe('chat.v1');
  });

  it.each([1000, 1001, 1003, 1008, 1011, 3000, 4999])('close with %i from either side', async (code) => {
    const reason = `ü${'r'.repeat(121)}`;
    const server = await startEcho();
    const closing = await openWs(server.url);
    closing.socket.close(code, reason);
    expect(await server.closed.next()).toEqual({ code, reason, wasClean: true });
    // Each answers a close frame with its code and reason.
    expect(await closing.closed.next()).toEqual({ code, reason });
    const closed = await openWs(server.url);
    closed.send(`!close ${code} ${reason}`);
    expect(await closed.closed.next()).toEqual({ code, reason });
    expect(await server.closed.next()).toMatchObject({ code, wasClean: true });
  });

  it('close without a code, and without a word', async () => {
    const server = await startEcho();
    const silent = await openWs(server.url);
    silent.socket.close();
    expect(await server.closed.next()).toEqual({ code: 1005, reason: '', wasClean: true });
    const told = await openWs(server.url);
    told.send('!close');
    expect(await told.closed.next()).toEqual({ code: 1005, reason: '' });
    await server.closed.next();
    const gone = await openWs(server.url);
    gone.socket.terminate();
    expect(await server.closed.next()).toEqual({ code: 1006, reason: '', wasClean: false });
    const cut = await openWs(server.url);
    cut.send('!abort');
    expect(await cut.closed.next()).toEqual({ code: 1006, reason: '' });
  });

  it('agree over TLS, with HTTP/2 on the same port', async () => {
    const server = await startEcho({ kind: 'http2', compression: true });
    const client = await openWs(server.url, { rejectUnauthorized: false });
    expect(await changedByEcho(client)).toEqual([]);
    expect(server.handshakes).toEqual(['upgrade']);
    expect(client.socket.readyState).toBe(WebSocket.OPEN);
  });
});
