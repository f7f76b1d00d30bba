// Rows as text: taking a JSON object apart into its fields and putting it together again. Field by field, so that a field
// named `__proto__` is one like any other.

import { utf8Bytes } from '@trunkline/protocol';
import type { Row, RowChange } from './table.js';

/** The fields of a JSON object: their values as JSON text, by name. */
export function fieldsOf(data: string): Map<string, string> {
  const fields = new Map<string, string>();
  for (const [name, value] of Object.entries(JSON.parse(data) as object)) fields.set(name, JSON.stringify(value));
  return fields;
}

/** The JSON text of a row, of the texts of its fields. */
export function rowText(fields: ReadonlyMap<string, string>): string {
  let text = '{';
  for (const [name, value] of fields) text += `${text === '{' ? '' : ','}${JSON.stringify(name)}:${value}`;
  return `${text}}`;
}

/** The row after the change, or `undefined` if it is as it was. Not for a delete. */
export function changedRow(
  before: string | undefined,
  change: Exclude<RowChange, { delete: true }>,
): string | undefined {
  const old = before === undefined ? undefined : fieldsOf(before);
  const next = 'set' in change ? fieldsOf(change.set) : patched(old, change.patch, change.unset ?? []);
  return old !== undefined && areSame(old, next) ? undefined : rowText(next);
}

/** What a row counts for in `PageLimit.bytes`. */
export function rowBytes({ key, data }: Pick<Row, 'key' | 'data'>): number {
  return utf8Bytes(key) + utf8Bytes(data);
}

function patched(
  old: ReadonlyMap<string, string> | undefined,
  patch: string,
  unset: readonly string[],
): Map<string, string> {
  const fields = new Map(old);
  for (const name of unset) fields.delete(name);
  for (const [name, value] of fieldsOf(patch)) fields.set(name, value);
  return fields;
}

function areSame(a: ReadonlyMap<string, string>, b: ReadonlyMap<string, string>): boolean {
  if (a.size !== b.size) return false;
  for (const [name, value] of a) if (b.get(name) !== value) return false;
  return true;
}
