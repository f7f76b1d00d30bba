// @ts-check
// Cases as data, and the judge of the usual form: something is sent, something must come back, and the connection must end
// in a certain way. Cases of another form judge for themselves.

import { openPeer } from './peer.mjs';
import { verdict } from './verdict.mjs';

/** @typedef {import('./frame-reader.mjs').Received} Received */
/** @typedef {import('./peer.mjs').Peer} Peer */

/**
 * @typedef {object} Case
 * @property {string} id Unique within its group.
 * @property {string} [catalogue] The number of its counterpart in the Autobahn testsuite.
 * @property {readonly string[]} requirements Ids that it checks.
 * @property {string} does
 * @property {string} expects
 * @property {number} [limitMs] How long it may take. Default: a multiple of the patience.
 * @property {(trial: Trial) => Promise<import('./verdict.mjs').Verdict>} run
 */

/**
 * @typedef {object} Group
 * @property {string} name
 * @property {string} title
 * @property {boolean} [isLong] Measures speed or endurance: minutes rather than seconds.
 * @property {readonly Case[]} cases
 */

/** One run of a case: where the server is, and what was opened. */
export class Trial {
  /** @type {Set<{ destroy(): void }>} */
  #opened = new Set();
  target;
  isFull;

  /**
   * @param {import('./target.mjs').Target} target
   * @param {boolean} isFull Whether to send as many messages as the catalogue says.
   */
  constructor(target, isFull) {
    this.target = target;
    this.isFull = isFull;
  }

  /** @param {import('./peer.mjs').OpenOptions} [options] */
  async open(options) {
    return this.keep(await openPeer(this.target, options));
  }

  /**
   * Destroys it when the case is over.
   * @template {{ destroy(): void }} T
   * @param {T} opened
   * @returns {T}
   */
  keep(opened) {
    this.#opened.add(opened);
    return opened;
  }

  end() {
    for (const opened of this.#opened) opened.destroy();
    this.#opened.clear();
  }
}

/**
 * How a connection must end. `tester`: we close with 1000 and the server answers. `sent`: the case has sent its own close
 * frame, which the server must answer. `server`: the server must fail the connection.
 * @typedef {object} Ending
 * @property {'tester' | 'sent' | 'server'} by
 * @property {readonly number[]} codes What its close frame may say; it may always have no code.
 */

/** @type {Ending} */
const NORMAL = { by: 'tester', codes: [1000] };

/**
 * @param {readonly number[]} codes
 * @returns {Ending}
 */
export const failing = (...codes) => ({ by: 'server', codes });

/**
 * @param {readonly number[]} codes
 * @returns {Ending}
 */
export const answering = (...codes) => ({ by: 'sent', codes });

/**
 * @typedef {object} Plan
 * @property {(peer: Peer) => void | Promise<void>} send
 * @property {readonly Received[]} back What must come back.
 * @property {readonly (readonly Received[])[]} [tolerated] What may come back instead, as NON-STRICT.
 * @property {Ending} [ending] Default: ours.
 * @property {string} [otherwise] What the remark says if it went as tolerated.
 * @property {number} [waitMs] How long the answer may take. Default: the patience.
 */

/**
 * @typedef {object} Scenario
 * @property {string} id
 * @property {string} [catalogue]
 * @property {readonly string[]} requirements
 * @property {string} does
 * @property {string} [expects] Default: from the plan's kind of ending.
 * @property {import('./peer.mjs').OpenOptions} [open]
 * @property {number} [limitMs]
 * @property {() => Plan} plan
 */

/**
 * @param {Scenario} scenario
 * @returns {Case}
 */
export function scenario({ plan, open, expects = 'the same message back, then a clean close', ...rest }) {
  return {
    ...rest,
    expects,
    run: async (trial) => judge(await trial.open(open), plan()),
  };
}

/**
 * A scenario at whose end the server must fail the connection.
 * @param {Omit<Scenario, 'plan'> & {
 *   code?: number,
 *   codes?: readonly number[],
 *   send: Plan['send'],
 *   back?: readonly Received[],
 *   tolerated?: Plan['tolerated'],
 *   otherwise?: string,
 * }} options
 * @returns {Case}
 */
export function failure({ code = 1002, codes = [code], send, back = [], tolerated = [], otherwise = '', ...rest }) {
  return scenario({
    expects: `${back.length > 0 ? 'what was sent before is answered, then ' : ''}the server fails the connection with ${codes.join(' or ')}`,
    ...rest,
    plan: () => ({ send, back, tolerated, otherwise, ending: failing(...codes) }),
  });
}

/**
 * @param {Peer} peer
 * @param {Plan} plan
 * @returns {Promise<import('./verdict.mjs').Verdict>}
 */
export async function judge(
  peer,
  { send, back, tolerated = [], ending = NORMAL, otherwise = '', waitMs = peer.patienceMs },
) {
  await send(peer);
  if (ending.by === 'tester') {
    await peer.untilReceived(back.length, waitMs);
    if (peer.ended === null && !peer.isCloseSent) peer.sendClose(1000);
  }
  const hasEnded = await peer.untilEnded(waitMs);
  const closing = closingOf(peer, ending);
  if (peer.faults.length > 0) return { behaviour: 'FAILED', closing, remark: peer.faults.join('; ') };
  if (!hasEnded && ending.by === 'server') {
    return { behaviour: 'FAILED', closing: null, remark: `it did not fail the connection${cameBack(peer)}` };
  }
  if (same(peer.received, back))
    return { behaviour: 'OK', closing, remark: closing === 'OK' ? '' : closingRemark(peer, ending) };
  if (tolerated.some((expected) => same(peer.received, expected)))
    return { behaviour: 'NON-STRICT', closing, remark: otherwise };
  return { behaviour: 'FAILED', closing, remark: difference(peer, back) };
}

/**
 * @param {Peer} peer
 * @param {Ending} ending
 * @returns {import('./verdict.mjs').Closing}
 */
function closingOf(peer, ending) {
  if (peer.ended === null) return 'FAILED BY CLIENT';
  if (ending.by !== 'server' && (peer.closeFrame === null || !peer.isCloseSent)) return 'UNCLEAN';
  const code = peer.closeFrame?.code ?? null;
  return code === null || ending.codes.includes(code) ? 'OK' : 'WRONG CODE';
}

/**
 * @param {Peer} peer
 * @param {Ending} ending
 */
function closingRemark(peer, ending) {
  if (peer.ended === null) return 'it did not end TCP';
  if (peer.closeFrame === null) return 'no close frame came';
  return `close code ${peer.closeFrame.code} where ${ending.codes.join(' or ')} is expected`;
}

/**
 * @param {readonly Received[]} received
 * @param {readonly Received[]} expected
 */
function same(received, expected) {
  return (
    received.length === expected.length &&
    received.every((item, at) => item.kind === expected[at]?.kind && item.data.equals(expected[at].data))
  );
}

/**
 * @param {Peer} peer
 * @param {readonly Received[]} back
 */
function difference(peer, back) {
  const end = peer.closeFrame === null ? (peer.ended ?? 'no end') : `close ${peer.closeFrame.code ?? 'without code'}`;
  return `expected ${list(back)}; came ${list(peer.received)}, ${end}`;
}

/** @param {Peer} peer */
function cameBack(peer) {
  return peer.received.length === 0 ? '' : `, but answered ${list(peer.received)}`;
}

/** @param {readonly Received[]} items */
function list(items) {
  if (items.length === 0) return 'nothing';
  const shown = items
    .slice(0, 3)
    .map(({ kind, data }) => `${kind} of ${data.length} (${data.subarray(0, 12).toString('hex')})`);
  return `${shown.join(', ')}${items.length > 3 ? ` and ${items.length - 3} more` : ''}`;
}

// ---- expected items

/** @type {(kind: Received['kind']) => (data: Buffer | string) => Received} */
const item = (kind) => (data) => ({ kind, data: Buffer.from(data) });
export const text = item('text');
export const binary = item('binary');
export const pong = item('pong');

export { verdict };
