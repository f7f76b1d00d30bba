// `ws` as the server of our client.

import type { CompressionOptions } from '@trunkline/websocket';
import { describe, expect, it } from 'vitest';
import type { PerMessageDeflateOptions } from 'ws';
import { openOurs } from './support/ours.js';
import { changedByEcho, MEBIBYTES, noise } from './support/samples.js';
import { startWs } from './support/ws.js';

const CLIENTS: Readonly<Record<string, boolean | CompressionOptions>> = {
  'no offer': false,
  'an offer to keep nothing': { thresholdBytes: 0 },
  'an offer of context takeover': { thresholdBytes: 0, serverContextTakeover: true, clientContextTakeover: true },
  'an offer of small windows': {
    thresholdBytes: 0,
    serverContextTakeover: true,
    clientContextTakeover: true,
    serverMaxWindowBits: 10,
    clientMaxWindowBits: 10,
  },
};

const SERVERS: Readonly<Record<string, boolean | PerMessageDeflateOptions>> = {
  'no compression': false,
  'compression as by default': { threshold: 0 },
  server_no_context_takeover: { threshold: 0, serverNoContextTakeover: true },
  client_no_context_takeover: { threshold: 0, clientNoContextTakeover: true },
  server_max_window_bits: { threshold: 0, serverMaxWindowBits: 10 },
  client_max_window_bits: { threshold: 0, clientMaxWindowBits: 10 },
};

describe.each(Object.entries(CLIENTS))('our client with %s', (_name, compression) => {
  it.each(Object.entries(SERVERS))('is echoed by ws with %s', async (_server, perMessageDeflate) => {
    const server = await startWs({ perMessageDeflate });
    const client = await openOurs(server.url, { compression });
    const isCompressed = compression !== false && perMessageDeflate !== false;
    expect((await server.opened.next()).extensions).toBe(isCompressed ? 'permessage-deflate' : '');
    expect(client.socket.extensions.startsWith('permessage-deflate')).toBe(isCompressed);
    expect(await changedByEcho(client)).toEqual([]);
  });
});

describe.each([false, true])('our client and a server of ws, compression %s', (isCompressed) => {
  const open = async () => {
    const server = await startWs({ perMessageDeflate: isCompressed });
    const client = await openOurs(server.url, { compression: isCompressed });
    return { client, peer: await server.opened.next() };
  };

  it('exchange messages of 1 MiB', async () => {
    const { client } = await open();
    expect(await changedByEcho(client, MEBIBYTES)).toEqual([]);
  });

  it('put fragments together, with a ping between them', async () => {
    const { client, peer } = await open();
    const bytes = noise(30_000);
    peer.send('Grüße, ', { fin: false, compress: isCompressed });
    peer.ping('between');
    peer.send('世界', { fin: true, compress: isCompressed });
    expect(await client.pings.next()).toBe('between');
    expect(await client.next()).toBe('Grüße, 世界');
    for (let at = 0; at < 30_000; at += 10_000) {
      peer.send(bytes.subarray(at, at + 10_000), { fin: at === 20_000, binary: true, compress: isCompressed });
    }
    expect(Buffer.compare((await client.next()) as Uint8Array, bytes)).toBe(0);
  });
});

describe('our client and a server of ws', () => {
  it('ping each other', async () => {
    const server = await startWs();
    const client = await openOurs(server.url);
    client.socket.ping(Buffer.from('from us'));
    expect(await client.pongs.next()).toBe('from us');
    client.send('!ping from-ws');
    expect(await client.pings.next()).toBe('from-ws');
  });

  it('agree on a subprotocol', async () => {
    const server = await startWs({ handleProtocols: (offered) => [...offered].at(-1) ?? false });
    const client = await openOurs(server.url, { protocols: ['chat.v2', 'chat.v1'] });
    expect(client.socket.protocol).toBe('chat.v1');
  });

  it.each([1000, 1001, 1003, 1008, 1011, 3000, 4999])('close with %i from either side', async (code) => {
    const reason = `ü${'r'.repeat(121)}`;
    const server = await startWs();
    const closing = await openOurs(server.url);
    closing.socket.close(code, reason);
    expect(await server.closed.next()).toEqual({ code, reason });
    // Each answers a close frame with its code and reason.
    expect(await closing.closed.next()).toEqual({ code, reason, wasClean: true });
    const closed = await openOurs(server.url);
    closed.send(`!close ${code} ${reason}`);
    expect(await closed.closed.next()).toEqual({ code, reason, wasClean: true });
    expect(await server.closed.next()).toEqual({ code, reason });
  });

  it('close without a code, and without a word', async () => {
    const server = await startWs();
    const silent = await openOurs(server.url);
    silent.socket.close(null);
    expect(await server.closed.next()).toEqual({ code: 1005, reason: '' });
    const told = await openOurs(server.url);
    told.send('!close');
    expect(await told.closed.next()).toEqual({ code: 1005, reason: '', wasClean: true });
    await server.closed.next();
    const gone = await openOurs(server.url);
    gone.socket.abort();
    expect(await server.closed.next()).toEqual({ code: 1006, reason: '' });
    const cut = await openOurs(server.url);
    cut.send('!abort');
    expect(await cut.closed.next()).toEqual({ code: 1006, reason: '', wasClean: false });
  });
});
