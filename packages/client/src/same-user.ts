// Whether two public users are the same person.

/** Equal as JSON, or objects with the same `id`: a user who changes their name stays the same. */
export function isSameUser(one: unknown, other: unknown): boolean {
  const id = idOf(one);
  return id !== undefined ? id === idOf(other) : isEqual(one, other);
}

function idOf(user: unknown): unknown {
  const id = typeof user === 'object' && user !== null && 'id' in user ? user.id : undefined;
  return typeof id === 'string' || typeof id === 'number' ? id : undefined;
}

function isEqual(one: unknown, other: unknown): boolean {
  if (typeof one !== 'object' || typeof other !== 'object' || one === null || other === null) return one === other;
  const keys = Object.keys(one);
  return (
    Array.isArray(one) === Array.isArray(other) &&
    keys.length === Object.keys(other).length &&
    keys.every(
      (key) =>
        Object.hasOwn(other, key) &&
        isEqual((one as Record<string, unknown>)[key], (other as Record<string, unknown>)[key]),
    )
  );
}
