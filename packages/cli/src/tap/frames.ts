// A frame as lines of text.

import type { ObservedFrame } from '@trunkline/websocket';
import { closeWords } from './close-words.js';
import { hexRows, printable } from './printable.js';

const KINDS: Readonly<Record<number, string>> = {
  0: 'continued',
  1: 'text',
  2: 'binary',
  8: 'close',
  9: 'ping',
  10: 'pong',
};
/** The longest kind, and a size of seven figures. */
const KIND_CHARS = 9;
const SIZE_CHARS = 9;
const TEXT = 1;
const CLOSE = 8;
const INLINE_BYTES = 16;

/** Remembers what a fragmented message is made of, as its later frames do not say. One per connection. */
export class FrameWords {
  #isText = { in: false, out: false };
  #isDeflated = { in: false, out: false };

  /** The first line has direction, kind, size and content; what does not fit on it follows, indented. */
  lines(frame: ObservedFrame): string[] {
    const { direction, opcode, fin, payloadBytes } = frame;
    if (opcode === 1 || opcode === 2) {
      this.#isText[direction] = opcode === TEXT;
      this.#isDeflated[direction] = frame.isDeflated === true;
    }
    const isControl = opcode >= CLOSE;
    const kind = (KINDS[opcode] ?? `opcode ${opcode}`).padEnd(KIND_CHARS);
    const size = `${payloadBytes} B`.padStart(SIZE_CHARS);
    const [content = '', ...more] = isControl ? controlContent(frame) : this.#content(frame);
    const notes = `${fin ? '' : ' (more follows)'}${!isControl && this.#isDeflated[direction] ? ' (deflated)' : ''}`;
    return [`${direction === 'in' ? '←' : '→'} ${kind} ${size}${notes}  ${content}`.trimEnd(), ...more];
  }

  #content({ direction, preview, payloadBytes }: ObservedFrame): string[] {
    if (this.#isDeflated[direction]) return [];
    return contentLines(preview, this.#isText[direction], payloadBytes);
  }
}

/** @param bytes the beginning of a payload of `payloadBytes`. */
export function contentLines(bytes: Uint8Array, isText: boolean, payloadBytes: number): string[] {
  const hidden = payloadBytes - bytes.length;
  const rest = hidden > 0 ? `… ${hidden} B more` : '';
  // With `stream` a character that was cut at the end is left out instead of replaced.
  if (isText) return [printable(new TextDecoder().decode(bytes, { stream: true })) + rest];
  if (bytes.length <= INLINE_BYTES) return [[spaced(bytes), rest].filter(Boolean).join(' ')];
  return [rest, ...hexRows(bytes).map((row) => `    ${row}`)];
}

function controlContent({ opcode, preview, closeCode, reason }: ObservedFrame): string[] {
  if (opcode !== CLOSE || closeCode === undefined) return [spaced(preview)];
  return [`${closeCode}${quoted(reason ?? '')}  ${closeWords(closeCode)}`];
}

/** A reason, if there is one. */
export function quoted(reason: string): string {
  return reason === '' ? '' : ` "${printable(reason)}"`;
}

function spaced(bytes: Uint8Array): string {
  return (Buffer.from(bytes).toString('hex').match(/../g) ?? []).join(' ');
}
