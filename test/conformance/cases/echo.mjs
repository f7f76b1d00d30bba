// @ts-check
// Whole messages of every length form.

import { binary, scenario, text } from '../lib/case.mjs';
import { BINARY, frame, TEXT } from '../lib/wire.mjs';

/** The edges of the three length forms (RFC 6455 §5.2). */
const SIZES = [0, 125, 126, 127, 128, 65_535, 65_536];
const CHOP = 997;

/**
 * @param {'text' | 'binary'} kind
 * @param {number} number Of the catalogue's sub-group.
 */
function echoes(kind, number) {
  const isText = kind === 'text';
  const back = isText ? text : binary;
  const opcode = isText ? TEXT : BINARY;
  const payloadOf = (/** @type {number} */ size) => Buffer.alloc(size, isText ? 0x2a : 0xfe);
  return [
    ...SIZES.map((size, at) =>
      scenario({
        id: `${kind}-${size}`,
        catalogue: `1.${number}.${at + 1}`,
        requirements: ['FR-01', 'FR-02', 'FR-05'],
        does: `a ${kind} message of ${size} octets`,
        plan: () => ({
          send: (peer) => peer.send(frame({ opcode, payload: payloadOf(size) })),
          back: [back(payloadOf(size))],
        }),
      }),
    ),
    scenario({
      id: `${kind}-65536-chopped`,
      catalogue: `1.${number}.8`,
      requirements: ['FR-05', 'FR-10'],
      does: `a ${kind} message of 65,536 octets in TCP segments of ${CHOP}`,
      plan: () => ({
        send: (peer) => peer.chop(frame({ opcode, payload: payloadOf(65_536) }), CHOP),
        back: [back(payloadOf(65_536))],
      }),
    }),
  ];
}

/** @type {import('../lib/case.mjs').Group} */
export const ECHO = { name: 'echo', title: 'whole messages', cases: [...echoes('text', 1), ...echoes('binary', 2)] };
