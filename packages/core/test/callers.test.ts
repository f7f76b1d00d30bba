import { describe, expect, it } from 'vitest';
import { Callers } from '../src/index.js';

const ONE = { ratePerSecond: 1, burst: 1 };
const refusal = expect.objectContaining({ code: 'rate_limited', retry: true });

describe('callers', () => {
  it('are remembered up to 10,000, then the one that asked longest ago is forgotten', () => {
    const callers = new Callers(() => 0, { maxInWork: 1 });
    const write = (name: string) => {
      const use = callers.enter(name, ONE);
      try {
        use.admit();
      } finally {
        use.done();
      }
    };
    for (let n = 0; n < 10_000; n += 1) write(`user ${n}`);
    // Each has had its one write; asking again makes it the latest.
    expect(() => write('user 0')).toThrow(refusal);
    write('one more');
    expect(() => write('user 0')).toThrow(refusal);
    expect(() => write('user 2')).toThrow(refusal);
    expect(() => write('user 1')).not.toThrow();
  });

  it('that have something in work are not forgotten', () => {
    const callers = new Callers(() => 0, { maxInWork: 1 });
    callers.enter('busy', ONE);
    for (let n = 0; n < 10_001; n += 1) callers.enter(`user ${n}`, ONE).done();
    expect(() => callers.enter('busy', ONE)).toThrow(refusal);
  });

  it('give a place back once, however often they say so', () => {
    const callers = new Callers(() => 0, { maxInWork: 2, maxWaits: 2, maxCalls: 1 });
    const first = callers.enter('ada', ONE);
    const second = callers.enter('ada', ONE);
    const ends = [first.wait(), second.wait()];
    expect(() => first.wait()).toThrow(refusal);
    ends[0]?.();
    ends[0]?.();
    first.wait();
    expect(() => first.wait()).toThrow(refusal);
    first.done();
    first.done();
    callers.enter('ada', ONE);
    expect(() => callers.enter('ada', ONE)).toThrow(refusal);
    const end = second.call();
    expect(() => second.call()).toThrow(refusal);
    end();
    second.call();
  });
});
