// @ts-check
// What a server makes of offers (RFC 7692 §5, §7.1): wrong ones are declined, and an answer keeps within its offer.

import { verdict } from '../lib/case.mjs';
import { agreementOf, DEFAULT_OFFER, offerText } from '../lib/deflate.mjs';
import { ask, faultsOfUpgrade, freshKey, requestText, valuesOf } from '../lib/handshake.mjs';
import { numbersFrom, randomBytes } from '../lib/random.mjs';
import { BINARY, TEXT } from '../lib/wire.mjs';

/** @typedef {import('../lib/case.mjs').Case} Case */
/** @typedef {import('../lib/case.mjs').Trial} Trial */
/** @typedef {import('../lib/deflate.mjs').Offer} Offer */

/**
 * @param {Trial} trial
 * @param {readonly string[]} values Of the header field, one line each.
 */
async function answerTo(trial, values) {
  const key = freshKey();
  const more = values.map((value) => `Sec-WebSocket-Extensions: ${value}`);
  const answer = await ask(trial.target, (socket) => void socket.write(requestText(trial.target, { key, more })));
  trial.keep(answer.socket);
  const faults = answer.status === 101 ? faultsOfUpgrade(answer, key, [], ['permessage-deflate']) : [];
  return {
    status: answer.status,
    kind: answer.kind,
    extension: valuesOf(answer, 'sec-websocket-extensions')[0] ?? null,
    faults,
  };
}

/**
 * An offer that must be declined: the connection opens without the extension.
 * @param {string} id
 * @param {readonly string[]} requirements
 * @param {string} offer
 * @returns {Case}
 */
const declined = (id, requirements, offer) => ({
  id,
  requirements,
  does: `offers "${offer}"`,
  expects:
    'a connection without the extension; no connection: NON-STRICT, as an offer is to be declined and not the handshake',
  run: async (trial) => {
    (await trial.open({ deflate: [DEFAULT_OFFER] })).destroy();
    const { status, kind, extension, faults } = await answerTo(trial, [offer]);
    if (faults.length > 0) return verdict('FAILED', faults.join('; '));
    if (status === 101)
      return extension === null ? verdict('OK') : verdict('FAILED', `it took the offer: "${extension}"`);
    return status >= 400
      ? verdict('NON-STRICT', `it refused the handshake with ${status}`)
      : verdict('FAILED', `answered ${kind} ${status}`);
  },
});

/**
 * Offers of which one is to be taken.
 * @param {string} id
 * @param {readonly string[]} requirements
 * @param {readonly string[]} values
 * @param {readonly Offer[]} offers What of them may be answered.
 * @param {import('../lib/verdict.mjs').Behaviour} [ifDeclined] A server need not have every parameter.
 * @returns {Case}
 */
const taken = (id, requirements, values, offers, ifDeclined = 'UNIMPLEMENTED') => ({
  id,
  requirements,
  does: `offers "${values.join('" and on a second line "')}"`,
  expects: `an answer within the offer; declined: ${ifDeclined}; the handshake refused: FAILED`,
  run: async (trial) => {
    (await trial.open({ deflate: [DEFAULT_OFFER] })).destroy();
    const { status, kind, extension, faults } = await answerTo(trial, values);
    if (faults.length > 0) return verdict('FAILED', faults.join('; '));
    if (status !== 101) return verdict('FAILED', `answered ${kind} ${status}`);
    if (extension === null) return verdict(ifDeclined, 'it declined the offer');
    const agreement = agreementOf(extension, offers);
    return typeof agreement === 'string' ? verdict('FAILED', agreement) : verdict('OK');
  },
});

const DATA = Buffer.from(Array.from({ length: 4_000 }, (_, at) => `${at * 7_919} `).join(''));
const NOISE = randomBytes(numbersFrom(8), 700);
/** The same again at growing distances: a server that may refer back far, will. */
const REPEATS = Buffer.concat([NOISE, DATA.subarray(0, 3_000), NOISE, DATA.subarray(0, 3_000), NOISE]);

/**
 * A window that the server agreed to must be kept to.
 * @param {number} bits
 * @returns {Case}
 */
const serverWindow = (bits) => ({
  id: `server-window-${bits}`,
  requirements: ['PM-07', 'PM-09'],
  does: `offers server_max_window_bits=${bits} and looks how far the server's compressed messages refer back`,
  expects: `no farther than ${2 ** bits} octets; the offer declined: UNIMPLEMENTED`,
  run: async (trial) => {
    (await trial.open({ deflate: [DEFAULT_OFFER] })).destroy();
    const offer = { ...DEFAULT_OFFER, serverMaxWindowBits: bits };
    const { status, extension } = await answerTo(trial, [offerText([offer])]);
    if (status !== 101) return verdict('FAILED', `answered ${status}`);
    if (extension === null) return verdict('UNIMPLEMENTED', 'it declined the offer');
    const peer = await trial.open({ deflate: [offer] });
    for (const message of [REPEATS, DATA, REPEATS, DATA]) {
      const count = peer.received.length;
      await peer.compressed(BINARY, message);
      await peer.untilReceived(count + 1);
      if (!peer.received[count]?.data.equals(message)) {
        return verdict('FAILED', peer.faults.join('; ') || 'a message did not come back');
      }
    }
    const compressed = peer.deflation?.compressedReceived ?? 0;
    return verdict('OK', compressed === 0 ? 'it compressed nothing itself' : '');
  },
});

/**
 * A window of ours that the server may demand; it must be able to read what we send.
 * @param {number} bits
 * @returns {Case}
 */
const clientWindow = (bits) => ({
  id: `client-window-${bits}`,
  requirements: ['PM-08'],
  does: `offers client_max_window_bits=${bits}`,
  expects: 'an answer within the offer, or none, and an echo of what we compress so',
  run: async (trial) => {
    const peer = await trial.open({ deflate: [{ clientMaxWindowBits: bits }] });
    if (peer.faults.length > 0) return verdict('FAILED', peer.faults.join('; '));
    await peer.compressed(BINARY, REPEATS);
    await peer.untilReceived(1);
    return peer.received[0]?.data.equals(REPEATS) ? verdict('OK') : verdict('FAILED', 'the message did not come back');
  },
});

const PM_03 = ['PM-03'];
const PM_04 = ['PM-03', 'PM-04'];
const NAME = 'permessage-deflate';

/** @type {Case} */
const INFLATED = {
  id: 'rsv1-after-decline',
  requirements: ['FR-03', 'PM-03'],
  does: 'a compressed text after an offer that must be declined',
  expects: 'the server fails the connection with 1002',
  run: async (trial) => {
    (await trial.open({ deflate: [DEFAULT_OFFER] })).destroy();
    const { status, extension } = await answerTo(trial, [`${NAME}; server_max_window_bits=7`]);
    if (status !== 101 || extension !== null) return verdict('INFORMATIONAL', 'the offer was not declined alone');
    const peer = await trial.open({ offer: `${NAME}; server_max_window_bits=7` });
    peer.send(Buffer.from('c187000000 00f248cdc9c90700'.replace(' ', ''), 'hex'));
    const hasEnded = await peer.untilEnded();
    if (!hasEnded || peer.received.length > 0) return verdict('FAILED', 'it took RSV1 though nothing was negotiated');
    const code = peer.closeFrame?.code ?? null;
    return { behaviour: 'OK', closing: code === null || code === 1002 ? 'OK' : 'WRONG CODE', remark: '' };
  },
};

/** @type {Case} */
const UNMARKED = {
  id: 'small-message',
  requirements: ['PM-02', 'PM-09'],
  does: 'compressed texts of 0 to 40 characters',
  expects: 'each back, compressed or not',
  run: async (trial) => {
    const peer = await trial.open({ deflate: [DEFAULT_OFFER] });
    for (let size = 0; size <= 40; size++) await peer.compressed(TEXT, Buffer.from('é'.repeat(size)));
    await peer.untilReceived(41);
    if (peer.faults.length > 0) return verdict('FAILED', peer.faults.join('; '));
    const wrong = peer.received.findIndex(({ data }, size) => data.toString() !== 'é'.repeat(size));
    return wrong < 0 && peer.received.length === 41
      ? verdict('OK')
      : verdict('FAILED', `the text of ${wrong < 0 ? peer.received.length : wrong} did not come back`);
  },
};

/** @type {import('../lib/case.mjs').Group} */
export const DEFLATE_NEGOTIATION = {
  name: 'deflate-negotiation',
  title: 'offers of permessage-deflate',
  cases: [
    taken('bare', ['PM-03', 'PM-08'], [NAME], [{}]),
    taken('default', PM_03, [offerText([DEFAULT_OFFER])], [DEFAULT_OFFER]),
    taken('server-fresh', ['PM-05'], [`${NAME}; server_no_context_takeover`], [{ serverNoContextTakeover: true }]),
    taken('client-fresh', ['PM-06'], [`${NAME}; client_no_context_takeover`], [{ clientNoContextTakeover: true }]),
    taken(
      'all',
      ['PM-05', 'PM-06', 'PM-07', 'PM-08'],
      [
        `${NAME}; server_no_context_takeover; client_no_context_takeover; server_max_window_bits=12; client_max_window_bits=12`,
      ],
      [
        {
          serverNoContextTakeover: true,
          clientNoContextTakeover: true,
          serverMaxWindowBits: 12,
          clientMaxWindowBits: 12,
        },
      ],
    ),
    taken('quoted', ['FR-23', 'PM-08'], [`${NAME}; client_max_window_bits="12"`], [{ clientMaxWindowBits: 12 }]),
    taken('spaces', ['FR-23'], [`  ${NAME}\t ;  client_max_window_bits=12  `], [{ clientMaxWindowBits: 12 }]),
    taken('after-unknown', PM_04, [`x-unknown; a=1, ${NAME}`], [{}], 'NON-STRICT'),
    taken('after-unknown-line', [...PM_04, 'HS-09'], ['x-unknown', NAME], [{}], 'NON-STRICT'),
    taken('fallback-from-unknown-parameter', PM_04, [`${NAME}; x=1, ${NAME}`], [{}], 'NON-STRICT'),
    taken('fallback-from-bad-value', PM_04, [`${NAME}; server_max_window_bits=7, ${NAME}`], [{}], 'NON-STRICT'),
    taken(
      'preference',
      ['PM-04'],
      [`${NAME}; server_no_context_takeover, ${NAME}`],
      [{ serverNoContextTakeover: true }, {}],
      'NON-STRICT',
    ),
    declined('unknown-parameter', PM_03, `${NAME}; unknown`),
    declined('prototype-parameter', PM_03, `${NAME}; __proto__=1`),
    declined('constructor-parameter', PM_03, `${NAME}; constructor`),
    declined('repeated-flag', PM_03, `${NAME}; server_no_context_takeover; server_no_context_takeover`),
    declined('repeated-bits', PM_03, `${NAME}; server_max_window_bits=10; server_max_window_bits=10`),
    declined('server-flag-with-value', ['PM-03', 'PM-05'], `${NAME}; server_no_context_takeover=1`),
    declined('client-flag-with-value', ['PM-03', 'PM-06'], `${NAME}; client_no_context_takeover=1`),
    declined('server-bits-missing', ['PM-03', 'PM-07'], `${NAME}; server_max_window_bits`),
    ...['7', '16', '08', '+9', '9.5', '1e1', '100', '-8'].map((value) =>
      declined(`server-bits-${value}`, ['PM-03', 'PM-07'], `${NAME}; server_max_window_bits=${value}`),
    ),
    ...['7', '16', '08', 'x', '100'].map((value) =>
      declined(`client-bits-${value}`, ['PM-03', 'PM-08'], `${NAME}; client_max_window_bits=${value}`),
    ),
    ...[8, 9, 10, 11, 12, 13, 14, 15].map(serverWindow),
    ...[8, 9, 12, 15].map(clientWindow),
    INFLATED,
    UNMARKED,
  ],
};
