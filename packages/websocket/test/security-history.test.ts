/** The rows of the security history that other files do not hold, and the check that every id has a test. */
import { readdirSync, readFileSync } from 'node:fs';
import { constants, deflateRawSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { checkAnswer, chooseOffer, resolveCompression } from '../src/compression.js';
import { BreachError, checkUpgrade } from '../src/index.js';
import { APPLYING, NOT_APPLYING } from './security-history.js';
import { fakeRequest } from './support/node.js';
import { Recorded } from './support/recorded.js';
import { frame, hex, masked, PING, plain, TEXT } from './support/wire.js';

function compression() {
  const settings = resolveCompression(true);
  if (settings === null) throw new Error('true means compression');
  return settings;
}

describe('security history', () => {
  const here = new URL('.', import.meta.url);
  const names = readdirSync(here)
    .filter((name) => name.endsWith('.test.ts'))
    .flatMap((name) => readFileSync(new URL(name, here), 'utf8').split('\n'))
    .filter((line) => /^\s*it\(/.test(line))
    .join('\n');

  it('has a test for each id that applies', () => {
    const words = new Set(names.split(/[\s'"`(]+/));
    expect(APPLYING.filter((id) => !words.has(id))).toEqual([]);
  });

  it('has a reason for each id that does not, and no id twice', () => {
    expect(APPLYING.filter((id) => id in NOT_APPLYING)).toEqual([]);
    expect(new Set(APPLYING).size).toBe(APPLYING.length);
    expect(Object.values(NOT_APPLYING).every((reason) => reason.endsWith('.'))).toBe(true);
  });

  it('knows every CVE that a test names', () => {
    const known = new Set([...APPLYING, ...Object.keys(NOT_APPLYING)]);
    expect([...new Set(names.match(/\b(?:CVE|GHSA|PRISMA)-[\w-]+/g))].filter((id) => !known.has(id))).toEqual([]);
  });
});

describe('regressions', () => {
  it('CVE-2026-2229 window bits outside 8 to 15 never reach zlib', () => {
    for (const bits of ['0', '7', '16', '1000', '-8', '08', '8.5', 'x', '']) {
      const field = `permessage-deflate; server_max_window_bits=${bits}`;
      expect(chooseOffer(field, compression()), bits).toBe(null);
      expect(() => checkAnswer(field, compression()), bits).toThrow(BreachError);
    }
  });

  it('CVE-2026-54490 CVE-2018-1000518 nats#7625 the limit is on the inflated bytes', () => {
    const agreed = chooseOffer('permessage-deflate', compression());
    if (agreed === null) throw new Error('the offer is one that is taken');
    const verdict = (bytes: number): number | undefined => {
      const packed = deflateRawSync(Buffer.alloc(bytes), { finishFlush: constants.Z_SYNC_FLUSH }).subarray(0, -4);
      expect(packed.length).toBeLessThan(1_000);
      const server = new Recorded({ limits: { maxMessageBytes: 100_000 }, compression: agreed });
      return server.receive(frame({ opcode: 2, payload: packed, rsv: 4, mask: '01020304' })).sentClose;
    };
    expect(verdict(100_000)).toBe(undefined);
    expect(verdict(100_001)).toBe(1009);
  });

  it('CVE-2026-54466 no version but 13 is spoken, no draft of another key', () => {
    const versions: readonly (string | undefined)[] = [
      undefined,
      '',
      '0',
      '7',
      '8',
      '12',
      '14',
      '13.0',
      '1e1',
      '13, 8',
    ];
    for (const version of versions) {
      const { rawHeaders } = fakeRequest();
      rawHeaders.splice(-2, 2, ...(version === undefined ? [] : ['Sec-WebSocket-Version', version]));
      rawHeaders.push('Sec-WebSocket-Key1', '4 @1  46546xW%0l 1 5', 'Sec-WebSocket-Key2', '12998 5 Y3 1  .P00');
      const decision = checkUpgrade({ method: 'GET', url: '/', httpVersion: '1.1', rawHeaders }, 100);
      expect(decision, version).toHaveProperty('status');
    }
  });

  it('nopoll#84 a 64-bit length is not cut down to 32 bits', () => {
    for (const role of ['server', 'client'] as const) {
      // The low half alone would be a valid length of 1.
      const server = new Recorded({ role }).receive(
        hex(`82 ${role === 'server' ? 'ff' : '7f'} 00000001 00000001 00000000 00`),
      );
      expect(server.sentClose).toBe(1009);
      expect(server.events.map(({ type }) => type)).toEqual(['failed', 'closed']);
    }
  });

  it('tyrus#954 pings on a blocked connection queue one pong', () => {
    const server = new Recorded();
    server.connection.setBlocked(true);
    for (let n = 0; n < 900; n++) server.receive(masked(PING, Buffer.of(n & 0xff)));
    expect(server.connection.outgoingBytes).toBe(0);
    server.connection.setBlocked(false);
    expect(server.frames.map(({ payload }) => payload.toString('hex'))).toEqual(['83']);
  });

  it('aiohttp frames of a client without a mask are refused', () => {
    expect(new Recorded().receive(plain(TEXT, 'x')).sentClose).toBe(1002);
  });

  it('GHSA-c4j6-fc7j-m34r an absolute request target is a path to us, nothing is asked of its host', () => {
    const { rawHeaders } = fakeRequest();
    const url = 'http://internal.example:8080/admin?x=1';
    expect(checkUpgrade({ method: 'GET', url, httpVersion: '1.1', rawHeaders }, 100)).toMatchObject({ path: '/admin' });
    for (const other of ['internal.example:80', '*', 'file:///etc/passwd', 'gopher://x/']) {
      expect(checkUpgrade({ method: 'GET', url: other, httpVersion: '1.1', rawHeaders }, 100)).toHaveProperty(
        'status',
        400,
      );
    }
  });
});
