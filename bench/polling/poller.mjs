// A client of `polling` over HTTP: asks for what is after the last message it has, on a connection that is kept.

import { Agent, request } from 'node:http';

/** What Chromium sends by itself with a fetch of the same origin; 660 bytes of a request are these and its token. */
const BROWSER_FIELDS = {
  'sec-ch-ua-platform': '"Linux"',
  'user-agent': 'Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36',
  'sec-ch-ua': '"Chromium";v="140", "Not=A?Brand";v="24"',
  'sec-ch-ua-mobile': '?0',
  accept: '*/*',
  'sec-fetch-site': 'same-origin',
  'sec-fetch-mode': 'cors',
  'sec-fetch-dest': 'empty',
  'accept-encoding': 'gzip, deflate, br, zstd',
  'accept-language': 'en-US,en;q=0.9',
};
const WAIT_S = 25;

/** @type {import('./load.mjs').OpenClient} */
export function openPoller({ port, token, room, intervalMs, isLong, received, failed }) {
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  let last = 0;
  let etag = '';
  let requests = 0;
  let isClosed = false;
  /** @type {NodeJS.Timeout | undefined} */
  let timer = setTimeout(poll, Math.random() * intervalMs);
  return {
    requests: () => requests,
    close: () => {
      isClosed = true;
      clearTimeout(timer);
      agent.destroy();
    },
  };

  function poll() {
    requests += 1;
    if (!isLong) timer = setTimeout(poll, intervalMs);
    const path = `/v1/channels/room/${room}/entries?after=${last}${isLong ? `&wait=${WAIT_S}` : ''}`;
    const headers = {
      ...BROWSER_FIELDS,
      referer: `http://127.0.0.1:${port}/chat/${room}`,
      authorization: `Bearer ${token}`,
      ...(etag === '' ? {} : { 'if-none-match': etag }),
    };
    request({ port, host: '127.0.0.1', path, agent, headers }, (response) => {
      let text = '';
      response.setEncoding('utf8');
      response.on('data', (part) => {
        text += part;
      });
      response.on('end', () => answered(response, text));
    })
      .on('error', (error) => {
        if (!isClosed) failed(error);
      })
      .end();
  }

  /** @param {import('node:http').IncomingMessage} response @param {string} text */
  function answered({ statusCode, headers }, text) {
    if (isClosed) return;
    if (statusCode === 200) {
      etag = headers.etag ?? '';
      for (const { offset, data } of JSON.parse(text).items) {
        // Polls do not wait for the answer of the one before.
        if (offset <= last) continue;
        last = offset;
        received(data);
      }
    } else if (statusCode !== 304) failed(new Error(`a poll was answered with ${statusCode}: ${text}`));
    if (isLong) poll();
  }
}
