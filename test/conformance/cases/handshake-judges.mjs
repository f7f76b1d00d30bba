// @ts-check
// The two usual forms of a handshake case: a request that must be upgraded, and one that must not.

import { verdict } from '../lib/case.mjs';
import { ask, faultsOfUpgrade, freshKey, requestText, valuesOf } from '../lib/handshake.mjs';

/** @typedef {import('../lib/case.mjs').Case} Case */
/** @typedef {import('../lib/case.mjs').Trial} Trial */
/** @typedef {import('../lib/handshake.mjs').RequestOptions} RequestOptions */
/** @typedef {Pick<Case, 'id' | 'requirements' | 'does'> & { request: RequestOptions }} RequestCase */

/**
 * @param {Trial} trial
 * @param {string | Buffer} request
 */
export async function asked(trial, request) {
  const answer = await ask(trial.target, (socket) => void socket.write(request));
  trial.keep(answer.socket);
  return answer;
}

/**
 * A request that must be upgraded.
 * @param {RequestCase & { protocols?: readonly string[], extensions?: readonly string[], otherwise?: string }} options
 *   `otherwise`: a refusal is NON-STRICT, for this reason.
 * @returns {Case}
 */
export function upgraded({ request, protocols = [], extensions = [], otherwise, ...rest }) {
  return {
    ...rest,
    expects: `101 with all that belongs to it and nothing that was not offered${otherwise === undefined ? '' : '; a refusal: NON-STRICT'}`,
    run: async (trial) => {
      const key = request.key ?? freshKey();
      const answer = await asked(trial, Buffer.from(requestText(trial.target, { ...request, key }), 'latin1'));
      if (answer.status !== 101) {
        const remark = `answered ${answer.status || answer.kind}`;
        return answer.status >= 400 && otherwise !== undefined
          ? verdict('NON-STRICT', `${remark}: ${otherwise}`)
          : verdict('FAILED', remark);
      }
      const faults = faultsOfUpgrade(answer, key, protocols, extensions);
      return faults.length === 0 ? verdict('OK') : verdict('FAILED', faults.join('; '));
    },
  };
}

/**
 * A request that must not be upgraded.
 * @param {RequestCase & {
 *   statuses?: readonly number[],
 *   field?: readonly [name: string, value: string],
 *   tolerated?: string,
 * }} options `statuses`: those that are OK, others are NON-STRICT; default any error. `tolerated`: an upgrade is only
 *   NON-STRICT, for this reason.
 * @returns {Case}
 */
export function refused({ request, statuses, field, tolerated, ...rest }) {
  return {
    ...rest,
    expects: `${statuses?.join(' or ') ?? 'an HTTP error'}${field === undefined ? '' : ` with ${field[0]}: ${field[1]}`}; TCP ended without an answer: NON-STRICT; ${tolerated === undefined ? 'an upgrade: FAILED' : 'an upgrade: NON-STRICT'}`,
    run: async (trial) => {
      const answer = await asked(trial, Buffer.from(requestText(trial.target, request), 'latin1'));
      return refusalVerdict(answer, { statuses, field, tolerated });
    },
  };
}

/**
 * @param {import('../lib/handshake.mjs').Answer} answer
 * @param {{ statuses?: readonly number[] | undefined, field?: readonly [string, string] | undefined, tolerated?: string | undefined }} options
 */
export function refusalVerdict(answer, { statuses, field, tolerated }) {
  const { status, kind } = answer;
  if (status === 101)
    return tolerated === undefined
      ? verdict('FAILED', 'it upgraded')
      : verdict('NON-STRICT', `it upgraded: ${tolerated}`);
  if (kind === 'closed') return verdict('NON-STRICT', 'it ended TCP without an answer');
  if (kind !== 'response') return verdict('FAILED', kind === 'silent' ? 'it did not answer' : 'its answer is no HTTP');
  if (status < 300) return verdict('FAILED', `answered ${status}`);
  if (field !== undefined && !valuesOf(answer, field[0].toLowerCase()).join(', ').includes(field[1])) {
    return verdict('FAILED', `answered ${status} without ${field[0]}: ${field[1]}`);
  }
  const isRight = statuses === undefined ? status >= 400 : statuses.includes(status);
  return isRight ? verdict('OK') : verdict('NON-STRICT', `answered ${status}`);
}
