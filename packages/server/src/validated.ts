// What a schema says of a value, as the core wants it.

import type { StandardSchemaV1 } from '@standard-schema/spec';
import type { Validated } from '@trunkline/core';

/** Issues of a schema that an answer lists. */
const MAX_ISSUES = 3;

/** At once, unless the schema itself takes its time. */
export function validatedBy(schema: StandardSchemaV1, value: unknown): Validated | Promise<Validated> {
  const result = schema['~standard'].validate(value);
  return result instanceof Promise ? result.then(validated) : validated(result);
}

/** The schema's words, with the path of each field: "text: Too big: expected string to have <=4000 characters". */
function validated(result: StandardSchemaV1.Result<unknown>): Validated {
  if (result.issues === undefined) return { value: result.value };
  const problems = result.issues.slice(0, MAX_ISSUES).map(({ message, path }) => {
    const where = (path ?? []).map((part) => String(typeof part === 'object' ? part.key : part)).join('.');
    return where === '' ? message : `${where}: ${message}`;
  });
  const more = result.issues.length - MAX_ISSUES;
  return { problem: problems.join('; ') + (more > 0 ? `; and ${more} more` : '') };
}
