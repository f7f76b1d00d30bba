// How a load tells a server what to do: a TCP connection of its own beside the measured ones, a word per line. It is the
// same for every system and costs a server one small read per burst. Both ends are here; Bun runs the server's end too.

import { connect, createServer } from 'node:net';

/**
 * What a server process used so far.
 * @typedef {object} Usage
 * @property {number} cpuSeconds User and system time of the whole process.
 * @property {number} systemSeconds The part of it that was spent in the kernel.
 * @property {number} rssBytes
 */

/**
 * Runs in a server process: takes orders, announces the server on standard output, and ends the process when the bench does.
 * @param {{ port: number, versions: Readonly<Record<string, string>> }} server
 * @param {Readonly<Record<string, (argument: number) => void>>} orders By word.
 */
export function serveControl(server, orders) {
  const control = createServer((socket) => {
    socket.setNoDelay(true);
    socket.setEncoding('latin1');
    let rest = '';
    socket.on('data', (text) => {
      const lines = `${rest}${text}`.split('\n');
      rest = lines.pop() ?? '';
      for (const line of lines) {
        const [word = '', argument = ''] = line.split(' ');
        if (word === 'usage') socket.write(`${JSON.stringify(usage())}\n`);
        else orders[word]?.(Number(argument));
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
  return { cpuSeconds: (user + system) / 1e6, systemSeconds: system / 1e6, rssBytes: process.memoryUsage.rss() };
}

/**
 * Runs in a load process.
 * @param {number} port
 * @returns {Promise<{ order: (line: string) => void, usage: () => Promise<Usage>, end: () => void }>}
 */
export async function connectControl(port) {
  const socket = connect({ port, host: '127.0.0.1', noDelay: true });
  await new Promise((resolve, reject) => socket.once('connect', resolve).once('error', reject));
  socket.setEncoding('latin1');
  return {
    order: (line) => void socket.write(`${line}\n`),
    usage: () =>
      new Promise((resolve) => {
        socket.once('data', (text) => resolve(JSON.parse(String(text))));
        socket.write('usage\n');
      }),
    end: () => socket.destroy(),
  };
}
