// What the OpenAPI document says of an app's own data: the same as the schemas that judge it, where these can tell.

import type { StandardSchemaV1 } from '@standard-schema/spec';
import { memoryBroker } from '@trunkline/broker';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { afterEach, describe, expect, it } from 'vitest';
import * as z from 'zod';
import { movedTo } from '../src/http/data-schemas.js';
import { serve, trunkline } from '../src/index.js';
import { asking } from './support/http.js';

const closing: { close(options: { deadlineMs: number }): Promise<void> }[] = [];
afterEach(async () => {
  for (const one of closing.splice(0)) await one.close({ deadlineMs: 0 });
});

const Point = z.object({ x: z.number() }).meta({ id: 'Point' });
const Tree = z.object({
  value: z.number(),
  get children() {
    return z.array(Tree);
  },
});
/** A Standard Schema of a library that cannot tell. */
const mute: StandardSchemaV1<{ any: string }> = {
  '~standard': { version: 1, vendor: 'mute', validate: (value) => ({ value: value as { any: string } }) },
};

function app() {
  const t = trunkline({ authenticate: ({ token }) => ({ id: token ?? 'guest' }) });
  return t.app({
    channels: {
      chat: t.log(['room'], { entry: z.object({ text: z.string().max(5), mood: z.enum(['good', 'bad']).optional() }) }),
      lines: t.table([], { row: z.object({ from: Point, to: Point }), write: 'client' }),
      trees: t.log([], { entry: Tree }),
      // JSON Schema has no word for it.
      opaque: t.log([], { entry: z.custom<{ a: number }>((value) => typeof value === 'object') }),
      // What is sent is what counts, not what becomes of it.
      dated: t.log([], { entry: z.object({ day: z.string().transform((day) => day.length) }) }),
      mute: t.log([], { entry: mute }),
    },
    procedures: { double: t.procedure({ input: z.object({ n: z.int() }), run: async ({ input }) => 2 * input.n }) },
  });
}

interface Document {
  readonly paths: Record<
    string,
    Record<string, { requestBody: { content: Record<string, { schema: { $ref: string } }> } }>
  >;
  readonly components: { readonly schemas: Record<string, unknown> };
}

async function start() {
  const trunk = await serve(app(), { port: 0, broker: memoryBroker() });
  closing.push(trunk);
  const ask = asking(trunk.url);
  const document = (await ask('GET', '/v1/openapi.json', { token: null })).body as unknown as Document;
  const ajv = new Ajv2020({ strict: false });
  ajv.addSchema(document, 'document');
  const refOf = (method: string, path: string) =>
    document.paths[path]?.[method]?.requestBody.content['application/json']?.schema.$ref ?? 'none';
  const accepts = (ref: string, value: unknown) => ajv.compile({ $ref: `document${ref}` })(value);
  return { ask, refOf, accepts, document };
}

describe('the bodies that the document describes', () => {
  it('are those that the server takes, and no others', async () => {
    const { ask, refOf, accepts } = await start();
    const cases = [
      ['POST', '/v1/channels/chat/{room}/entries', { text: 'hello' }, 201],
      ['POST', '/v1/channels/chat/{room}/entries', { text: 'hello', mood: 'good' }, 201],
      ['POST', '/v1/channels/chat/{room}/entries', { text: 'longer' }, 422],
      ['POST', '/v1/channels/chat/{room}/entries', { text: 'hello', mood: 'so so' }, 422],
      ['PUT', '/v1/channels/lines/rows/{key}', { from: { x: 1 }, to: { x: 2 } }, 201],
      ['PUT', '/v1/channels/lines/rows/{key}', { from: { x: 1 }, to: { x: 'two' } }, 422],
      ['POST', '/v1/channels/trees/entries', { value: 1, children: [{ value: 2, children: [] }] }, 201],
      ['POST', '/v1/channels/trees/entries', { value: 1, children: [{ value: 'two', children: [] }] }, 422],
      ['POST', '/v1/channels/dated/entries', { day: 'Monday' }, 201],
      ['POST', '/v1/channels/dated/entries', { day: 1 }, 422],
      ['POST', '/v1/procedures/double', { n: 4 }, 200],
      ['POST', '/v1/procedures/double', { n: 4.5 }, 422],
    ] as const;
    for (const [method, path, body, status] of cases) {
      const answer = await ask(method, path.replace(/\{[^}]+\}/g, 'x'), { body });
      const isAccepted = accepts(refOf(method.toLowerCase(), path), body);
      expect([path, body, answer.status, isAccepted]).toEqual([path, body, status, status < 400]);
    }
  });

  it('are any value where a schema cannot tell', async () => {
    const { refOf, document } = await start();
    for (const name of ['opaque', 'mute']) {
      expect([name, refOf('post', `/v1/channels/${name}/entries`)]).toEqual([name, '#/components/schemas/Entry']);
    }
    expect(Object.keys(document.components.schemas)).toContain('Row_lines');
  });
});

it('a schema that is moved refers to itself where it is then, and its data is left alone', () => {
  const schema = {
    $schema: 'https://json-schema.org/draft/2020-12/schema',
    properties: {
      $ref: { $ref: '#/$defs/A' },
      default: { $ref: '#' },
      self: { $ref: '#' },
      other: { $ref: 'https://example.com/x' },
    },
    default: { $ref: '#' },
    anyOf: [{ $ref: '#/$defs/A' }],
  };
  expect(movedTo('#/at', schema)).toEqual({
    properties: {
      $ref: { $ref: '#/at/$defs/A' },
      default: { $ref: '#/at' },
      self: { $ref: '#/at' },
      other: { $ref: 'https://example.com/x' },
    },
    default: { $ref: '#' },
    anyOf: [{ $ref: '#/at/$defs/A' }],
  });
});
