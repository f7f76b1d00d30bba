// Who has read up to where, and what is unread, in a component.

import type { ReadersSnapshot, UnreadSnapshot, WithMarkers } from '@trunkline/client';
import { useMemo, useSyncExternalStore } from 'react';

/** Who has read what, and how to say what was read here. */
export type ReadersView<User> = ReadersSnapshot<User> & Pick<WithMarkers<User>, 'mark'>;
/** What is unread, and how to follow. */
export type UnreadView = UnreadSnapshot & Pick<WithMarkers<unknown>, 'follow' | 'unfollow'>;

/**
 * `const { readers, seenBy, mark } = useReaders(line.channel.chat('lobby'))`: who has read up to where. `mark(offset)` may be called as often as something is
 * shown: at most one is sent a second.
 */
export function useReaders<User>({ readers, mark }: WithMarkers<User>): ReadersView<User> {
  const snapshot = useSyncExternalStore(readers.subscribe, readers.snapshot, readers.serverSnapshot);
  return useMemo(() => ({ ...snapshot, mark }), [snapshot, mark]);
}

/**
 * `const { unread, more, isFollowing, follow, unfollow } = useUnread(line.channel.chat('lobby'))`: a badge. Any number of them is one subscription, and none of
 * a log.
 */
export function useUnread({ unread, follow, unfollow }: WithMarkers<unknown>): UnreadView {
  const snapshot = useSyncExternalStore(unread.subscribe, unread.snapshot, unread.serverSnapshot);
  return useMemo(() => ({ ...snapshot, follow, unfollow }), [snapshot, follow, unfollow]);
}
