// @ts-check
// Text is UTF-8 over the whole message (RFC 6455 §8.1), and what is not must be noticed, best at the first wrong octet.

import { failure, judge, scenario, text } from '../lib/case.mjs';
import { CONTINUATION, fragments, frame, TEXT } from '../lib/wire.mjs';
import { KOSME, SEQUENCE_SETS } from './utf8-sequences.mjs';

const FR_16 = ['FR-16'];
/** How long a server has to notice what it can know. */
const NOTICE_MS = 1_000;
/** How long we look whether it complains about what is still right. */
const CALM_MS = 30;

const whole = (/** @type {Buffer | string} */ payload) => frame({ opcode: TEXT, payload });
const MIDDLE = 'middle frame payload';
const GREEK = Buffer.from('Hello-µ@ßöäüàá-UTF-8!!');
const SURROGATE = Buffer.from([...KOSME, 0xed, 0xa0, 0x80, ...Buffer.from('edited')]);

/**
 * @param {string} id
 * @param {string} catalogue
 * @param {string} does
 * @param {readonly (Buffer | string)[]} parts
 */
const inFragments = (id, catalogue, does, parts) =>
  scenario({
    id,
    catalogue,
    requirements: ['FR-08', 'FR-16'],
    does,
    plan: () => ({
      send: (peer) =>
        peer.send(
          ...parts.map((payload, at) =>
            frame({ opcode: at === 0 ? TEXT : CONTINUATION, payload, fin: at === parts.length - 1 }),
          ),
        ),
      back: [text(Buffer.concat(parts.map((part) => Buffer.from(part))))],
    }),
  });

/**
 * A valid part, a part that makes it invalid, and a rest, with pauses.
 * @param {object} options
 * @param {string} options.id
 * @param {string} options.catalogue
 * @param {string} options.does
 * @param {Buffer} options.bad
 * @param {boolean} options.isOneFrame Whether the parts are segments of one frame or frames of one message.
 * @returns {import('../lib/case.mjs').Case}
 */
function failFast({ id, catalogue, does, bad, isOneFrame }) {
  const rest = Buffer.from('edited');
  return {
    id,
    catalogue,
    requirements: FR_16,
    does,
    expects: 'the server fails the connection with 1007 at the bad part; only at the end of the message: NON-STRICT',
    run: async (trial) => {
      const peer = await trial.open();
      const one = whole(Buffer.concat([KOSME, bad, rest]));
      const parts = isOneFrame
        ? [
            one.subarray(0, 6 + KOSME.length),
            one.subarray(6 + KOSME.length, 6 + KOSME.length + bad.length),
            one.subarray(6 + KOSME.length + bad.length),
          ]
        : [
            frame({ opcode: TEXT, payload: KOSME, fin: false }),
            frame({ opcode: CONTINUATION, payload: bad, fin: false }),
            frame({ opcode: CONTINUATION, payload: rest }),
          ];
      const [first, second, third] = /** @type {[Buffer, Buffer, Buffer]} */ (parts);
      peer.send(first);
      await peer.untilEnded(CALM_MS);
      if (peer.ended !== null) peer.faults.push('FR-16: it failed the connection at a part that is valid');
      peer.send(second);
      const isFast = await peer.untilEnded(NOTICE_MS);
      if (!isFast) peer.send(third);
      const result = await judge(peer, { send: () => {}, back: [], ending: { by: 'server', codes: [1007] } });
      if (isFast || result.behaviour !== 'OK') return result;
      return { ...result, behaviour: 'NON-STRICT', remark: 'it failed the connection only at the end of the message' };
    },
  };
}

/** U+110000 does not exist. Its second octet makes it plain. */
const TOO_LARGE = Buffer.from('f4908080', 'hex');
const DECIDED = TOO_LARGE.subarray(0, 2);

/**
 * @param {SequenceSet} set
 * @returns {import('../lib/case.mjs').Case[]}
 * @typedef {import('./utf8-sequences.mjs').SequenceSet} SequenceSet
 */
const sequenceCases = ({ number, sequences }) =>
  sequences.map(({ id, does, octets, isValid }, at) => {
    const common = { id, catalogue: `6.${number}.${at + 1}`, requirements: FR_16, does };
    const send = (/** @type {import('../lib/peer.mjs').Peer} */ peer) => peer.send(whole(octets));
    return isValid
      ? scenario({ ...common, plan: () => ({ send, back: [text(octets)] }) })
      : failure({ ...common, code: 1007, send });
  });

/** @type {import('../lib/case.mjs').Group} */
export const UTF8 = {
  name: 'utf8',
  title: 'UTF-8 of text messages',
  cases: [
    inFragments('empty', '6.1.1', 'an empty text', ['']),
    inFragments('empty-fragments', '6.1.2', 'three empty fragments', ['', '', '']),
    inFragments('empty-around', '6.1.3', 'an empty fragment, one with text, an empty one', ['', MIDDLE, '']),
    inFragments('whole', '6.2.1', 'valid text in one frame', [GREEK]),
    // Nine octets: the cut is in front of "ß".
    inFragments('on-character', '6.2.2', 'valid text in two fragments, cut between characters', [
      GREEK.subarray(0, 9),
      GREEK.subarray(9),
    ]),
    ...[GREEK, KOSME].map((octets, at) =>
      scenario({
        id: at === 0 ? 'octet-fragments' : 'octet-fragments-greek',
        catalogue: `6.2.${at + 3}`,
        requirements: ['FR-08', 'FR-16'],
        does: 'valid text in fragments of one octet',
        plan: () => ({ send: (peer) => peer.send(...fragments(TEXT, octets, 1)), back: [text(octets)] }),
      }),
    ),
    failure({
      id: 'surrogate-inside',
      catalogue: '6.3.1',
      requirements: FR_16,
      does: 'text with a surrogate inside, in one frame',
      code: 1007,
      send: (peer) => peer.send(whole(SURROGATE)),
    }),
    failure({
      id: 'surrogate-inside-octet-fragments',
      catalogue: '6.3.2',
      requirements: FR_16,
      does: 'text with a surrogate inside, in fragments of one octet',
      code: 1007,
      send: (peer) => peer.send(...fragments(TEXT, SURROGATE, 1)),
    }),
    failFast({
      id: 'fail-fast-fragments',
      catalogue: '6.4.1',
      does: 'three fragments with pauses, the second not UTF-8',
      bad: TOO_LARGE,
      isOneFrame: false,
    }),
    failFast({
      id: 'fail-fast-fragments-decidable',
      catalogue: '6.4.2',
      does: 'three fragments with pauses, the second just enough to know',
      bad: DECIDED,
      isOneFrame: false,
    }),
    failFast({
      id: 'fail-fast-segments',
      catalogue: '6.4.3',
      does: 'one frame in three segments with pauses, the second not UTF-8',
      bad: TOO_LARGE,
      isOneFrame: true,
    }),
    failFast({
      id: 'fail-fast-segments-decidable',
      catalogue: '6.4.4',
      does: 'one frame in three segments with pauses, the second just enough to know',
      bad: DECIDED,
      isOneFrame: true,
    }),
    ...SEQUENCE_SETS.flatMap(sequenceCases),
  ],
};
