// The emoji that one reacts with: a few to press, and any other that is typed.

export const QUICK: readonly string[] = ['👍', '❤️', '😂', '🎉'];
export const MORE: readonly string[] = ['😮', '😢', '🙏', '🔥', '👀', '✅', '👏', '🚀', '🤔', '💯', '☕', '🌻'];

/** What the protocol allows a reaction, in bytes of UTF-8. */
const REACTION_BYTES_MAX = 64;
const EMOJI = /\p{Extended_Pictographic}|\p{Regional_Indicator}|\u20e3/u;
const graphemes = new Intl.Segmenter(undefined, { granularity: 'grapheme' });

/** The one emoji that a text is, families and flags included; `undefined` if it is anything else. */
export function soleEmoji(text: string): string | undefined {
  const [first, ...rest] = [...graphemes.segment(text.trim())].map(({ segment }) => segment);
  if (first === undefined || rest.length > 0 || !EMOJI.test(first)) return undefined;
  return new TextEncoder().encode(first).length <= REACTION_BYTES_MAX ? first : undefined;
}

/** Whether a text is one to three emoji and nothing else: it is shown larger. */
export function isOnlyEmoji(text: string): boolean {
  if (text.length > 100) return false;
  const parts = [...graphemes.segment(text)].map(({ segment }) => segment).filter((part) => part.trim() !== '');
  return parts.length > 0 && parts.length <= 3 && parts.every((part) => EMOJI.test(part));
}
