import { describe, expect, it } from 'vitest';
import { forgetJoined, join } from '../src/join.js';
import { Outbox, room } from '../src/outbox.js';
import { fc } from './support/property.js';

const sizeOf = (parts: readonly Uint8Array[]) => parts.reduce((sum, { length }) => sum + length, 0);

describe('joining', () => {
  it('gives the bytes of the very parts asked for, whatever was joined before', () => {
    const frames = [1, 2, 3, 2].map((fill) => Buffer.alloc(3, fill));
    const list = fc.array(fc.constantFrom(...frames), { minLength: 1, maxLength: 4 });
    fc.assert(
      fc.property(fc.array(list, { maxLength: 30 }), (lists) => {
        for (const parts of lists) expect(join(parts, sizeOf(parts)).equals(Buffer.concat(parts))).toBe(true);
      }),
    );
  });

  it('copies the same parts once, until it is told to forget', () => {
    const parts = [Buffer.from('a'), Buffer.from('b')];
    const joined = join([...parts], 2);
    expect(join([...parts], 2)).toBe(joined);
    forgetJoined();
    expect(join([...parts], 2)).not.toBe(joined);
  });

  it('does not take equal bytes in other memory for the same: who owns them may change them', () => {
    const one = [Buffer.from('a'), Buffer.from('b')];
    const other = [Buffer.from('a'), Buffer.from('b')];
    expect(join(one, 2)).not.toBe(join(other, 2));
  });

  it('is not mixed up by own frames between shared ones', () => {
    const shared = [Buffer.from('one'), Buffer.from('two')];
    const taken = ['x', 'y'].map((own) => {
      const outbox = new Outbox();
      for (const frame of shared) outbox.append(frame);
      outbox.reserve(1);
      room.target.write(own, room.at);
      outbox.commit(1);
      return String(outbox.take());
    });
    expect(taken).toEqual(['onetwox', 'onetwoy']);
  });
});
