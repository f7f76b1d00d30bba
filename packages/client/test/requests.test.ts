// What is written, as messages: within the server's limits, and the first one of them light.

import { DEFAULT_LIMITS } from '@trunkline/protocol';
import { describe, expect, it } from 'vitest';
import { createRequests } from '../src/requests.js';

const HELLO = '{"type":"hello","version":1}';

describe('what one turn wrote', () => {
  // Found by the simulation, seed 14: 250 KB of publishes in one message with `hello`, on a link that takes seconds for them.
  it('says hello in a light message, however much waits behind it', () => {
    const requests = createRequests();
    requests.write(HELLO);
    requests.add({ type: 'subscribe', stream: 'chat/lobby' }, () => {});
    const lines = Array.from({ length: 8 }, () => `"${'x'.repeat(30_000)}"`);
    for (const line of lines) requests.write(line);
    const [first = '', ...rest] = requests.take(DEFAULT_LIMITS);
    expect(first.split('\n')).toEqual([HELLO, '{"id":1,"type":"subscribe","stream":"chat/lobby"}']);
    expect(rest).toEqual([lines.join('\n')]);
  });

  it.each([16_384, 16_385])('travels as one message up to 16,384 bytes (%i)', (bytes) => {
    const requests = createRequests();
    requests.write(HELLO);
    // Each line counts with the one byte that parts it from the next.
    requests.write('x'.repeat(bytes - HELLO.length - 2));
    expect(requests.take(DEFAULT_LIMITS)).toHaveLength(bytes === 16_384 ? 1 : 2);
  });
});
