// How far this guest has read: told to the others while the end of the room is in view, and the place where the new messages begin.

import { useEffect, useMemo, useRef, useState, useSyncExternalStore } from 'react';
import { useLine, useReaders } from '../trunkline.js';
import { type Person, useBeside } from './beside.js';
import type { ChatView } from './room.js';
import type { Way } from './rooms.js';

export interface Reading {
  /** The message after which the new ones began; `undefined`: there is no such line. */
  readonly newAfter: number | undefined;
  /** Who has read up to here, by the message's offset. Without oneself and its author, who has read it anyway. */
  readonly seenBy: ReadonlyMap<number, readonly Person[]>;
}

const NOT_KNOWN = undefined;

export function useReading(
  { room, way, view, selfId }: { room: string; way: Way; view: ChatView; selfId: string | undefined },
  atEnd: boolean,
): Reading {
  const { entries, pending, state } = view;
  const { readers, mark } = useReaders(useBeside(room, way));
  const before = useMarkBefore(room);
  const isVisible = useSyncExternalStore(onVisibility, () => document.visibilityState === 'visible');
  const [newAfter, setNewAfter] = useState<number>();
  const isReading = atEnd && isVisible && state === 'live' && before !== NOT_KNOWN;
  const newest = entries.at(-1)?.offset;

  useEffect(() => {
    if (before !== NOT_KNOWN && before > 0) setNewAfter(before);
  }, [before]);
  useEffect(() => {
    if (isReading && newest !== undefined) mark(newest);
  }, [isReading, newest, mark]);
  // What comes while nobody looks is new; who comes back to nothing new goes on without a line.
  const latest = useRef(newest);
  latest.current = newest;
  useEffect(() => {
    if (!isReading) return;
    const now = latest.current ?? 0;
    setNewAfter((after) => (after !== undefined && now > after ? after : undefined));
    return () => setNewAfter(latest.current);
  }, [isReading]);
  // Whoever writes has seen what there is.
  const isWriting = pending.length > 0;
  useEffect(() => {
    if (isWriting) setNewAfter(undefined);
  }, [isWriting]);

  const seenBy = useMemo(() => {
    const seen = new Map<number, Person[]>();
    for (const { user, offset } of readers) {
      const index = entries.findLastIndex((entry) => entry.offset <= offset);
      const entry = entries[index];
      if (entry === undefined || user.id === selfId || user.id === entry.user?.id) continue;
      seen.set(entry.offset, [...(seen.get(entry.offset) ?? []), user]);
    }
    return seen;
  }, [entries, readers, selfId]);
  return { newAfter, seenBy };
}

/** The mark as it was when the room was opened: 0 if there was none, `undefined` until it is known. */
function useMarkBefore(room: string): number | undefined {
  const line = useLine();
  const { unread } = line;
  const { state, logs } = useSyncExternalStore(unread.subscribe, unread.snapshot, unread.serverSnapshot);
  const [before, setBefore] = useState<number>();
  const known = state === 'live' ? (logs.get(line.channel.chat(room).name)?.mark ?? 0) : undefined;
  if (before === NOT_KNOWN && known !== undefined) setBefore(known);
  return before;
}

function onVisibility(onChange: () => void): () => void {
  document.addEventListener('visibilitychange', onChange);
  return () => document.removeEventListener('visibilitychange', onChange);
}
