// A log in a component: subscribed while it is mounted.

import type { LogHandle, LogInterest, LogSnapshot } from '@trunkline/client';

/** A log's snapshot and what can be done with it. The functions are the same for the same handle. */
export type LogView<Input, Stored, User, Refusal = string> = LogSnapshot<Input, Stored, User, Refusal> &
  Pick<LogHandle<Input, Stored, User, Refusal>, 'publish' | 'loadOlder' | 'dismissGap'>;

export type UseLog = <Input, Stored, User, Refusal>(
  handle: LogHandle<Input, Stored, User, Refusal>,
  options?: LogInterest,
) => LogView<Input, Stored, User, Refusal>;

/**
 * Shows a log, from `last` (default 50) entries back, and keeps it live while the component is mounted. Another handle
 * (another room) may be given at any render. Options may be written inline: only their values count.
 */
export const useLog: UseLog = (handle, options) => {
  throw new Error(`not yet ${handle} ${options}`);
};
