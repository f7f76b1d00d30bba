/**
 * Grammar of header fields: tokens, lists, `Sec-WebSocket-Extensions` (RFC 9110 §5.6, RFC 6455 §9.1). Everything is
 * read in a single pass by hand. No regular expression ever sees a peer's bytes (CVE-2021-32640, CVE-2020-7662), and
 * no map has a prototype: a field named `__proto__` is data like any other.
 */

/** `tchar` of RFC 9110 §5.6.2. */
const TOKEN_CHARS = tokenChars();

function tokenChars(): Uint8Array {
  const table = new Uint8Array(128);
  for (const char of "!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ") {
    table[char.charCodeAt(0)] = 1;
  }
  return table;
}

function isTokenCode(code: number): boolean {
  return code < 128 && TOKEN_CHARS[code] === 1;
}

/** Whether the text is an RFC 9110 token: not empty, no spaces, no separators. */
export function isToken(text: string): boolean {
  if (text.length === 0) return false;
  for (let at = 0; at < text.length; at++) {
    if (!isTokenCode(text.charCodeAt(at))) return false;
  }
  return true;
}

/** Whether the text may be the value of a header field: no control characters, nothing above U+00FF (§5.5). */
export function isFieldValue(text: string): boolean {
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if ((code < 0x20 && code !== 0x09) || code === 0x7f || code > 0xff) return false;
  }
  return true;
}

const TAB = 0x09;
const SPACE = 0x20;
const QUOTE = 0x22;
const COMMA = 0x2c;
const SEMICOLON = 0x3b;
const EQUALS = 0x3d;
const BACKSLASH = 0x5c;

function skipSpace(text: string, from: number): number {
  let at = from;
  while (at < text.length && (text.charCodeAt(at) === SPACE || text.charCodeAt(at) === TAB)) at++;
  return at;
}

/** Without the spaces and tabs around it (OWS of RFC 9110 §5.6.3), and nothing else. */
export function trimSpace(text: string): string {
  const start = skipSpace(text, 0);
  let end = text.length;
  while (end > start && (text.charCodeAt(end - 1) === SPACE || text.charCodeAt(end - 1) === TAB)) end--;
  return text.slice(start, end);
}

function skipToken(text: string, from: number): number {
  let at = from;
  while (at < text.length && isTokenCode(text.charCodeAt(at))) at++;
  return at;
}

/** A comma-separated list of tokens, none of them missing; `null` if it is anything else. */
export function parseTokenList(text: string): string[] | null {
  const tokens: string[] = [];
  let at = 0;
  for (;;) {
    const start = skipSpace(text, at);
    const end = skipToken(text, start);
    if (end === start) return null;
    tokens.push(text.slice(start, end));
    at = skipSpace(text, end);
    if (at === text.length) return tokens;
    if (text.charCodeAt(at) !== COMMA) return null;
    at++;
  }
}

/**
 * Whether a comma-separated list names a token, ASCII case ignored. Empty elements are ignored, as RFC 9110 §5.6.1
 * asks of recipients; an element that is not a plain token just does not match.
 */
export function listsToken(text: string | undefined, token: string): boolean {
  if (text === undefined) return false;
  let at = 0;
  while (at < text.length) {
    const start = skipSpace(text, at);
    const end = skipToken(text, start);
    const after = skipSpace(text, end);
    const isWhole = after === text.length || text.charCodeAt(after) === COMMA;
    if (isWhole && end - start === token.length && text.slice(start, end).toLowerCase() === token) return true;
    at = after;
    while (at < text.length && text.charCodeAt(at) !== COMMA) at++;
    at++;
  }
  return false;
}

/** One element of `Sec-WebSocket-Extensions`; a parameter without a value has `null`. */
export interface ExtensionOffer {
  readonly name: string;
  readonly parameters: readonly (readonly [name: string, value: string | null])[];
}

/** The extensions offered or chosen, in order; `null` if the grammar of §9.1 is violated. */
export function parseExtensions(text: string): ExtensionOffer[] | null {
  const offers: ExtensionOffer[] = [];
  let at = 0;
  for (;;) {
    const start = skipSpace(text, at);
    const end = skipToken(text, start);
    if (end === start) return null;
    const parameters: [string, string | null][] = [];
    at = skipSpace(text, end);
    while (text.charCodeAt(at) === SEMICOLON) {
      const nameStart = skipSpace(text, at + 1);
      const nameEnd = skipToken(text, nameStart);
      if (nameEnd === nameStart) return null;
      const name = text.slice(nameStart, nameEnd);
      at = skipSpace(text, nameEnd);
      if (text.charCodeAt(at) !== EQUALS) {
        parameters.push([name, null]);
        continue;
      }
      const value = parseValue(text, skipSpace(text, at + 1));
      if (value === null) return null;
      parameters.push([name, value.text]);
      at = skipSpace(text, value.end);
    }
    offers.push({ name: text.slice(start, end), parameters });
    if (at === text.length) return offers;
    if (text.charCodeAt(at) !== COMMA) return null;
    at++;
  }
}

/** A token, or a quoted string that is a token once unescaped (§9.1). */
function parseValue(text: string, start: number): { text: string; end: number } | null {
  if (text.charCodeAt(start) !== QUOTE) {
    const end = skipToken(text, start);
    return end === start ? null : { text: text.slice(start, end), end };
  }
  let value = '';
  for (let at = start + 1; at < text.length; at++) {
    let code = text.charCodeAt(at);
    if (code === QUOTE) return value === '' ? null : { text: value, end: at + 1 };
    if (code === BACKSLASH) code = text.charCodeAt(++at);
    if (!isTokenCode(code)) return null;
    value += String.fromCharCode(code);
  }
  return null;
}

/** Header fields by lower-case name; repeated fields are joined by `, `. It has no prototype. */
export type HeaderFields = { readonly [name: string]: string | undefined };

/** What `collectFields` found besides the fields. */
export interface CollectedFields {
  readonly fields: HeaderFields;
  /** Names that occurred more than once. */
  readonly repeated: ReadonlySet<string>;
}

const NONE_REPEATED: ReadonlySet<string> = new Set();

/** Builds the map from Node's flat list (name, value, name, value, …). */
export function collectFields(rawHeaders: readonly string[]): CollectedFields {
  const fields: { [name: string]: string | undefined } = Object.create(null);
  let repeated: Set<string> | null = null;
  for (let index = 0; index + 1 < rawHeaders.length; index += 2) {
    const name = (rawHeaders[index] as string).toLowerCase();
    const value = rawHeaders[index + 1] as string;
    const before = fields[name];
    if (before === undefined) {
      fields[name] = value;
    } else {
      repeated ??= new Set();
      repeated.add(name);
      fields[name] = `${before}${name === 'cookie' ? '; ' : ', '}${value}`;
    }
  }
  return { fields, repeated: repeated ?? NONE_REPEATED };
}
