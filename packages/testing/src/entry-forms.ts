// What an entry was, one form after the other: as it was published, and as each record of an amendment made it.

/** What of an entry can change, as it is sent and shown. */
export interface Changing {
  readonly data?: unknown;
  readonly editedAt?: number | undefined;
  readonly deletedAt?: number | undefined;
  readonly reactions?: Readonly<Record<string, readonly string[]>> | undefined;
}

export interface Form {
  /** Of the record that made it; of the entry itself, if it is as it was published. */
  readonly offset: number;
  /** As JSON text. */
  readonly data: string;
  /** The same for forms that look alike. */
  readonly look: string;
  readonly isDeleted: boolean;
  /** That was put into the data. */
  readonly word: string | undefined;
  /** Each with who reacted so. */
  readonly reactions: readonly string[];
}

/** @param state all else that can change, as JSON text */
export function formOf(offset: number, data: string, state = '{}'): Form {
  const value = JSON.parse(data) as { readonly id?: string } | null;
  const changing: Changing = { data: value, ...(JSON.parse(state) as object) };
  const reactions = Object.entries(changing.reactions ?? {}).flatMap(([name, users]) =>
    users.map((user) => `${name} of ${user}`),
  );
  const isDeleted = changing.deletedAt !== undefined;
  return { offset, data, look: lookOfEntry(changing), isDeleted, word: value?.id, reactions };
}

/** What an amendment did to an entry: one thing, as each is. A deletion takes all. */
export function changesOf(before: Form, after: Form): string[] {
  if (after.isDeleted) return [];
  return [
    ...(after.data === before.data ? [] : [`"${before.word}" is "${after.word}"`]),
    ...before.reactions.filter((one) => !after.reactions.includes(one)).map((one) => `${one} is gone`),
    ...after.reactions.filter((one) => !before.reactions.includes(one)).map((one) => `${one} is new`),
  ];
}

/** Of the data its word is enough: no two publishes or edits have the same. */
export function lookOfEntry({ data, editedAt, deletedAt, reactions = {} }: Changing): string {
  const word = (data as { readonly id?: unknown } | null | undefined)?.id;
  const reacted = Object.entries(reactions).map(([reaction, users]) => `${reaction} ${users.join()}`);
  return [word, editedAt, deletedAt, ...reacted].join(' ');
}

/** What the entry was when its log had this head. */
export function formAt(forms: readonly Form[], head: number): Form | undefined {
  return forms.findLast(({ offset }, index) => offset <= head || index === 0);
}
