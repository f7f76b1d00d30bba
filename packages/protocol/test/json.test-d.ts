import { describe, expectTypeOf, it } from 'vitest';
import type { JsonOnly, JsonValue, NonJsonPath, NotJson } from '../src/index.js';

declare class Money {
  readonly amount: number;
  plus(other: Money): Money;
}
declare class Plain {
  readonly amount: number;
}
interface Message {
  readonly text: string;
  readonly tags?: readonly string[];
  readonly author: { readonly id: string; readonly nick: string | null };
}
interface Tree {
  readonly name: string;
  readonly children: readonly Tree[];
}
interface DatedTree {
  readonly made: Date;
  readonly children: readonly DatedTree[];
}
type Branded = string & { readonly __brand: 'id' };
enum Colour {
  red = 'red',
}

describe('payloads that are JSON', () => {
  it('takes scalars, arrays, tuples and objects', () => {
    expectTypeOf<NonJsonPath<string>>().toBeNever();
    expectTypeOf<NonJsonPath<null>>().toBeNever();
    expectTypeOf<NonJsonPath<'a' | 1 | true>>().toBeNever();
    expectTypeOf<NonJsonPath<readonly [string, number]>>().toBeNever();
    expectTypeOf<NonJsonPath<{ a: { b: number[][] } }>>().toBeNever();
    expectTypeOf<NonJsonPath<Record<string, number>>>().toBeNever();
    expectTypeOf<NonJsonPath<JsonValue>>().toBeNever();
    expectTypeOf<NonJsonPath<Branded | Colour>>().toBeNever();
  });

  it('takes interfaces, which have no index signature', () => {
    expectTypeOf<NonJsonPath<Message>>().toBeNever();
    expectTypeOf<NonJsonPath<readonly Message[]>>().toBeNever();
  });

  it('takes interfaces that hold themselves', () => {
    expectTypeOf<NonJsonPath<Tree>>().toBeNever();
  });

  it('takes optional fields, and fields that may be undefined', () => {
    expectTypeOf<NonJsonPath<{ a?: string }>>().toBeNever();
    expectTypeOf<NonJsonPath<{ a: string | undefined }>>().toBeNever();
    expectTypeOf<NonJsonPath<{ a?: { b?: number } | undefined }>>().toBeNever();
  });

  it('takes any: who writes it asks not to be checked', () => {
    // biome-ignore lint/suspicious/noExplicitAny: what this test is about
    expectTypeOf<NonJsonPath<any>>().toBeNever();
    // biome-ignore lint/suspicious/noExplicitAny: what this test is about
    expectTypeOf<NonJsonPath<{ a: any }>>().toBeNever();
  });

  it('takes instances of classes without methods', () => {
    expectTypeOf<NonJsonPath<Plain>>().toBeNever();
  });

  it('puts no constraint on them', () => {
    expectTypeOf<JsonOnly<Message>>().toBeUnknown();
  });
});

describe('payloads that are not', () => {
  it('names a Date', () => {
    expectTypeOf<NonJsonPath<{ when: Date }>>().toEqualTypeOf<'when'>();
    expectTypeOf<NonJsonPath<Date>>().toEqualTypeOf<'the payload'>();
  });

  it('names what JSON.stringify would turn into {}', () => {
    expectTypeOf<NonJsonPath<{ a: Map<string, number> }>>().toEqualTypeOf<'a'>();
    expectTypeOf<NonJsonPath<{ a: Set<string> }>>().toEqualTypeOf<'a'>();
    expectTypeOf<NonJsonPath<{ a: RegExp }>>().toEqualTypeOf<'a'>();
    expectTypeOf<NonJsonPath<{ a: Error }>>().toEqualTypeOf<'a'>();
    expectTypeOf<NonJsonPath<{ a: Uint8Array }>>().toEqualTypeOf<'a'>();
    expectTypeOf<NonJsonPath<{ a: Promise<string> }>>().toEqualTypeOf<'a'>();
  });

  it('names functions, bigints and symbols', () => {
    expectTypeOf<NonJsonPath<{ a: () => void }>>().toEqualTypeOf<'a'>();
    expectTypeOf<NonJsonPath<{ a: bigint }>>().toEqualTypeOf<'a'>();
    expectTypeOf<NonJsonPath<{ a: symbol }>>().toEqualTypeOf<'a'>();
    expectTypeOf<NonJsonPath<bigint>>().toEqualTypeOf<'the payload'>();
  });

  it('names undefined where it would become null or nothing at all', () => {
    expectTypeOf<NonJsonPath<undefined>>().toEqualTypeOf<'the payload'>();
    expectTypeOf<NonJsonPath<{ a: (string | undefined)[] }>>().toEqualTypeOf<'a[]'>();
  });

  it('names unknown and object, which may hold anything', () => {
    expectTypeOf<NonJsonPath<unknown>>().toEqualTypeOf<'the payload'>();
    expectTypeOf<NonJsonPath<{ a: unknown }>>().toEqualTypeOf<'a'>();
    expectTypeOf<NonJsonPath<{ a: object }>>().toEqualTypeOf<'a'>();
    expectTypeOf<NonJsonPath<Record<string, unknown>>>().toEqualTypeOf<string>();
  });

  it('names the place in nested objects and arrays', () => {
    expectTypeOf<NonJsonPath<{ items: readonly { made: Date }[] }>>().toEqualTypeOf<'items[].made'>();
    expectTypeOf<NonJsonPath<{ a: { b: { c: Date } } }>>().toEqualTypeOf<'a.b.c'>();
    expectTypeOf<NonJsonPath<{ a: bigint[][] }>>().toEqualTypeOf<'a[][]'>();
  });

  it('names every wrong field, in optional and union types too', () => {
    expectTypeOf<NonJsonPath<{ a?: Date; b: string; c: number | bigint }>>().toEqualTypeOf<'a' | 'c'>();
    expectTypeOf<NonJsonPath<{ kind: 'a' } | { kind: 'b'; at: Date }>>().toEqualTypeOf<'at'>();
  });

  it('names the methods of a class', () => {
    expectTypeOf<NonJsonPath<{ price: Money }>>().toEqualTypeOf<'price.plus'>();
  });

  it('names a wrong field of an interface that holds itself', () => {
    expectTypeOf<NonJsonPath<DatedTree>>().toEqualTypeOf<'made'>();
  });

  it('tells the caller which field', () => {
    expectTypeOf<JsonOnly<{ when: Date }>>().toEqualTypeOf<NotJson<'not a JSON value: when'>>();
    const publish = <T>(data: T & JsonOnly<T>) => data;
    publish({ text: 'fine' });
    // @ts-expect-error: Property 'notJson' is missing … NotJson<"not a JSON value: when">
    publish({ when: new Date() });
  });
});
