/**
 * Floods against a server in a process of its own, whose resident memory is read before, during and after, each time
 * behind a garbage collection. What is sent is counted, never timed.
 */
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { constants, deflateRawSync } from 'node:zlib';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { DEFAULT_LIMITS } from '../../src/index.js';
import { RawPeer, requestText, stopAll } from '../support/node.js';
import { BINARY, CONTINUATION, frame, masked, PING, TEXT } from '../support/wire.js';

const FACTOR = process.env.TRUNKLINE_DEEP === '1' ? 10 : 1;
/**
 * V8's heap and the allocator of the system keep tens of megabytes once they had them. Kept pongs (130 MB), messages to
 * peers that do not read (100 MB each) and one inflated bomb (100 MB) are more than this; for handshakes and single bytes
 * it is a bound per connection (128 KiB) and per byte sent (1.3 KiB) only.
 */
const MOST_GROWTH_BYTES = 64 * 1_048_576;

let child: ChildProcess;
let port = 0;

beforeAll(async () => {
  child = fork(new URL('./server-child.mjs', import.meta.url), { execArgv: ['--expose-gc'] });
  const [message] = (await once(child, 'message')) as [{ port: number }];
  port = message.port;
});
afterEach(stopAll);
afterAll(async () => {
  const exit = once(child, 'exit');
  child.disconnect();
  await exit;
});

interface Report {
  readonly rss: number;
  /** What V8 holds and what its buffers hold outside: unlike `rss`, without what was freed and is kept for later. */
  readonly liveBytes: number;
  /** Bytes of all messages so far. */
  readonly messageBytes: number;
  readonly sockets: number;
  /** Of all open sockets together. */
  readonly bufferedBytes: number;
}

async function report(): Promise<Report> {
  const answer = once(child, 'message');
  child.send('memory');
  const [message] = (await answer) as [Report];
  return message;
}

/** Resident memory as soon as the server has that many connections: it may still be accepting or ending some. */
async function settled(sockets: number): Promise<number> {
  for (;;) {
    const now = await report();
    if (now.sockets === sockets) return now.rss;
  }
}

/** Until the server neither reads nor gets rid of more: nothing changed in that many answers of it. */
async function still(look: () => Promise<void>): Promise<Report> {
  let last = await report();
  for (let same = 0; same < 30; same++) {
    await look();
    const now = await report();
    if (now.messageBytes !== last.messageBytes || now.bufferedBytes !== last.bufferedBytes) same = 0;
    last = now;
  }
  return last;
}

/** Writes and waits until the kernel has it, so that the sender does not buffer it; not if it was cut off. */
async function push(peer: RawPeer, bytes: Uint8Array): Promise<void> {
  if (peer.isClosed || peer.hasEnded) return;
  await new Promise((resolve) => peer.socket.write(bytes, resolve));
}

/**
 * @param open how many connections the server still has when all of the flood was sent; `null` where it ends them.
 * @param flood calls `look` now and then, so that the highest point is seen and not only the end.
 * @param heldBytes what the limits allow to be held meanwhile.
 */
async function measure(
  name: string,
  open: number | null,
  flood: (look: () => Promise<void>) => Promise<unknown>,
  heldBytes = 0,
): Promise<void> {
  const before = await settled(0);
  let during = 0;
  await flood(async () => {
    during = Math.max(during, (await report()).rss);
  });
  during = Math.max(during, open === null ? (await report()).rss : await settled(open));
  await stopAll();
  const after = await settled(0);
  const mib = (bytes: number): string => `${(bytes / 1_048_576).toFixed(1)} MiB`;
  console.log(`${name}: before ${mib(before)}, during ${mib(during)}, after ${mib(after)}`);
  expect(during - before).toBeLessThan(heldBytes + MOST_GROWTH_BYTES);
  // What was held is free again (`liveBytes`), but the allocator may keep it.
  expect(after - before).toBeLessThan(heldBytes + MOST_GROWTH_BYTES);
}

describe('memory stays flat under a flood of', () => {
  it('pings by a peer that reads no pong', { timeout: 120_000 }, async () => {
    await measure('pings', 1, async (look) => {
      const peer = await RawPeer.open(port);
      peer.socket.pause();
      const pings = Buffer.concat(Array.from({ length: 1_000 }, () => masked(PING, Buffer.alloc(125))));
      // 131 bytes each: 130 MB of pings, whose pongs would be as many.
      for (let n = 0; n < 1_000 * FACTOR; n++) {
        await push(peer, pings);
        if (n % 100 === 0) await look();
      }
    });
  });

  it('empty fragments', { timeout: 120_000 }, async () => {
    await measure('empty fragments', null, async (look) => {
      for (let n = 0; n < 20 * FACTOR; n++) {
        const peer = await RawPeer.open(port);
        await push(peer, masked(TEXT, '', false));
        const empty = Buffer.concat(Array.from({ length: 50_000 }, () => masked(CONTINUATION, '', false)));
        await push(peer, empty);
        await look();
        await peer.ended();
      }
    });
  });

  it('bytes one by one', { timeout: 120_000 }, async () => {
    await measure('single bytes', 1, async (look) => {
      const peer = await RawPeer.open(port);
      peer.socket.setNoDelay(true);
      const bytes = masked(BINARY, Buffer.alloc(50_000 * FACTOR));
      for (let at = 0; at < bytes.length - 1; at++) {
        await push(peer, bytes.subarray(at, at + 1));
        if (at % 10_000 === 0) await look();
      }
    });
  });

  it('handshakes that are never finished', { timeout: 120_000 }, async () => {
    await measure('slow handshakes', 500, async (look) => {
      for (let n = 0; n < 500; n++) {
        const peer = await RawPeer.connect(port);
        await push(peer, Buffer.from(requestText().slice(0, 80)));
        if (n % 100 === 0) await look();
      }
    });
  });

  it('messages to peers that never read, and are cut off', { timeout: 120_000 }, async () => {
    await measure('peers that do not read', 0, async (look) => {
      for (let n = 0; n < 20; n++) {
        const peer = await RawPeer.open(port);
        peer.socket.pause();
        await push(peer, masked(TEXT, 'flood me'));
        await look();
      }
    });
  });

  // Small frames share 16 KiB, of which up to 4 KiB stay unused: so the memory is at most 4 / 3 of what counts.
  it.each([20, 1_000, 1_024, 2_100, 100_000])(
    'messages of %i bytes to peers that never read, as many as may wait',
    { timeout: 120_000 },
    async (size) => {
      const peers = 16;
      const mayWait = peers * DEFAULT_LIMITS.maxBufferedBytes;
      const fill = async (look: () => Promise<void>): Promise<void> => {
        for (let n = 0; n < peers; n++) {
          const peer = await RawPeer.open(port);
          peer.socket.pause();
          await push(peer, masked(TEXT, `fill ${size}`));
        }
        const { bufferedBytes, liveBytes } = await still(look);
        expect(bufferedBytes).toBeLessThanOrEqual(mayWait);
        expect(bufferedBytes).toBeGreaterThan(0.95 * mayWait);
        console.log(
          `messages of ${size} bytes: ${((liveBytes - before) / bufferedBytes).toFixed(2)} bytes for each that waits`,
        );
        expect(liveBytes - before).toBeLessThan(1.4 * mayWait);
      };
      const before = (await report()).liveBytes;
      await measure(`peers that do not read messages of ${size} bytes`, peers, fill, 1.4 * mayWait);
      expect((await report()).liveBytes - before).toBeLessThan(0.1 * mayWait);
    },
  );

  it('messages by peers that never read the echo, and are cut off', { timeout: 120_000 }, async () => {
    await measure('peers that send and do not read, echoed', 0, async (look) => {
      const message = masked(BINARY, Buffer.alloc(100_000));
      for (let n = 0; n < 10 * FACTOR; n++) {
        const peer = await RawPeer.open(port);
        peer.socket.pause();
        // Up to 100 MB: more than may wait (4 MiB) and the buffers of both kernels take.
        for (let sent = 0; sent < 1_000 && !peer.isClosed; sent++) {
          await push(peer, message);
          if (sent % 40 === 0) await look();
        }
        await peer.ended();
      }
    });
  });

  it('messages by peers that never read the echo, and are held back', { timeout: 120_000 }, async () => {
    const peers = 4 * FACTOR;
    await measure('peers that send and do not read, held back', peers, async (look) => {
      const message = masked(BINARY, Buffer.alloc(100_000));
      for (let n = 0; n < peers; n++) {
        const peer = await RawPeer.open(port, '/holding');
        peer.socket.pause();
        // 20 MB, of which stays with the sender what the kernels do not take: the server stops reading.
        for (let sent = 0; sent < 200; sent++) peer.send(message);
      }
      // An echo that did not fit, and one more of what had been read with it.
      const { bufferedBytes } = await still(look);
      expect(bufferedBytes).toBeLessThan(peers * 2 * 100_014);
    });
  });

  it('compressed bombs', { timeout: 120_000 }, async () => {
    const packed = deflateRawSync(Buffer.alloc(100_000_000), { finishFlush: constants.Z_SYNC_FLUSH }).subarray(0, -4);
    const bomb = frame({ opcode: BINARY, payload: packed, rsv: 4, mask: '01020304' });
    await measure('bombs', null, async (look) => {
      for (let n = 0; n < 20 * FACTOR; n++) {
        const peer = await RawPeer.open(port, '/', { 'Sec-WebSocket-Extensions': 'permessage-deflate' });
        await push(peer, bomb);
        await look();
        await peer.ended();
      }
    });
  });
});
