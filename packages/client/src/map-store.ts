// A store made of another one: computed once for each of its values.

import type { TableStore } from './table-handle.js';

export function mapStore<Whole, Value>(
  { subscribe, snapshot, serverSnapshot }: TableStore<Whole>,
  make: (whole: Whole) => Value,
): TableStore<Value> {
  const once = (read: () => Whole): (() => Value) => {
    let last: { readonly whole: Whole; readonly value: Value } | undefined;
    return () => {
      const whole = read();
      if (!last || last.whole !== whole) last = { whole, value: make(whole) };
      return last.value;
    };
  };
  return { subscribe, snapshot: once(snapshot), serverSnapshot: once(serverSnapshot) };
}
