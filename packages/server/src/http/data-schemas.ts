// What an app's schemas say of its data, as JSON Schema, for the OpenAPI document: of those that can tell (Standard JSON Schema). A schema
// that cannot, or holds what JSON Schema cannot say, is left out, and its data stays "any value".

import type { StandardJSONSchemaV1, StandardSchemaV1 } from '@standard-schema/spec';
import { partsOf, partsOfProcedure } from '../define/registry.js';
import type { App } from '../define/trunkline.js';

type Json = Readonly<Record<string, unknown>>;

/** What is sent, by the name of the channel or the procedure. */
export interface DataSchemas {
  readonly channels: ReadonlyMap<string, Json>;
  readonly procedures: ReadonlyMap<string, Json>;
}

export const NO_DATA_SCHEMAS: DataSchemas = { channels: new Map(), procedures: new Map() };

export function dataSchemasOf({ channels, procedures }: App): DataSchemas {
  return {
    channels: told(channels, (definition) => {
      const parts = partsOf(definition);
      return parts.kind === 'log' ? parts.entry : parts.row;
    }),
    procedures: told(procedures, (definition) => partsOfProcedure(definition).input),
  };
}

/**
 * The same schema for another place: what refers to its own inside ("#", "#/$defs/Point") refers to there.
 * @param place "#/components/schemas/Row_quotes"
 */
export function movedTo(place: string, schema: Json): Json {
  /** @param keyword that it is the value of; '' for a schema */
  const moved = (value: unknown, keyword: string): unknown => {
    if (keyword === '$ref' && typeof value === 'string') return value.replace(/^#/, place);
    if (VALUES.has(keyword)) return value;
    if (Array.isArray(value)) return value.map((item) => moved(item, ''));
    if (typeof value !== 'object' || value === null) return value;
    // What is in there has names, not keywords: a field may be called "default".
    const areNames = MAPS.has(keyword);
    return Object.fromEntries(Object.entries(value).map(([key, member]) => [key, moved(member, areNames ? '' : key)]));
  };
  // The dialect is that of the document.
  const { $schema: _, ...rest } = schema;
  return moved(rest, '') as Json;
}

/** Keywords whose values are data, in which "$ref" means nothing. */
const VALUES = new Set(['const', 'default', 'enum', 'examples']);
/** Keywords whose values are schemas by name. */
const MAPS = new Set(['properties', 'patternProperties', 'dependentSchemas', '$defs', 'definitions']);

function told<T extends object>(
  definitions: Readonly<Record<string, T>>,
  schemaOf: (definition: T) => StandardSchemaV1,
): ReadonlyMap<string, Json> {
  const found = Object.entries(definitions).map(([name, definition]) => [name, inputOf(schemaOf(definition))] as const);
  return new Map(found.filter((one): one is readonly [string, Json] => one[1] !== null));
}

function inputOf(schema: StandardSchemaV1): Json | null {
  const { jsonSchema } = schema['~standard'] as Partial<StandardJSONSchemaV1.Props>;
  try {
    return jsonSchema?.input({ target: 'draft-2020-12' }) ?? null;
  } catch {
    return null;
  }
}
