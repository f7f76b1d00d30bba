// Assertions that need no test framework: they throw an Error that says what was expected.

/** Throws unless `condition` holds. */
export function check(condition: boolean, otherwise: string): asserts condition {
  if (!condition) throw new Error(otherwise);
}

/** Throws unless both are the same JSON value, whatever the order of their keys. */
export function same(actual: unknown, expected: unknown, what: string): void {
  const [a, e] = [canonical(actual), canonical(expected)];
  if (a !== e) throw new Error(`${what}: expected ${shorten(e)}, got ${shorten(a)}`);
}

/** What `promise` rejects with; throws unless it rejects with an instance of `type`. */
export async function rejection<E extends Error>(
  promise: Promise<unknown>,
  type: abstract new (...parameters: never[]) => E,
  what: string,
): Promise<E> {
  let value: unknown;
  try {
    value = await promise;
  } catch (error) {
    if (error instanceof type) return error;
    throw new Error(`${what}: expected ${type.name}, got ${String(error)}`, { cause: error });
  }
  throw new Error(`${what}: expected ${type.name}, but it resolved with ${shorten(canonical(value))}`);
}

function canonical(value: unknown): string {
  return (
    JSON.stringify(value, (_key, inner: unknown) =>
      typeof inner === 'object' && inner !== null && !Array.isArray(inner)
        ? Object.fromEntries(Object.entries(inner).sort(([a], [b]) => (a < b ? -1 : 1)))
        : inner,
    ) ?? 'undefined'
  );
}

function shorten(text: string): string {
  return text.length <= 600 ? text : `${text.slice(0, 600)}… (${text.length} characters)`;
}
