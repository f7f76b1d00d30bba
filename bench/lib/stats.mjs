// The few numbers that a report needs.

/**
 * @typedef {object} Spread
 * @property {number} min
 * @property {number} median
 * @property {number} max
 */

/**
 * @param {readonly number[]} values At least one.
 * @returns {Spread}
 */
export function spreadOf(values) {
  const sorted = [...values].sort((a, b) => a - b);
  return { min: quantile(sorted, 0), median: quantile(sorted, 0.5), max: quantile(sorted, 1) };
}

/**
 * The value below which a part `q` of the values lies, between its two neighbours where it falls between them.
 * @param {ArrayLike<number>} sorted Ascending, at least one.
 * @param {number} q 0 to 1.
 */
export function quantile(sorted, q) {
  if (sorted.length === 0) throw new RangeError('a quantile of nothing');
  const place = (sorted.length - 1) * q;
  const low = Math.floor(place);
  const below = /** @type {number} */ (sorted[low]);
  const above = sorted[low + 1] ?? below;
  return below + (above - below) * (place - low);
}
