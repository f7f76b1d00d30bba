// What counts as the same word. As SQLite's FTS5 has it with its `unicode61 remove_diacritics 2`: runs of letters and digits, without regard to case and to the
// marks of Latin letters. Here, and not in the store, so that every broker finds the same. Better than there: composed and decomposed
// spellings are the same, marks that no letter goes without (in Hindi, say) do not end a word, and letters of newer scripts are letters.

/** Of a word, what is beyond so many UTF-16 code units does not count. */
export const MAX_WORD_LENGTH = 128;

const WORDS = /[\p{L}\p{N}\p{M}\p{Co}]+/gu;
const PLAIN = /^[a-z0-9]*$/;
/** The marks that are no part of a letter: accents, written apart. */
const ACCENTS = /[\u0300-\u036f]/;

/** The words of a text, folded, each once, in the order of their first occurrence. */
export function wordsOf(text: string): string[] {
  const words = new Set<string>();
  for (const word of text.normalize('NFC').match(WORDS) ?? []) words.add(folded(word));
  words.delete('');
  return [...words];
}

function folded(word: string): string {
  // Cut before folding, which may make it longer by little; half of a pair that is left is no letter.
  const short = word.length <= MAX_WORD_LENGTH ? word : word.slice(0, MAX_WORD_LENGTH).replace(/[\ud800-\udbff]$/, '');
  const lower = short.toLowerCase();
  if (PLAIN.test(lower)) return lower;
  let text = '';
  for (const letter of lower) {
    if (ACCENTS.test(letter)) continue;
    const base = letter.normalize('NFD')[0] ?? letter;
    if (PLAIN.test(base)) text += base;
    else text += FORMS.get(letter) ?? letter;
  }
  return text;
}

/** Forms of a letter that have its capital. */
const FORMS: ReadonlyMap<string, string> = new Map(
  ['ςσ', 'ſs', 'µμ', 'ϐβ', 'ϑθ', 'ϕφ', 'ϖπ', 'ϰκ', 'ϱρ', 'ϵε'].map(([form = '', letter = '']) => [form, letter]),
);
