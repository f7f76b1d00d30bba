// Values of options.

import { usage } from './failure.js';

/** @param what names it in the sentence of the failure. @throws Failure unless it is a whole number in the range. */
export function wholeNumber(what: string, text: string, least: number, most: number): number {
  const value = /^\d{1,10}$/.test(text) ? Number(text) : Number.NaN;
  if (value >= least && value <= most) return value;
  throw usage(`${what} must be a number from ${least} to ${most}, not ${JSON.stringify(text)}`);
}
