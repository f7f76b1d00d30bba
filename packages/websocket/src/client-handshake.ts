/**
 * The opening handshake as a client sees it (RFC 6455 §3, §4.1): what to ask, and whether the answer is one.
 * Pure: bytes in, a decision out. Redirects are not followed and nothing is sent to another host than the URL's.
 */
import { BreachError, MisuseError, TransportError } from './errors.js';
import { collectFields, type HeaderFields, isFieldValue, isToken, listsToken, trimSpace } from './header-fields.js';
import { acceptFor } from './server-handshake.js';

/** Where a URL leads. */
export interface Target {
  /** As given, serialised. */
  readonly url: string;
  readonly isSecure: boolean;
  /** Name or address, without the brackets of an IPv6 address. */
  readonly hostname: string;
  readonly port: number;
  /** `Host`: the port only when it is not the scheme's default. */
  readonly host: string;
  /** Path and query (§3). */
  readonly resource: string;
  readonly path: string;
}

/** @throws MisuseError if it is not a ws or wss URL, or has a fragment or credentials. */
export function parseTarget(given: string | URL): Target {
  const text = String(given);
  let url: URL;
  try {
    url = new URL(text);
  } catch {
    throw new MisuseError('invalid_url', `not a URL: ${JSON.stringify(text)}`);
  }
  if (url.protocol !== 'ws:' && url.protocol !== 'wss:') {
    throw new MisuseError('invalid_url', `a WebSocket URL begins with ws: or wss:, not ${url.protocol}`);
  }
  if (text.includes('#')) throw new MisuseError('invalid_url', 'a WebSocket URL has no fragment; write # as %23');
  if (url.username !== '' || url.password !== '') {
    throw new MisuseError('invalid_url', 'put credentials into the headers option, not into the URL');
  }
  const isSecure = url.protocol === 'wss:';
  const port = url.port === '' ? (isSecure ? 443 : 80) : Number(url.port);
  if (port === 0) throw new MisuseError('invalid_url', 'port 0 cannot be connected to');
  return {
    url: url.href,
    isSecure,
    hostname: url.hostname.startsWith('[') ? url.hostname.slice(1, -1) : url.hostname,
    port,
    host: url.host,
    resource: url.pathname + url.search,
    path: url.pathname,
  };
}

/** @throws MisuseError unless all are tokens and different (§4.1). */
export function checkProtocols(protocols: readonly string[]): void {
  if (!protocols.every((name) => typeof name === 'string' && isToken(name))) {
    throw new MisuseError('invalid_argument', "a subprotocol is a token: letters, digits and !#$%&'*+-.^_`|~");
  }
  if (new Set(protocols).size !== protocols.length) {
    throw new MisuseError('invalid_argument', 'the same subprotocol is named twice');
  }
}

/** What the handshake itself sets. */
const OWN_FIELDS = new Set(['host', 'upgrade', 'connection', 'content-length', 'transfer-encoding', 'te', 'trailer']);

/**
 * The request head.
 * @param key base64 of 16 fresh random bytes. @param extensions what is offered, empty for nothing.
 * @throws MisuseError for a header that is not one line of a field, or that the handshake sets (CVE-2026-1527: a line
 * break in an option smuggled a second request).
 */
export function buildRequest(
  target: Target,
  key: string,
  protocols: readonly string[],
  headers: Readonly<Record<string, string>>,
  extensions = '',
): string {
  checkProtocols(protocols);
  let head = `GET ${target.resource} HTTP/1.1\r\nHost: ${target.host}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n`;
  head += `Sec-WebSocket-Key: ${key}\r\nSec-WebSocket-Version: 13\r\n`;
  if (protocols.length > 0) head += `Sec-WebSocket-Protocol: ${protocols.join(', ')}\r\n`;
  if (extensions !== '') head += `Sec-WebSocket-Extensions: ${extensions}\r\n`;
  for (const [name, value] of Object.entries(headers)) {
    const lower = name.toLowerCase();
    if (!isToken(name) || OWN_FIELDS.has(lower) || lower.startsWith('sec-websocket-')) {
      throw new MisuseError('invalid_header', `the header ${JSON.stringify(name)} cannot be set`);
    }
    if (typeof value !== 'string' || !isFieldValue(value)) {
      throw new MisuseError('invalid_header', `the value of header ${name} must be one line of Latin-1 text`);
    }
    head += `${name}: ${value}\r\n`;
  }
  return `${head}\r\n`;
}

/** A complete response head. */
export interface ResponseHead {
  readonly text: string;
  readonly status: number;
  readonly fields: HeaderFields;
  readonly repeated: ReadonlySet<string>;
}

const CR = 0x0d;
const LF = 0x0a;

/** Collects a response head that may come in any pieces; each byte is looked at once (CVE-2023-43669). */
export class ResponseReader {
  #buffer = Buffer.allocUnsafe(1_024);
  #length = 0;
  #searched = 0;

  constructor(
    readonly maxBytes: number,
    readonly maxFields: number,
  ) {}

  /**
   * @returns `null` while the head is incomplete, else the head and the bytes behind it, which are frames (§4.1).
   * @throws BreachError if it is not an HTTP/1.1 response head, or too large.
   */
  push(chunk: Uint8Array): { head: ResponseHead; rest: Uint8Array } | null {
    // Whatever is behind the head in this chunk is not kept: at most one byte past the limit is.
    const taken = Math.min(chunk.length, this.maxBytes + 1 - this.#length);
    this.#append(chunk, taken);
    const end = this.#findEnd();
    if (end < 0) {
      if (this.#length > this.maxBytes) throw invalid(`the response head is larger than ${this.maxBytes} bytes`);
      return null;
    }
    if (end > this.maxBytes) throw invalid(`the response head is larger than ${this.maxBytes} bytes`);
    const usedOfChunk = taken - (this.#length - end);
    const head = parseHead(this.#buffer.toString('latin1', 0, end), this.maxFields);
    return { head, rest: chunk.subarray(usedOfChunk) };
  }

  #append(chunk: Uint8Array, bytes: number): void {
    const length = this.#length + bytes;
    if (length > this.#buffer.length) {
      const grown = Buffer.allocUnsafe(Math.max(length, 2 * this.#buffer.length));
      this.#buffer.copy(grown, 0, 0, this.#length);
      this.#buffer = grown;
    }
    this.#buffer.set(chunk.subarray(0, bytes), this.#length);
    this.#length = length;
  }

  /** @returns where the head ends, behind its empty line; -1 if it has not ended. */
  #findEnd(): number {
    const buffer = this.#buffer;
    for (let at = Math.max(this.#searched, 3); at < this.#length; at++) {
      if (buffer[at] !== LF || buffer[at - 1] !== CR) continue;
      if (buffer[at - 2] === LF && buffer[at - 3] === CR) return at + 1;
    }
    this.#searched = this.#length;
    return -1;
  }
}

/** @param text with its empty line. @throws BreachError for anything that is not a response head. */
function parseHead(text: string, maxFields: number): ResponseHead {
  const lineEnd = text.indexOf('\r\n');
  const status = parseStatusLine(text.slice(0, lineEnd));
  const raw: string[] = [];
  for (let at = lineEnd + 2; at < text.length - 2; ) {
    const end = text.indexOf('\r\n', at);
    const colon = text.indexOf(':', at);
    const name = colon < 0 || colon > end ? '' : text.slice(at, colon);
    const value = colon < 0 ? '' : trimSpace(text.slice(colon + 1, end));
    if (!isToken(name) || !isFieldValue(value)) throw invalid('the response has a malformed header field');
    raw.push(name, value);
    if (raw.length > 2 * maxFields) throw invalid(`the response has more than ${maxFields} header fields`);
    at = end + 2;
  }
  return { text, status, ...collectFields(raw) };
}

/** `HTTP/1.1 101 Switching Protocols`; the phrase is optional and not looked at. */
function parseStatusLine(line: string): number {
  const digits = line.slice(9, 12);
  const isWhole = line.length === 12 || line.charCodeAt(12) === 0x20;
  const status = digits.length === 3 && Array.from(digits).every((digit) => digit >= '0' && digit <= '9');
  if (!line.startsWith('HTTP/1.1 ') || !isWhole || !status || !isFieldValue(line)) {
    throw invalid('the answer is not an HTTP/1.1 response');
  }
  return Number(digits);
}

/**
 * Judges a response (§4.1), but for an answer to offered extensions: `checkAnswer` does that.
 * @param hasOffered whether any extension was offered.
 * @returns the subprotocol agreed on, empty for none.
 * @throws TransportError `handshake_refused` for any status but 101. @throws BreachError for a wrong 101.
 */
export function checkResponse(
  head: ResponseHead,
  key: string,
  protocols: readonly string[],
  hasOffered = false,
): string {
  const { fields, repeated, status } = head;
  if (status !== 101) {
    throw new TransportError('handshake_refused', `the server answered the handshake with status ${status}`, {
      status,
    });
  }
  if (fields.upgrade?.toLowerCase() !== 'websocket') throw invalid('the response lacks "Upgrade: websocket"');
  if (!listsToken(fields.connection, 'upgrade')) throw invalid('the response lacks "Connection: Upgrade"');
  if (fields['sec-websocket-accept'] !== acceptFor(key)) throw invalid('Sec-WebSocket-Accept is wrong');
  if (fields['sec-websocket-extensions'] !== undefined && !hasOffered) {
    throw invalid('the server chose an extension nobody offered');
  }
  const protocol = fields['sec-websocket-protocol'];
  if (protocol === undefined) return '';
  if (repeated.has('sec-websocket-protocol') || !protocols.includes(protocol)) {
    throw invalid('the server chose a subprotocol nobody asked for');
  }
  return protocol;
}

function invalid(message: string): BreachError {
  return new BreachError('handshake_invalid', 1006, message);
}
