// Who is present, in a component.

import type { PresenceSnapshot, WithPresence } from '@trunkline/client';
import { useSyncExternalStore } from 'react';

/**
 * `const { people, count, state } = usePresence(line.channel.chat('lobby'))`: who is subscribed to the log now. Showing it makes nobody present:
 * `useLog` of the same log does.
 */
export function usePresence<User>({ presence }: WithPresence<User>): PresenceSnapshot<User> {
  return useSyncExternalStore(presence.subscribe, presence.snapshot, presence.serverSnapshot);
}
