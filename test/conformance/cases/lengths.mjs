// @ts-check
// Lengths in a longer form than they need, and lengths that nothing can hold.

import { failure, verdict } from '../lib/case.mjs';
import { BINARY, CLOSE, closeBody, frame, PING, TEXT } from '../lib/wire.mjs';

/** @type {readonly (readonly [opcode: number, kind: string, size: number, form: 16 | 64])[]} */
const LONGER_FORMS = [
  [TEXT, 'text', 0, 16],
  [TEXT, 'text', 125, 16],
  [TEXT, 'text', 0, 64],
  [TEXT, 'text', 125, 64],
  [BINARY, 'binary', 126, 64],
  [BINARY, 'binary', 65_535, 64],
  [PING, 'ping', 5, 16],
  [PING, 'ping', 5, 64],
  [CLOSE, 'close', 2, 16],
];

/**
 * @param {typeof LONGER_FORMS[number]} row
 * @returns {import('../lib/case.mjs').Case}
 */
function longerForm([opcode, kind, size, form]) {
  const payload = opcode === CLOSE ? closeBody(1000) : Buffer.alloc(size, 0x2a);
  return {
    id: `${kind}-${size}-in-${form}`,
    requirements: ['FR-05'],
    does: `a ${kind} frame of ${size} octets whose length takes ${form} bits`,
    expects: 'the server fails the connection with 1002; taking it as if nothing were wrong: NON-STRICT',
    run: async (trial) => {
      const peer = await trial.open();
      if (opcode === CLOSE) peer.isCloseSent = true;
      peer.send(frame({ opcode, payload, form }));
      await peer.until(() => peer.received.length > 0 || peer.closeFrame !== null);
      if (peer.faults.length > 0) return verdict('FAILED', peer.faults.join('; '));
      const isTaken = peer.received.length > 0 || peer.closeFrame?.code === 1000;
      if (isTaken) return verdict('NON-STRICT', 'it takes lengths that are not in the shortest form');
      if (!(await peer.untilEnded())) return verdict('FAILED', 'it neither took the frame nor failed the connection');
      return {
        behaviour: 'OK',
        closing: [null, 1002].includes(peer.closeFrame?.code ?? null) ? 'OK' : 'WRONG CODE',
        remark: '',
      };
    },
  };
}

/** @type {readonly (readonly [id: string, declared: bigint, does: string])[]} */
const IMPOSSIBLE = [
  ['top-bit', 2n ** 63n, 'of 2^63 octets: the top bit is set'],
  ['top-bit-small', 2n ** 63n + 5n, 'of 2^63 + 5 octets: the top bit is set, the rest is small'],
  ['all-ones', 2n ** 64n - 1n, 'of 2^64 - 1 octets'],
];

/** @type {readonly (readonly [id: string, declared: bigint, does: string])[]} */
const HUGE = [
  ['most', 2n ** 63n - 1n, 'of 2^63 - 1 octets'],
  ['2-to-60', 2n ** 60n, 'of 2^60 octets, the example of RFC 6455 §10.4'],
  ['2-to-53', 2n ** 53n, 'of 2^53 octets, which a double cannot count'],
  ['2-to-32-plus-5', 2n ** 32n + 5n, 'of 2^32 + 5 octets, which is 5 in 32 bits'],
];

/**
 * @param {typeof HUGE[number]} row
 * @returns {import('../lib/case.mjs').Case}
 */
function huge([id, declared, does]) {
  return {
    id: `huge-${id}`,
    requirements: ['FR-06', 'FR-24'],
    does: `the head of a binary frame ${does}, and five octets of it`,
    expects: 'the server fails the connection with 1009 or 1002; waiting for the rest: NON-STRICT; an echo: FAILED',
    run: async (trial) => {
      const peer = await trial.open();
      peer.send(frame({ opcode: BINARY, payload: 'piece', declared }));
      await peer.until(() => peer.received.length > 0 || peer.closeFrame !== null);
      if (peer.received.length > 0) return verdict('FAILED', 'it took the five octets for the whole message');
      if (!(await peer.untilEnded())) return verdict('NON-STRICT', 'it waits for as many octets as it is told');
      const code = peer.closeFrame?.code ?? null;
      return { behaviour: 'OK', closing: [null, 1002, 1009].includes(code) ? 'OK' : 'WRONG CODE', remark: '' };
    },
  };
}

/** @type {import('../lib/case.mjs').Group} */
export const LENGTHS = {
  name: 'lengths',
  title: 'lengths in no minimal form, and impossible ones',
  cases: [
    ...LONGER_FORMS.map(longerForm),
    ...IMPOSSIBLE.map(([id, declared, does]) =>
      failure({
        id,
        requirements: ['FR-06'],
        does: `the head of a binary frame ${does}`,
        codes: [1002, 1009],
        send: (peer) => peer.send(frame({ opcode: BINARY, payload: 'piece', declared })),
      }),
    ),
    ...HUGE.map(huge),
  ],
};
