// What of an entry can change besides its data, and what an amendment makes of it. A reaction may be any text, also one that is a
// member of every object: so reactions are kept in a map.

import {
  type Amend,
  type Amended,
  type Amendment,
  MAX_REACTIONS,
  MAX_REACTORS,
  type Reactions,
  TrunklineError,
} from '@trunkline/protocol';

/** One of `edit`, `delete`, `react` and `unreact`. */
export type Change = Pick<Amend, 'edit' | 'delete' | 'react' | 'unreact'>;

/** What a change is, for rules. */
export function amendmentOf({ edit, delete: gone }: Change): Amendment {
  if (edit !== undefined) return 'edit';
  return gone === undefined ? 'react' : 'delete';
}

/**
 * What the change makes of an entry. @param edited its new data as JSON, of an edit
 * @throws TrunklineError `conflict` of a deleted entry, `too_large` for one reaction more than there may be
 */
export function amendedEntry(
  entry: { readonly data: string; readonly state: string },
  { delete: gone, react, unreact }: Change,
  edited: string | undefined,
  userId: string,
  nowMs: number,
): { readonly data: string; readonly state: string } {
  const { editedAt, reactions } = livingState(entry.state);
  if (gone === true) return { data: 'null', state: stateText({ deletedAt: nowMs }) };
  if (edited !== undefined) return { data: edited, state: stateText({ editedAt: nowMs, reactions }) };
  const next = react === undefined ? without(reactions, unreact ?? '', userId) : withOne(reactions, react, userId);
  return { data: entry.data, state: stateText({ editedAt, reactions: next }) };
}

/** What an entry's state says. @throws TrunklineError `conflict` of a deleted entry */
export function livingState(state: string): Amended {
  const parsed = JSON.parse(state) as Amended;
  if (parsed.deletedAt !== undefined) throw new TrunklineError('conflict', 'the entry was deleted');
  return parsed;
}

function withOne(reactions: Reactions | undefined, reaction: string, userId: string): Reactions {
  const by = new Map(Object.entries(reactions ?? {}));
  const users = by.get(reaction) ?? [];
  if (users.includes(userId)) return reactions ?? {};
  if (users.length === 0 && by.size >= MAX_REACTIONS) {
    throw new TrunklineError('too_large', `an entry may have ${MAX_REACTIONS} different reactions`);
  }
  let reactors = 0;
  for (const { length } of by.values()) reactors += length;
  if (reactors >= MAX_REACTORS) {
    throw new TrunklineError('too_large', `an entry may have ${MAX_REACTORS} reactions in all`);
  }
  by.set(reaction, [...users, userId]);
  return Object.fromEntries(by);
}

function without(reactions: Reactions | undefined, reaction: string, userId: string): Reactions | undefined {
  const left = Object.entries(reactions ?? {}).map(([name, users]): [string, readonly string[]] => [
    name,
    name === reaction ? users.filter((user) => user !== userId) : users,
  ]);
  const kept = left.filter(([, users]) => users.length > 0);
  return kept.length === 0 ? undefined : Object.fromEntries(kept);
}

/** Always in this order: the same state is the same text. */
function stateText({
  editedAt,
  deletedAt,
  reactions,
}: { [Field in keyof Amended]: Amended[Field] | undefined }): string {
  return JSON.stringify({ editedAt, deletedAt, reactions });
}
