/** Damaged streams against the engine of both roles: events or a documented error, and memory within the limits. */
import { describe, expect, it } from 'vitest';
import { chooseOffer, resolveCompression } from '../../src/compression.js';
import type { CompressionAgreement } from '../../src/index.js';
import { Recorded } from '../support/recorded.js';
import { cases, Random, SEED } from './random.js';
import { cutAnywhere, mutate, mutateFrames, validStream } from './streams.js';

/** What a peer can do wrong, and what it may be told. */
const ALLOWED: Readonly<Record<string, number>> = {
  frame_invalid: 1002,
  text_invalid: 1007,
  deflate_invalid: 1007,
  message_too_big: 1009,
  too_many_fragments: 1008,
  too_many_control_frames: 1008,
};

const LIMITS = { maxMessageBytes: 5_000, maxFragments: 20, maxControlFramesPerSecond: 30 };

function agreement(): CompressionAgreement {
  const settings = resolveCompression({ thresholdBytes: 0 });
  const agreed = settings && chooseOffer('permessage-deflate', settings);
  if (!agreed) throw new Error('the offer is one that is taken');
  return agreed;
}

function check(random: Random, bytes: Buffer, role: 'server' | 'client', isCompressed: boolean): boolean {
  const peer = new Recorded({ role, limits: LIMITS, ...(isCompressed ? { compression: agreement() } : {}) });
  for (const piece of cutAnywhere(random, bytes)) peer.receive(piece);
  for (const event of peer.events) {
    if (event.type === 'failed') expect(ALLOWED[event.code], event.code).toBe(event.closeCode);
    if (event.type === 'text' || event.type === 'binary') {
      expect(event.data.length).toBeLessThanOrEqual(2 * LIMITS.maxMessageBytes);
    }
  }
  const ends = peer.events.filter(({ type }) => type === 'closed');
  expect(ends.length).toBeLessThanOrEqual(1);
  if (ends.length === 1) expect(peer.events.at(-1)).toBe(ends[0]);
  if (peer.failed !== undefined) expect(ends).toHaveLength(1);
  // What is said in return is never more than was asked for, but for the close frame.
  expect(peer.outgoing.length).toBeLessThanOrEqual(bytes.length * 3 + 129);
  return peer.failed !== undefined;
}

describe.each(['server', 'client'] as const)(`the engine of a %s, seed ${SEED}`, (role) => {
  it.each([false, true])('bears damaged streams, compression: %s', (isCompressed) => {
    let refused = 0;
    const count = cases(2_500, 40_000);
    for (let index = 0; index < count; index++) {
      const random = new Random(SEED + index);
      const frames = validStream(random, role === 'server', isCompressed);
      const bytes = random.chance(3)
        ? mutate(random, Buffer.concat([...frames, ...validStream(random, role === 'server', isCompressed)]))
        : mutateFrames(random, frames);
      try {
        if (check(random, bytes, role, isCompressed)) refused++;
      } catch (cause) {
        throw new Error(`TRUNKLINE_SEED=${SEED + index}: ${bytes.toString('hex')}`, { cause });
      }
    }
    // Neither all refused at the first byte nor hardly damaged.
    expect(refused).toBeGreaterThan(count / 5);
    expect(refused).toBeLessThan(count);
  });

  it.each([false, true])('accepts the same streams undamaged, compression: %s', (isCompressed) => {
    for (let index = 0; index < cases(300, 5_000); index++) {
      const random = new Random(SEED + index);
      expect(
        check(random, Buffer.concat(validStream(random, role === 'server', isCompressed)), role, isCompressed),
      ).toBe(false);
    }
  });

  it('always goes on: each byte of noise is taken or the connection is over', () => {
    for (let index = 0; index < cases(1_000, 20_000); index++) {
      const random = new Random(SEED + index);
      check(random, random.bytes(random.below(300)), role, random.chance(2));
    }
  });
});
