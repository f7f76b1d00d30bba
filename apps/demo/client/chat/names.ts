// Who is who: reactions and marks name people by id, and their names come with what they write and with who is here.

interface Named {
  readonly id: string;
  readonly name: string;
}

export class Names {
  readonly #names = new Map<string, string>();

  /** The last name that an id was seen with counts. */
  learn(users: Iterable<Named | undefined>): void {
    for (const user of users) if (user !== undefined) this.#names.set(user.id, user.name);
  }

  of(id: string): string | undefined {
    return this.#names.get(id);
  }

  /** "Ada, Bob and you", "Ada and 2 others": at most `most` by name, oneself last. */
  list(ids: readonly string[], selfId: string | undefined, most = 8): string {
    const others = ids.filter((id) => id !== selfId);
    const known = others.flatMap((id) => this.of(id) ?? []).slice(0, most);
    const unknown = others.length - known.length;
    const parts = [
      ...known,
      ...(unknown === 0 ? [] : [counted(unknown, known.length > 0)]),
      ...(others.length < ids.length ? ['you'] : []),
    ];
    return conjoined(parts);
  }
}

function counted(unknown: number, areOthers: boolean): string {
  if (unknown === 1) return areOthers ? 'one other' : 'someone';
  return areOthers ? `${unknown.toLocaleString('en')} others` : `${unknown.toLocaleString('en')} people`;
}

/** "a", "a and b", "a, b and c" */
export function conjoined(parts: readonly string[]): string {
  if (parts.length < 2) return parts.join('');
  return `${parts.slice(0, -1).join(', ')} and ${parts.at(-1)}`;
}
