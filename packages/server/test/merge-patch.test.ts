// JSON Merge Patch, by the examples of RFC 7396 (appendix A) whose target and patch are objects, as rows are.

import type { RowData } from '@trunkline/protocol';
import { describe, expect, it } from 'vitest';
import { fieldChanges } from '../src/http/merge-patch.js';

/** What the store makes of it: fields replaced whole, those in `unset` removed. */
function applied(row: RowData, patch: RowData): unknown {
  const changes = fieldChanges(patch, row);
  const fields = new Map(Object.entries(row));
  for (const name of changes.unset) fields.delete(name);
  for (const [name, value] of Object.entries(changes.patch)) fields.set(name, value);
  return Object.fromEntries(fields);
}

describe('a merge patch', () => {
  it.each([
    ['{"a":"b"}', '{"a":"c"}', '{"a":"c"}'],
    ['{"a":"b"}', '{"b":"c"}', '{"a":"b","b":"c"}'],
    ['{"a":"b"}', '{"a":null}', '{}'],
    ['{"a":"b","b":"c"}', '{"a":null}', '{"b":"c"}'],
    ['{"a":["b"]}', '{"a":"c"}', '{"a":"c"}'],
    ['{"a":"c"}', '{"a":["b"]}', '{"a":["b"]}'],
    ['{"a":{"b":"c"}}', '{"a":{"b":"d","c":null}}', '{"a":{"b":"d"}}'],
    ['{"a":[{"b":"c"}]}', '{"a":[1]}', '{"a":[1]}'],
    ['{"e":null}', '{"a":1}', '{"e":null,"a":1}'],
    ['{}', '{"a":{"bb":{"ccc":null}}}', '{"a":{"bb":{}}}'],
    ['{"a":1}', '{"a":{"b":1}}', '{"a":{"b":1}}'],
    // Names that an object has by itself are names like any other.
    [
      '{"a":{"__proto__":{"x":1}}}',
      '{"a":{"__proto__":{"y":2}},"__proto__":{"z":3}}',
      '{"a":{"__proto__":{"x":1,"y":2}},"__proto__":{"z":3}}',
    ],
    ['{"a":{}}', '{"a":{"constructor":{"b":null}}}', '{"a":{"constructor":{}}}'],
  ])('of %s with %s gives %s', (row, patch, result) => {
    expect(JSON.stringify(applied(JSON.parse(row), JSON.parse(patch)))).toBe(result);
    expect(({} as { z?: number }).z).toBeUndefined();
  });

  it('needs the row only for what it says about the inside of a field', () => {
    expect(fieldChanges({ a: 1, b: null, c: [{}] }, undefined)).toEqual({
      patch: { a: 1, c: [{}] },
      unset: ['b'],
      needsRow: false,
    });
    expect(fieldChanges({ a: {} }, undefined).needsRow).toBe(true);
  });
});
