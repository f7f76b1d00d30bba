// @ts-check
// permessage-deflate on real traffic: data of five kinds in eighteen shapes, and the shapes again under seven offers.

import { createHash } from 'node:crypto';
import { judge } from '../lib/case.mjs';
import { DATA_SETS, dataSet, wholeCharacters } from '../lib/data-sets.mjs';
import { DEFAULT_OFFER } from '../lib/deflate.mjs';
import { BINARY, TEXT } from '../lib/wire.mjs';

const MESSAGES = 1_000;
/** Without --full: at most so many messages, and fewer of large ones. */
const MESSAGES_REDUCED = 50;
const BYTES_REDUCED = 524_288;
const MESSAGES_LEAST = 5;
const LIMIT_MS = 30_000;
const LIMIT_FULL_MS = 600_000;

/** @typedef {{ size: number, fragmentSize: number | null }} Shape */
/** @type {readonly Shape[]} */
export const SHAPES = [
  ...[16, 64, 256, 1_024, 4_096, 8_192, 16_384, 32_768, 65_536, 131_072].map((size) => ({ size, fragmentSize: null })),
  ...[8_192, 16_384, 32_768, 65_536, 131_072].map((size) => ({ size, fragmentSize: 256 })),
  ...[1_024, 4_096, 32_768].map((fragmentSize) => ({ size: 131_072, fragmentSize })),
];

/**
 * @param {object} options
 * @param {string} options.prefix
 * @param {string} options.catalogue Without its last number.
 * @param {import('../lib/data-sets.mjs').DataSet['name']} options.setName
 * @param {readonly import('../lib/deflate.mjs').Offer[]} options.offers
 * @param {readonly string[]} options.requirements
 * @param {string} options.under
 */
function shapes({ prefix, catalogue, setName, offers, requirements, under }) {
  return SHAPES.map(({ size, fragmentSize }, at) => ({
    id: `${prefix}-${size}${fragmentSize === null ? '' : `-by-${fragmentSize}`}`,
    catalogue: `${catalogue}.${at + 1}`,
    requirements,
    does: `messages of ${size} octets of ${setName}${fragmentSize === null ? '' : ` in fragments of ${fragmentSize}`}, compressed, ${under}`,
    expects: 'the same messages back; not negotiated: UNIMPLEMENTED',
    limitMs: LIMIT_FULL_MS,
    run: async (/** @type {import('../lib/case.mjs').Trial} */ trial) => {
      const peer = await trial.open({ deflate: offers });
      return exchange(peer, {
        setName,
        size,
        fragmentSize: fragmentSize ?? Number.POSITIVE_INFINITY,
        isFull: trial.isFull,
      });
    },
  }));
}

/**
 * @param {import('../lib/peer.mjs').Peer} peer
 * @param {{ setName: import('../lib/data-sets.mjs').DataSet['name'], size: number, fragmentSize: number, isFull: boolean }} options
 * @returns {Promise<import('../lib/verdict.mjs').Verdict>}
 */
async function exchange(peer, { setName, size, fragmentSize, isFull }) {
  const { isText, bytes } = dataSet(setName);
  const count = isFull
    ? MESSAGES
    : Math.max(MESSAGES_LEAST, Math.min(MESSAGES_REDUCED, Math.floor(BYTES_REDUCED / size)));
  const opcode = isText ? TEXT : BINARY;
  const sent = createHash('sha1');
  const came = createHash('sha1');
  const deadlineMs = performance.now() + (isFull ? LIMIT_FULL_MS : LIMIT_MS);
  for (let number = 0, start = 0; number < count; number++, start += size) {
    const from = start % (bytes.length - size);
    const message = isText ? wholeCharacters(bytes, from, size) : bytes.subarray(from, from + size);
    sent.update(message);
    await peer.compressed(opcode, message, fragmentSize);
    const back = await next(peer, deadlineMs);
    if (back === null) return { behaviour: 'FAILED', closing: null, remark: lost(peer, number) };
    if (back.kind !== (isText ? 'text' : 'binary') || !back.data.equals(message)) {
      return { behaviour: 'FAILED', closing: null, remark: `message ${number + 1} came back changed` };
    }
    came.update(back.data);
  }
  const result = await judge(peer, { send: () => {}, back: [] });
  if (result.behaviour !== 'OK') return result;
  if (sent.digest('hex') !== came.digest('hex')) return { ...result, behaviour: 'FAILED', remark: 'the sums differ' };
  return { ...result, remark: peer.deflation?.compressedReceived === 0 ? 'it compressed nothing itself' : '' };
}

/**
 * @param {import('../lib/peer.mjs').Peer} peer
 * @param {number} deadlineMs
 */
async function next(peer, deadlineMs) {
  await peer.untilReceived(1, Math.min(peer.patienceMs, deadlineMs - performance.now()));
  return peer.received.shift() ?? null;
}

/**
 * @param {import('../lib/peer.mjs').Peer} peer
 * @param {number} answered
 */
function lost(peer, answered) {
  const end = peer.closeFrame === null ? (peer.ended ?? 'silence') : `close ${peer.closeFrame.code}`;
  return [`after ${answered} messages: ${end}`, ...peer.faults].join('; ');
}

/** @type {import('../lib/case.mjs').Group} */
export const DEFLATE = {
  name: 'deflate',
  title: 'permessage-deflate: data of five kinds',
  isLong: true,
  cases: DATA_SETS.flatMap(({ name }, at) =>
    shapes({
      prefix: name,
      catalogue: `12.${at + 1}`,
      setName: name,
      offers: [DEFAULT_OFFER],
      requirements: ['PM-02', 'PM-09', 'PM-10', 'PM-11'],
      under: 'after the default offer',
    }),
  ),
};

/** @type {(noTakeover: boolean, bits: number) => import('../lib/deflate.mjs').Offer} */
const offerOf = (noTakeover, bits) => ({
  ...DEFAULT_OFFER,
  ...(noTakeover ? { serverNoContextTakeover: true } : {}),
  ...(bits === 0 ? {} : { serverMaxWindowBits: bits }),
});

/** @type {readonly (readonly [name: string, offers: readonly import('../lib/deflate.mjs').Offer[]])[]} */
const OFFERS = [
  ['default', [offerOf(false, 0)]],
  ['fresh', [offerOf(true, 0)]],
  ['bits-9', [offerOf(false, 9)]],
  ['bits-15', [offerOf(false, 15)]],
  ['fresh-bits-9', [offerOf(true, 9)]],
  ['fresh-bits-15', [offerOf(true, 15)]],
  ['three-offers', [offerOf(true, 9), offerOf(true, 0), offerOf(false, 0)]],
];

/** @type {import('../lib/case.mjs').Group} */
export const DEFLATE_OFFERS = {
  name: 'deflate-offers',
  title: 'permessage-deflate: seven offers',
  isLong: true,
  cases: OFFERS.flatMap(([name, offers], at) =>
    shapes({
      prefix: name,
      catalogue: `13.${at + 1}`,
      setName: 'json',
      offers,
      requirements: ['PM-04', 'PM-05', 'PM-07', 'PM-11'],
      under: `after the offer "${name}"`,
    }),
  ),
};
