// @ts-check
// Compressed messages on the wire (RFC 7692 §6, §7.2): which frames may have RSV1, and every form that DEFLATE allows.

import { constants, deflateRawSync } from 'node:zlib';
import { binary, judge, pong, text } from '../lib/case.mjs';
import { DEFAULT_OFFER } from '../lib/deflate.mjs';
import { numbersFrom, randomBytes } from '../lib/random.mjs';
import { BINARY, CLOSE, CONTINUATION, closeBody, fragments, frame, PING, TEXT } from '../lib/wire.mjs';

/** @typedef {import('../lib/case.mjs').Plan} Plan */
/** @typedef {import('../lib/peer.mjs').Peer} Peer */

const COMPRESSED = 4;

/**
 * One message without takeover, whatever was agreed: nothing in it refers to an earlier one.
 * @param {Buffer | string} data
 * @param {import('node:zlib').ZlibOptions} [options]
 */
function squeezed(data, options = {}) {
  const bytes = deflateRawSync(data, { windowBits: 9, finishFlush: constants.Z_SYNC_FLUSH, ...options });
  return bytes.subarray(0, -4);
}

/** @param {string} digits */
const hex = (digits) => Buffer.from(digits.replaceAll(' ', ''), 'hex');

/**
 * @param {object} options
 * @param {string} options.id
 * @param {readonly string[]} options.requirements
 * @param {string} options.does
 * @param {string} options.expects
 * @param {readonly import('../lib/deflate.mjs').Offer[]} [options.offers]
 * @param {(peer: Peer) => Plan | Promise<Plan>} options.plan
 * @returns {import('../lib/case.mjs').Case}
 */
function compressedCase({ offers = [DEFAULT_OFFER], plan, ...rest }) {
  return {
    ...rest,
    run: async (trial) => {
      const peer = await trial.open({ deflate: offers });
      return judge(peer, await plan(peer));
    },
  };
}

/**
 * Octets that are one compressed message.
 * @param {string} id
 * @param {string} does
 * @param {string} back
 * @param {() => Buffer} payload
 */
const form = (id, does, back, payload) =>
  compressedCase({
    id,
    requirements: ['PM-10'],
    does,
    expects: 'the message back, then a clean close',
    plan: () => ({
      send: (peer) => peer.send(frame({ opcode: TEXT, payload: payload(), rsv: COMPRESSED })),
      back: [text(back)],
    }),
  });

/**
 * @param {string} id
 * @param {readonly string[]} requirements
 * @param {string} does
 * @param {readonly number[]} codes
 * @param {(peer: Peer) => void} send
 */
const wrong = (id, requirements, does, codes, send) =>
  compressedCase({
    id,
    requirements,
    does,
    expects: `the server fails the connection with ${codes.join(' or ')}`,
    plan: () => ({ send, back: [], ending: { by: 'server', codes } }),
  });

const RESERVED = [
  wrong('rsv1-on-continuation', ['PM-01'], 'RSV1 on a continuation of a compressed message', [1002], (peer) => {
    const payload = squeezed('Hello, world!');
    peer.send(
      frame({ opcode: TEXT, payload: payload.subarray(0, 5), fin: false, rsv: COMPRESSED }),
      frame({ opcode: CONTINUATION, payload: payload.subarray(5), rsv: COMPRESSED }),
    );
  }),
  wrong(
    'rsv1-on-continuation-of-plain',
    ['PM-01'],
    'RSV1 on a continuation of a message that began uncompressed',
    [1002],
    (peer) => {
      peer.send(
        frame({ opcode: TEXT, payload: 'Hello', fin: false }),
        frame({ opcode: CONTINUATION, payload: squeezed('world'), rsv: COMPRESSED }),
      );
    },
  ),
  wrong('rsv1-on-ping', ['PM-01'], 'RSV1 on a ping', [1002], (peer) => {
    peer.send(frame({ opcode: PING, payload: squeezed('Hello'), rsv: COMPRESSED }));
  }),
  wrong('rsv1-on-close', ['PM-01'], 'RSV1 on a close frame', [1002], (peer) => {
    peer.isCloseSent = true;
    peer.send(frame({ opcode: CLOSE, payload: closeBody(1000), rsv: COMPRESSED }));
  }),
  ...[1, 2, 5, 6].map((rsv) =>
    wrong(
      `rsv-${rsv}`,
      ['FR-03'],
      `reserved bits ${rsv} on a text, of which only RSV1 was negotiated`,
      [1002],
      (peer) => {
        peer.send(frame({ opcode: TEXT, payload: squeezed('Hello'), rsv }));
      },
    ),
  ),
];

const HELLO = 'Hello';
const LONG_TEXT = 'ab'.repeat(3_000);

/** The octets of the first four forms are worked out in RFC 7692 §7.2.3. */
const FORMS = [
  form('fixed-codes', 'one block with fixed codes', HELLO, () => hex('f2 48 cd c9 c9 07 00')),
  form('stored', 'a stored block', HELLO, () => hex('00 05 00 fa ff 48 65 6c 6c 6f 00')),
  form('final-block', 'a block with BFINAL set', HELLO, () => hex('f3 48 cd c9 c9 07 00 00')),
  form('two-blocks', 'two blocks', HELLO, () => hex('f2 48 05 00 00 00 ff ff ca c9 c9 07 00')),
  form('dynamic-codes', 'a block with dynamic codes', LONG_TEXT, () => squeezed(LONG_TEXT, { level: 9 })),
  form('two-final-blocks', 'two streams, each with BFINAL set', `${HELLO}${HELLO}`, () =>
    Buffer.concat([deflateRawSync(HELLO), deflateRawSync(HELLO), hex('00')]),
  ),
  form('final-then-open', 'a block with BFINAL set, then one without', `${HELLO} again`, () =>
    Buffer.concat([deflateRawSync(HELLO), squeezed(' again')]),
  ),
  form('empty', 'an empty message: one octet 00', '', () => hex('00')),
  form('empty-final', 'an empty message: an empty block with BFINAL set', '', () => hex('03 00 00')),
  form('many-flushes', 'empty stored blocks inside a message', HELLO, () =>
    Buffer.concat([hex('00 00 00 ff ff 00 00 00 ff ff'), hex('f2 48 cd c9 c9 07 00')]),
  ),
  form('no-compression', 'level 0', LONG_TEXT, () => squeezed(LONG_TEXT, { level: 0 })),
  form('huffman-only', 'Huffman codes without any reference', LONG_TEXT, () =>
    squeezed(LONG_TEXT, { strategy: constants.Z_HUFFMAN_ONLY }),
  ),
];

const CUT = 'größer: κόσμε 🎉';

const FRAGMENTED = [
  compressedCase({
    id: 'octet-fragments',
    requirements: ['PM-02', 'FR-16'],
    does: 'a compressed text in fragments of one octet, so that characters are split in the compressed data',
    expects: 'the message back, then a clean close',
    plan: () => ({ send: (peer) => peer.send(...fragments(TEXT, squeezed(CUT), 1, COMPRESSED)), back: [text(CUT)] }),
  }),
  compressedCase({
    id: 'character-across-fragments',
    requirements: ['PM-02', 'PM-12', 'FR-16'],
    does: 'a text whose characters are cut where a fragment ends, stored uncompressed in blocks',
    expects: 'the message back, then a clean close',
    plan: () => ({
      send: (peer) => {
        const octets = Buffer.from(CUT);
        // "gr" and the first octet of "ö"; then the rest.
        const parts = [squeezed(octets.subarray(0, 3), { level: 0 }), squeezed(octets.subarray(3), { level: 0 })];
        const [head = Buffer.alloc(0), tail = Buffer.alloc(0)] = parts;
        peer.send(
          frame({ opcode: TEXT, payload: Buffer.concat([head, hex('00 00 ff ff')]), fin: false, rsv: COMPRESSED }),
          frame({ opcode: CONTINUATION, payload: tail }),
        );
      },
      back: [text(CUT)],
    }),
  }),
  compressedCase({
    id: 'empty-fragments',
    requirements: ['PM-02'],
    does: 'a compressed text with an empty first, middle and last fragment',
    expects: 'the message back, then a clean close',
    plan: () => ({
      send: (peer) => {
        const payload = squeezed(HELLO);
        peer.send(
          frame({ opcode: TEXT, fin: false, rsv: COMPRESSED }),
          frame({ opcode: CONTINUATION, payload: payload.subarray(0, 3), fin: false }),
          frame({ opcode: CONTINUATION, fin: false }),
          frame({ opcode: CONTINUATION, payload: payload.subarray(3), fin: false }),
          frame({ opcode: CONTINUATION }),
        );
      },
      back: [text(HELLO)],
    }),
  }),
  compressedCase({
    id: 'ping-between',
    requirements: ['PM-02', 'FR-09'],
    does: 'a ping between the fragments of a compressed text',
    expects: 'the pong, then the message, then a clean close',
    plan: () => ({
      send: (peer) => {
        const [first = Buffer.alloc(0), ...others] = fragments(TEXT, squeezed(CUT), 8, COMPRESSED);
        peer.send(first, frame({ opcode: PING, payload: 'between' }), ...others);
      },
      back: [pong('between'), text(CUT)],
    }),
  }),
];

const BAD_TEXT = Buffer.from('6865c3', 'hex');

const INVALID = [
  wrong('not-utf8', ['PM-12', 'FR-16'], 'a compressed text that is not UTF-8', [1007], (peer) => {
    peer.send(frame({ opcode: TEXT, payload: squeezed(Buffer.from('4142ff4344', 'hex')), rsv: COMPRESSED }));
  }),
  wrong('cut-character', ['PM-12', 'FR-16'], 'a compressed text that ends inside a character', [1007], (peer) => {
    peer.send(frame({ opcode: TEXT, payload: squeezed(BAD_TEXT), rsv: COMPRESSED }));
  }),
  wrong('not-utf8-fragments', ['PM-12', 'FR-16'], 'the same in fragments of one octet', [1007], (peer) => {
    peer.send(...fragments(TEXT, squeezed(BAD_TEXT), 1, COMPRESSED));
  }),
  wrong('no-deflate', ['PM-10'], 'RSV1 on what is no DEFLATE data: block type 3', [1002, 1003, 1007], (peer) => {
    peer.send(frame({ opcode: BINARY, payload: Buffer.alloc(20, 0xff), rsv: COMPRESSED }));
  }),
  wrong(
    'contradiction',
    ['PM-10'],
    'a stored block whose length contradicts its complement',
    [1002, 1003, 1007],
    (peer) => {
      peer.send(frame({ opcode: BINARY, payload: hex('00 05 00 00 00 48 65 6c 6c 6f 00'), rsv: COMPRESSED }));
    },
  ),
  wrong(
    'too-far-back',
    ['PM-10', 'PM-11'],
    'a reference to before the first octet of the connection',
    [1002, 1003, 1007],
    (peer) => {
      // Fixed codes: "a", then length 3 at distance 4, where only one octet is.
      peer.send(frame({ opcode: BINARY, payload: hex('4a 04 62 00 00'), rsv: COMPRESSED }));
    },
  ),
];

const repeated = randomBytes(numbersFrom(7), 3_000);

const CONTEXT = [
  compressedCase({
    id: 'takeover',
    requirements: ['PM-11'],
    does: 'the same 3,000 random octets three times, with the window kept as agreed',
    expects: 'the messages back, then a clean close',
    offers: [{ clientMaxWindowBits: true }],
    plan: () => ({
      send: async (peer) => {
        for (let count = 0; count < 3; count++) await peer.compressed(BINARY, repeated);
      },
      back: [binary(repeated), binary(repeated), binary(repeated)],
    }),
  }),
  compressedCase({
    id: 'mixed',
    requirements: ['PM-02', 'PM-11'],
    does: 'compressed and uncompressed messages in turn, with the window kept as agreed',
    expects: 'the messages back, then a clean close',
    offers: [{ clientMaxWindowBits: true }],
    plan: () => ({
      send: async (peer) => {
        await peer.compressed(BINARY, repeated);
        peer.binary(repeated);
        await peer.compressed(BINARY, repeated);
        peer.text('plain');
      },
      back: [binary(repeated), binary(repeated), binary(repeated), text('plain')],
    }),
  }),
  compressedCase({
    id: 'server-no-takeover',
    requirements: ['PM-05', 'PM-11'],
    does: 'the same 3,000 random octets twice, after an offer that forbids the server to keep its window',
    expects: 'the messages back, each of which can be inflated alone, then a clean close',
    offers: [{ ...DEFAULT_OFFER, serverNoContextTakeover: true }],
    plan: () => ({
      send: async (peer) => {
        await peer.compressed(BINARY, repeated);
        await peer.compressed(BINARY, repeated);
      },
      back: [binary(repeated), binary(repeated)],
    }),
  }),
];

/** @type {import('../lib/case.mjs').Group} */
export const DEFLATE_RULES = {
  name: 'deflate-rules',
  title: 'compressed messages on the wire',
  cases: [...RESERVED, ...FORMS, ...FRAGMENTED, ...INVALID, ...CONTEXT],
};
