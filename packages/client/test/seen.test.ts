// FLO-1: the client tells how many bytes it has processed, so that the server knows of a slow reader at once.

import { SEEN_BYTES, SEEN_LEAST_BYTES, SEEN_MS } from '@trunkline/protocol';
import { describe, expect, it } from 'vitest';
import type { FakeConnection } from './support/fake-server.js';
import { makeWorld } from './support/world.js';

/** Live, and all told: what comes now is unreported. */
function quiet(features?: readonly string[]) {
  const world = makeWorld();
  if (features) world.server.features = features;
  const chat = world.line.channel.chat('lobby');
  chat.open();
  world.clock.advance(1_000);
  const { last } = world.server;
  last.send({ type: 'ping', now: 1 });
  world.clock.advance(0);
  return { ...world, chat, last };
}

const reports = (connection: FakeConnection) => connection.sent('seen').map(({ bytes }) => bytes);

/** A message of exactly so many bytes. */
function message(bytes: number): string {
  const empty = JSON.stringify({ type: 'pong', id: 999, now: 1, fill: '' });
  return JSON.stringify({ type: 'pong', id: 999, now: 1, fill: 'x'.repeat(bytes - empty.length) });
}

describe('a report (FLO-1)', () => {
  it('counts all messages since the connection opened, whole, in UTF-8', () => {
    const { server, clock, last } = quiet();
    expect(reports(last).at(-1)).toBe(last.deliveredBytes);
    server.append('chat/lobby', { text: 'Grüße 👋 ﷽' });
    last.sendText('\n{"type":"pong","id":998,"now":1,"unknown":"ü"}\r\n');
    last.send({ type: 'ping', now: 2 });
    clock.advance(0);
    expect(reports(last).at(-1)).toBe(last.deliveredBytes);
    expect(last.deliveredBytes).toBeGreaterThan(400);
  });

  it(`is written at once when ${SEEN_BYTES} bytes are unreported, not one byte before`, () => {
    const { clock, last } = quiet();
    const before = reports(last).length;
    last.sendText(message(SEEN_BYTES - 1_000));
    last.sendText(message(999));
    clock.advance(0);
    expect(reports(last)).toHaveLength(before);
    last.sendText('\n');
    clock.advance(0);
    expect(reports(last)).toHaveLength(before + 1);
    expect(reports(last).at(-1)).toBe(last.deliveredBytes);
    clock.advance(SEEN_MS);
    expect(reports(last)).toHaveLength(before + 1);
  });

  it(`is written when more than ${SEEN_LEAST_BYTES} bytes are unreported: at once, or ${SEEN_MS} ms after the report before`, () => {
    const { clock, last } = quiet();
    clock.advance(SEEN_MS);
    const before = reports(last).length;
    last.sendText(message(SEEN_LEAST_BYTES));
    clock.advance(5_000);
    expect(reports(last)).toHaveLength(before);
    last.sendText('\n');
    clock.advance(0);
    expect(reports(last)).toHaveLength(before + 1);
    expect(reports(last).at(-1)).toBe(last.deliveredBytes);
    last.sendText(message(600));
    clock.advance(100);
    last.sendText(message(600));
    clock.advance(SEEN_MS - 101);
    expect(reports(last)).toHaveLength(before + 1);
    clock.advance(1);
    expect(reports(last)).toHaveLength(before + 2);
    expect(reports(last).at(-1)).toBe(last.deliveredBytes);
  });

  it('of less rides along with what is written anyway, in the same message', () => {
    const { clock, last, chat } = quiet();
    const before = reports(last).length;
    last.sendText(message(100));
    clock.advance(5_000);
    expect(reports(last)).toHaveLength(before);
    void chat.publish({ text: 'x' });
    clock.advance(0);
    expect(
      last.texts
        .at(-1)
        ?.split('\n')
        .map((line) => JSON.parse(line).type),
    ).toEqual(['publish', 'seen']);
  });

  it('comes after the replica has what it tells of', () => {
    const { clock, server, chat } = quiet();
    let shown = 0;
    server.intercept = (_connection, given) => {
      if (given.type === 'seen') shown = chat.snapshot().entries.length;
      return false;
    };
    server.append('chat/lobby', { text: 'x'.repeat(SEEN_BYTES) });
    clock.advance(0);
    expect(shown).toBe(1);
  });

  it('counts each connection by itself', () => {
    const { clock, server, last } = quiet();
    last.sendText(message(SEEN_BYTES));
    clock.advance(0);
    last.drop();
    clock.advance(1_000);
    expect(server.connections).toHaveLength(2);
    server.last.send({ type: 'ping', now: 1 });
    clock.advance(0);
    expect(reports(server.last).at(-1)).toBe(server.last.deliveredBytes);
    expect(server.last.deliveredBytes).toBeLessThan(2_000);
  });

  it('is not written to a server that does not name the feature', () => {
    const { clock, server, last } = quiet(['drain', 'another']);
    expect(last.sent('hello')[0]?.features).toEqual(['seen', 'drain']);
    server.append('chat/lobby', { text: 'x'.repeat(100_000) });
    clock.advance(60_000);
    expect(reports(last)).toEqual([]);
  });
});
