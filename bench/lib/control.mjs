// How a load tells a server what to do: a TCP connection of its own beside the measured ones, a word per line. It is the
// same for every system and costs a server one small read per burst. Both ends are here; Bun runs the server's end too.

import { readFileSync } from 'node:fs';
import { connect, createServer } from 'node:net';

const COLLECT_PASSES = 4;
const COLLECT_PAUSE_MS = 150;

/**
 * What a server process used so far.
 * @typedef {object} Usage
 * @property {number} cpuSeconds User and system time of the whole process.
 * @property {number} systemSeconds The part of it that was spent in the kernel.
 * @property {number} rssBytes
 * @property {Readonly<Record<string, number>>} [counted] What else this server counts.
 */

/**
 * Runs in a server process: takes orders, announces the server on standard output, and ends the process when the bench does.
 * @param {{ port: number, versions: Readonly<Record<string, string>> }} server
 * @param {Readonly<Record<string, (...numbers: number[]) => void>>} orders By word.
 * @param {() => Readonly<Record<string, number>>} [counted]
 */
export function serveControl(server, orders, counted = () => ({})) {
  const answer = () => `${JSON.stringify({ ...usage(), counted: counted() })}\n`;
  const control = createServer((socket) => {
    socket.setNoDelay(true);
    socket.setEncoding('latin1');
    let rest = '';
    socket.on('data', (text) => {
      const lines = `${rest}${text}`.split('\n');
      rest = lines.pop() ?? '';
      for (const line of lines) {
        const [word = '', ...numbers] = line.split(' ');
        if (word === 'usage') socket.write(answer());
        else if (word === 'collect') void collect().then(() => socket.write(answer()));
        else orders[word]?.(...numbers.map(Number));
      }
    });
    socket.on('error', () => socket.destroy());
  });
  control.listen(0, '127.0.0.1', () => {
    const address = /** @type {import('node:net').AddressInfo} */ (control.address());
    process.stdout.write(`${JSON.stringify({ ...server, controlPort: address.port })}\n`);
  });
  process.stdin.on('end', () => process.exit(0)).resume();
}

/** @returns {Usage} */
function usage() {
  const { user, system } = process.cpuUsage();
  return { cpuSeconds: (user + system) / 1e6, systemSeconds: system / 1e6, rssBytes: rssBytes() };
}

/** What the kernel says, where it says it: Bun's own figure has meant other things. */
function rssBytes() {
  let status;
  try {
    status = readFileSync('/proc/self/status', 'latin1');
  } catch {
    return process.memoryUsage.rss();
  }
  const kilobytes = /^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1];
  return kilobytes === undefined ? process.memoryUsage.rss() : Number(kilobytes) * 1024;
}

/** Gives back what is not used. More than one pass: what finalizers let go of, and pages that are returned later. */
async function collect() {
  const { Bun, gc } = /** @type {any} */ (globalThis);
  for (let pass = 0; pass < COLLECT_PASSES; pass += 1) {
    if (Bun !== undefined) Bun.gc(true);
    else if (gc !== undefined) gc();
    else throw new Error('a server whose memory is measured needs --expose-gc');
    await new Promise((resolve) => setTimeout(resolve, COLLECT_PAUSE_MS));
  }
}

/**
 * @typedef {object} Control
 * @property {(line: string) => void} order
 * @property {() => Promise<Usage>} usage
 * @property {() => Promise<Usage>} collect The same after the server gave back the memory that it does not use.
 * @property {() => void} end
 */

/**
 * Runs in a load process.
 * @param {number} port
 * @returns {Promise<Control>}
 */
export async function connectControl(port) {
  const socket = connect({ port, host: '127.0.0.1', noDelay: true });
  await new Promise((resolve, reject) => socket.once('connect', resolve).once('error', reject));
  socket.setEncoding('latin1');
  const ask = (/** @type {string} */ word) =>
    new Promise((resolve) => {
      socket.once('data', (text) => resolve(JSON.parse(String(text))));
      socket.write(`${word}\n`);
    });
  return {
    order: (line) => void socket.write(`${line}\n`),
    usage: () => ask('usage'),
    collect: () => ask('collect'),
    end: () => socket.destroy(),
  };
}
