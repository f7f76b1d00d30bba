// @ts-check
// Large messages, many fragments, small segments and many round trips, each within a limit of time.

import { binary, judge, text } from '../lib/case.mjs';
import { BINARY, fragments, frame, TEXT } from '../lib/wire.mjs';

const KIB = 1_024;
const MIB = 1_048_576;
const SHORT_MS = 10_000;
const LONG_MS = 100_000;
const ROUND_TRIPS = 1_000;
const ROUND_TRIPS_REDUCED = 100;

/** @typedef {{ kind: 'text' | 'binary', opcode: number, back: typeof text, fill: number }} Kind */
/** @type {readonly [Kind, Kind]} */
const KINDS = [
  { kind: 'text', opcode: TEXT, back: text, fill: 0x2a },
  { kind: 'binary', opcode: BINARY, back: binary, fill: 0xfe },
];

/** @param {number} size */
const sizeName = (size) => (size >= MIB ? `${size / MIB}m` : size >= KIB ? `${size / KIB}k` : `${size}`);

/**
 * @param {object} options
 * @param {string} options.id
 * @param {string} options.catalogue
 * @param {string} options.does
 * @param {number} options.limitMs
 * @param {Kind} options.kind
 * @param {number} options.size
 * @param {(peer: import('../lib/peer.mjs').Peer, payload: Buffer) => void | Promise<void>} options.send
 * @returns {import('../lib/case.mjs').Case}
 */
function timed({ kind, size, send, limitMs, ...rest }) {
  return {
    ...rest,
    requirements: ['FR-08', 'FR-10'],
    expects: `the same message back within ${limitMs / 1_000} s, then a clean close`,
    limitMs: limitMs + 5_000,
    run: async (trial) => {
      const peer = await trial.open();
      const payload = Buffer.alloc(size, kind.fill);
      return judge(peer, { send: () => send(peer, payload), back: [kind.back(payload)], waitMs: limitMs });
    },
  };
}

const whole = KINDS.flatMap((kind, half) =>
  [64 * KIB, 256 * KIB, MIB, 4 * MIB, 8 * MIB, 16 * MIB].map((size, at) =>
    timed({
      id: `${kind.kind}-${sizeName(size)}`,
      catalogue: `9.${1 + half}.${at + 1}`,
      does: `a ${kind.kind} message of ${size} octets`,
      limitMs: size <= 256 * KIB ? SHORT_MS : LONG_MS,
      kind,
      size,
      send: (peer, payload) => peer.send(frame({ opcode: kind.opcode, payload })),
    }),
  ),
);

const inFragments = KINDS.flatMap((kind, half) =>
  [64, 256, KIB, 4 * KIB, 16 * KIB, 64 * KIB, 256 * KIB, MIB, 4 * MIB].map((size, at) =>
    timed({
      id: `${kind.kind}-4m-by-${sizeName(size)}`,
      catalogue: `9.${3 + half}.${at + 1}`,
      does: `a ${kind.kind} message of 4 MiB in fragments of ${size} octets`,
      limitMs: LONG_MS,
      kind,
      size: 4 * MIB,
      send: (peer, payload) => peer.send(...fragments(kind.opcode, payload, size)),
    }),
  ),
);

const inSegments = KINDS.flatMap((kind, half) =>
  [64, 128, 256, 512, KIB, 2 * KIB].map((size, at) =>
    timed({
      id: `${kind.kind}-1m-chopped-${sizeName(size)}`,
      catalogue: `9.${5 + half}.${at + 1}`,
      does: `a ${kind.kind} message of 1 MiB in TCP segments of ${size} octets`,
      limitMs: LONG_MS,
      kind,
      size: MIB,
      send: (peer, payload) => peer.chop(frame({ opcode: kind.opcode, payload }), size),
    }),
  ),
);

/** @type {readonly (readonly [size: number, limitMs: number])[]} */
const TRIPS = [
  [0, 60_000],
  [16, 60_000],
  [64, 60_000],
  [256, 120_000],
  [KIB, 240_000],
  [4 * KIB, 480_000],
];

const roundTrips = KINDS.flatMap((kind, half) =>
  TRIPS.map(([size, limitMs], at) => ({
    id: `${kind.kind}-round-trips-${sizeName(size)}`,
    catalogue: `9.${7 + half}.${at + 1}`,
    requirements: ['FR-10'],
    does: `${ROUND_TRIPS_REDUCED} round trips of ${size} octets of ${kind.kind}, ${ROUND_TRIPS} with --full`,
    expects: `each message back within ${limitMs / 1_000} s for all, then a clean close`,
    limitMs: limitMs + 5_000,
    run: async (/** @type {import('../lib/case.mjs').Trial} */ trial) => {
      const peer = await trial.open();
      const message = kind.back(Buffer.alloc(size, kind.fill));
      const count = trial.isFull ? ROUND_TRIPS : ROUND_TRIPS_REDUCED;
      const send = async () => {
        for (let sent = 1; sent <= count; sent++) {
          peer.send(frame({ opcode: kind.opcode, payload: message.data }));
          if (!(await peer.until(() => peer.received.length >= sent))) return;
        }
      };
      return judge(peer, { send, back: new Array(count).fill(message) });
    },
  })),
);

/** @type {import('../lib/case.mjs').Group} */
export const PERFORMANCE = {
  name: 'performance',
  title: 'size, fragments, segments, round trips within limits of time',
  isLong: true,
  cases: [...whole, ...inFragments, ...inSegments, ...roundTrips],
};
