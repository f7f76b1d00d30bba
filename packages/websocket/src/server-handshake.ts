/**
 * The opening handshake as a server sees it (RFC 6455 §4.2): a pure function from a request to a decision.
 * Each refusal says in one sentence what to do about it.
 */
import { hash } from 'node:crypto';
import { MisuseError } from './errors.js';
import {
  collectFields,
  type HeaderFields,
  isFieldValue,
  isToken,
  listsToken,
  parseExtensions,
  parseTokenList,
} from './header-fields.js';

const ACCEPT_GUID = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11';

/** What the decision depends on; Node's `IncomingMessage` has this shape. */
export interface UpgradeRequest {
  readonly method?: string | undefined;
  readonly url?: string | undefined;
  /** `1.1` */
  readonly httpVersion: string;
  /** Name, value, name, value, … as received. */
  readonly rawHeaders: readonly string[];
}

/** A handshake that an application may look at: in `check`, `protocols` and `open`. The engine does not keep it. */
export interface HandshakeInfo {
  /** The request target as received: `/line?x=1`. For a client: the URL it connected to. */
  readonly url: string;
  /** The target's path without its query. */
  readonly path: string;
  /** Of the request (server) or the response (client), by lower-case name, repeated ones joined by `, `. */
  readonly headers: HeaderFields;
  /** `Origin`, absent for programs that are not browsers. */
  readonly origin: string | undefined;
  /** Subprotocols the client asked for, in its order of preference. */
  readonly offeredProtocols: readonly string[];
  /** The peer's IP address as the socket tells it; empty if there is none (a pipe). */
  readonly address: string;
  /** Whether the connection is TLS. */
  readonly isSecure: boolean;
}

/** An HTTP answer in place of an upgrade. */
export interface Refusal {
  /** 400–599, or 300–399 with a `location` field. */
  readonly status: number;
  /** One sentence of help, the body of the answer. */
  readonly message: string;
  /** More header fields. */
  readonly headers?: Readonly<Record<string, string>>;
}

/** What a valid handshake says, over HTTP/1.1 and HTTP/2 alike. */
export interface Offers {
  readonly url: string;
  readonly path: string;
  readonly headers: HeaderFields;
  readonly offeredProtocols: readonly string[];
}

/** The request may be upgraded. */
export interface Upgrade extends Offers {
  readonly key: string;
}

/** Decides about a request. @param maxFields most header fields accepted. */
export function checkUpgrade(request: UpgradeRequest, maxFields: number): Upgrade | Refusal {
  if (request.rawHeaders.length > 2 * maxFields) return refuse(431, `Send at most ${maxFields} header fields.`);
  const { fields, repeated } = collectFields(request.rawHeaders);
  if (!isHttp11(request.httpVersion)) return refuse(400, 'A WebSocket handshake needs HTTP/1.1.');
  if (request.method !== 'GET') {
    return refuse(405, 'Open a WebSocket with a GET request.', { Allow: 'GET' });
  }
  const path = pathOf(request.url);
  if (path === null) return refuse(400, 'The request target must be a path or an http(s) or ws(s) URL.');
  if (fields.host === undefined || repeated.has('host')) return refuse(400, 'Send exactly one Host header.');
  if (!listsToken(fields.connection, 'upgrade')) return refuse(400, 'Send the header "Connection: Upgrade".');
  if (!listsToken(fields.upgrade, 'websocket')) return refuse(400, 'Send the header "Upgrade: websocket".');
  // A body would be read as frames by us and as a request by a careless proxy in front of us.
  const length = fields['content-length'];
  if ((length !== undefined && length !== '0') || fields['transfer-encoding'] !== undefined) {
    return refuse(400, 'A WebSocket handshake has no body.');
  }
  const version = fields['sec-websocket-version'];
  if (version !== '13') return refuseVersion(version);
  const key = fields['sec-websocket-key'];
  if (key === undefined || !isKey(key)) {
    return refuse(400, 'Send one Sec-WebSocket-Key: 16 random bytes in base64.');
  }
  const offers = readOffers(fields, request.url as string, path);
  return isRefusal(offers) ? offers : { key, ...offers };
}

/** Reads what both versions of HTTP carry in the same fields. */
export function readOffers(fields: HeaderFields, url: string, path: string): Offers | Refusal {
  const extensions = fields['sec-websocket-extensions'];
  if (extensions !== undefined && parseExtensions(extensions) === null) {
    return refuse(400, 'Sec-WebSocket-Extensions is malformed.');
  }
  const offered = fields['sec-websocket-protocol'];
  const offeredProtocols = offered === undefined ? [] : parseTokenList(offered);
  if (offeredProtocols === null || new Set(offeredProtocols).size !== offeredProtocols.length) {
    return refuse(400, 'Sec-WebSocket-Protocol must be a list of different tokens.');
  }
  return { url, path, headers: fields, offeredProtocols };
}

export function isRefusal(decision: object): decision is Refusal {
  return 'status' in decision;
}

/** `Sec-WebSocket-Accept` for a key (§4.2.2). */
export function acceptFor(key: string): string {
  return hash('sha1', key + ACCEPT_GUID, 'base64');
}

/**
 * The 101 response.
 * @param protocol the chosen subprotocol. @param extensions the chosen extension with its parameters.
 * Where one is empty its field is absent (§4.2.2).
 */
export function upgradeResponse(key: string, protocol: string, extensions = ''): string {
  const protocolField = protocol === '' ? '' : `Sec-WebSocket-Protocol: ${protocol}\r\n`;
  const chosen = extensions === '' ? protocolField : `${protocolField}Sec-WebSocket-Extensions: ${extensions}\r\n`;
  return `HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${acceptFor(key)}\r\n${chosen}\r\n`;
}

const REASONS: Readonly<Record<number, string>> = {
  400: 'Bad Request',
  401: 'Unauthorized',
  403: 'Forbidden',
  404: 'Not Found',
  405: 'Method Not Allowed',
  426: 'Upgrade Required',
  429: 'Too Many Requests',
  431: 'Request Header Fields Too Large',
  500: 'Internal Server Error',
  503: 'Service Unavailable',
};

/** @throws MisuseError for a status or header field that an application may not answer with (CVE-2026-1527: line breaks). */
export function checkRefusal(refusal: Refusal): void {
  if (!Number.isInteger(refusal.status) || refusal.status < 300 || refusal.status > 599) {
    throw new MisuseError('invalid_argument', 'a refusal has a status from 300 to 599');
  }
  for (const [name, value] of Object.entries(refusal.headers ?? {})) {
    if (!isToken(name) || !isFieldValue(value)) {
      throw new MisuseError(
        'invalid_header',
        `the header ${JSON.stringify(name)} of a refusal must be one line of Latin-1`,
      );
    }
  }
}

/** The bytes of a refusal; the connection is closed after it. @throws MisuseError as `checkRefusal`. */
export function refusalResponse(refusal: Refusal): Buffer {
  checkRefusal(refusal);
  const body = Buffer.from(`${refusal.message}\n`);
  let head = `HTTP/1.1 ${refusal.status} ${REASONS[refusal.status] ?? 'Refused'}\r\nConnection: close\r\n`;
  head += `Content-Type: text/plain; charset=utf-8\r\nContent-Length: ${body.length}\r\n`;
  for (const [name, value] of Object.entries(refusal.headers ?? {})) head += `${name}: ${value}\r\n`;
  return Buffer.concat([Buffer.from(`${head}\r\n`, 'latin1'), body]);
}

function refuse(status: number, message: string, headers: Readonly<Record<string, string>> = {}): Refusal {
  return { status, message, headers };
}

/** §4.4: a version we do not speak gets 426 and the one we do; something that is no version at all gets 400. */
function refuseVersion(version: string | undefined): Refusal {
  const headers = { 'Sec-WebSocket-Version': '13' };
  const isNumber =
    version !== undefined && version.length <= 3 && isToken(version) && Number.isInteger(Number(version));
  return isNumber
    ? refuse(426, 'Only version 13 of the WebSocket protocol is spoken here.', headers)
    : refuse(400, 'Send one header "Sec-WebSocket-Version: 13".', headers);
}

function isHttp11(version: string): boolean {
  if (version === '1.1') return true;
  const [major = 0, minor = 0] = version.split('.', 2).map(Number);
  return major > 1 || (major === 1 && minor >= 1);
}

/** Exactly the base64 of 16 bytes: 22 characters and two signs of padding. */
function isKey(key: string): boolean {
  if (key.length !== 24 || key.charCodeAt(22) !== 0x3d || key.charCodeAt(23) !== 0x3d) return false;
  for (let at = 0; at < 22; at++) {
    const code = key.charCodeAt(at);
    const isDigit = code >= 0x30 && code <= 0x39;
    const isLetter = (code >= 0x41 && code <= 0x5a) || (code >= 0x61 && code <= 0x7a);
    if (!isDigit && !isLetter && code !== 0x2b && code !== 0x2f) return false;
  }
  return true;
}

/** The path of a request target, absolute form included (RFC 9112 §3.2.2); the authority in it is not used. */
export function pathOf(target: string | undefined): string | null {
  if (target === undefined || target.includes('#')) return null;
  let start = 0;
  if (!target.startsWith('/')) {
    const scheme = target.indexOf('://');
    if (scheme < 0 || !['http', 'https', 'ws', 'wss'].includes(target.slice(0, scheme).toLowerCase())) return null;
    start = scheme + 3;
    while (start < target.length && target[start] !== '/' && target[start] !== '?') start++;
  }
  const query = target.indexOf('?', start);
  const path = query < 0 ? target.slice(start) : target.slice(start, query);
  return path === '' ? '/' : path;
}
