// Which names guests and rooms may have. The page asks before it sends, the server before it signs or stores.

import { NAME_CHARACTERS_MAX } from './limits.js';

/** A name as it is kept, or a sentence that says what is wrong with it. */
export type CheckedName = { readonly name: string } | { readonly problem: string };

// Control characters, line and paragraph separators, and the marks that turn the direction of the text around them.
const FORBIDDEN = /[\p{Cc}\p{Zl}\p{Zp}\u200e\u200f\u202a-\u202e\u2066-\u2069]/u;

export function checkName(text: unknown): CheckedName {
  if (typeof text !== 'string') return { problem: 'A name is needed.' };
  const name = text.normalize('NFC').trim();
  if (name === '') return { problem: 'A name needs at least one visible character.' };
  if (name.length > NAME_CHARACTERS_MAX) {
    return { problem: `A name has at most ${NAME_CHARACTERS_MAX} characters; this one has ${name.length}.` };
  }
  if (FORBIDDEN.test(name)) return { problem: 'A name cannot contain line breaks or control characters.' };
  return { name };
}
