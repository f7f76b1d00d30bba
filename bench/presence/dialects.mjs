// How a member and a watcher of each system speak, and how a watcher learns how many are there.

/**
 * @typedef {object} Dialect
 * @property {string} path
 * @property {string} [subprotocol]
 * @property {(user: string) => string | null} hello What is sent once the socket is open.
 * @property {string} watch
 * @property {(user: string) => string} join
 * @property {string} leave
 * @property {(text: string) => { isReady?: boolean, reply?: string, isWatching?: boolean }} other
 * @property {(text: string, count: number) => number} count How many are there after this message, if it tells.
 */

const trunklineCount = /"summary":\{"count":(\d+)\}/;
const STREAM = 'lounge/main';

/** @type {Dialect} */
const trunkline = {
  path: '/line',
  subprotocol: 'trunkline.v1.json',
  hello: (user) => `{"type":"hello","version":1,"token":"${user}"}`,
  watch: `{"type":"subscribe","id":1,"stream":"${STREAM}:presence"}`,
  join: () => `{"type":"subscribe","id":2,"stream":"${STREAM}"}`,
  leave: `{"type":"unsubscribe","id":3,"stream":"${STREAM}"}`,
  other(text) {
    if (/"type":"(error|ended|gap|goodbye)"/.test(text)) throw new Error(`trunkline said ${text.slice(0, 300)}`);
    return {
      isReady: text.includes('"type":"welcome"'),
      isWatching: text.includes('"type":"synced"'),
      ...(text.includes('"type":"ping"') ? { reply: '{"type":"pong"}' } : {}),
    };
  },
  count: (text, count) => Number(trunklineCount.exec(text)?.[1] ?? count),
};

/** @type {Dialect} */
const socketIo = {
  path: '/socket.io/?EIO=4&transport=websocket',
  hello: () => null,
  watch: '42["watch"]',
  join: (user) => `42["join","${user}"]`,
  leave: '42["leave"]',
  other(text) {
    if (text.startsWith('0')) return { reply: '40' };
    if (text.startsWith('40')) return { isReady: true };
    if (text === '2') return { reply: '3' };
    return { isWatching: text.startsWith('42["present"') };
  },
  count: (text, count) => {
    if (text.startsWith('42["joined"')) return count + 1;
    return text.startsWith('42["left"') ? count - 1 : count;
  },
};

/** @param {string} name @returns {Dialect} */
export function dialectOf(name) {
  return name === 'trunkline' ? trunkline : socketIo;
}
