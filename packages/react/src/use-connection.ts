// The connection in a component: all of its snapshot, or a part.

import type { ConnectionSnapshot, Line, PublicUserOf } from '@trunkline/client';
import { useMemo, useSyncExternalStore } from 'react';
import { memoized } from './memoized.js';

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
