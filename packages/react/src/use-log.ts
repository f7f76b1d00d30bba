// A log in a component: subscribed while it is mounted.

import type { Amendment, LogHandle, LogInterest, LogSnapshot } from '@trunkline/client';
import { useCallback, useMemo, useSyncExternalStore } from 'react';

/** A log's snapshot and what can be done with it. The functions are the same for the same handle. */
export type LogView<Input, Stored, User, Refusal = string, Amend extends Amendment = never> = LogSnapshot<
  Input,
  Stored,
  User,
  Refusal,
  Amend
> &
  Pick<
    LogHandle<Input, Stored, User, Refusal, Amend>,
    'publish' | 'edit' | 'delete' | 'react' | 'unreact' | 'loadOlder' | 'dismissGap'
  >;

/**
 * Shows a log, from `last` (default 50) entries back, and keeps it live while the component is mounted. Another handle
 * (another room) may be given at any render. Options may be written inline: only their values count.
 */
export function useLog<Input, Stored, User, Refusal, Amend extends Amendment>(
  handle: LogHandle<Input, Stored, User, Refusal, Amend>,
  options: LogInterest = {},
): LogView<Input, Stored, User, Refusal, Amend> {
  const { last, most } = options;
  const subscribe = useCallback(
    (onChange: () => void) => handle.subscribe(onChange, { last, most }),
    [handle, last, most],
  );
  const snapshot = useSyncExternalStore(subscribe, handle.snapshot, handle.serverSnapshot);
  return useMemo(() => {
    const { publish, edit, delete: remove, react, unreact, loadOlder, dismissGap } = handle;
    return { ...snapshot, publish, edit, delete: remove, react, unreact, loadOlder, dismissGap };
  }, [handle, snapshot]);
}
