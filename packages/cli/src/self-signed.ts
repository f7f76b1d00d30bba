// A certificate for one run, so that wss can be tried without making one first. Node can sign but makes no certificates, so
// the few structures of X.509 (RFC 5280) that one needs are written here, in DER.

import { generateKeyPairSync, randomBytes, sign, X509Certificate } from 'node:crypto';
import { isIPv4, isIPv6 } from 'node:net';

export interface SelfSigned {
  /** In PEM format, as `node:https` takes them. */
  readonly cert: string;
  readonly key: string;
  /** SHA-256 of the certificate, in hex with colons, for comparing. */
  readonly fingerprint: string;
}

const DAY_MS = 86_400_000;
/** A clock that is a little off must not make it invalid. */
const VALID_MS = { before: DAY_MS, after: 30 * DAY_MS };

const OID = {
  ecdsaWithSha256: '2a8648ce3d040302',
  commonName: '550403',
  subjectAltName: '551d11',
  basicConstraints: '551d13',
  extendedKeyUsage: '551d25',
  serverAuth: '2b06010505070301',
};

/** A certificate for these names and addresses, and a fresh key on P-256. */
export function selfSigned(hosts: readonly string[], nowMs: number): SelfSigned {
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const algorithm = sequence(oid(OID.ecdsaWithSha256));
  const name = sequence(set(sequence(oid(OID.commonName), der(0x0c, Buffer.from('trunkline echo')))));
  const toBeSigned = sequence(
    der(0xa0, integer(Buffer.of(2))),
    integer(randomBytes(16)),
    algorithm,
    name,
    sequence(time(nowMs - VALID_MS.before), time(nowMs + VALID_MS.after)),
    name,
    publicKey.export({ type: 'spki', format: 'der' }),
    der(0xa3, sequence(...extensions(hosts))),
  );
  const signature = sign('sha256', toBeSigned, privateKey);
  const certificate = new X509Certificate(sequence(toBeSigned, algorithm, bits(signature)));
  return {
    cert: certificate.toString(),
    key: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
    fingerprint: certificate.fingerprint256,
  };
}

function extensions(hosts: readonly string[]): Buffer[] {
  const extension = (id: string, value: Buffer) => sequence(oid(id), der(0x04, value));
  return [
    extension(OID.subjectAltName, sequence(...[...new Set(hosts)].map(alternative))),
    extension(OID.basicConstraints, sequence()),
    extension(OID.extendedKeyUsage, sequence(oid(OID.serverAuth))),
  ];
}

function alternative(host: string): Buffer {
  if (isIPv4(host)) return der(0x87, Buffer.from(host.split('.').map(Number)));
  return isIPv6(host) ? der(0x87, ipv6Bytes(host)) : der(0x82, Buffer.from(host, 'latin1'));
}

function ipv6Bytes(address: string): Buffer {
  // The URL parser has one form for all: no embedded IPv4, and `::` at most once.
  const [head = '', tail] = new URL(`http://[${address.split('%')[0]}]`).hostname.slice(1, -1).split('::');
  const groups = (text: string) => (text === '' ? [] : text.split(':').map((group) => Number.parseInt(group, 16)));
  const [first, last] = [groups(head), groups(tail ?? '')];
  const all = [...first, ...Array<number>(8 - first.length - last.length).fill(0), ...last];
  return Buffer.from(all.flatMap((group) => [group >> 8, group & 0xff]));
}

function der(tag: number, ...contents: readonly Uint8Array[]): Buffer {
  const content = Buffer.concat(contents);
  const { length } = content;
  // Nothing here has 64 KiB.
  const header = length < 0x80 ? [length] : length < 0x100 ? [0x81, length] : [0x82, length >> 8, length & 0xff];
  return Buffer.concat([Buffer.of(tag, ...header), content]);
}

const sequence = (...contents: readonly Uint8Array[]) => der(0x30, ...contents);
const set = (...contents: readonly Uint8Array[]) => der(0x31, ...contents);
const oid = (hex: string) => der(0x06, Buffer.from(hex, 'hex'));
const bits = (content: Uint8Array) => der(0x03, Buffer.of(0), content);

/** Positive, as a serial number has to be, and without a leading zero byte that is not needed. */
function integer(bytes: Buffer): Buffer {
  const positive = Buffer.from(bytes);
  if (positive.length > 1) positive[0] = (positive.readUInt8(0) & 0x7f) | 0x40;
  return der(0x02, positive);
}

/** UTCTime, which ends in 2049. */
function time(ms: number): Buffer {
  const digits = new Date(ms).toISOString().replace(/\D/g, '').slice(2, 14);
  return der(0x17, Buffer.from(`${digits}Z`));
}
