// The replica of a table: which rows are here, of which position, and whether a slice continues them. Pure.

import type { After, Epoch, JsonValue, Offset, RowData, Rows } from '@trunkline/protocol';

export type Keys = ReadonlySet<string> | undefined;

/** Rows, and where they are in the history of the table. */
export interface TableReplica {
  epoch: Epoch | null;
  offset: Offset;
  rows: Map<string, RowData>;
  /** `rows` was handed out: copied before it is changed. */
  isShared: boolean;
  /** The watch list that the server serves; `undefined`: all rows. */
  list: Keys;
  /** With a list: the keys that were in every list since the head was last reached. Of no others is it known that they are complete. */
  held: Keys;
  /** Cannot be gone on from: a watch list began or ended since, or the server contradicts it. */
  isTorn: boolean;
}

/** One that knows nothing. */
export const emptyReplica = (list: Keys): TableReplica => ({
  epoch: null,
  offset: 0,
  rows: new Map(),
  isShared: false,
  list,
  held: list,
  isTorn: false,
});

/** Where a subscription that wants `list` may go on; `undefined`: it begins anew. */
export function resumeAt({ epoch, offset, held, list: known, isTorn }: TableReplica, list: Keys) {
  if (epoch === null || offset === 0 || isTorn || !known !== !list) return undefined;
  const after: After = { epoch, offset };
  return { after, held: held && [...held] };
}

/** Another with the same rows, that goes on by itself. Without those of which it is not known that they are complete. */
export function forkReplica({ epoch, offset, rows, held }: TableReplica, list: Keys): TableReplica {
  const kept = new Map(rows);
  if (held) for (const key of rows.keys()) if (!held.has(key)) kept.delete(key);
  return { epoch, offset, rows: kept, isShared: false, list, held: both(held, list), isTorn: false };
}

/** Whether all rows of these keys are here, as far as there are any; `undefined`: all rows. */
export function covers({ list, held, isTorn }: TableReplica, keys: Iterable<string> | undefined): boolean {
  if (isTorn || !list) return !isTorn;
  if (!keys) return false;
  for (const key of keys) if (!held?.has(key)) return false;
  return true;
}

/** The server follows another watch list from now on. */
export function followList(replica: TableReplica, list: Keys): void {
  if (!replica.list !== !list) replica.isTorn = true;
  replica.held = both(replica.held, list);
  replica.list = list;
}

const both = (held: Keys, list: Keys): Keys => held && list && new Set([...held].filter((key) => list.has(key)));

/**
 * Takes a slice in, or changes nothing. A `reset` is for a replica that is empty.
 * @param onChange for each key whose row is another.
 */
export function applyRows(replica: TableReplica, slice: Rows, onChange: (key: string) => void): 'new' | 'old' | 'hole' {
  const { from, to, set = {}, patch = {}, unset = {}, delete: gone = [], drop = [] } = slice;
  const { offset } = replica;
  const epoch = slice.epoch ?? replica.epoch;
  if (epoch !== (replica.epoch ?? epoch)) return 'hole';
  if (from !== offset) return from < offset && to <= offset ? 'old' : 'hole';
  if (to < from || (to > 0 && epoch === null)) return 'hole';
  const patched = new Set([...Object.keys(patch), ...Object.keys(unset)]);
  for (const key of patched) {
    if (replica.rows.has(key)) continue;
    // The server thinks that it is here.
    replica.isTorn = true;
    return 'hole';
  }
  if (replica.isShared) replica.rows = new Map(replica.rows);
  replica.isShared = false;
  const { rows } = replica;
  // Values may be told again: who shows them has nothing to do.
  const put = (key: string, row: RowData) => {
    const known = rows.get(key);
    if (known && isSameRow(known, row)) return;
    rows.set(key, row);
    onChange(key);
  };
  for (const [key, row] of Object.entries(set)) put(key, row);
  for (const key of patched) {
    // Spreading and deleting treat a field named __proto__ as data, as JSON.parse does.
    const row: { [field: string]: JsonValue } = { ...rows.get(key), ...own(patch, key) };
    for (const field of own(unset, key) ?? []) delete row[field];
    put(key, row);
  }
  for (const key of [...gone, ...drop]) if (rows.delete(key)) onChange(key);
  if (to > from) replica.held = replica.list;
  replica.epoch = epoch;
  replica.offset = to;
  return 'new';
}

/** A key that an object inherits is none. */
const own = <T>(parts: { readonly [key: string]: T }, key: string): T | undefined =>
  Object.hasOwn(parts, key) ? parts[key] : undefined;

/** Rows that are equal in both keep the objects of `shown`. Calls `onChange` for each key whose row is another. */
export function adoptRows(
  replica: TableReplica,
  shown: ReadonlyMap<string, RowData>,
  onChange: (key: string) => void,
): void {
  const { rows } = replica;
  for (const [key, row] of rows) {
    const known = shown.get(key);
    if (known === row) continue;
    if (known && isSameRow(known, row)) rows.set(key, known);
    else onChange(key);
  }
  for (const key of shown.keys()) if (!rows.has(key)) onChange(key);
}

function isSameRow(one: RowData, other: RowData): boolean {
  const fields = Object.keys(one);
  return (
    fields.length === Object.keys(other).length &&
    fields.every(
      (field) =>
        Object.hasOwn(other, field) &&
        (one[field] === other[field] || JSON.stringify(one[field]) === JSON.stringify(other[field])),
    )
  );
}
