// Rows and whole tables as numbers, so that what is shown can be compared with what was true at any moment: a row's number does not
// depend on the order of its fields, a table's not on the order of its rows.

const known = new WeakMap<object, number>();

/** Of a row. Rows that are equal have the same. The same object is looked at once. */
export function hashOf(row: object): number {
  let hash = known.get(row);
  if (hash === undefined) {
    const fields = Object.entries(row).sort(([one], [other]) => (one < other ? -1 : 1));
    hash = hashOfText(JSON.stringify(fields));
    known.set(row, hash);
  }
  return hash;
}

/** A table's number after a row of it became another; `undefined`: there is none. */
export function mixed(look: number, key: string, before: number | undefined, now: number | undefined): number {
  let mixedLook = look;
  if (before !== undefined) mixedLook -= placed(key, before);
  if (now !== undefined) mixedLook += placed(key, now);
  return mixedLook;
}

/** Of all rows together. */
export function lookOf(rows: Iterable<readonly [string, object]>): number {
  let look = 0;
  for (const [key, row] of rows) look = mixed(look, key, undefined, hashOf(row));
  return look;
}

/** 32 bits, so that the sum of many rows is exact. */
function placed(key: string, hash: number): number {
  return Math.imul(hash ^ hashOfText(key), 0x9e3779b1) >>> 0;
}

function hashOfText(text: string): number {
  let hash = 0x811c9dc5;
  for (let index = 0; index < text.length; index++) {
    hash = Math.imul(hash ^ text.charCodeAt(index), 0x01000193);
    hash ^= hash >>> 15;
  }
  return hash >>> 0;
}
