// What may travel as a payload: JSON values, checked by the compiler, with the offending field named in the error.

/** Any value that JSON can carry. */
export type JsonValue = string | number | boolean | null | readonly JsonValue[] | { readonly [key: string]: JsonValue };

type NeverJson =
  | bigint
  | symbol
  | undefined
  | ((...args: never[]) => unknown)
  | (abstract new (
      ...args: never[]
    ) => unknown);
/** Objects that `JSON.stringify` would silently turn into something else (a string, or `{}`). */
type ExoticObject =
  | { toJSON(...args: never[]): unknown }
  | ReadonlyMap<unknown, unknown>
  | ReadonlySet<unknown>
  | (WeakKey & { readonly [Symbol.toStringTag]: string })
  | RegExp
  | Error;

type IsAny<T> = 0 extends 1 & T ? true : false;
type IsUnknown<T> = IsAny<T> extends true ? false : unknown extends T ? true : false;

/** Equal for equal types only: a parameter is compared in both directions. */
type Mark<T> = (type: T) => T;

/**
 * The paths inside `T` that are not JSON, as a union of strings (`"when"`, `"items[].made"`); `never` when all of it is.
 * A field that may be `undefined` counts as JSON: it is left out when it is. `Seen` marks the interfaces on the way
 * down: one that holds itself is looked at once.
 */
export type NonJsonPath<T, Path extends string = 'the payload', Seen = never> =
  IsAny<T> extends true
    ? never
    : IsUnknown<T> extends true
      ? Path
      : T extends JsonValue
        ? never
        : T extends NeverJson | ExoticObject
          ? Path
          : T extends readonly (infer Item)[]
            ? NonJsonPath<Item, `${Path}[]`, Seen>
            : T extends object
              ? [keyof T] extends [never]
                ? Path // `object`, or an empty interface: anything at all may be in there
                : Mark<T> extends Seen
                  ? never
                  : {
                      [K in keyof T]-?: K extends string | number
                        ? NonJsonPath<
                            Exclude<T[K], undefined>,
                            Path extends 'the payload' ? `${K}` : `${Path}.${K}`,
                            Seen | Mark<T>
                          >
                        : 'a symbol key';
                    }[keyof T]
              : Path;

/** What a caller sees instead of its own type when a payload is not JSON: the message names the field. */
export interface NotJson<Message extends string> {
  readonly notJson: Message;
}

/** `unknown` (no constraint) when `T` is JSON, else a type nothing satisfies that names the field. Use as `S & JsonOnly<Output<S>>`. */
export type JsonOnly<T> = [NonJsonPath<T>] extends [never] ? unknown : NotJson<`not a JSON value: ${NonJsonPath<T>}`>;
