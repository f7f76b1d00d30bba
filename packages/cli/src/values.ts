// Values of options, and of what the environment sets.

import { usage } from './failure.js';

/** @param what names it in the sentence of the failure. @throws Failure unless it is a whole number in the range. */
export function wholeNumber(what: string, text: string, least: number, most: number): number {
  const value = /^\d{1,10}$/.test(text) ? Number(text) : Number.NaN;
  if (value >= least && value <= most) return value;
  throw usage(`${what} must be a number from ${least} to ${most}, not ${JSON.stringify(text)}`);
}

/**
 * `prices=SECRET crm=sha256:HASH`: secrets by name, with spaces or new lines between them.
 * @throws Failure if it is something else, without repeating it. What a good secret is, the server says.
 */
export function namedSecrets(what: string, text: string): Readonly<Record<string, string>> {
  const pairs = text
    .split(/\s+/)
    .filter((word) => word !== '')
    .map((word, index) => {
      const [, name, secret] = /^([A-Za-z0-9_.-]+)=(.+)$/.exec(word) ?? [];
      if (name === undefined || secret === undefined) {
        throw usage(`${what} must be NAME=SECRET, several with spaces between them; number ${index + 1} is not`);
      }
      return [name, secret] as const;
    });
  if (new Set(pairs.map(([name]) => name)).size !== pairs.length) throw usage(`${what} has a name twice`);
  return Object.fromEntries(pairs);
}
