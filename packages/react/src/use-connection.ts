// The connection in a component: all of its snapshot, or a part.

import type { ConnectionSnapshot, Line, PublicUserOf } from '@trunkline/client';
import { useMemo, useSyncExternalStore } from 'react';

export function useConnectionOf<App, Part>(
  { connection }: Line<App>,
  select: (connection: ConnectionSnapshot<PublicUserOf<App>>) => Part,
): Part {
  const [getPart, getServerPart] = useMemo(
    () => [memoized(connection.snapshot, select), memoized(connection.serverSnapshot, select)],
    [connection, select],
  );
  return useSyncExternalStore(connection.subscribe, getPart, getServerPart);
}

/** `select(read())`, computed once for each value of `read()`: `useSyncExternalStore` compares by identity. */
function memoized<Whole, Part>(read: () => Whole, select: (whole: Whole) => Part): () => Part {
  let last: { readonly whole: Whole; readonly part: Part } | undefined;
  return () => {
    const whole = read();
    if (last?.whole !== whole) last = { whole, part: select(whole) };
    return last.part;
  };
}
