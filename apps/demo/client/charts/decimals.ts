// How many decimal places an axis needs, so that no two of its marks read the same.

/** Decimal places that steps of this size take: 0.025 takes 3, 5 takes none. At most 10. */
export function decimalsOf(step: number): number {
  for (let decimals = 0; decimals < 10; decimals += 1) {
    const scaled = step * 10 ** decimals;
    // Steps are computed, so 0.1 may be a little less.
    if (Math.abs(scaled - Math.round(scaled)) < 1e-6 * scaled) return decimals;
  }
  return 10;
}
