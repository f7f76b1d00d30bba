// Chance without memory: the same number for the same question, in any order. So a price of any moment can be told without those before it.

/** 32 well mixed bits of three whole numbers. Not of any number of them: an array for each would cost more than the rest. */
export function hash(one: number, two: number, three: number): number {
  let bits = mixed(0x9e3779b9, one);
  bits = mixed(bits, two);
  bits = mixed(bits, three);
  // What is beyond 32 bits counts too: ticks since 1970 are more than that.
  return mixed(bits, three / 4_294_967_296) >>> 0;
}

/** The finish of MurmurHash3. */
function mixed(bits: number, part: number): number {
  let next = Math.imul(bits ^ part, 0x85ebca6b);
  next ^= next >>> 13;
  next = Math.imul(next, 0xc2b2ae35);
  return next ^ (next >>> 16);
}

/** At least 0, below 1. */
export function uniform(bits: number): number {
  return bits / 4_294_967_296;
}

/** Mean 0, standard deviation 1, never beyond 3.5: the sum of four bytes. */
export function normal(bits: number): number {
  const sum = (bits & 255) + ((bits >>> 8) & 255) + ((bits >>> 16) & 255) + (bits >>> 24);
  return (sum - 510) / 147.8;
}

/** 32 bits of a text (FNV-1a). */
export function hashText(text: string): number {
  let bits = 0x811c9dc5;
  for (let i = 0; i < text.length; i += 1) bits = Math.imul(bits ^ text.charCodeAt(i), 0x01000193);
  return bits >>> 0;
}
