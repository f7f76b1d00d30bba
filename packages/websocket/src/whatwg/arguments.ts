/** Arguments as the standard converts and checks them (WHATWG websockets §3.1, Web IDL). Pure. */
import { unescape as percentDecode } from 'node:querystring';
import { MAX_REASON_BYTES } from '../close-codes.js';
import { isToken } from '../header-fields.js';

/** A WebSocket URL. Relative ones are resolved against `location`, where the program has one. */
export function toUrl(given: unknown): URL {
  const text = String(given);
  const { location } = globalThis as { readonly location?: { readonly href?: string } };
  let url: URL;
  try {
    url = new URL(text, location?.href);
  } catch {
    throw syntaxError(`not a URL: ${JSON.stringify(text)}`);
  }
  if (url.protocol === 'http:') url.protocol = 'ws:';
  if (url.protocol === 'https:') url.protocol = 'wss:';
  if (url.protocol !== 'ws:' && url.protocol !== 'wss:') {
    throw syntaxError(`a WebSocket URL begins with ws:, wss:, http: or https:, not ${url.protocol}`);
  }
  // Not `url.hash`: that is empty for an empty fragment, which is refused too.
  if (url.href.includes('#')) throw syntaxError('a WebSocket URL has no fragment; write # as %23');
  return url;
}

/** A subprotocol, or any iterable of them. */
export function toProtocols(given: unknown): string[] {
  const isSequence = typeof given === 'object' && given !== null && Symbol.iterator in given;
  const protocols =
    given === undefined ? [] : isSequence ? Array.from(given as Iterable<unknown>, String) : [`${given}`];
  for (const name of protocols) {
    if (!isToken(name)) throw syntaxError(`${JSON.stringify(name)} is not a subprotocol: it must be a token`);
  }
  if (new Set(protocols.map((name) => name.toLowerCase())).size !== protocols.length) {
    throw syntaxError('the same subprotocol is named twice');
  }
  return protocols;
}

/** `Authorization: Basic` for the credentials in a URL, if it has any. */
export function authorizationOf({ username, password }: URL): string | undefined {
  if (username === '' && password === '') return undefined;
  return `Basic ${Buffer.from(`${percentDecode(username)}:${percentDecode(password)}`).toString('base64')}`;
}

/** Text, bytes (a view, not a copy) or a blob; anything else is text, as `String` makes it. */
export function toMessage(data: unknown): string | Uint8Array | Blob {
  if (typeof data === 'string') return data;
  if (data instanceof ArrayBuffer) return new Uint8Array(data);
  if (ArrayBuffer.isView(data)) {
    if (!(data.buffer instanceof ArrayBuffer)) throw new TypeError('shared memory cannot be sent: copy it first');
    return new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
  }
  if (data instanceof Blob) return data;
  return `${data}`;
}

/** Size of a message's payload. */
export function payloadBytes(message: string | Uint8Array | Blob): number {
  if (typeof message === 'string') return Buffer.byteLength(message);
  return message instanceof Blob ? message.size : message.byteLength;
}

/** What `close` was called with. `code` is null for a close frame without a body. */
export interface CloseArguments {
  readonly code: number | null;
  readonly reason: string;
}

export function toCloseArguments(givenCode: unknown, givenReason: unknown): CloseArguments {
  const code = givenCode === undefined ? null : clamp(Number(givenCode));
  const reason = givenReason === undefined ? '' : String(givenReason);
  if (code !== null && code !== 1000 && !(code >= 3000 && code <= 4999)) {
    throw new DOMException(`a close code is 1000 or 3000-4999, not ${code}`, 'InvalidAccessError');
  }
  if (Buffer.byteLength(reason) > MAX_REASON_BYTES) {
    throw syntaxError(`a close reason has at most ${MAX_REASON_BYTES} bytes of UTF-8`);
  }
  // A reason needs a code before it.
  return { code: code ?? (reason === '' ? null : 1000), reason };
}

/** `[Clamp] unsigned short`: into range, then to the nearest integer, ties to the even one. */
function clamp(value: number): number {
  if (Number.isNaN(value)) return 0;
  const inRange = Math.min(Math.max(value, 0), 65_535);
  const low = Math.floor(inRange);
  if (inRange - low !== 0.5) return Math.round(inRange);
  return low % 2 === 0 ? low : low + 1;
}

function syntaxError(message: string): DOMException {
  return new DOMException(message, 'SyntaxError');
}
