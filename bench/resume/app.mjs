// The rooms and what stands in them, known to every process of `resume`.

/** Entries that each room has before the restart, and each client has seen. */
export const SEEN = 5;
/** Entries that each client is behind after it. */
export const MISSED = 20;

export const roomOf = (/** @type {number} */ client, /** @type {number} */ rooms) => client % rooms;

/**
 * @param {number} room
 * @param {number} n 1, 2, 3 … of its room.
 */
export function lineOf(room, n) {
  return { n, text: `line ${n} of room ${room}, as long as people write when they chat` };
}

/** @param {unknown} line @param {number} room @param {number} n */
export function isLineOf(line, room, n) {
  return JSON.stringify(line) === JSON.stringify(lineOf(room, n));
}
