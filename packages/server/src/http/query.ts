// The part of a URL after "?": whole numbers and words that an operation names. What it does not name is refused, as a misspelt bound
// would otherwise be no bound.

import { badRequest } from './http-error.js';

/** A parameter: a whole number within bounds, or a word. */
export type QueryParameter =
  | { readonly least: number; readonly most: number; readonly description: string }
  | { readonly pattern: string; readonly description: string };

export type QueryParameters = Readonly<Record<string, QueryParameter>>;

/** The values given. @throws HttpError 400 */
export function readQuery(text: string, known: QueryParameters): ReadonlyMap<string, string> {
  const values = new Map<string, string>();
  for (const [name, value] of new URLSearchParams(text)) {
    const parameter = Object.hasOwn(known, name) ? known[name] : undefined;
    if (parameter === undefined || values.has(name)) {
      const names = Object.keys(known);
      const may = names.length === 0 ? 'there are no parameters here' : `the parameters are ${names.join(', ')}`;
      throw badRequest(
        `${JSON.stringify(name.slice(0, 40))} is ${parameter === undefined ? 'unknown' : 'given twice'}: ${may}`,
      );
    }
    const problem = problemOf(value, parameter);
    if (problem !== null) throw badRequest(`${name} must be ${problem}`);
    values.set(name, value);
  }
  return values;
}

/** A number that was given. */
export function numberOf(values: ReadonlyMap<string, string>, name: string): number | undefined {
  const value = values.get(name);
  return value === undefined ? undefined : Number(value);
}

function problemOf(value: string, parameter: QueryParameter): string | null {
  if ('pattern' in parameter) return new RegExp(parameter.pattern).test(value) ? null : parameter.description;
  const { least, most } = parameter;
  const isGood = /^\d{1,16}$/.test(value) && Number(value) >= least && Number(value) <= most;
  return isGood ? null : `a whole number from ${least} to ${most}`;
}
