// @ts-check
// The server to judge, and sockets to it.

import { connect as connectTcp, isIP } from 'node:net';
import { connect as connectTls } from 'node:tls';

/**
 * @typedef {object} Target
 * @property {string} url
 * @property {string} host
 * @property {number} port
 * @property {boolean} isSecure
 * @property {string} authority As in a Host header.
 * @property {string} path With its query.
 * @property {number} patienceMs How long a server may take to answer.
 */

/**
 * @param {string} url
 * @param {number} patienceMs
 * @returns {Target | null} `null` if it is no ws or wss URL.
 */
export function targetOf(url, patienceMs) {
  let parsed;
  try {
    parsed = new URL(url);
  } catch {
    return null;
  }
  const isSecure = parsed.protocol === 'wss:';
  if (!isSecure && parsed.protocol !== 'ws:') return null;
  return {
    url: parsed.href,
    host: parsed.hostname.replace(/^\[(.*)\]$/, '$1'),
    port: parsed.port === '' ? (isSecure ? 443 : 80) : Number(parsed.port),
    isSecure,
    authority: parsed.host,
    path: `${parsed.pathname}${parsed.search}`,
    patienceMs,
  };
}

/**
 * A connected socket. It stays half open when the server ends its side, so that we see who ended first.
 * @param {Target} target
 * @returns {Promise<import('node:net').Socket>}
 */
export function connectTo(target) {
  const { host, port, isSecure, patienceMs } = target;
  return new Promise((resolve, reject) => {
    // The certificate is not checked: it is the frames that are judged.
    const socket = isSecure
      ? connectTls({ host, port, rejectUnauthorized: false, ...(isIP(host) !== 0 ? {} : { servername: host }) })
      : connectTcp({ host, port, allowHalfOpen: true, noDelay: true });
    const timer = setTimeout(() => socket.destroy(new Error(`no connection within ${patienceMs} ms`)), patienceMs);
    socket.once(isSecure ? 'secureConnect' : 'connect', () => {
      clearTimeout(timer);
      socket.off('error', reject);
      resolve(socket);
    });
    socket.once('error', reject);
    socket.once('close', () => clearTimeout(timer));
  });
}
