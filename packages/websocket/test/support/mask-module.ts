/**
 * The source of the WebAssembly module of `src/mask-vector.ts`, and an assembler for the few instructions that it uses. It is
 * 125 bytes; a toolchain for it would be the repository's largest dependency.
 *
 * ```wat
 * (module
 *   (memory (export "m") 1)
 *   (func (export "f") (param $end i32) (param $key i32) (result i32)
 *     (local $at i32) (local $keys v128) (local $seen v128) (local $value v128)
 *     …))
 * ```
 */

const I32 = 0x7f;
const V128 = 0x7b;

const END = 0;
const KEY = 1;
const AT = 2;
const KEYS = 3;
const SEEN = 4;
const VALUE = 5;

/** Unsigned LEB128. */
function number(value: number): number[] {
  return value < 0x80 ? [value] : [(value & 0x7f) | 0x80, ...number(value >>> 7)];
}

const list = (...items: readonly number[][]): number[] => [...number(items.length), ...items.flat()];
const sized = (bytes: readonly number[]): number[] => [...number(bytes.length), ...bytes];
const section = (id: number, content: readonly number[]): number[] => [id, ...sized(content)];
const name = (text: string): number[] => sized([...Buffer.from(text)]);

const get = (local: number): number[] => [0x20, local];
const set = (local: number): number[] => [0x21, local];
const tee = (local: number): number[] => [0x22, local];
const constant = (value: number): number[] => [0x41, ...number(value)];
const add = [0x6a];
const lessUnsigned = [0x49];
const end = [0x0b];

const vector = (code: number): number[] => [0xfd, ...number(code)];
/** Alignment 2^4 is a hint, not a demand. */
const load = (offset: number): number[] => [...vector(0), 4, ...number(offset)];
const store = (offset: number): number[] => [...vector(11), 4, ...number(offset)];
const splat = vector(17);
const or = vector(80);
const xor = vector(81);
const highBitsOfBytes = vector(100);

/** `m[at + offset] = value = m[at + offset] ^ keys; seen |= value`, sixteen bytes. */
const maskSixteen = (offset: number): number[] => [
  ...[get(AT), get(AT), load(offset), get(KEYS), xor, tee(VALUE), store(offset)].flat(),
  ...[get(SEEN), get(VALUE), or, set(SEEN)].flat(),
];

const code: number[] = [
  ...[get(KEY), splat, set(KEYS)].flat(),
  // do { … } while ((at += 32) < end)
  ...[0x03, 0x40],
  ...maskSixteen(0),
  ...maskSixteen(16),
  ...[get(AT), constant(32), add, tee(AT), get(END), lessUnsigned].flat(),
  ...[0x0d, 0x00],
  ...end,
  ...[get(SEEN), highBitsOfBytes].flat(),
  ...end,
];

const body = [...list([1, I32], [3, V128]), ...code];

export const maskModule = Buffer.from([
  ...[0x00, 0x61, 0x73, 0x6d, 1, 0, 0, 0],
  // One type: two i32 to one.
  ...section(1, list([0x60, ...list([I32], [I32]), ...list([I32])])),
  ...section(3, list([0])),
  // One memory of one page that cannot grow.
  ...section(5, list([0x01, ...number(1), ...number(1)])),
  ...section(7, list([...name('m'), 2, 0], [...name('f'), 0, 0])),
  ...section(10, list(sized(body))),
]);
