// Where the words of a query stand in a text, for eyes: whole words, the last one also as a beginning, without regard to case and accents.

/** A piece of a text. */
export interface Piece {
  readonly text: string;
  readonly isFound: boolean;
}

const WORD = /[\p{L}\p{M}\p{N}]+/gu;
/** Characters shown of a long text, before and after the first word that was found. */
const BEFORE = 40;
const LONGEST = 200;

/** The text in pieces, cut to where the first found word stands. */
export function markedWords(text: string, query: string): readonly Piece[] {
  const wanted = [...folded(query).matchAll(WORD)].map(([word]) => word);
  const last = wanted.at(-1);
  const isWanted = (word: string) => wanted.includes(word) || (last !== undefined && word.startsWith(last));
  const line = text.replace(/\s+/g, ' ');
  const found = [...line.matchAll(WORD)].filter(([word]) => isWanted(folded(word)));
  const from = cutBefore(line, Math.max(0, (found[0]?.index ?? 0) - BEFORE));
  const pieces: Piece[] = [];
  let at = from;
  for (const { index, 0: word } of found) {
    if (index + word.length > from + LONGEST) break;
    pieces.push({ text: line.slice(at, index), isFound: false }, { text: word, isFound: true });
    at = index + word.length;
  }
  pieces.push({ text: line.slice(at, from + LONGEST), isFound: false });
  if (from > 0) pieces.unshift({ text: '…', isFound: false });
  if (line.length > from + LONGEST) pieces.push({ text: '…', isFound: false });
  return pieces.filter((piece) => piece.text !== '');
}

/** The beginning of the word there. */
function cutBefore(line: string, index: number): number {
  return index === 0 ? 0 : line.lastIndexOf(' ', index) + 1;
}

function folded(text: string): string {
  return text.normalize('NFD').replace(/\p{M}/gu, '').toLowerCase();
}
