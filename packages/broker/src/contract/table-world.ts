// The little helpers that the contract's cases about tables share.

import type { Row, RowChange, RowsPage, Tables } from '../table.js';
import { ALL, named, START } from './world.js';

export const QUOTES = named('quotes/nyse');

export const set = (key: string, row: object): RowChange => ({ key, set: JSON.stringify(row) });
export const patch = (key: string, fields: object, ...unset: string[]): RowChange => ({
  key,
  patch: JSON.stringify(fields),
  ...(unset.length === 0 ? {} : { unset }),
});
export const gone = (key: string): RowChange => ({ key, delete: true });

/** `[key, born, offset, row]`, in the order of the page. */
export function rowsOf({ rows }: Pick<RowsPage, 'rows'>): unknown[] {
  return rows.map(({ key, born, offset, data }) => [key, born, offset, JSON.parse(data)]);
}
export function goneOf({ gone: tombstones }: Pick<RowsPage, 'gone'>): unknown[] {
  return tombstones.map(({ key, offset }) => [key, offset]);
}
export const all = (broker: Tables) => broker.readRows(QUOTES, START, ALL);

/** A copy of a table, kept up to date by pages alone. */
export class Copy {
  readonly rows = new Map<string, Row>();

  apply(page: Pick<RowsPage, 'rows' | 'gone'>): void {
    for (const { key } of page.gone) this.rows.delete(key);
    for (const row of page.rows) this.rows.set(row.key, row);
  }

  /** By key, so that copies compare whatever their way. */
  sorted(): Row[] {
    return [...this.rows.values()].sort((a, b) => (a.key < b.key ? -1 : 1));
  }
}
