// JSON Merge Patch (RFC 7396) for rows. The store merges fields whole; what a patch says about the inside of a field is worked out here,
// from the row as it is.

import type { JsonValue, RowData } from '@trunkline/protocol';

/** What a patch does to a row's fields. */
export interface FieldChanges {
  readonly patch: RowData;
  readonly unset: readonly string[];
  /** Whether it depends on what the row holds. */
  readonly needsRow: boolean;
}

/** @param row as it is; `undefined` if there is none, or if it has not been read. */
export function fieldChanges(patch: RowData, row: RowData | undefined): FieldChanges {
  const fields = Object.entries(patch);
  // fromEntries defines members: a field may be called `__proto__`.
  const set = fields
    .filter(([, value]) => value !== null)
    .map(([name, value]) => [name, merged(memberOf(row, name), value as JsonValue)] as const);
  return {
    patch: Object.fromEntries(set) as RowData,
    unset: fields.filter(([, value]) => value === null).map(([name]) => name),
    needsRow: fields.some(([, value]) => isObject(value)),
  };
}

/** RFC 7396 §2. */
function merged(target: JsonValue | undefined, patch: JsonValue): JsonValue {
  if (!isObject(patch)) return patch;
  const members = new Map(isObject(target) ? Object.entries(target) : []);
  for (const [name, value] of Object.entries(patch)) {
    if (value === null) members.delete(name);
    else members.set(name, merged(members.get(name), value));
  }
  return Object.fromEntries(members);
}

function memberOf(row: RowData | undefined, name: string): JsonValue | undefined {
  return row !== undefined && Object.hasOwn(row, name) ? (row[name] as JsonValue) : undefined;
}

function isObject(value: unknown): value is { readonly [key: string]: JsonValue } {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
