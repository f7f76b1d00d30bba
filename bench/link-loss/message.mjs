// What is published to the rooms, and how one client judges what it gets.

const TEXTS = ['see you at eight', 'the train is late again', 'who brings the cake?', 'not me', 'then I shall'];

/** @typedef {{ n: number, sentMs: number, text: string }} Message */

/**
 * @param {number} n 1, 2, 3 … of its room.
 * @param {number} sentMs By `steadyMs`.
 * @returns {Message}
 */
export function messageOf(n, sentMs) {
  return { n, sentMs, text: `${n}: ${TEXTS[n % TEXTS.length]}` };
}

/**
 * How many messages a room gets of `count` that go to the rooms in turns.
 * @param {number} count
 * @param {number} rooms
 * @param {number} room
 */
export function shareOf(count, rooms, room) {
  return Math.floor(count / rooms) + (room < count % rooms ? 1 : 0);
}

/** One client's deliveries. */
export class Deliveries {
  /** The number that came last. */
  last = 0;
  /** In order, and not before. */
  inOrder = 0;
  /** Numbers that were passed over. */
  skipped = 0;
  /** Came again, or after one that follows it. */
  disordered = 0;
  /** When the link came back last. */
  linkedMs = 0;

  /**
   * @param {Message} message
   * @param {number} nowMs
   * @returns {number} Milliseconds from publish to delivery, of which those before the link was back do not count.
   */
  take({ n, sentMs, text }, nowMs) {
    if (text !== messageOf(n, sentMs).text) throw new Error(`message ${n} says "${text}"`);
    if (n <= this.last) this.disordered += 1;
    else {
      this.skipped += n - this.last - 1;
      this.inOrder += 1;
      this.last = n;
    }
    return nowMs - Math.max(sentMs, this.linkedMs);
  }
}
