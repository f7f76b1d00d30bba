// @ts-check
// Clients mask (RFC 6455 §5.1): a frame that is not masked ends the connection, and any key at any place is undone.

import { binary, failure, scenario, text } from '../lib/case.mjs';
import { BINARY, CLOSE, CONTINUATION, closeBody, frame, PING, PONG, TEXT } from '../lib/wire.mjs';

/** @type {readonly (readonly [id: string, does: string, frames: () => Buffer[]])[]} */
const UNMASKED = [
  ['text', 'a text', () => [frame({ opcode: TEXT, payload: 'Hello', mask: null })]],
  ['text-empty', 'an empty text', () => [frame({ opcode: TEXT, mask: null })]],
  ['binary', 'a binary message', () => [frame({ opcode: BINARY, payload: Buffer.alloc(70_000, 1), mask: null })]],
  ['ping', 'a ping', () => [frame({ opcode: PING, payload: 'Hello', mask: null })]],
  ['pong', 'a pong', () => [frame({ opcode: PONG, mask: null })]],
  [
    'continuation',
    'the last fragment of a message',
    () => [
      frame({ opcode: TEXT, payload: 'a', fin: false }),
      frame({ opcode: CONTINUATION, payload: 'b', mask: null }),
    ],
  ],
];

/** @type {readonly (readonly [id: string, key: number])[]} */
const KEYS = [
  ['zero', 0],
  ['ones', 0xffffffff],
  ['top-bit', 0x80000000],
  ['last-octet', 0x000000ff],
  ['mixed', 0x12fe34dc],
];
/** All lengths around the steps in which a server may unmask. */
const LENGTHS = Array.from({ length: 70 }, (_, length) => length);

/** @type {import('../lib/case.mjs').Group} */
export const MASKING = {
  name: 'masking',
  title: 'frames without a mask, and masks of all kinds',
  cases: [
    ...UNMASKED.map(([id, does, frames]) =>
      failure({
        id: `unmasked-${id}`,
        requirements: ['FR-01', 'FR-26'],
        does: `${does}, not masked`,
        send: (peer) => peer.send(...frames()),
      }),
    ),
    failure({
      id: 'unmasked-close',
      requirements: ['FR-01', 'FR-26'],
      does: 'a close frame, not masked',
      send: (peer) => {
        peer.isCloseSent = true;
        peer.send(frame({ opcode: CLOSE, payload: closeBody(1000), mask: null }));
      },
    }),
    failure({
      id: 'unmasked-after-masked',
      requirements: ['FR-01', 'FR-26'],
      does: 'a masked text, then one that is not masked',
      send: (peer) =>
        peer.send(frame({ opcode: TEXT, payload: 'good' }), frame({ opcode: TEXT, payload: 'bad', mask: null })),
      back: [text('good')],
      tolerated: [[]],
      otherwise: 'the message before was not answered',
    }),
    ...KEYS.map(([id, mask]) =>
      scenario({
        id: `key-${id}`,
        requirements: ['FR-01'],
        does: `binary messages of 0 to ${LENGTHS.length - 1} octets in one write, all with the key ${mask.toString(16).padStart(8, '0')}`,
        expects: 'the same messages back, then a clean close',
        plan: () => {
          const payloads = LENGTHS.map((length) =>
            Buffer.from(Array.from({ length }, (_, at) => (7 * at + length) & 0xff)),
          );
          return {
            send: (peer) => peer.send(...payloads.map((payload) => frame({ opcode: BINARY, payload, mask }))),
            back: payloads.map(binary),
          };
        },
      }),
    ),
    ...[3, 7, 11].map((size) =>
      scenario({
        id: `chopped-${size}`,
        requirements: ['FR-01', 'FR-10'],
        does: `binary messages of 0 to ${LENGTHS.length - 1} octets in TCP segments of ${size}, so that frames begin and break anywhere`,
        expects: 'the same messages back, then a clean close',
        plan: () => {
          const payloads = LENGTHS.map((length) =>
            Buffer.from(Array.from({ length }, (_, at) => (13 * at + length) & 0xff)),
          );
          const frames = payloads.map((payload) => frame({ opcode: BINARY, payload }));
          return { send: (peer) => peer.chop(Buffer.concat(frames), size), back: payloads.map(binary) };
        },
      }),
    ),
  ],
};
