// A store made of another one: computed once for each of its values, and of what else counts.

import type { TableStore } from './table-handle.js';

export function mapStore<Whole, Value>(
  { subscribe, snapshot, serverSnapshot }: TableStore<Whole>,
  make: (whole: Whole) => Value,
  also: () => unknown = noMore,
): TableStore<Value> {
  const once = (read: () => Whole): (() => Value) => {
    let last: { readonly whole: Whole; readonly more: unknown; readonly value: Value } | undefined;
    return () => {
      const whole = read();
      const more = also();
      if (!last || last.whole !== whole || last.more !== more) last = { whole, more, value: make(whole) };
      return last.value;
    };
  };
  return { subscribe, snapshot: once(snapshot), serverSnapshot: once(serverSnapshot) };
}

const noMore = (): void => {};
