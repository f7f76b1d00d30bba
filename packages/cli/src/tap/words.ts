// What is not the peer's text but about it.

import { printable } from './printable.js';

/** A user as others see it: text as it is, all else as JSON. */
export function wordOf(user: unknown): string {
  return printable(typeof user === 'string' ? user : (JSON.stringify(user) ?? 'nobody'));
}

/** A remark, which is not among the results: those may be piped on. */
export function note(text: string): void {
  process.stderr.write(`trunkline: ${text}\n`);
}
