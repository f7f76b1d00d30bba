// Connections of a server borrow what they write with, and give it back when all is written.

import { expect, it } from 'vitest';
import { Connection } from '../src/connection.js';
import { fc } from './support/property.js';
import { frame, PING, TEXT } from './support/wire.js';

const step = fc.record({
  who: fc.nat(3),
  act: fc.oneof(
    fc.record({ do: fc.constant('text' as const), text: fc.string({ unit: 'grapheme', maxLength: 200 }) }),
    fc.record({ do: fc.constant('ping' as const), bytes: fc.uint8Array({ maxLength: 125 }) }),
    fc.record({ do: fc.constant('write' as const), consumed: fc.boolean() }),
    fc.record({ do: fc.constant('block' as const), blocked: fc.boolean() }),
    fc.record({ do: fc.constant('abort' as const) }),
  ),
});

it('each says its own, in order, whoever else is blocked, has something waiting, or is gone', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 150 }), (steps) => {
      const peers = Array.from({ length: 4 }, () => ({
        connection: new Connection({
          role: 'server',
          context: null,
          events: { message: () => {}, closed: () => {}, failed: () => {} },
        }),
        waiting: [] as Buffer[],
      }));
      // What a transport has not done with must stay as it is.
      const kept: { readonly bytes: Buffer; readonly parts: readonly Uint8Array[] }[] = [];
      const write = ({ connection, waiting }: (typeof peers)[number], consumed: boolean) => {
        const bytes = Buffer.concat(waiting.splice(0));
        expect(connection.outgoingBytes).toBe(bytes.length);
        const taken = connection.takeOutgoing();
        const parts = taken === null ? [] : taken instanceof Uint8Array ? [taken] : taken;
        expect(Buffer.concat(parts).toString('hex')).toBe(bytes.toString('hex'));
        connection.settleOutgoing(consumed);
        if (!consumed) kept.push({ bytes, parts });
      };
      for (const { who, act } of steps) {
        const peer = peers[who] as (typeof peers)[number];
        const { connection, waiting } = peer;
        if (act.do === 'write') write(peer, act.consumed);
        else if (act.do === 'block') connection.setBlocked(act.blocked);
        else if (act.do === 'abort') {
          connection.abort();
          waiting.length = 0;
        } else {
          const isText = act.do === 'text';
          const isQueued = isText ? connection.sendText(act.text) : connection.ping(act.bytes);
          expect(isQueued).toBe(connection.isOpen);
          if (isQueued)
            waiting.push(
              isText ? frame({ opcode: TEXT, payload: act.text }) : frame({ opcode: PING, payload: act.bytes }),
            );
        }
      }
      for (const peer of peers) write(peer, true);
      for (const { bytes, parts } of kept) expect(Buffer.concat(parts).equals(bytes)).toBe(true);
    }),
    { numRuns: 200 },
  );
});
