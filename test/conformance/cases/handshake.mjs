// @ts-check
// The opening handshake as a server must see it (RFC 6455 §4.2): what a good request may look like, and each way to be wrong.

import { randomBytes } from 'node:crypto';
import { text, verdict } from '../lib/case.mjs';
import { ask, faultsOfUpgrade, freshKey, requestText } from '../lib/handshake.mjs';
import { openPeer, writeChopped } from '../lib/peer.mjs';
import { frame, PING, TEXT } from '../lib/wire.mjs';
import { asked, refusalVerdict, refused, upgraded } from './handshake-judges.mjs';

/** @typedef {import('../lib/case.mjs').Case} Case */
/** @typedef {import('./handshake-judges.mjs').RequestCase} RequestCase */

/** @type {(id: string, does: string, change: Record<string, string | null>, more?: readonly string[]) => RequestCase} */
const missing = (id, does, change, more = []) => ({
  id,
  requirements: ['HS-01', 'HS-02'],
  does,
  request: { change, more },
});

const base64 = (/** @type {number} */ size) => randomBytes(size).toString('base64');
const KEY = 'Sec-WebSocket-Key';
const VERSION = 'Sec-WebSocket-Version';
const EXTENSIONS = 'Sec-WebSocket-Extensions';
const PROTOCOL = 'Sec-WebSocket-Protocol';
const UNREAD = 'a server that offers none of these need not read the field';

const GOOD = [
  upgraded({ id: 'plain', requirements: ['HS-01', 'HS-08'], does: 'a good request', request: {} }),
  upgraded({
    id: 'rfc-example',
    requirements: ['HS-08'],
    does: 'the key of RFC 6455 §1.3',
    request: { key: 'dGhlIHNhbXBsZSBub25jZQ==' },
  }),
  upgraded({
    id: 'case-of-values',
    requirements: ['HS-01'],
    does: 'Upgrade: WEBsocket and Connection: uPGRADE',
    request: { change: { Upgrade: 'WEBsocket', Connection: 'uPGRADE' } },
  }),
  upgraded({
    id: 'case-of-names',
    requirements: ['HS-01'],
    does: 'header names in odd case',
    request: { change: { Upgrade: null, Connection: null }, more: ['uPgRaDe: websocket', 'CONNECTION: Upgrade'] },
  }),
  upgraded({
    id: 'connection-list',
    requirements: ['HS-01'],
    does: 'Connection: keep-alive, Upgrade',
    request: { change: { Connection: 'keep-alive, Upgrade' } },
  }),
  upgraded({
    id: 'connection-list-tight',
    requirements: ['HS-01'],
    does: 'Connection: Upgrade,keep-alive',
    request: { change: { Connection: 'Upgrade,keep-alive' } },
  }),
  upgraded({
    id: 'connection-two-lines',
    requirements: ['HS-01'],
    does: 'two Connection lines',
    request: { change: { Connection: 'keep-alive' }, more: ['Connection: Upgrade'] },
  }),
  upgraded({
    id: 'upgrade-list',
    requirements: ['HS-01'],
    does: 'Upgrade: h2c, websocket',
    request: { change: { Upgrade: 'h2c, websocket' } },
    otherwise: 'Upgrade is a list in HTTP (RFC 9110 §7.8)',
  }),
  upgraded({
    id: 'no-space-after-colon',
    requirements: ['HS-01'],
    does: 'header lines without a space after the colon',
    request: { change: { Upgrade: null }, more: ['Upgrade:websocket'] },
  }),
  upgraded({
    id: 'space-around-value',
    requirements: ['HS-01'],
    does: 'spaces and tabs around a value',
    request: { change: { Upgrade: null }, more: ['Upgrade: \t websocket \t '] },
  }),
  upgraded({
    id: 'query',
    requirements: ['HS-01'],
    does: 'a request target with a long query',
    request: { path: `/?${'q=%C3%A9&'.repeat(50)}` },
  }),
  upgraded({ id: 'no-origin', requirements: ['HS-04'], does: 'no Origin', request: { change: { Origin: null } } }),
  upgraded({
    id: 'credentials',
    requirements: ['HS-10'],
    does: 'cookies and credentials that mean nothing to the server',
    request: { more: ['Cookie: a=1; b="2"', 'Authorization: Bearer nothing'] },
    otherwise: 'a server may authenticate',
  }),
];

const WRONG = [
  ...['POST', 'HEAD', 'OPTIONS', 'PUT'].map((method) =>
    refused({
      id: `method-${method.toLowerCase()}`,
      requirements: ['HS-01', 'HS-02'],
      does: `the method ${method}`,
      request: { method },
    }),
  ),
  refused({ id: 'http-1-0', requirements: ['HS-01', 'HS-02'], does: 'HTTP/1.0', request: { version: 'HTTP/1.0' } }),
  refused({ id: 'http-0-9', requirements: ['HS-01', 'HS-02'], does: 'HTTP/0.9', request: { version: 'HTTP/0.9' } }),
  refused(missing('no-host', 'no Host', { Host: null })),
  refused(missing('two-hosts', 'two Host lines', {}, ['Host: other.example'])),
  refused(missing('no-upgrade', 'no Upgrade', { Upgrade: null })),
  refused(missing('other-upgrade', 'Upgrade: h2c', { Upgrade: 'h2c' })),
  refused(missing('upgrade-prefix', 'Upgrade: websockets', { Upgrade: 'websockets' })),
  refused(missing('no-connection', 'no Connection', { Connection: null })),
  refused(missing('other-connection', 'Connection: keep-alive', { Connection: 'keep-alive' })),
  refused(missing('connection-part', 'Connection: no-upgrade', { Connection: 'no-upgrade' })),
  refused(missing('no-key', `no ${KEY}`, { [KEY]: null })),
  refused(missing('empty-key', `an empty ${KEY}`, { [KEY]: '' })),
  ...[1, 15, 17, 32].map((size) =>
    refused(missing(`key-of-${size}`, `a ${KEY} of ${size} octets`, { [KEY]: base64(size) })),
  ),
  refused(missing('key-no-base64', `a ${KEY} of 24 signs that are no base64`, { [KEY]: '!!!!!!!!!!!!!!!!!!!!!!!!' })),
  refused(missing('key-url-base64', `a ${KEY} in the other alphabet of base64`, { [KEY]: '-_-_-_-_-_-_-_-_-_-_-w==' })),
  refused(missing('key-no-padding', `a ${KEY} without padding`, { [KEY]: 'dGhlIHNhbXBsZSBub25jZQ' })),
  refused({
    id: 'two-keys',
    requirements: ['HS-09'],
    does: `two ${KEY} lines`,
    request: { more: [`${KEY}: ${base64(16)}`] },
  }),
  refused(missing('no-version', `no ${VERSION}`, { [VERSION]: null })),
  refused(missing('version-text', `${VERSION}: thirteen`, { [VERSION]: 'thirteen' })),
  refused(missing('version-zero', `${VERSION}: 013`, { [VERSION]: '013' })),
  refused({
    id: 'two-versions',
    requirements: ['HS-09'],
    does: `two ${VERSION} lines`,
    request: { more: [`${VERSION}: 8`] },
  }),
  ...[0, 7, 8, 12, 14, 255].map((version) =>
    refused({
      id: `version-${version}`,
      requirements: ['HS-03'],
      does: `${VERSION}: ${version}`,
      request: { change: { [VERSION]: `${version}` } },
      statuses: [426, 400],
      field: [VERSION, '13'],
      ...(version === 7 || version === 8 ? { tolerated: 'it speaks a draft of the protocol too' } : {}),
    }),
  ),
];

/** @type {readonly (readonly [id: string, does: string, line: string])[]} */
const BAD_LINES = [
  ['no-colon', 'a header line without a colon', 'X-Broken'],
  ['space-before-colon', 'a space in front of the colon', 'X-Broken : 1'],
  ['empty-name', 'a header line without a name', ': value'],
  ['name-with-space', 'a header name with a space in it', 'X Broken: 1'],
  ['nul-in-value', 'a NUL in a header value', 'X-Broken: a\0b'],
  ['bare-cr', 'a CR alone in a header value', 'X-Broken: a\rb'],
  ['control-in-name', 'a control character in a header name', 'X-\x01Broken: 1'],
];

const GRAMMAR = [
  ...BAD_LINES.map(([id, does, line]) => refused({ id, requirements: ['HS-02'], does, request: { more: [line] } })),
  refused({
    id: 'body-length',
    requirements: ['HS-02'],
    does: 'Content-Length: 5, and no body',
    request: { more: ['Content-Length: 5'] },
    tolerated: 'what follows is a body to HTTP and frames to WebSocket',
  }),
  refused({
    id: 'body-chunked',
    requirements: ['HS-02'],
    does: 'Transfer-Encoding: chunked',
    request: { more: ['Transfer-Encoding: chunked'] },
    tolerated: 'what follows is a body to HTTP and frames to WebSocket',
  }),
  ...['a;', ';a', 'a; =1', 'a; b=', 'a; b="', 'a; b="c', 'a b', 'a; b c', 'a; b="c d"', '"a"', 'a@b'].map((value, at) =>
    refused({
      id: `extensions-${at + 1}`,
      requirements: ['FR-23', 'HS-02'],
      does: `${EXTENSIONS}: ${value}`,
      request: { change: { [EXTENSIONS]: value } },
      tolerated: UNREAD,
    }),
  ),
  ...['a b', 'a/b', '"a"', 'a;b', 'a=b', 'chät'].map((value, at) =>
    refused({
      id: `protocol-${at + 1}`,
      requirements: ['HC-12', 'HS-02'],
      does: `${PROTOCOL}: ${value}`,
      request: { change: { [PROTOCOL]: value } },
      tolerated: UNREAD,
    }),
  ),
  refused({
    id: 'protocol-twice',
    requirements: ['HC-12', 'HS-02'],
    does: `${PROTOCOL}: chat, chat`,
    request: { change: { [PROTOCOL]: 'chat, chat' } },
    tolerated: UNREAD,
  }),
];

/** @type {(id: string, does: string, list: readonly string[], lines: readonly string[]) => Case} */
const protocols = (id, does, list, lines) =>
  upgraded({
    id,
    requirements: ['HS-06', 'HS-09'],
    does,
    request: { more: lines.map((line) => `${PROTOCOL}: ${line}`) },
    protocols: list,
    otherwise: 'a server may refuse clients that speak none of its subprotocols',
  });

const OFFERS = [
  upgraded({ id: 'no-subprotocol', requirements: ['HS-06'], does: 'no subprotocol offered', request: {} }),
  protocols('one-subprotocol', 'one subprotocol offered', ['chat'], ['chat']),
  protocols(
    'three-subprotocols',
    'three subprotocols offered',
    ['chat', 'superchat', 'x.v2'],
    ['chat, superchat,x.v2'],
  ),
  protocols('subprotocol-lines', 'subprotocols on two lines', ['chat', 'superchat'], ['chat', 'superchat']),
  protocols(
    'subprotocol-prototype',
    'subprotocols with the names of object members',
    ['__proto__', 'constructor'],
    ['__proto__, constructor'],
  ),
  upgraded({
    id: 'unknown-extension',
    requirements: ['HS-07'],
    does: 'an extension that nobody knows',
    request: { change: { [EXTENSIONS]: 'x-unknown; a=1; b="2"; c' } },
    extensions: ['x-unknown'],
  }),
  upgraded({
    id: 'extension-lines',
    requirements: ['HS-07', 'HS-09'],
    does: 'unknown extensions on two lines',
    request: { more: [`${EXTENSIONS}: x-one`, `${EXTENSIONS}: x-two; a`] },
    extensions: ['x-one', 'x-two'],
  }),
  upgraded({
    id: 'extension-prototype',
    requirements: ['HS-07'],
    does: 'extensions and parameters with the names of object members',
    request: { change: { [EXTENSIONS]: '__proto__; constructor=1, constructor; __proto__, toString' } },
    extensions: ['__proto__', 'constructor', 'toString'],
  }),
  upgraded({
    id: 'no-extension',
    requirements: ['HS-07'],
    does: 'no extension offered',
    request: { change: { [EXTENSIONS]: null } },
  }),
];

/**
 * @param {string} id
 * @param {string} does
 * @param {() => Buffer} head
 * @param {readonly import('../lib/case.mjs').Received[]} back
 * @param {number} [chop]
 * @returns {Case}
 */
const withHead = (id, does, head, back, chop) => ({
  id,
  requirements: ['HS-11'],
  does,
  expects: 'the connection opens and what came with the request is answered',
  run: async (trial) => {
    const peer = trial.keep(await openPeer(trial.target, { head: head(), ...(chop === undefined ? {} : { chop }) }));
    await peer.untilReceived(back.length);
    if (peer.faults.length > 0) return verdict('FAILED', peer.faults.join('; '));
    const isSame = back.every(
      ({ kind, data }, at) => peer.received[at]?.kind === kind && peer.received[at].data.equals(data),
    );
    return isSame ? verdict('OK') : verdict('FAILED', `${peer.received.length} of ${back.length} were answered`);
  },
});

const hello = (/** @type {string} */ payload) => frame({ opcode: TEXT, payload });

/** @type {Case} */
const HALF_FRAME = {
  id: 'head-half-frame',
  requirements: ['HS-11'],
  does: 'a request and half a frame in one segment, the other half later',
  expects: 'the connection opens and the message is answered',
  run: async (trial) => {
    const whole = hello('in two halves');
    const peer = await trial.open({ head: whole.subarray(0, 7) });
    peer.send(whole.subarray(7));
    await peer.untilReceived(1);
    return peer.received[0]?.data.toString() === 'in two halves'
      ? verdict('OK')
      : verdict('FAILED', 'it was not answered');
  },
};

const HEADS = [
  withHead('head-text', 'a request and a text in one segment', () => hello('early'), [text('early')]),
  withHead(
    'head-several',
    'a request, two texts and a ping in one segment',
    () => Buffer.concat([hello('one'), hello('two'), frame({ opcode: PING, payload: 'p' })]),
    [text('one'), text('two'), { kind: 'pong', data: Buffer.from('p') }],
  ),
  HALF_FRAME,
  withHead('octet-wise', 'a request and a text, octet by octet', () => hello('slow'), [text('slow')], 1),
];

/** @type {readonly Case[]} */
const POLICY = [
  {
    id: 'unknown-resource',
    requirements: ['HS-05'],
    does: 'a path that hardly exists',
    expects: '404, or another refusal; an upgrade: INFORMATIONAL, as an echo server may answer everywhere',
    run: async (trial) => {
      const answer = await asked(trial, requestText(trial.target, { path: '/no/such/resource-7f3a' }));
      if (answer.status === 101) return verdict('INFORMATIONAL', 'it answers on every path');
      return refusalVerdict(answer, {});
    },
  },
  {
    id: 'foreign-origin',
    requirements: ['HS-04', 'HS-12'],
    does: 'the Origin of another site',
    expects: '403; an upgrade: INFORMATIONAL, as a server for all sites need not look',
    run: async (trial) => {
      const answer = await asked(trial, requestText(trial.target, { more: ['Origin: https://attacker.example'] }));
      if (answer.status === 101) return verdict('INFORMATIONAL', 'it does not look at Origin');
      return refusalVerdict(answer, { statuses: [403] });
    },
  },
  {
    id: 'plain-http',
    requirements: ['HS-02'],
    does: 'a plain GET without any WebSocket header',
    expects: 'any HTTP answer but 101',
    run: async (trial) => {
      const answer = await asked(
        trial,
        `GET ${trial.target.path} HTTP/1.1\r\nHost: ${trial.target.authority}\r\nConnection: close\r\n\r\n`,
      );
      return answer.status !== 101 && answer.kind === 'response'
        ? verdict('OK')
        : verdict('FAILED', `answered ${answer.status || answer.kind}`);
    },
  },
  {
    id: 'many-keys',
    requirements: ['HS-08'],
    does: 'twenty connections with different keys',
    expects: 'the right Sec-WebSocket-Accept each time',
    run: async (trial) => {
      for (let count = 0; count < 20; count++) {
        const key = freshKey();
        const answer = await asked(trial, requestText(trial.target, { key }));
        const faults =
          answer.status === 101 ? faultsOfUpgrade(answer, key) : [`answered ${answer.status || answer.kind}`];
        if (faults.length > 0) return verdict('FAILED', faults.join('; '));
        answer.socket.destroy();
      }
      return verdict('OK');
    },
  },
  {
    id: 'garbage',
    requirements: ['HS-02', 'FR-26'],
    does: 'octets that are no HTTP',
    expects: 'an HTTP error or the end of TCP',
    run: async (trial) => {
      const answer = await ask(trial.target, (socket) =>
        writeChopped(socket, Buffer.from('160301020001000\r\n\r\n\0\xff\r\n\r\n', 'latin1'), 4),
      );
      trial.keep(answer.socket);
      if (answer.kind === 'silent' || answer.status === 101)
        return verdict('FAILED', `answered ${answer.status || answer.kind}`);
      return verdict('OK');
    },
  },
];

/** @type {import('../lib/case.mjs').Group} */
export const HANDSHAKE = {
  name: 'handshake',
  title: 'the opening handshake',
  cases: [...GOOD, ...WRONG, ...GRAMMAR, ...OFFERS, ...HEADS, ...POLICY],
};
