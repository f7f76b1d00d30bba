// The size of text on the wire, without encoding it.

/** Bytes of `text` in UTF-8 (a lone surrogate counts as U+FFFD: 3). */
export function utf8Bytes(text: string): number {
  let bytes = text.length;
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i);
    if (unit < 0x80) continue;
    bytes += unit < 0x800 ? 1 : 2;
    if (unit >= 0xd800 && unit < 0xdc00) {
      const next = text.charCodeAt(i + 1);
      if (next >= 0xdc00 && next < 0xe000) i++; // a pair is 4 bytes for 2 units: 2 + 2, both counted now
    }
  }
  return bytes;
}
