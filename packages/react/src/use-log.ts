// A log in a component: subscribed while it is mounted.

import type { LogHandle, LogInterest, LogSnapshot } from '@trunkline/client';
import { useCallback, useMemo, useSyncExternalStore } from 'react';

/** A log's snapshot and what can be done with it. The functions are the same for the same handle. */
export type LogView<Input, Stored, User, Refusal = string> = LogSnapshot<Input, Stored, User, Refusal> &
  Pick<LogHandle<Input, Stored, User, Refusal>, 'publish' | 'loadOlder' | 'dismissGap'>;

/**
 * Shows a log, from `last` (default 50) entries back, and keeps it live while the component is mounted. Another handle
 * (another room) may be given at any render. Options may be written inline: only their values count.
 */
export function useLog<Input, Stored, User, Refusal>(
  handle: LogHandle<Input, Stored, User, Refusal>,
  options: LogInterest = {},
): LogView<Input, Stored, User, Refusal> {
  const { last, most } = options;
  const subscribe = useCallback(
    (onChange: () => void) => handle.subscribe(onChange, { last, most }),
    [handle, last, most],
  );
  const snapshot = useSyncExternalStore(subscribe, handle.snapshot, handle.serverSnapshot);
  return useMemo(() => {
    const { publish, loadOlder, dismissGap } = handle;
    return { ...snapshot, publish, loadOlder, dismissGap };
  }, [handle, snapshot]);
}
