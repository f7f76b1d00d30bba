// What each line of the list shows, from the log's entries and from what is on its way into it.

import type { MessageProps } from './message.js';
import type { ChatView, Room } from './room.js';
import { isSameDay } from './times.js';
import type { Reading } from './use-reading.js';

const CONTINUED_MS = 5 * 60_000;

export function itemAt(view: ChatView, index: number) {
  return view.entries[index] ?? view.pending[index - view.entries.length];
}

/** Index of the entry at that offset; -1 if it is not there. */
export function indexOf({ entries }: ChatView, offset: number): number {
  let [low, high] = [0, entries.length - 1];
  while (low <= high) {
    const middle = (low + high) >> 1;
    const at = entries[middle]?.offset ?? 0;
    if (at === offset) return middle;
    if (at < offset) low = middle + 1;
    else high = middle - 1;
  }
  return -1;
}

export interface Shown {
  readonly view: ChatView;
  readonly room: Pick<Room, 'selfId' | 'changes'>;
  readonly selfName: string;
  readonly reading: Reading;
}

export function messageProps({ view, room, selfName, reading }: Shown, index: number): MessageProps {
  const { selfId } = room;
  const entry = view.entries[index];
  const before = view.entries[index - 1];
  if (entry === undefined) {
    const waiting = view.pending[index - view.entries.length];
    const last = view.entries.at(-1);
    const follows = index > view.entries.length || (last !== undefined && last.user?.id === selfId);
    return {
      author: selfName,
      text: waiting?.data.text ?? '',
      images: waiting?.data.images,
      ...answered(view, waiting?.data.replyTo),
      at: undefined,
      own: true,
      continued: follows && waiting?.data.replyTo === undefined,
      newDay: false,
      newestOwn: false,
      state: waiting?.state ?? 'sending',
      problem: waiting?.error?.message,
      retry: waiting?.retry,
      discard: waiting?.discard,
    };
  }
  const newDay = before === undefined ? !view.hasOlder : !isSameDay(before.at, entry.at);
  const close = before !== undefined && before.user?.id === entry.user?.id && entry.at - before.at < CONTINUED_MS;
  const own = entry.user !== undefined && entry.user.id === selfId;
  const isFirstNew = isFirstOfNew(view, index, reading.newAfter) && !own;
  const change = room.changes.of(entry.offset);
  return {
    entry,
    change,
    author: entry.user?.name ?? 'Trunkline',
    text: change?.text ?? entry.data?.text ?? '',
    images: entry.data?.images,
    ...answered(view, entry.data?.replyTo),
    at: entry.at,
    own,
    continued:
      close && !newDay && !isFirstNew && before.user?.name === entry.user?.name && entry.data?.replyTo === undefined,
    newDay,
    isFirstNew,
    newestOwn: own && index === view.entries.length - 1,
    seenBy: reading.seenBy.get(entry.offset),
    state: 'stored',
    problem: undefined,
  };
}

function answered(
  view: ChatView,
  replyTo: number | undefined,
): Pick<MessageProps, 'replyTo' | 'answers' | 'isAnsweredGone'> {
  if (replyTo === undefined) return {};
  const answers = view.entries[indexOf(view, replyTo)];
  const oldest = view.entries[0]?.offset ?? 0;
  return { replyTo, answers, isAnsweredGone: answers === undefined && (replyTo > oldest || !view.hasOlder) };
}

function isFirstOfNew({ entries, hasOlder }: ChatView, index: number, newAfter: number | undefined): boolean {
  const entry = entries[index];
  if (newAfter === undefined || entry === undefined || entry.offset <= newAfter) return false;
  const before = entries[index - 1];
  return before === undefined ? !hasOlder : before.offset <= newAfter;
}
