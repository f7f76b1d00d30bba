// Frames in words: what kind, how large, what it says. Understands Trunkline's messages and shows any others as they are.

import type { WireFrame } from '../../shared/wire.js';
import { summaryOf } from './summary.js';

const OPCODES: Record<number, string> = {
  0: 'continuation',
  1: 'text',
  2: 'binary',
  8: 'close',
  9: 'ping',
  10: 'pong',
};

export function opcodeName(opcode: number): string {
  return OPCODES[opcode] ?? `opcode ${opcode}`;
}

// The first one of a line: that of the message, as its data comes later and its id is a number.
const TYPE = /"type"\s*:\s*"(\w{1,32})"\s*,?\s*/;

/** The types of a text frame's messages, "publish ×3, ping"; the opcode's name of any other frame. */
export function frameLabel(frame: WireFrame): string {
  if (frame.opcode === 8) return `Close ${frame.closeCode === 1005 ? 'without a code' : frame.closeCode}`;
  if (frame.opcode >= 8) return opcodeName(frame.opcode) === 'ping' ? 'Ping' : 'Pong';
  if (frame.opcode !== 1) return opcodeName(frame.opcode);
  const counts = new Map<string, number>();
  for (const line of frame.preview.split('\n')) {
    const type = TYPE.exec(line)?.[1];
    if (type !== undefined) counts.set(type, (counts.get(type) ?? 0) + 1);
  }
  if (counts.size === 0) return 'text';
  return [...counts].map(([type, count]) => (count === 1 ? type : `${type} ×${count}`)).join(', ');
}

/** What a frame says beyond its label, on one line. */
export function frameContent(frame: WireFrame): string {
  if (frame.opcode === 8) return frame.reason === '' ? '' : `“${frame.reason}”`;
  if (frame.opcode <= 1 && frame.preview === '' && frame.payloadBytes > 0) return 'part of a message, not shown';
  const lines = frame.preview.split('\n').map((line) => summaryOf(line) ?? line.trim().replace(TYPE, ''));
  return `${lines.filter((line) => line !== '' && line !== '{}').join(' · ')}${frame.cut ? ' …' : ''}`;
}

/** "86 B", "3.1 KB", "1.2 MB" */
export function bytes(count: number): string {
  if (count < 1000) return `${count} B`;
  if (count < 1_000_000) return `${(count / 1000).toFixed(1)} KB`;
  return `${(count / 1_000_000).toFixed(1)} MB`;
}

/** "+0.4 ms", "+120 ms", "+2.5 s", "+3 min" */
export function since(ms: number): string {
  const passed = Math.max(0, ms);
  if (passed < 10) return `+${passed.toFixed(1)} ms`;
  if (passed < 1000) return `+${Math.round(passed)} ms`;
  if (passed < 60_000) return `+${(passed / 1000).toFixed(1)} s`;
  return `+${Math.round(passed / 60_000)} min`;
}

/** Time of day to a millisecond. */
export function clockTime(at: number): string {
  const date = new Date(at);
  const two = (value: number) => String(value).padStart(2, '0');
  const ms = String(date.getMilliseconds()).padStart(3, '0');
  return `${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}.${ms}`;
}
