// @ts-check
// Closing, beyond the catalogue: the newer codes, edges of the ranges, reasons cut inside a character, ends without a close.

import { failure, verdict } from '../lib/case.mjs';
import { CLOSE, closeBody, closeFrame, frame, PING, TEXT } from '../lib/wire.mjs';
import { badClose, closes, validCode } from './closing.mjs';

const NEWER = /** @type {const} */ ([
  [1012, 'service restart'],
  [1013, 'try again later'],
  [1014, 'bad gateway'],
]);

/**
 * A connection that ends without a close frame must not harm others.
 * @param {string} id
 * @param {string} does
 * @param {(peer: import('../lib/peer.mjs').Peer) => void} end
 * @returns {import('../lib/case.mjs').Case}
 */
const abrupt = (id, does, end) => ({
  id,
  requirements: ['FR-20', 'FR-26'],
  does,
  expects: 'another connection works as before',
  run: async (trial) => {
    const peer = await trial.open();
    peer.text('before');
    await peer.untilReceived(1);
    end(peer);
    const other = await trial.open();
    other.text('after');
    await other.untilReceived(1);
    return other.received[0]?.data.toString() === 'after'
      ? verdict('OK')
      : verdict('FAILED', 'the next connection got no echo');
  },
});

/** @type {import('../lib/case.mjs').Group} */
export const CLOSE_RULES = {
  name: 'close-rules',
  title: 'closing, beyond the catalogue',
  cases: [
    ...NEWER.map(([code, name]) => ({
      ...validCode(code, `code-${code}`),
      does: `a close frame with ${code}, ${name} (IANA)`,
    })),
    ...[1015, 1999, 2998].map((code) =>
      badClose({
        id: `code-${code}`,
        requirements: ['FR-21', 'FR-22'],
        does: `a close frame with the invalid code ${code}`,
        body: closeBody(code),
      }),
    ),
    badClose({
      id: 'reason-cut',
      requirements: ['FR-12', 'FR-16'],
      does: 'a close frame whose reason ends inside a character',
      body: closeBody(1000, Buffer.from('ende€').subarray(0, -1)),
      codes: [1002, 1007],
    }),
    closes({
      id: 'reason-multibyte',
      requirements: ['FR-12'],
      does: 'a close frame with a reason of 41 characters of three octets each',
      frames: () => [closeFrame(1000, '€'.repeat(41))],
    }),
    closes({
      id: 'garbage-behind',
      requirements: ['FR-13'],
      does: 'a close frame, and a frame behind it that breaks three rules',
      expects: 'a clean close: nothing behind a close frame is looked at',
      frames: () => [closeFrame(), frame({ opcode: 3, rsv: 7, mask: null, payload: 'x' })],
    }),
    failure({
      id: 'fragmented',
      requirements: ['FR-11'],
      does: 'a close frame with FIN=0',
      send: (peer) => peer.send(frame({ opcode: CLOSE, payload: closeBody(1000), fin: false })),
    }),
    failure({
      id: 'nothing-after-failure',
      requirements: ['FR-19'],
      does: 'a reserved opcode, and in the same write a text, a ping and a close frame with 1000',
      expects: 'the server fails the connection with 1002 and answers nothing of the rest',
      send: (peer) =>
        peer.send(
          frame({ opcode: 3 }),
          frame({ opcode: TEXT, payload: 'late' }),
          frame({ opcode: PING }),
          closeFrame(1000),
        ),
    }),
    {
      id: 'server-ends-tcp',
      requirements: ['FR-14'],
      does: 'a close frame; then we leave TCP open',
      expects: 'the server answers and ends TCP itself within a second; later: NON-STRICT',
      run: async (trial) => {
        const peer = await trial.open();
        peer.sendClose(1000);
        if (!(await peer.until(() => peer.closeFrame !== null)))
          return verdict('FAILED', 'the close frame was not answered');
        if (await peer.untilEnded(1_000)) return verdict('OK');
        const hasEnded = await peer.untilEnded(10_000);
        return hasEnded
          ? verdict('NON-STRICT', 'it ends TCP more than a second after both close frames')
          : { behaviour: 'FAILED', closing: 'FAILED BY CLIENT', remark: 'it does not end TCP' };
      },
      limitMs: 30_000,
    },
    abrupt('reset', 'a connection that is reset', (peer) => peer.reset()),
    abrupt('reset-inside-frame', 'a connection that is reset inside a frame', (peer) => {
      peer.send(frame({ opcode: TEXT, payload: 'x'.repeat(500) }).subarray(0, 100));
      peer.reset();
    }),
    abrupt('fin-inside-frame', 'a connection that ends inside a frame', (peer) => {
      peer.send(frame({ opcode: TEXT, payload: 'x'.repeat(500) }).subarray(0, 3));
      peer.socket.end();
    }),
    abrupt('reset-while-answered', 'a connection that is reset while large answers are on their way', (peer) => {
      for (let count = 0; count < 20; count++) peer.text('x'.repeat(60_000));
      setImmediate(() => peer.reset());
    }),
    {
      id: 'half-close',
      requirements: ['FR-20'],
      does: 'a text, then the end of our side of TCP without a close frame',
      expects: 'the server ends its side as well',
      run: async (trial) => {
        const peer = await trial.open();
        peer.text('last words');
        peer.socket.end();
        if (!(await peer.untilEnded())) return verdict('FAILED', 'it keeps a connection whose other side has ended');
        return verdict('OK', peer.received.length === 1 ? '' : 'the text before the end was not answered');
      },
    },
  ],
};
