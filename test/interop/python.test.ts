// Debian's python3-websockets, as a client of our server and as the server of our client.

import type { CompressionOptions } from '@trunkline/websocket';
import { describe, expect, it } from 'vitest';
import { openOurs, startEcho } from './support/ours.js';
import { runPython } from './support/program.js';
import { changedByEcho, MEBIBYTES, SAMPLES } from './support/samples.js';

const TAKEOVER: CompressionOptions = { thresholdBytes: 0, serverContextTakeover: true, clientContextTakeover: true };

interface Case {
  readonly ours: boolean | CompressionOptions;
  /** Arguments of its permessage-deflate factory; `null` for no compression. */
  readonly theirs: Readonly<Record<string, boolean | number>> | null;
}

const CASES: Readonly<Record<string, Case>> = {
  'no compression': { ours: false, theirs: null },
  'compression that only they want': { ours: false, theirs: {} },
  'compression that only we want': { ours: true, theirs: null },
  'context takeover both ways': { ours: TAKEOVER, theirs: {} },
  'no context takeover': { ours: { thresholdBytes: 0 }, theirs: {} },
  'no context takeover of theirs': {
    ours: TAKEOVER,
    theirs: { server_no_context_takeover: true, client_no_context_takeover: true },
  },
  'small windows': {
    ours: { ...TAKEOVER, serverMaxWindowBits: 11, clientMaxWindowBits: 12 },
    theirs: { server_max_window_bits: 11, client_max_window_bits: 12 },
  },
};

describe.each(Object.entries(CASES))('python3-websockets with %s', (_name, { ours, theirs }) => {
  const isCompressed = ours !== false && theirs !== null;
  const options = theirs === null ? {} : { deflate: theirs };

  it('is a client of our server', async () => {
    const server = await startEcho({ compression: ours, protocols: ['chat.v1'] });
    const report: unknown = JSON.parse(await runPython('client.py', [server.url], options).output.next());
    expect(report).toEqual({
      protocol: 'chat.v1',
      extensions: isCompressed ? ['permessage-deflate'] : [],
      echoed: 15,
      changed: [],
      fragments: [true, true],
      pong: true,
      closing: [1000, 1001, 1011, 3000, 4999],
      closed: [1000, 1001, 1011, 3000, 4999, 1005, 1006].map((code) => [code, true]),
    });
    expect(await server.closed.next()).toEqual({ code: 1000, reason: '', wasClean: true });
    expect(await server.closed.next()).toEqual({ code: 1000, reason: `ü${'r'.repeat(121)}`, wasClean: true });
  });

  it('is the server of our client', async () => {
    const { output } = runPython('echo.py', [], options);
    const { port } = JSON.parse(await output.next()) as { port: number };
    const open = () => openOurs(`ws://127.0.0.1:${port}/`, { compression: ours, protocols: ['chat.v1'] });
    const client = await open();
    expect(client.socket.protocol).toBe('chat.v1');
    expect(client.socket.extensions.startsWith('permessage-deflate')).toBe(isCompressed);
    expect(await changedByEcho(client, [...SAMPLES, ...MEBIBYTES])).toEqual([]);
    client.send('!fragments Grü,ße,,世界');
    expect(await client.next()).toBe('Grüße世界');
    client.send('!ping from-them');
    expect(await client.pings.next()).toBe('from-them');
    expect(await client.next()).toBe('pong');
    client.socket.ping(Buffer.from('from us'));
    expect(await client.pongs.next()).toBe('from us');
    const reason = `ü${'r'.repeat(121)}`;
    client.socket.close(4001, reason);
    expect(await client.closed.next()).toMatchObject({ code: 4001, wasClean: true });
    expect(JSON.parse(await output.next())).toEqual({ code: 4001, reason });
    for (const code of [1000, 1001, 1011, 3000, 4999]) {
      const told = await open();
      told.send(`!close ${code} ${reason}`);
      expect(await told.closed.next()).toEqual({ code, reason, wasClean: true });
      expect(JSON.parse(await output.next())).toMatchObject({ code });
    }
    const cut = await open();
    cut.send('!abort');
    expect(await cut.closed.next()).toEqual({ code: 1006, reason: '', wasClean: false });
  });
});
