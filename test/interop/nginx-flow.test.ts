// Flow control by the receiver behind nginx, which takes megabytes for a reader that takes nothing. What our process holds is what
// it was given to send, less what its socket took.

import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { memoryBroker } from '@trunkline/broker';
import { connect } from '@trunkline/client/node';
import { attach, serve, trunkline } from '@trunkline/server';
import { describe, expect, it } from 'vitest';
import * as z from 'zod';
import { frame, rawLine } from '../../packages/server/test/support/dial.js';
import { Reader } from '../../packages/server/test/support/reader.js';
import { onStop } from './support/cleanup.js';
import { startNginx } from './support/nginx.js';

const UNTAKEN = 262_144;
const WAITING = 262_144;
/** A page of history, and what is around it. */
const PAGE = 66_000;
/** The smallest window and one slice. */
const MOST_ON_THE_WAY = 131_072;

/** What one connection sent and was sent, as the server's process sees it. */
class Traffic {
  inBytes = 0;
  outBytes = 0;
  answers = 0;
  constructor(readonly socket: Socket) {}

  /** Bytes that wait in our process. */
  get heldBytes(): number {
    return this.outBytes - (this.socket.bytesWritten - this.socket.writableLength);
  }
}

/** A server that watches its connections, the newest last; `through` is where to dial. */
async function start(isProxied: boolean) {
  const t = trunkline({ authenticate: ({ token }) => ({ id: token ?? 'nobody' }) });
  const feed = t.log([], { entry: z.string() });
  const http = createServer().listen(0, '127.0.0.1');
  await once(http, 'listening');
  onStop(() => http.close());
  const { port } = http.address() as AddressInfo;
  const sockets: Socket[] = [];
  const traffic: Traffic[] = [];
  http.on('connection', (socket) => sockets.push(socket));
  const trunk = await attach(t.app({ channels: { feed } }), http, {
    broker: memoryBroker(),
    observe: () => {
      const seen = new Traffic(sockets.at(-1) as Socket);
      traffic.push(seen);
      return {
        handshake: (_, responseHead) => {
          seen.outBytes += Buffer.byteLength(responseHead);
        },
        frame: ({ direction, payloadBytes, preview }) => {
          if (direction === 'in') seen.inBytes += payloadBytes;
          else {
            seen.outBytes += payloadBytes + (payloadBytes < 126 ? 2 : payloadBytes < 65_536 ? 4 : 10);
            if (Buffer.from(preview.subarray(0, 17)).equals(Buffer.from('{"type":"ok","id"'))) seen.answers += 1;
          }
        },
      };
    },
  });
  onStop(() => trunk.close({ deadlineMs: 0 }));
  const through = isProxied ? await startNginx({ upstreamPort: port }) : port;
  return { port, through, traffic, publish: (text: string) => trunk.channel.feed().publish(text) };
}

/** Until nothing moves any more while others are answered 50 times, here and where the connection comes from. */
async function untilStill(others: readonly Reader[], look: () => number): Promise<void> {
  let last = -1;
  for (let same = 0; same < 50; same++) {
    for (const other of others) await other.barrier();
    const now = look();
    if (now !== last) same = 0;
    last = now;
  }
}

describe.each([
  ['directly', false],
  ['through nginx', true],
])('a peer that asks on and never reads, %s', (_, isProxied) => {
  it.each([
    ['that would report', ['seen'], WAITING],
    ['that would not', [], 0],
  ])('is held at the bytes of docs/guarantees.md G5: one %s', async (_, features, waiting) => {
    const { port, through, traffic, publish } = await start(isProxied);
    await publish('x'.repeat(60_000));
    const greedy = await rawLine(through);
    onStop(() => greedy.destroy());
    greedy.on('error', () => {});
    greedy.pause();
    const [seen] = traffic as [Traffic];
    const hello = JSON.stringify({ type: 'hello', version: 1, token: 'greedy', features });
    greedy.write(frame(hello));
    // 3 MB of requests, for 180 MB of answers.
    const request = (id: number) =>
      JSON.stringify({ type: 'read', id: 10_000 + id, stream: 'feed', before: 9, limit: 1, more: 'x'.repeat(900) });
    const { length } = request(0);
    for (let id = 0; id < 3_000; id++) greedy.write(frame(request(id)));
    const others = [await Reader.join(port, 'feed'), await Reader.join(through, 'feed')];
    onStop(() => {
      for (const { socket } of others) socket.destroy();
    });
    let most = 0;
    let mostWaiting = 0;
    await untilStill(others, () => {
      most = Math.max(most, seen.heldBytes);
      // Those in work are among them.
      mostWaiting = Math.max(mostWaiting, seen.inBytes - hello.length - seen.answers * length);
      return seen.inBytes + seen.outBytes;
    });
    expect(most).toBeGreaterThan(UNTAKEN);
    expect(most).toBeLessThan(UNTAKEN + 8 * PAGE);
    // It moves by one request around that.
    expect(mostWaiting).toBeGreaterThan(waiting - 2 * length);
    expect(mostWaiting).toBeLessThan(waiting + 70_000);
  });
});

describe('our client behind nginx', () => {
  it('reports to the byte what it was sent, of any script, and nothing that it was not', async () => {
    const t = trunkline({ authenticate: () => ({ id: 'ada' }) });
    const feed = t.log([], { entry: z.string() });
    const app = t.app({ channels: { feed } });
    let outBytes = 0;
    const errors: string[] = [];
    let reported: (bytes: number) => void = () => {};
    const trunk = await serve(app, {
      port: 0,
      broker: memoryBroker(),
      observe: () => ({
        frame: ({ direction, payloadBytes, preview }) => {
          const text = Buffer.from(preview).toString();
          if (direction === 'out') outBytes += payloadBytes;
          if (direction === 'out' && text.startsWith('{"type":"error"')) errors.push(text);
          const seen = /"type":"seen","bytes":(\d+)/.exec(text);
          if (direction === 'in' && seen !== null) reported(Number(seen[1]));
        },
      }),
    });
    onStop(() => trunk.close({ deadlineMs: 0 }));
    const through = await startNginx({ upstreamPort: trunk.port });
    const line = connect<typeof app>(`http://127.0.0.1:${through}/line`);
    onStop(() => line.close());
    const handle = line.channel.feed();
    const live = new Promise<void>((resolve) => {
      onStop(handle.subscribe(() => handle.snapshot().state === 'live' && resolve()));
    });
    await live;
    const entries = 300;
    const text = 'aä€😀'.repeat(1_000);
    const all = new Promise<void>((resolve) => {
      reported = (bytes) => {
        if (bytes === outBytes && outBytes > entries * Buffer.byteLength(text)) resolve();
      };
    });
    for (let n = 0; n < entries; n++) await trunk.channel.feed().publish(text);
    await all;
    expect(handle.snapshot().entries.map(({ offset }) => offset)).toEqual(
      Array.from({ length: entries }, (_, n) => n + 1),
    );
    expect(errors).toEqual([]);
  });
});

describe('a slow reader behind nginx', () => {
  /** Publishes 4 MB while it takes 8 KB a second; gives what was on its way to it then. */
  async function onTheWay(features: readonly string[]) {
    const { port, through, publish } = await start(true);
    const slow = await Reader.join(through, 'feed', features);
    const fast = await Reader.join(port, 'feed');
    onStop(() => {
      for (const { socket } of [slow, fast]) socket.destroy();
    });
    slow.isThorough = true;
    slow.hold();
    const heldFrom = performance.now();
    const taken = slow.takenBytes;
    for (let n = 1; n <= 1_000; n++) {
      await publish('x'.repeat(4_000));
      await fast.barrier();
      const allowed = ((performance.now() - heldFrom) * 8_192) / 1_000;
      slow.takeBytes(Math.max(0, Math.floor(taken + allowed - slow.takenBytes)));
    }
    const { reports, processedBytes } = slow;
    slow.reports = false;
    slow.release();
    await slow.barrier();
    const bytes = slow.processedBytes - processedBytes;
    slow.reports = reports;
    return { slow, bytes };
  }

  it('has no more before it than the smallest window and a slice, and gets every entry in order', async () => {
    const { slow, bytes } = await onTheWay(['seen']);
    expect(bytes).toBeLessThan(MOST_ON_THE_WAY + 1_000);
    expect(slow.cursor).toBeLessThan(200);
    const all = new Promise<void>((resolve) => {
      slow.onCursor = () => {
        if (slow.cursor === 1_000) resolve();
      };
    });
    slow.report();
    await all;
  });

  it('has all of it before it if it does not report: nginx and the kernels take it', async () => {
    const { bytes } = await onTheWay([]);
    expect(bytes).toBeGreaterThan(8 * MOST_ON_THE_WAY);
  });
});
