// @ts-check
// The closing handshake (RFC 6455 §5.5.1, §7).

import { answering, failure, judge, scenario, text } from '../lib/case.mjs';
import { CLOSE, CONTINUATION, closeBody, closeFrame, frame, PING, TEXT } from '../lib/wire.mjs';

const GREETING = 'Hello World!';
const VALID = [1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 3000, 3999, 4000, 4999];
const INVALID = [0, 999, 1004, 1005, 1006, 1016, 1100, 2000, 2999];
const UNDEFINED = [5_000, 65_535];
const CLEAN = 'the close frame is answered with the same code or 1000, and the server ends TCP';

/**
 * Our own close frame, perhaps with more around it.
 * @param {object} options
 * @param {string} options.id
 * @param {string} [options.catalogue]
 * @param {readonly string[]} options.requirements
 * @param {string} options.does
 * @param {string} [options.expects]
 * @param {() => readonly Buffer[]} options.frames
 * @param {readonly import('../lib/case.mjs').Received[]} [options.back]
 * @param {readonly number[]} [options.codes]
 */
export function closes({ frames, back = [], codes = [1000], expects = CLEAN, ...rest }) {
  return scenario({
    ...rest,
    expects,
    plan: () => ({
      send: (peer) => {
        peer.isCloseSent = true;
        peer.send(...frames());
      },
      back,
      ending: answering(...codes),
    }),
  });
}

/**
 * A close code that a server must accept.
 * @param {number} code
 * @param {string} id
 * @param {string} [catalogue]
 */
export const validCode = (code, id, catalogue) =>
  closes({
    id,
    ...(catalogue === undefined ? {} : { catalogue }),
    requirements: ['FR-13', 'FR-22'],
    does: `a close frame with the valid code ${code}`,
    frames: () => [closeFrame(code)],
    codes: [1000, code],
  });

/**
 * A close frame that breaks a rule: the server must not take it for a good one.
 * @param {object} options
 * @param {string} options.id
 * @param {string} [options.catalogue]
 * @param {readonly string[]} options.requirements
 * @param {string} options.does
 * @param {Buffer} options.body
 * @param {readonly number[]} [options.codes]
 */
export const badClose = ({ body, codes = [1002], ...rest }) =>
  failure({
    ...rest,
    codes,
    send: (peer) => {
      peer.isCloseSent = true;
      peer.send(frame({ opcode: CLOSE, payload: body }));
    },
  });

/** @type {import('../lib/case.mjs').Case} */
const LARGE_BEFORE_CLOSE = {
  id: 'large-before-close',
  catalogue: '7.1.6',
  requirements: ['FR-13'],
  does: 'a message of 256 KB, a small one, a close frame, a ping',
  expects: 'anything: the remark says how much was answered before the end',
  run: async (trial) => {
    const peer = await trial.open();
    const large = text(Buffer.alloc(262_144, 0x2a));
    const result = await judge(peer, {
      send: () => {
        peer.isCloseSent = true;
        peer.send(
          frame({ opcode: TEXT, payload: large.data }),
          frame({ opcode: TEXT, payload: GREETING }),
          closeFrame(),
          frame({ opcode: PING }),
        );
      },
      back: [large, text(GREETING)],
      ending: answering(1000),
    });
    if (peer.faults.length > 0) return result;
    const answered = peer.received.filter(({ kind }) => kind === 'text').length;
    return { behaviour: 'INFORMATIONAL', closing: null, remark: `${answered} of 2 messages were answered` };
  },
};

/** @type {import('../lib/case.mjs').Group} */
export const CLOSING = {
  name: 'closing',
  title: 'the closing handshake',
  cases: [
    scenario({
      id: 'after-message',
      catalogue: '7.1.1',
      requirements: ['FR-13', 'FR-14'],
      does: 'a message, then a close',
      plan: () => ({ send: (peer) => peer.text(GREETING), back: [text(GREETING)] }),
    }),
    closes({
      id: 'twice',
      catalogue: '7.1.2',
      requirements: ['FR-13', 'FR-14'],
      does: 'two close frames',
      frames: () => [closeFrame(), closeFrame()],
    }),
    closes({
      id: 'ping-after',
      catalogue: '7.1.3',
      requirements: ['FR-13', 'FR-15'],
      does: 'a ping behind the close frame',
      expects: 'a clean close and no pong',
      frames: () => [closeFrame(), frame({ opcode: PING })],
    }),
    closes({
      id: 'text-after',
      catalogue: '7.1.4',
      requirements: ['FR-13'],
      does: 'a text behind the close frame',
      expects: 'a clean close and no echo',
      frames: () => [closeFrame(), frame({ opcode: TEXT, payload: GREETING })],
    }),
    closes({
      id: 'inside-message',
      catalogue: '7.1.5',
      requirements: ['FR-13'],
      does: 'a fragment, a close frame, the last fragment',
      expects: 'a clean close and no echo',
      frames: () => [
        frame({ opcode: TEXT, payload: 'fragment1', fin: false }),
        closeFrame(),
        frame({ opcode: CONTINUATION, payload: 'fragment2' }),
      ],
    }),
    LARGE_BEFORE_CLOSE,
    closes({
      id: 'empty-body',
      catalogue: '7.3.1',
      requirements: ['FR-12'],
      does: 'a close frame without code',
      frames: () => [closeFrame(null)],
    }),
    badClose({
      id: 'one-octet',
      catalogue: '7.3.2',
      requirements: ['FR-12'],
      does: 'a close frame with a body of one octet',
      body: Buffer.from('a'),
    }),
    closes({
      id: 'code',
      catalogue: '7.3.3',
      requirements: ['FR-12'],
      does: 'a close frame with a code',
      frames: () => [closeFrame(1000)],
    }),
    closes({
      id: 'code-and-reason',
      catalogue: '7.3.4',
      requirements: ['FR-12'],
      does: 'a close frame with a code and a reason',
      frames: () => [closeFrame(1000, GREETING)],
    }),
    closes({
      id: 'longest-reason',
      catalogue: '7.3.5',
      requirements: ['FR-11', 'FR-12'],
      does: 'a close frame with a reason of 123 octets',
      frames: () => [closeFrame(1000, '*'.repeat(123))],
    }),
    badClose({
      id: 'too-long-reason',
      catalogue: '7.3.6',
      requirements: ['FR-11'],
      does: 'a close frame with a reason of 124 octets',
      body: closeBody(1000, '*'.repeat(124)),
    }),
    badClose({
      id: 'reason-not-utf8',
      catalogue: '7.5.1',
      requirements: ['FR-12', 'FR-16'],
      does: 'a close frame whose reason is not UTF-8',
      body: closeBody(1000, Buffer.from('cebae1bdb9cf83cebcceb5eda080656469746564', 'hex')),
      codes: [1002, 1007],
    }),
    ...VALID.map((code, at) => validCode(code, `code-${code}`, `7.7.${at + 1}`)),
    ...INVALID.map((code, at) =>
      badClose({
        id: `code-${code}`,
        catalogue: `7.9.${at + 1}`,
        requirements: ['FR-21', 'FR-22'],
        does: `a close frame with the invalid code ${code}`,
        body: closeBody(code),
      }),
    ),
    ...UNDEFINED.map((code, at) => ({
      id: `code-${code}`,
      catalogue: `7.13.${at + 1}`,
      requirements: ['FR-22'],
      does: `a close frame with the code ${code}, which nothing defines`,
      expects: 'anything: the remark says what was answered',
      run: async (/** @type {import('../lib/case.mjs').Trial} */ trial) => {
        const peer = await trial.open();
        peer.sendClose(code);
        await peer.untilEnded();
        const answer = peer.closeFrame === null ? 'no close frame' : `close ${peer.closeFrame.code ?? 'without code'}`;
        return { behaviour: /** @type {const} */ ('INFORMATIONAL'), closing: null, remark: `answered with ${answer}` };
      },
    })),
  ],
};
