// @ts-check
// Pings and pongs.

import { failure, pong, scenario } from '../lib/case.mjs';
import { frame, PING } from '../lib/wire.mjs';

const FR_15 = ['FR-15'];
const LONGEST = Buffer.alloc(125, 0xfe);
const TEN = Array.from({ length: 10 }, (_, at) => `payload-${at}`);
const tenPings = () => TEN.map((payload) => frame({ opcode: PING, payload }));
const A_PONG = 'a pong with the same payload, then a clean close';

/** @type {readonly { id: string, does: string, payload: Buffer }[]} */
const SINGLE = [
  { id: 'empty', does: 'a ping without payload', payload: Buffer.alloc(0) },
  { id: 'text', does: 'a ping with text', payload: Buffer.from('Hello, world!') },
  { id: 'binary', does: 'a ping whose payload is not UTF-8', payload: Buffer.from('00fffefdfcfb00ff', 'hex') },
  { id: 'longest', does: 'a ping of 125 octets', payload: LONGEST },
];

/** @type {import('../lib/case.mjs').Group} */
export const PINGS = {
  name: 'ping',
  title: 'pings and pongs',
  cases: [
    ...SINGLE.map(({ id, does, payload }, at) =>
      scenario({
        id,
        catalogue: `2.${at + 1}`,
        requirements: FR_15,
        does,
        expects: A_PONG,
        plan: () => ({ send: (peer) => peer.ping(payload), back: [pong(payload)] }),
      }),
    ),
    failure({
      id: 'too-long',
      catalogue: '2.5',
      requirements: ['FR-11'],
      does: 'a ping of 126 octets',
      send: (peer) => peer.ping(Buffer.alloc(126, 0xfe)),
    }),
    scenario({
      id: 'octet-wise',
      catalogue: '2.6',
      requirements: FR_15,
      does: 'a ping of 125 octets, octet by octet',
      expects: A_PONG,
      plan: () => ({ send: (peer) => peer.chop(frame({ opcode: PING, payload: LONGEST }), 1), back: [pong(LONGEST)] }),
    }),
    ...['', 'unsolicited'].map((payload, at) =>
      scenario({
        id: payload === '' ? 'pong-empty' : 'pong-payload',
        catalogue: `2.${at + 7}`,
        requirements: FR_15,
        does: `a pong that nobody asked for, ${payload === '' ? 'empty' : 'with payload'}`,
        expects: 'nothing but a clean close',
        plan: () => ({ send: (peer) => peer.pong(payload), back: [] }),
      }),
    ),
    scenario({
      id: 'pong-then-ping',
      catalogue: '2.9',
      requirements: FR_15,
      does: 'an unsolicited pong, then a ping',
      expects: 'exactly the pong to the ping',
      plan: () => ({
        send: (peer) => {
          peer.pong('unsolicited');
          peer.ping('asked');
        },
        back: [pong('asked')],
      }),
    }),
    ...[false, true].map((isOctetWise) =>
      scenario({
        id: isOctetWise ? 'ten-octet-wise' : 'ten',
        catalogue: isOctetWise ? '2.11' : '2.10',
        requirements: FR_15,
        does: `ten pings ${isOctetWise ? 'octet by octet' : 'in one write'}`,
        expects: 'ten pongs in the same order; only the last ones: NON-STRICT, as RFC 6455 §5.5.3 allows it',
        plan: () => ({
          send: (peer) => (isOctetWise ? peer.chop(Buffer.concat(tenPings()), 1) : peer.send(...tenPings())),
          back: TEN.map(pong),
          tolerated: TEN.slice(1).map((_, skipped) => TEN.slice(skipped + 1).map(pong)),
          otherwise: 'it answered only the latest pings',
        }),
      }),
    ),
  ],
};
