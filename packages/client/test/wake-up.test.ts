// Hours of sleep with a token that expires meanwhile, against the real server: it ends in `live`, or in `refused` with the reason, and
// never in a loop. The computer's clock jumps, as it does on waking; timers go on where they stood.

import { createServer, connect as dialTcp, type Socket } from 'node:net';
import { memoryBroker } from '@trunkline/broker';
import { type Clock, connect, type TokenSource } from '@trunkline/client/node';
import { serve, trunkline } from '@trunkline/server';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import * as z from 'zod';

const HOUR_MS = 3_600_000;

const stops: (() => unknown)[] = [];
beforeEach(() => {
  vi.useFakeTimers({ toFake: ['Date'], now: 1_763_650_000_000 });
});
afterEach(async () => {
  for (const stop of stops.splice(0).reverse()) await stop();
  vi.useRealTimers();
});

/** The token is `user:when it expires:anything`. */
const t = trunkline({
  authenticate: ({ token = '' }) => {
    const [id = '', end] = token.split(':');
    return { id, end: Number(end) };
  },
  expiresAt: ({ end }) => end,
});
const app = t.app({ channels: { chat: t.log(['room'], { entry: z.string() }) } });

let count = 0;
/** A token that nobody had before. */
function goodFor(ms: number): { token: string; expiresAt: number } {
  count += 1;
  const expiresAt = Date.now() + ms;
  return { token: `ada:${expiresAt}:${count}`, expiresAt };
}

/** Between client and server: counts the dials, and can lose every connection at once, without a word to anybody. */
async function startWire(port: number) {
  const wire = { url: '', dials: 0, cut: () => {} };
  const sockets = new Set<Socket>();
  const proxy = createServer((client) => {
    wire.dials += 1;
    const server = dialTcp(port, '127.0.0.1');
    for (const [from, to] of [
      [client, server],
      [server, client],
    ] as const) {
      sockets.add(from);
      from
        .on('error', () => {})
        .on('close', () => {
          sockets.delete(from);
          to.destroy();
        });
      from.pipe(to);
    }
  });
  wire.cut = () => {
    for (const socket of sockets) socket.destroy();
  };
  await new Promise<void>((resolve) => proxy.listen(0, '127.0.0.1', resolve));
  const address = proxy.address();
  wire.url = `http://127.0.0.1:${typeof address === 'object' ? address?.port : ''}/line`;
  stops.push(() => {
    wire.cut();
    proxy.close();
  });
  return wire;
}

/** Timers as they are, but that those of more than 20 s stand still, and fire when a sleeper wakes. */
function sleepyClock() {
  const late = new Set<() => void>();
  const clock: Clock = {
    nowMs: () => Date.now(),
    after: (delayMs, run) => {
      if (delayMs > 20_000) {
        late.add(run);
        return () => void late.delete(run);
      }
      // Real time, as the server and the sockets are real: between two events of theirs there is no moment at which a fake clock could be moved.
      // No assertion waits for it: with a `random` of 0 every back-off is 0, and what the tests wait for are events.
      const timer = setTimeout(run, delayMs);
      return () => clearTimeout(timer);
    },
  };
  const fire = (order: readonly (() => void)[]) => {
    for (const run of order) if (late.delete(run)) run();
  };
  return { clock, inOrder: () => fire([...late]), backwards: () => fire([...late].reverse()) };
}

type World = Awaited<ReturnType<typeof asleep>>;

/** Live with a token for an hour; then eight hours pass. */
async function asleep(token: TokenSource) {
  const trunk = await serve(app, { port: 0, broker: memoryBroker() });
  stops.push(() => trunk.close({ deadlineMs: 0 }));
  const wire = await startWire(trunk.port);
  const { clock, ...timers } = sleepyClock();
  const line = connect<typeof app>(wire.url, { token, clock, random: () => 0, onProblem: () => {} });
  stops.push(() => line.close());
  const lobby = line.channel.chat('lobby');
  const checks = new Set<() => void>();
  const look = () => {
    for (const check of checks) check();
  };
  stops.push(lobby.subscribe(look), line.connection.subscribe(look));
  const until = (holds: () => boolean) =>
    new Promise<void>((resolve) => {
      const check = () => {
        if (!holds()) return;
        checks.delete(check);
        resolve();
      };
      checks.add(check);
      check();
    });
  // The answer to its first ping too: from then on it is silent by itself.
  await until(() => lobby.snapshot().state === 'live' && line.connection.snapshot().rttMs !== undefined);
  vi.setSystemTime(Date.now() + 8 * HOUR_MS);
  return { trunk, wire, timers, line, lobby, until };
}

/** What is noticed first on waking. */
const wakings: Record<string, (world: World) => void> = {
  'the network took the connection away': ({ wire }) => wire.cut(),
  'the connection is still there, the server looks first': () => {},
  'the timer for silence fires first': ({ timers }) => timers.inOrder(),
  'the timer for the refresh fires first': ({ timers }) => timers.backwards(),
  'somebody types first': ({ lobby }) => void lobby.publish('good morning').catch(() => {}),
};

/** By name: how a page comes by its token, and how that ends. */
const sources: Record<string, { make: () => TokenSource; ends: 'live' | 'refused' }> = {
  'a function that has a fresh one': { make: () => () => goodFor(HOUR_MS), ends: 'live' },
  'a function that fails twice and then has a fresh one': {
    make: () => {
      let calls = 0;
      return async () => {
        calls += 1;
        if (calls === 2 || calls === 3) throw new Error('the network is not back yet');
        return goodFor(HOUR_MS);
      };
    },
    ends: 'live',
  },
  'a function that goes on giving the expired one': {
    make: () => {
      const kept = goodFor(HOUR_MS);
      return () => kept;
    },
    ends: 'refused',
  },
  'a function that has ever another one, each of them expired': {
    make: () => {
      let calls = 0;
      return () => {
        calls += 1;
        return goodFor(calls === 1 ? HOUR_MS : -HOUR_MS);
      };
    },
    ends: 'refused',
  },
  'a constant': { make: () => goodFor(HOUR_MS).token, ends: 'refused' },
};

describe.each(Object.entries(sources))('a client whose token comes from %s', (_, { make, ends }) => {
  it.each(Object.entries(wakings))(`ends ${ends} after eight hours, when %s`, async (_waking, wake) => {
    const world = await asleep(make());
    const { line, lobby, trunk, wire, until } = world;
    await trunk.channel.chat('lobby').publish('while you slept');
    // Whoever has the connection still may be sent that; whoever dials has to catch up on it.
    wake(world);
    await until(() =>
      ends === 'live'
        ? wire.dials > 1 && lobby.snapshot().state === 'live'
        : line.connection.snapshot().state === 'refused',
    );
    const dials = wire.dials;
    expect(dials).toBeLessThanOrEqual(3);
    if (ends === 'refused') expect(line.connection.snapshot().reason).toMatch(/token.*expired/);
    else await until(() => lobby.snapshot().entries.some(({ data }) => data === 'while you slept'));
    // With no delay between its attempts, a loop would have dialled many times by the end of these.
    for (let n = 0; n < 10; n++) await fetch(trunk.url);
    expect(wire.dials).toBe(dials);
    expect(line.connection.snapshot().state).toBe(ends);
  });
});
