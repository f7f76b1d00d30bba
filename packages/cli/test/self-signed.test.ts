import { createPrivateKey, X509Certificate } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { selfSigned } from '../src/self-signed.js';

const NOW_MS = Date.UTC(2031, 4, 6, 7, 8, 9);

describe('a certificate for one run', () => {
  it('is signed by its own key, valid for a month, and for a server only', () => {
    const { cert, key, fingerprint } = selfSigned(['localhost'], NOW_MS);
    const certificate = new X509Certificate(cert);
    expect(certificate.verify(certificate.publicKey)).toBe(true);
    expect(certificate.checkPrivateKey(createPrivateKey(key))).toBe(true);
    expect(certificate.fingerprint256).toBe(fingerprint);
    expect(certificate.subject).toBe('CN=trunkline echo');
    expect(certificate.checkIssued(certificate)).toBe(true);
    expect(certificate.ca).toBe(false);
    expect(certificate.keyUsage).toEqual(['1.3.6.1.5.5.7.3.1']);
    expect([certificate.validFrom, certificate.validTo]).toEqual([
      'May  5 07:08:09 2031 GMT',
      'Jun  5 07:08:09 2031 GMT',
    ]);
  });

  it.each([
    ['localhost', 'DNS:localhost'],
    ['my-host.example', 'DNS:my-host.example'],
    ['127.0.0.1', 'IP Address:127.0.0.1'],
    ['::1', 'IP Address:0:0:0:0:0:0:0:1'],
    ['::', 'IP Address:0:0:0:0:0:0:0:0'],
    ['2001:db8::ff00:42:8329', 'IP Address:2001:DB8:0:0:0:FF00:42:8329'],
    ['1:2:3:4:5:6:7:8', 'IP Address:1:2:3:4:5:6:7:8'],
    ['::ffff:127.0.0.1', 'IP Address:0:0:0:0:0:FFFF:7F00:1'],
  ])('is for %s', (host, shown) => {
    const certificate = new X509Certificate(selfSigned([host, host], NOW_MS).cert);
    expect(certificate.subjectAltName).toBe(shown);
    if (shown.startsWith('DNS')) expect(certificate.checkHost(host)).toBe(host);
    else expect(certificate.checkIP(host)).toBe(host);
  });

  it('is another one each time', () => {
    const [one, two] = [selfSigned(['localhost'], NOW_MS), selfSigned(['localhost'], NOW_MS)];
    expect(one.key).not.toBe(two.key);
    expect(new X509Certificate(one.cert).serialNumber).not.toBe(new X509Certificate(two.cert).serialNumber);
  });
});
