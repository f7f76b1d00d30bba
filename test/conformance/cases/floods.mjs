// @ts-check
// Peers that want a server to hold much: floods of small things, a bomb, answers that nobody reads, handshakes that never end.
// How much a server allows is its own affair, so a server without a limit is INFORMATIONAL; one that no longer answers FAILED.

import { constants, deflateRawSync } from 'node:zlib';
import { verdict } from '../lib/case.mjs';
import { DEFAULT_OFFER } from '../lib/deflate.mjs';
import { ask, requestText } from '../lib/handshake.mjs';
import { connectTo } from '../lib/target.mjs';
import { BINARY, CONTINUATION, fragments, frame, PING, PONG, TEXT } from '../lib/wire.mjs';

/** @typedef {import('../lib/case.mjs').Case} Case */
/** @typedef {import('../lib/case.mjs').Trial} Trial */
/** @typedef {import('../lib/peer.mjs').Peer} Peer */
/** @typedef {import('../lib/verdict.mjs').Verdict} Verdict */

const MIB = 1_048_576;
const LIMIT_MS = 120_000;

/** Whether another connection works. @param {Trial} trial */
async function isAlive(trial) {
  try {
    const peer = await trial.open();
    peer.text('alive?');
    await peer.untilReceived(1);
    return peer.received[0]?.data.toString() === 'alive?';
  } catch {
    return false;
  }
}

/**
 * @param {string} id
 * @param {readonly string[]} requirements
 * @param {string} does
 * @param {string} expects
 * @param {(trial: Trial) => Promise<Verdict>} attack
 * @returns {Case}
 */
const flood = (id, requirements, does, expects, attack) => ({
  id,
  requirements,
  does,
  expects: `${expects}; whatever it does, the next connection works`,
  limitMs: LIMIT_MS,
  run: async (trial) => {
    const result = await attack(trial);
    trial.end();
    return (await isAlive(trial)) ? result : verdict('FAILED', `the server no longer answers (${result.remark})`);
  },
});

/** How it ended, in words. @param {Peer} peer */
const endOf = (peer) => (peer.closeFrame === null ? 'ended TCP' : `closed with ${peer.closeFrame.code ?? 'no code'}`);

/**
 * Sends the same octets again and again, until the server ends the connection.
 * @param {Peer} peer
 * @param {Buffer} bytes
 * @param {number} times
 */
async function repeat(peer, bytes, times) {
  for (let count = 0; count < times && peer.ended === null && peer.closeFrame === null; count++)
    await peer.sendEach([bytes]);
}

const FRAGMENTS = 300_000;
const BATCH = 1_000;

/** @type {(id: string, payload: string) => Case} */
const fragmentFlood = (id, payload) =>
  flood(
    id,
    ['FR-24'],
    `a message of ${FRAGMENTS} fragments of ${payload.length} octets that does not end`,
    'the server closes the connection; no limit so far: INFORMATIONAL',
    async (trial) => {
      const peer = await trial.open();
      peer.send(frame({ opcode: TEXT, fin: false }));
      const batch = Buffer.concat(
        Array.from({ length: BATCH }, () => frame({ opcode: CONTINUATION, payload, fin: false })),
      );
      await repeat(peer, batch, FRAGMENTS / BATCH);
      // Behind all of them: when it is answered, they were all taken.
      peer.ping('taken');
      await peer.until(() => peer.received.length > 0 || peer.closeFrame !== null, 20_000);
      if (peer.ended !== null || peer.closeFrame !== null) return verdict('OK', endOf(peer));
      if (peer.received.length > 0) return verdict('INFORMATIONAL', `it took ${FRAGMENTS} fragments of one message`);
      return verdict('FAILED', 'it neither answers nor closes');
    },
  );

const CONTROL_FRAMES = 30_000;

/** @type {(id: string, opcode: number, does: string) => Case} */
const controlFlood = (id, opcode, does) =>
  flood(
    id,
    ['FR-15', 'FR-24'],
    `${CONTROL_FRAMES} ${does} while we read nothing, then reading again`,
    'the server closes the connection, or goes on',
    async (trial) => {
      const peer = await trial.open();
      peer.socket.pause();
      const batch = Buffer.concat(Array.from({ length: BATCH }, () => frame({ opcode, payload: 'x'.repeat(125) })));
      for (let count = 0; count < CONTROL_FRAMES / BATCH && peer.socket.writable; count++) peer.send(batch);
      // Long enough for the buffers between us to fill.
      await peer.untilEnded(500);
      peer.socket.resume();
      peer.text('after');
      const hasEcho = () => peer.received.at(-1)?.kind === 'text';
      await peer.until(() => hasEcho() || peer.closeFrame !== null, 20_000);
      if (hasEcho()) return verdict('OK', opcode === PING ? `${peer.received.length - 1} pongs` : '');
      return peer.ended !== null || peer.closeFrame !== null
        ? verdict('OK', endOf(peer))
        : verdict('FAILED', 'it is stuck');
    },
  );

const BOMB_MIB = 128;

/** A message that inflates to 128 MiB: one block for a MiB of zeros that refers to nothing before it, 128 times. */
function bomb() {
  const block = deflateRawSync(Buffer.alloc(MIB), { windowBits: 9, finishFlush: constants.Z_FULL_FLUSH });
  return Buffer.concat([...new Array(BOMB_MIB).fill(block)]).subarray(0, -4);
}

/** @type {(id: string, size: number, does: string) => Case} */
const bombCase = (id, size, does) =>
  flood(
    id,
    ['PM-12', 'FR-24'],
    `a compressed message of ${BOMB_MIB} MiB of zeros${does}`,
    'the server closes with 1009 and does not inflate it all; an echo of it: INFORMATIONAL',
    async (trial) => {
      const peer = await trial.open({ deflate: [DEFAULT_OFFER] });
      const payload = bomb();
      for (let at = 0; at < payload.length && peer.ended === null && peer.closeFrame === null; at += size) {
        const fin = at + size >= payload.length;
        const opcode = at === 0 ? BINARY : CONTINUATION;
        await peer.sendEach([frame({ opcode, payload: payload.subarray(at, at + size), fin, rsv: at === 0 ? 4 : 0 })]);
      }
      const before = peer.socket.bytesRead;
      const isAnswering = () => peer.socket.bytesRead > before + 1_000;
      const looking = setInterval(() => isAnswering() && peer.socket.pause(), 20);
      await peer.until(() => peer.closeFrame !== null, 10_000);
      clearInterval(looking);
      if (peer.ended !== null || peer.closeFrame !== null) {
        const code = peer.closeFrame?.code ?? null;
        return { behaviour: 'OK', closing: code === null || code === 1009 ? 'OK' : 'WRONG CODE', remark: endOf(peer) };
      }
      return isAnswering()
        ? verdict('INFORMATIONAL', `it inflated ${BOMB_MIB} MiB`)
        : verdict('FAILED', 'it neither answers nor closes');
    },
  );

const MESSAGE_BYTES = 65_536;
const UNREAD_MIB = 96;
const UNREAD_MESSAGES = (UNREAD_MIB * MIB) / MESSAGE_BYTES;
const STALL_MS = 1_500;
/** No echo for so long, and no more will come. */
const QUIET_MS = 2_000;

/** @param {number} number */
function numbered(number) {
  const payload = Buffer.alloc(MESSAGE_BYTES, number & 0xff);
  payload.writeUInt32BE(number);
  return payload;
}

/** @param {Trial} trial @returns {Promise<Verdict>} */
async function backpressure(trial) {
  const peer = await trial.open();
  peer.socket.pause();
  let sent = 0;
  while (sent < UNREAD_MESSAGES && peer.socket.writable) {
    const isTaken = peer.socket.write(frame({ opcode: BINARY, payload: numbered(sent++) }));
    if (!isTaken && !(await drains(peer))) break;
  }
  const takenMib = Math.round((peer.socket.bytesWritten - peer.socket.writableLength) / MIB);
  const tookAll = sent === UNREAD_MESSAGES && peer.socket.writableLength === 0;
  peer.socket.resume();
  const last = () => peer.received.at(-1)?.data.readUInt32BE() === sent - 1;
  for (let before = -1; before < peer.received.length && !last() && peer.closeFrame === null; ) {
    before = peer.received.length;
    await peer.until(() => last() || peer.closeFrame !== null, QUIET_MS);
  }
  const isBroken = peer.received.some(({ data }) => !data.equals(numbered(data.readUInt32BE())));
  const numbers = peer.received.map(({ data }) => data.readUInt32BE());
  if (isBroken || numbers.some((number, at) => at > 0 && number <= Number(numbers[at - 1]))) {
    return verdict('FAILED', 'echoes are changed or out of order');
  }
  const isLost = !last() || numbers.length < sent;
  if (isLost && (peer.ended !== null || peer.closeFrame !== null))
    return verdict('OK', `${endOf(peer)} after ${takenMib} MiB`);
  if (isLost) return verdict('INFORMATIONAL', `it dropped ${sent - numbers.length} of ${sent} echoes and went on`);
  return tookAll
    ? verdict('INFORMATIONAL', `it held ${takenMib} MiB that nobody read`)
    : verdict('OK', `it stopped reading after ${takenMib} MiB`);
}

/** @param {Peer} peer @returns {Promise<boolean>} Whether the server took what was written before we lost patience. */
function drains(peer) {
  return new Promise((resolve) => {
    const finish = (/** @type {boolean} */ isDrained) => {
      clearTimeout(timer);
      peer.socket.off('drain', onDrain).off('close', onClose);
      resolve(isDrained);
    };
    const onDrain = () => finish(true);
    const onClose = () => finish(false);
    const timer = setTimeout(() => finish(false), STALL_MS);
    peer.socket.on('drain', onDrain).on('close', onClose);
  });
}

/** @type {(id: string, does: string, request: (target: import('../lib/target.mjs').Target) => string) => Case} */
const largeHead = (id, does, request) =>
  flood(id, ['HS-02', 'FR-24'], does, 'an HTTP error or the end of TCP; an upgrade: INFORMATIONAL', async (trial) => {
    const answer = await ask(trial.target, (socket) => void socket.write(request(trial.target)));
    trial.keep(answer.socket);
    if (answer.status === 101) return verdict('INFORMATIONAL', 'it took a request of a megabyte');
    return answer.kind === 'silent'
      ? verdict('FAILED', 'it did not answer')
      : verdict('OK', answer.status === 0 ? 'ended TCP' : `${answer.status}`);
  });

const SCALING_FRAGMENT_BYTES = 256;
/** Four times the size takes four times as long if the work is linear, and sixteen times if it is quadratic. */
const SCALING_MOST = 7;
/** What is quick anyway is not worth a word. */
const SCALING_SLOW_MS = 1_500;

/** Milliseconds until a fragmented message came back; `null` if it did not. @param {Trial} trial @param {number} size */
async function roundTripMs(trial, size) {
  const peer = await trial.open();
  const payload = Buffer.alloc(size, 0x2a);
  const bytes = Buffer.concat(fragments(BINARY, payload, SCALING_FRAGMENT_BYTES));
  const began = performance.now();
  peer.send(bytes);
  await peer.untilReceived(1, 60_000);
  return peer.received[0]?.data.equals(payload) ? performance.now() - began : null;
}

/** @param {Trial} trial @returns {Promise<Verdict>} */
async function scaling(trial) {
  // The first one also pays for what is done only once.
  await roundTripMs(trial, MIB);
  const small = await roundTripMs(trial, MIB);
  const large = await roundTripMs(trial, 4 * MIB);
  if (small === null || large === null)
    return verdict('INFORMATIONAL', 'it does not take messages of so many fragments');
  const isWorse = large > SCALING_SLOW_MS && large > SCALING_MOST * small;
  if (!isWorse) return verdict('OK');
  return verdict(
    'NON-STRICT',
    `${Math.round(small)} ms for 1 MiB and ${Math.round(large)} ms for 4 MiB: quadratic work`,
  );
}

const PENDING = 300;

/** @type {import('../lib/case.mjs').Group} */
export const FLOODS = {
  name: 'floods',
  title: 'floods, bombs and answers that nobody reads',
  cases: [
    fragmentFlood('fragments-empty', ''),
    fragmentFlood('fragments-one-octet', 'x'),
    flood(
      'fragments-scaling',
      ['FR-24', 'FR-26'],
      `1 MiB and 4 MiB in fragments of ${SCALING_FRAGMENT_BYTES} octets`,
      `the larger takes not much more than four times as long; more than ${SCALING_MOST} times: NON-STRICT`,
      scaling,
    ),
    controlFlood('pings', PING, 'pings of 125 octets'),
    controlFlood('pongs', PONG, 'unsolicited pongs of 125 octets'),
    bombCase('bomb', Number.POSITIVE_INFINITY, ''),
    bombCase('bomb-fragments', 1_024, ' in fragments of 1,024 octets'),
    flood(
      'backpressure',
      ['FR-24', 'FR-26'],
      `messages of 64 KiB, up to ${UNREAD_MIB} MiB, while we read nothing; then we read all`,
      'the server stops reading, or closes; holding everything or dropping echoes and going on: INFORMATIONAL',
      backpressure,
    ),
    largeHead('large-header', 'a request with a header of a megabyte', (target) =>
      requestText(target, { more: [`X-Large: ${'x'.repeat(MIB)}`] }),
    ),
    largeHead('many-headers', 'a request with 50,000 headers', (target) =>
      requestText(target, { more: Array.from({ length: 50_000 }, (_, at) => `X-${at}: ${at}`) }),
    ),
    flood(
      'many-spaces',
      ['HS-02', 'FR-23'],
      'headers made to keep a careless regular expression busy',
      'an answer in time',
      async (trial) => {
        const spaces = ' '.repeat(5_000);
        const change = {
          'Sec-WebSocket-Protocol': `a${spaces},${spaces}b${spaces}@`,
          'Sec-WebSocket-Extensions': `a;${spaces}b="${'\\"'.repeat(1_000)}`,
        };
        const began = performance.now();
        const answer = await ask(trial.target, (socket) => void socket.write(requestText(trial.target, { change })));
        trial.keep(answer.socket);
        const ms = Math.round(performance.now() - began);
        return answer.kind === 'silent' || ms > 1_000 ? verdict('FAILED', `no answer within ${ms} ms`) : verdict('OK');
      },
    ),
    flood(
      'pending-handshakes',
      ['FR-24', 'FR-26'],
      `${PENDING} connections that send half a request`,
      'the server goes on',
      async (trial) => {
        const half = Buffer.from(requestText(trial.target)).subarray(0, 60);
        for (let count = 0; count < PENDING; count++) {
          const socket = trial.keep(await connectTo(trial.target));
          socket.on('error', () => {});
          socket.write(half);
        }
        return verdict((await isAlive(trial)) ? 'OK' : 'FAILED');
      },
    ),
  ],
};

const SLOW_MS = 15_000;
const SLOW_FULL_MS = 130_000;

/** @type {(id: string, does: string, lineEveryMs: number | null, begin: number) => Case} */
const slow = (id, does, lineEveryMs, begin) => ({
  id,
  requirements: ['FR-24', 'FR-26'],
  does,
  expects: `the server ends it within ${SLOW_MS / 1_000} s, ${SLOW_FULL_MS / 1_000} s with --full; still waiting: INFORMATIONAL`,
  limitMs: SLOW_FULL_MS + 10_000,
  run: async (trial) => {
    /** @type {NodeJS.Timeout | undefined} */
    let timer;
    const began = performance.now();
    const send = (/** @type {import('node:net').Socket} */ socket) => {
      if (begin > 0) socket.write(Buffer.from(requestText(trial.target)).subarray(0, begin));
      if (lineEveryMs !== null) timer = setInterval(() => socket.writable && socket.write('x'), lineEveryMs);
    };
    const answer = await ask(trial.target, send, trial.isFull ? SLOW_FULL_MS : SLOW_MS);
    clearInterval(timer);
    trial.keep(answer.socket);
    const seconds = Math.round((performance.now() - began) / 1_000);
    if (answer.kind === 'silent') return verdict('INFORMATIONAL', `it still waits after ${seconds} s`);
    return verdict('OK', `${answer.status === 0 ? 'ended TCP' : `answered ${answer.status}`} after ${seconds} s`);
  },
});

/** @type {import('../lib/case.mjs').Group} */
export const SLOW_HANDSHAKES = {
  name: 'slow-handshakes',
  title: 'handshakes that never end',
  isLong: true,
  cases: [
    slow('silent', 'a connection that sends nothing', null, 0),
    slow('stalled', 'half a request, then nothing', null, 60),
    slow('dribbling', 'half a request, then an octet every 200 ms', 200, 60),
  ],
};
