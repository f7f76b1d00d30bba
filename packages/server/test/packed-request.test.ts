// The request that opened a connection, as it is kept: all of it that says something about the visitor.

import { expect, it } from 'vitest';
import { PackedRequest } from '../src/packed-request.js';

function packed(headers: Record<string, string | undefined>): PackedRequest {
  return new PackedRequest('/line?x=1', 'https://a.example', '1.2.3.4', headers);
}

it('gives back what it was given, each time', () => {
  const headers = { host: 'a.example', cookie: 'session=1; theme=é', 'x-empty': '', accept: 'a, b' };
  const request = packed({ ...headers, 'x-absent': undefined });
  expect({ ...request.headers }).toEqual(headers);
  expect({ ...request.headers }).toEqual(headers);
  expect(request).toMatchObject({ url: '/line?x=1', origin: 'https://a.example', address: '1.2.3.4' });
});

it('leaves out what belongs to the handshake', () => {
  const request = packed({
    host: 'a.example',
    connection: 'Upgrade',
    upgrade: 'websocket',
    'sec-websocket-key': 'x',
    'sec-websocket-version': '13',
    'sec-websocket-extensions': 'permessage-deflate',
    'sec-websocket-protocol': 'trunkline.v1.json',
  });
  expect(Object.keys(request.headers)).toEqual(['host', 'sec-websocket-protocol']);
});

it('a header is data, whatever its name', () => {
  const request = packed(JSON.parse('{"__proto__":"evil","constructor":"too"}'));
  expect(Object.entries(request.headers)).toEqual([
    ['__proto__', 'evil'],
    ['constructor', 'too'],
  ]);
  expect(request.headers.host).toBeUndefined();
});

it('no headers are no headers', () => {
  expect(Object.entries(packed({}).headers)).toEqual([]);
});

it('keeps many visitors apart', () => {
  const requests = Array.from({ length: 600 }, (_, index) => packed({ cookie: `visitor=${index % 300}` }));
  expect(requests.map(({ headers }) => headers.cookie)).toEqual(requests.map((_, index) => `visitor=${index % 300}`));
});
