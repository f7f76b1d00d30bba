// @ts-check
// Data of the kinds that the catalogue's compression cases use, and of the same sizes, generated: the same octets in every
// run. What matters is how they compress: repetitive (JSON, HTML), like language (text), smooth with noise (image), and a
// mixture of text and what is compressed already (document).

import { numbersFrom, randomBytes } from './random.mjs';

/**
 * @typedef {object} DataSet
 * @property {'json' | 'image' | 'text' | 'html' | 'document'} name
 * @property {boolean} isText
 * @property {Buffer} bytes
 */

const SYLLABLES = [
  'ka',
  'lo',
  'mi',
  'ran',
  'tes',
  'ü',
  'ven',
  'or',
  'di',
  'na',
  'ß',
  'quel',
  'sta',
  'ä',
  'er',
  'um',
  'ion',
  'be',
];

/** @param {number} seed */
function wordsFrom(seed) {
  const next = numbersFrom(seed);
  const pick = (/** @type {number} */ count) => next() % count;
  const vocabulary = Array.from({ length: 600 }, () =>
    Array.from({ length: 1 + pick(4) }, () => SYLLABLES[pick(SYLLABLES.length)]).join(''),
  );
  // Squared, so that a few words are common and most are rare, as in language.
  return { pick, word: () => vocabulary[Math.floor((pick(1_000) / 1_000) ** 2 * vocabulary.length)] ?? '' };
}

/**
 * Octets of exactly `size`, made of pieces; a last character that would be cut gives way to spaces.
 * @param {number} size
 * @param {() => string} piece
 */
function textOf(size, piece) {
  const parts = [];
  for (let length = 0; length < size; ) {
    const part = Buffer.from(piece());
    parts.push(part);
    length += part.length;
  }
  return wholeCharacters(Buffer.concat(parts), 0, size);
}

/**
 * A slice of text in which no character is cut: pieces of one at either end are spaces instead.
 * @param {Buffer} bytes
 * @param {number} start
 * @param {number} size
 */
export function wholeCharacters(bytes, start, size) {
  const slice = Buffer.from(bytes.subarray(start, start + size));
  for (let at = 0; at < slice.length && (Number(slice[at]) & 0xc0) === 0x80; at++) slice[at] = 0x20;
  let lead = slice.length - 1;
  while (lead >= 0 && (Number(slice[lead]) & 0xc0) === 0x80) lead--;
  const octet = Number(slice[lead] ?? 0);
  const needed = octet < 0x80 ? 1 : octet < 0xe0 ? 2 : octet < 0xf0 ? 3 : 4;
  if (lead >= 0 && lead + needed > slice.length) slice.fill(0x20, lead);
  return slice;
}

/** @param {number} size */
function json(size) {
  const { pick, word } = wordsFrom(1);
  let id = 0;
  return textOf(size, () => {
    const record = {
      id: id++,
      name: `${word()} ${word()}`,
      active: pick(2) === 1,
      score: pick(100_000) / 100,
      tags: [word(), word()],
    };
    return `${JSON.stringify(record)},\n`;
  });
}

/** @param {number} size */
function text(size) {
  const { pick, word } = wordsFrom(2);
  return textOf(size, () => `${Array.from({ length: 4 + pick(6) }, word).join(' ')}${pick(4) === 0 ? '.\n\n' : ',\n'}`);
}

/** @param {number} size */
function html(size) {
  const { pick, word } = wordsFrom(3);
  return textOf(size, () => {
    const title = `${word()} ${word()}`;
    const words = Array.from({ length: 5 + pick(20) }, word).join(' ');
    return `<div class="item item-${pick(8)}"><h2><a href="/page/${pick(10_000)}" title="${title}">${title}</a></h2>\n<p>${words}</p></div>\n`;
  });
}

/** @param {number} size A picture of 512 grey values per row: slow waves and two bits of noise. */
function image(size) {
  const next = numbersFrom(4);
  const bytes = Buffer.allocUnsafe(size);
  for (let at = 0; at < size; at++) {
    const x = at % 512;
    const y = at >> 9;
    bytes[at] = 128 + 60 * Math.sin(x / 37) + 50 * Math.cos(y / 53) + (next() & 3);
  }
  return bytes;
}

/** @param {number} size Sections of a few text lines with a block of noise each. */
function document(size) {
  const { pick, word } = wordsFrom(5);
  const next = numbersFrom(6);
  const parts = [];
  for (let length = 0; length < size; ) {
    const noise = randomBytes(next, 500 + pick(6_000));
    const head = Buffer.from(
      `${pick(9_999)} 0 section\n<< /Title (${word()} ${word()}) /Length ${noise.length} >>\nstream\n`,
    );
    parts.push(head, noise, Buffer.from('\nend\n'));
    length += head.length + noise.length + 5;
  }
  return Buffer.concat(parts).subarray(0, size);
}

/** @type {readonly { name: DataSet['name'], isText: boolean, make: () => Buffer }[]} */
export const DATA_SETS = [
  { name: 'json', isText: true, make: () => json(194_056) },
  { name: 'image', isText: false, make: () => image(263_222) },
  { name: 'text', isText: true, make: () => text(222_218) },
  { name: 'html', isText: true, make: () => html(263_647) },
  { name: 'document', isText: false, make: () => document(1_042_328) },
];

/** @type {Map<string, DataSet>} */
const made = new Map();

/**
 * @param {DataSet['name']} name
 * @returns {DataSet}
 */
export function dataSet(name) {
  const known = made.get(name);
  if (known !== undefined) return known;
  const recipe = DATA_SETS.find((candidate) => candidate.name === name);
  if (recipe === undefined) throw new Error(`no data set ${name}`);
  const set = { name, isText: recipe.isText, bytes: recipe.make() };
  made.set(name, set);
  return set;
}
