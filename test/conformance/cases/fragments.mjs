// @ts-check
// Messages in fragments, and fragments that make no message.

import { failure, pong, scenario, text } from '../lib/case.mjs';
import { CONTINUATION, fragments, frame, PING, PONG, TEXT } from '../lib/wire.mjs';

const first = () => frame({ opcode: TEXT, payload: 'fragment1', fin: false });
const last = () => frame({ opcode: CONTINUATION, payload: 'fragment2' });
const ping = (payload = 'ping') => frame({ opcode: PING, payload });
const WHOLE = text('fragment1fragment2');

/** @typedef {'one write' | 'frame-wise' | 'octet-wise'} How */
/** @type {readonly How[]} */
const HOWS = ['one write', 'frame-wise', 'octet-wise'];

/**
 * @param {readonly Buffer[]} frames
 * @param {How} how
 * @returns {(peer: import('../lib/peer.mjs').Peer) => void | Promise<void>}
 */
const sending = (frames, how) => (peer) => {
  if (how === 'one write') return peer.send(...frames);
  return how === 'frame-wise' ? peer.sendEach(frames) : peer.chop(Buffer.concat(frames), 1);
};

/** @param {How} how */
const slug = (how) => how.replace(' ', '-');

const whole = HOWS.map((how, at) =>
  scenario({
    id: `two-${slug(how)}`,
    catalogue: `5.${at + 3}`,
    requirements: ['FR-08', 'FR-10'],
    does: `a text in two fragments, ${how}`,
    plan: () => ({ send: sending([first(), last()], how), back: [WHOLE] }),
  }),
);

const withPing = HOWS.map((how, at) =>
  scenario({
    id: `two-with-ping-${slug(how)}`,
    catalogue: `5.${at + 6}`,
    requirements: ['FR-08', 'FR-09'],
    does: `a text in two fragments with a ping between them, ${how}`,
    expects: 'the pong first, then the message, then a clean close',
    plan: () => ({ send: sending([first(), ping(), last()], how), back: [pong('ping'), WHOLE] }),
  }),
);

const stray = [true, false].flatMap((fin, finAt) =>
  HOWS.map((how, at) =>
    failure({
      id: `stray-${fin ? 'final' : 'open'}-${slug(how)}`,
      catalogue: `5.${9 + 3 * finAt + at}`,
      requirements: ['FR-08', 'FR-19'],
      does: `a continuation (FIN=${Number(fin)}) of nothing, then a text, ${how}`,
      send: (peer) =>
        sending(
          [frame({ opcode: CONTINUATION, payload: 'stray', fin }), frame({ opcode: TEXT, payload: 'Hello, world!' })],
          how,
        )(peer),
    }),
  ),
);

const strayBeforeFragments = [false, true].map((fin, at) =>
  failure({
    id: `stray-${fin ? 'final' : 'open'}-before-fragments`,
    catalogue: `5.${16 + at}`,
    requirements: ['FR-08', 'FR-19'],
    does: `twice: a continuation (FIN=${Number(fin)}) of nothing, then a text in two fragments`,
    send: (peer) => {
      const round = () => [frame({ opcode: CONTINUATION, payload: 'stray', fin }), first(), last()];
      peer.send(...round(), ...round());
    },
  }),
);

const inFive = ['one frame at a time', 'all that may go together in one write'].map((how, at) =>
  scenario({
    id: at === 0 ? 'five-with-pings' : 'five-with-pings-batched',
    catalogue: `5.${19 + at}`,
    requirements: ['FR-08', 'FR-09', 'FR-15'],
    does: `a text in five fragments with a ping after the second and the fourth, ${how}; we go on only when a ping was answered`,
    expects: 'each pong at once, then the message, then a clean close',
    plan: () => ({
      send: async (peer) => {
        const part = (/** @type {number} */ number) =>
          frame({ opcode: number === 1 ? TEXT : CONTINUATION, payload: `fragment${number}`, fin: number === 5 });
        for (const [batch, pongs] of /** @type {const} */ ([
          [[part(1), part(2), ping('one')], 1],
          [[part(3), part(4), ping('two')], 2],
        ])) {
          if (at === 0) await peer.sendEach(batch);
          else peer.send(...batch);
          if (!(await peer.untilReceived(pongs)))
            peer.faults.push('FR-09: a ping inside a message is not answered at once');
        }
        peer.send(part(5));
      },
      back: [pong('one'), pong('two'), text([1, 2, 3, 4, 5].map((number) => `fragment${number}`).join(''))],
    }),
  }),
);

/** @type {import('../lib/case.mjs').Group} */
export const FRAGMENTS = {
  name: 'fragments',
  title: 'fragmented messages',
  cases: [
    ...[PING, PONG].map((opcode, at) =>
      failure({
        id: opcode === PING ? 'ping-fragmented' : 'pong-fragmented',
        catalogue: `5.${at + 1}`,
        requirements: ['FR-09', 'FR-11'],
        does: `a ${opcode === PING ? 'ping' : 'pong'} in two fragments`,
        send: (peer) => peer.send(frame({ opcode, payload: 'fragment1', fin: false }), last()),
      }),
    ),
    ...whole,
    ...withPing,
    ...stray,
    failure({
      id: 'stray-after-good',
      catalogue: '5.15',
      requirements: ['FR-08', 'FR-19'],
      does: 'a text in two fragments, then a continuation (FIN=0) of nothing, then a text',
      send: (peer) =>
        peer.send(
          first(),
          last(),
          frame({ opcode: CONTINUATION, payload: 'stray', fin: false }),
          frame({ opcode: TEXT, payload: 'late' }),
        ),
      back: [WHOLE],
      tolerated: [[]],
      otherwise: 'the message before was not answered',
    }),
    ...strayBeforeFragments,
    failure({
      id: 'text-inside-text',
      catalogue: '5.18',
      requirements: ['FR-08'],
      does: 'a text in two fragments, the second of which says text instead of continuation',
      send: (peer) => peer.send(first(), frame({ opcode: TEXT, payload: 'fragment2' })),
    }),
    ...inFive,
  ],
};

/** @type {import('../lib/case.mjs').Group} */
export const AUTO_FRAGMENTS = {
  name: 'auto-fragments',
  title: 'a large message cut by its sender',
  cases: [
    scenario({
      id: 'text-65536-by-1300',
      catalogue: '10.1.1',
      requirements: ['FR-10'],
      does: 'a text of 65,536 octets in fragments of 1,300',
      plan: () => {
        const payload = Buffer.alloc(65_536, 0x2a);
        return { send: (peer) => peer.send(...fragments(TEXT, payload, 1_300)), back: [text(payload)] };
      },
    }),
  ],
};
