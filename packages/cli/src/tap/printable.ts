// What a peer sent, made safe for a terminal: nothing in it can move the cursor, change colours or type commands.

/** Control characters, and those that reorder what is read: C0, DEL, C1, line separators, bidirectional marks. */
const UNSAFE = /[\p{Cc}\p{Zl}\p{Zp}\p{Bidi_Control}]/gu;

const SHORT: Readonly<Record<string, string>> = { '\n': '\\n', '\r': '\\r', '\t': '\\t' };

/** Text on one line. */
export function printable(text: string): string {
  return text.replaceAll(UNSAFE, (char) => SHORT[char] ?? `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`);
}

const ROW_BYTES = 16;

/** Bytes as rows of an offset, hex, and what of it is ASCII. */
export function hexRows(bytes: Uint8Array): string[] {
  const rows: string[] = [];
  for (let at = 0; at < bytes.length; at += ROW_BYTES) {
    const row = Buffer.from(bytes.subarray(at, at + ROW_BYTES));
    const hex = (row.toString('hex').match(/../g) ?? []).join(' ').padEnd(3 * ROW_BYTES - 1);
    const ascii = row.toString('latin1').replaceAll(/[^ -~]/g, '.');
    rows.push(`${at.toString(16).padStart(8, '0')}  ${hex}  ${ascii}`);
  }
  return rows;
}

/** Hex as typed, with or without spaces, to bytes; `null` if it is none. */
export function bytesOf(hex: string): Uint8Array | null {
  const digits = hex.replaceAll(/\s/g, '').replace(/^0x/i, '');
  return digits.length % 2 === 0 && /^[0-9a-f]*$/i.test(digits) ? Buffer.from(digits, 'hex') : null;
}

/** `12:34:56.789`, local time. */
export function timeOf(at: Date): string {
  const two = (value: number) => String(value).padStart(2, '0');
  const ms = String(at.getMilliseconds()).padStart(3, '0');
  return `${two(at.getHours())}:${two(at.getMinutes())}:${two(at.getSeconds())}.${ms}`;
}
