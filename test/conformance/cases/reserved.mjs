// @ts-check
// Reserved bits and reserved opcodes: nothing gave them a meaning, so they end the connection.

import { failure, text } from '../lib/case.mjs';
import { BINARY, CLOSE, frame, PING, TEXT } from '../lib/wire.mjs';

const GREETING = 'Hello, world!';
const good = () => frame({ opcode: TEXT, payload: GREETING });
const ping = () => frame({ opcode: PING });
const ECHO_MISSING = 'the message before was not answered';

/**
 * A good message, something bad, a ping: the message may be lost, the ping must not be answered.
 * @param {object} options
 * @param {string} options.id
 * @param {string} options.catalogue
 * @param {string} options.requirement
 * @param {string} options.does
 * @param {() => Buffer} options.bad
 * @param {'one write' | 'frame-wise' | 'octet-wise'} options.how
 */
function afterGood({ id, catalogue, requirement, does, bad, how }) {
  return failure({
    id,
    catalogue,
    requirements: [requirement, 'FR-19'],
    does: `a good message, then ${does}, then a ping, ${how}`,
    send: async (peer) => {
      const frames = [good(), bad(), ping()];
      if (how === 'one write') peer.send(...frames);
      else if (how === 'frame-wise') await peer.sendEach(frames);
      else await peer.chop(Buffer.concat(frames), 1);
    },
    back: [text(GREETING)],
    tolerated: [[]],
    otherwise: ECHO_MISSING,
  });
}

/** @type {import('../lib/case.mjs').Group} */
export const RESERVED_BITS = {
  name: 'reserved-bits',
  title: 'RSV1 to RSV3 without a meaning',
  cases: [
    failure({
      id: 'text-rsv-1',
      catalogue: '3.1',
      requirements: ['FR-03'],
      does: 'a text with RSV3 set',
      send: (peer) => peer.send(frame({ opcode: TEXT, payload: GREETING, rsv: 1 })),
    }),
    .../** @type {const} */ ([
      [2, 'one write'],
      [3, 'frame-wise'],
      [4, 'octet-wise'],
    ]).map(([rsv, how]) =>
      afterGood({
        id: `text-rsv-${rsv}`,
        catalogue: `3.${rsv}`,
        requirement: 'FR-03',
        does: `a text with reserved bits ${rsv}`,
        bad: () => frame({ opcode: TEXT, payload: GREETING, rsv }),
        how,
      }),
    ),
    failure({
      id: 'binary-rsv-5',
      catalogue: '3.5',
      requirements: ['FR-03'],
      does: 'a binary message with reserved bits 5',
      send: (peer) => peer.send(frame({ opcode: BINARY, payload: Buffer.from('00fffefdfcfb00ff', 'hex'), rsv: 5 })),
    }),
    failure({
      id: 'ping-rsv-6',
      catalogue: '3.6',
      requirements: ['FR-03'],
      does: 'a ping with reserved bits 6',
      send: (peer) => peer.send(frame({ opcode: PING, payload: GREETING, rsv: 6 })),
    }),
    failure({
      id: 'close-rsv-7',
      catalogue: '3.7',
      requirements: ['FR-03'],
      does: 'a close frame with reserved bits 7',
      send: (peer) => peer.send(frame({ opcode: CLOSE, rsv: 7 })),
    }),
  ],
};

/**
 * @param {number} opcode
 * @param {number} at Place in its half: 0 to 4.
 */
function reservedOpcode(opcode, at) {
  const kind = opcode < 8 ? 'non-control' : 'control';
  const catalogue = `4.${opcode < 8 ? 1 : 2}.${at + 1}`;
  const payload = at % 2 === 1 ? 'reserved opcode' : '';
  const does = `a frame with the reserved ${kind} opcode ${opcode}${payload === '' ? '' : ' and a payload'}`;
  const bad = () => frame({ opcode, payload });
  const id = `opcode-${opcode}`;
  if (at >= 2) {
    return afterGood({ id, catalogue, requirement: 'FR-04', does, bad, how: at === 4 ? 'octet-wise' : 'one write' });
  }
  return failure({ id, catalogue, requirements: ['FR-04'], does, send: (peer) => peer.send(bad()) });
}

/** @type {import('../lib/case.mjs').Group} */
export const RESERVED_OPCODES = {
  name: 'reserved-opcodes',
  title: 'opcodes 3 to 7 and 11 to 15',
  cases: [...[3, 4, 5, 6, 7].map(reservedOpcode), ...[11, 12, 13, 14, 15].map(reservedOpcode)],
};
