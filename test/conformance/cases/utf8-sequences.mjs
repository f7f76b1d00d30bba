// @ts-check
// Octet sequences for the UTF-8 cases, computed from the rules of RFC 3629 and the older form of UTF-8 with up to six octets.
// Each set has the size of its counterpart in the catalogue (6.5 to 6.23: 132 sequences), and a test holds that against an
// independent decoder.

/**
 * @typedef {object} Sequence
 * @property {string} id
 * @property {string} does
 * @property {Buffer} octets
 * @property {boolean} isValid
 */

/** @typedef {{ number: number, requirements?: readonly string[], sequences: readonly Sequence[] }} SequenceSet */

/**
 * A number in the general form of UTF-8, in as many octets as wished: the first has as many leading ones, the others begin
 * with 10.
 * @param {number} value
 * @param {number} size 1 to 6.
 */
function form(value, size) {
  if (size === 1) return Buffer.from([value]);
  const octets = Buffer.alloc(size);
  let rest = value;
  for (let at = size - 1; at > 0; at--) {
    octets[at] = 0x80 | (rest % 64);
    rest = Math.floor(rest / 64);
  }
  octets[0] = ((0xff << (8 - size)) & 0xff) | rest;
  return octets;
}

/** The largest value that a form of so many octets holds. */
const LARGEST = [0, 0x7f, 0x7ff, 0xffff, 0x1fffff, 0x3ffffff, 0x7fffffff];

/** @param {number} size */
const largest = (size) => Number(LARGEST[size]);

/** @param {number} value */
const hex = (value) => value.toString(16).toUpperCase().padStart(4, '0');

/** @type {(id: string, does: string, octets: Buffer) => Sequence} */
const valid = (id, does, octets) => ({ id, does, octets, isValid: true });
/** @type {(id: string, does: string, octets: Buffer) => Sequence} */
const invalid = (id, does, octets) => ({ id, does, octets, isValid: false });

/**
 * @param {number} point
 * @param {string} prefix Of its id.
 * @param {string} [remark]
 */
const character = (point, prefix, remark = '') =>
  valid(`${prefix}-${hex(point).toLowerCase()}`, `U+${hex(point)}${remark}`, Buffer.from(String.fromCodePoint(point)));

/**
 * @param {number} from
 * @param {number} to
 */
const range = (from, to) => Array.from({ length: to - from + 1 }, (_, at) => from + at);

const SIZES = range(2, 6);
/** Its second letter is U+1F79, of three octets, and not U+03CC, which looks the same. */
export const KOSME = Buffer.from('κ\u1f79σμε');
const GREEK_ENDS = new Set([2, 5, 7, 9, 11]);

/** @type {(size: number) => readonly [string, Buffer][]} The shortest and longest form of a size, without its last octet. */
const cutForms = (size) => [
  [`first-${size}`, form(0, size).subarray(0, -1)],
  [`last-${size}`, form(largest(size), size).subarray(0, -1)],
];

const SURROGATES = [0xd800, 0xdb7f, 0xdb80, 0xdbff, 0xdc00, 0xdf80, 0xdfff];
const PAIRS = [0xd800, 0xdb7f, 0xdb80, 0xdbff].flatMap((high) => [0xdc00, 0xdfff].map((low) => [high, low]));

/** Lead octets of each size, as inclusive ranges. */
const LEADS = /** @type {const} */ ([
  [0xc0, 0xdf],
  [0xe0, 0xef],
  [0xf0, 0xf7],
  [0xf8, 0xfb],
  [0xfc, 0xfd],
]);

/** @type {readonly SequenceSet[]} */
export const SEQUENCE_SETS = [
  {
    number: 5,
    sequences: [
      ...['$', '¢', '€', '𤭢'].map((sign, at) =>
        valid(`words-${at + 1}`, `words around a character of ${at + 1} octets`, Buffer.from(`hello${sign}world`)),
      ),
      valid('words-greek', 'a Greek word', KOSME),
    ],
  },
  {
    number: 6,
    sequences: range(1, KOSME.length).map((size) => {
      const octets = KOSME.subarray(0, size);
      return GREEK_ENDS.has(size)
        ? valid(`greek-first-${size}`, `the first ${size} octets of a Greek word: whole characters`, octets)
        : invalid(`greek-first-${size}`, `the first ${size} octets of a Greek word: a character is cut`, octets);
    }),
  },
  {
    number: 7,
    sequences: range(1, 4).map((size) => {
      const least = size === 1 ? 0 : largest(size - 1) + 1;
      return valid(`first-of-${size}`, `the first character of ${size} octets`, form(least, size));
    }),
  },
  {
    number: 8,
    sequences: [5, 6].map((size) =>
      invalid(`first-of-${size}`, `the first form of ${size} octets`, form(largest(size - 1) + 1, size)),
    ),
  },
  { number: 9, sequences: [0x7f, 0x7ff, 0xffff, 0x10ffff].map((point) => character(point, 'last')) },
  {
    number: 10,
    sequences: [4, 5, 6].map((size) =>
      invalid(`last-of-${size}`, `the last form of ${size} octets, beyond U+10FFFF`, form(largest(size), size)),
    ),
  },
  {
    number: 11,
    sequences: [
      ...[0xd7ff, 0xe000, 0xfffd, 0x10ffff].map((point) => character(point, 'boundary')),
      invalid('boundary-110000', 'U+110000, one too many', form(0x110000, 4)),
    ],
  },
  {
    number: 12,
    sequences: [
      ...[0x80, 0xbf].map((octet) =>
        invalid(`continuation-${octet.toString(16)}`, 'a continuation octet alone', Buffer.from([octet])),
      ),
      ...range(2, 6).map((count) =>
        invalid(
          `continuations-${count}`,
          `${count} continuation octets`,
          Buffer.from(range(1, count).map((at) => (at % 2 === 1 ? 0x80 : 0xbf))),
        ),
      ),
      invalid('continuations-all', 'all 64 continuation octets', Buffer.from(range(0x80, 0xbf))),
    ],
  },
  {
    number: 13,
    sequences: LEADS.map(([low, high], at) =>
      invalid(
        `leads-of-${at + 2}`,
        `each lead octet of ${at + 2}, followed by a space`,
        Buffer.from(range(low, high).flatMap((octet) => [octet, 0x20])),
      ),
    ),
  },
  {
    number: 14,
    sequences: SIZES.flatMap((size) =>
      cutForms(size).map(([id, octets]) => invalid(`cut-${id}`, `a form of ${size} octets without its last`, octets)),
    ),
  },
  {
    number: 15,
    sequences: [
      invalid(
        'cut-all',
        'all forms without their last octet, one after the other',
        Buffer.concat(SIZES.flatMap((size) => cutForms(size).map(([, octets]) => octets))),
      ),
    ],
  },
  {
    number: 16,
    sequences: [[0xfe], [0xff], [0xfe, 0xfe, 0xff, 0xff]].map((octets) =>
      invalid(`never-${Buffer.from(octets).toString('hex')}`, 'octets that never occur', Buffer.from(octets)),
    ),
  },
  {
    number: 17,
    sequences: SIZES.map((size) => invalid(`slash-in-${size}`, `"/" in ${size} octets`, form(0x2f, size))),
  },
  {
    number: 18,
    sequences: SIZES.map((size) => {
      // One less than what needs this size; for two octets the smaller form ends at U+007F.
      const value = largest(size - 1);
      return invalid(
        `overlong-in-${size}`,
        `U+${hex(value)} in ${size} octets, one more than it needs`,
        form(value, size),
      );
    }),
  },
  { number: 19, sequences: SIZES.map((size) => invalid(`nul-in-${size}`, `U+0000 in ${size} octets`, form(0, size))) },
  {
    number: 20,
    sequences: SURROGATES.map((unit) =>
      invalid(`surrogate-${hex(unit).toLowerCase()}`, `the surrogate ${hex(unit)}`, form(unit, 3)),
    ),
  },
  {
    number: 21,
    sequences: PAIRS.map((units) =>
      invalid(
        `surrogates-${units.map(hex).join('-').toLowerCase()}`,
        `the surrogates ${units.map(hex).join(' and ')}, each in three octets`,
        Buffer.concat(units.map((unit) => form(unit, 3))),
      ),
    ),
  },
  {
    number: 22,
    sequences: range(0, 16)
      .flatMap((plane) => [plane * 0x10000 + 0xfffe, plane * 0x10000 + 0xffff])
      .map((point) => character(point, 'noncharacter', ': not a character, but valid')),
  },
  {
    number: 23,
    sequences: range(0xfff9, 0xffff).map((point) => character(point, 'special', ' of the Specials')),
  },
];
