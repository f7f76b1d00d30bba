// Whether two public users are the same person.

/** The same `id`, so that a user who changes their name stays the same; without one, equal as JSON. */
export function isSameUser(one: unknown, other: unknown): boolean {
  return nameOf(one) === nameOf(other);
}

function nameOf(user: unknown): string {
  const id = (user as { id?: unknown } | null)?.id;
  return JSON.stringify(id === undefined ? user : { id });
}
