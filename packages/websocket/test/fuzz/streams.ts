/** Valid byte streams of frames, and what can be done to them. */
import { constants, deflateRawSync } from 'node:zlib';
import { closeBody, frame } from '../support/wire.js';
import type { Random } from './random.js';

const WORDS = ['', 'a', 'grün', '漢字', '🙂', 'x'.repeat(125), 'y'.repeat(126), 'z'.repeat(300), 'żółw '.repeat(60)];

/** A message's payload as permessage-deflate sends it (RFC 7692 §7.2.1). */
function deflated(payload: Buffer): Buffer {
  if (payload.length === 0) return Buffer.of(0);
  return deflateRawSync(payload, { finishFlush: constants.Z_SYNC_FLUSH }).subarray(0, -4);
}

/**
 * A few messages and control frames, now and then a close.
 * @param isMasked whether a client sends them. @param pack compresses a message, if any is to be.
 */
export function validStream(
  random: Random,
  isMasked: boolean,
  isCompressed: boolean,
  pack: (payload: Buffer) => Buffer = deflated,
): Buffer[] {
  const frames: Buffer[] = [];
  const add = (opcode: number, payload: Uint8Array, fin = true, rsv = 0): void => {
    const mask = isMasked ? { mask: random.bytes(4).toString('hex') } : {};
    frames.push(frame({ opcode, payload, fin, rsv, ...mask }));
  };
  for (let left = 1 + random.below(6); left > 0; left--) {
    if (random.chance(4)) {
      add(random.pick([9, 10]), random.bytes(random.below(126)));
      continue;
    }
    const isText = random.chance(2);
    const plain = isText ? Buffer.from(random.pick(WORDS)) : random.bytes(random.below(400));
    const isPacked = isCompressed && random.chance(2);
    const payload = isPacked ? pack(plain) : plain;
    const at = random.chance(2) ? payload.length : random.below(payload.length + 1);
    const isWhole = at === payload.length && random.chance(2);
    add(isText ? 1 : 2, payload.subarray(0, at), isWhole, isPacked ? 4 : 0);
    if (isWhole) continue;
    if (random.chance(3)) add(9, Buffer.from('between'));
    add(0, payload.subarray(at));
  }
  if (random.chance(3)) add(8, random.chance(3) ? Buffer.alloc(0) : closeBody(random.pick([1000, 1001, 3000]), 'bye'));
  return frames;
}

const EDGES = [0x00, 0x01, 0x7d, 0x7e, 0x7f, 0x80, 0xfd, 0xfe, 0xff];

/** Some damage: bits, bytes, lengths, pieces. */
export function mutate(random: Random, bytes: Buffer): Buffer {
  let result = Buffer.from(bytes);
  for (let left = 1 + random.below(3); left > 0; left--) {
    const at = random.below(result.length + 1);
    const count = random.below(12);
    const [before, after] = [result.subarray(0, at), result.subarray(at)];
    const how = random.below(7);
    if (how === 0 && at < result.length) result[at] = result.readUInt8(at) ^ (1 << random.below(8));
    if (how === 1 && at < result.length) result[at] = random.pick(EDGES);
    if (how === 2) result = Buffer.from(before);
    if (how === 3) result = Buffer.concat([before, after.subarray(count)]);
    if (how === 4) result = Buffer.concat([before, random.bytes(count), after]);
    if (how === 5) result = Buffer.concat([before, after.subarray(0, count), after]);
    if (how === 6) result = Buffer.concat([after, before]);
  }
  return result;
}

/** The same for a list of frames: also whole ones are lost, repeated and swapped. */
export function mutateFrames(random: Random, frames: readonly Buffer[]): Buffer {
  const damaged = [...frames];
  const at = random.below(damaged.length);
  if (random.chance(4)) damaged.splice(at, 1);
  if (random.chance(4)) damaged.splice(at, 0, random.pick(frames));
  const headAt = random.below(frames.length);
  const head = damaged[headAt];
  // The headers are a small part of the bytes and most of what can go wrong.
  if (head !== undefined && random.chance(2)) {
    const copy = Buffer.from(head);
    const index = random.below(Math.min(2, copy.length));
    copy[index] = copy.readUInt8(index) ^ (1 << random.below(8));
    damaged[headAt] = copy;
  }
  const joined = Buffer.concat(damaged);
  return random.chance(2) ? mutate(random, joined) : joined;
}

export function cutAnywhere(random: Random, bytes: Buffer): Buffer[] {
  const most = random.pick([1, 3, 40, 1_000_000]);
  const pieces: Buffer[] = [];
  for (let at = 0; at < bytes.length; ) {
    const end = Math.min(bytes.length, at + 1 + random.below(most));
    pieces.push(Buffer.from(bytes.subarray(at, end)));
    at = end;
  }
  return pieces;
}
