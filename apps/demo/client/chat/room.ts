// What the parts of a room share: whose it is, what can be done to its messages, and what is on its way.

import { createContext, useContext } from 'react';
import { useLine, useLog } from '../trunkline.js';
import type { Names } from './names.js';
import type { Quoted } from './quoted.js';
import type { Changes } from './use-changes.js';

/** The log of a room, as the hook gives it. */
export type ChatView = ReturnType<typeof useChat>;
/** A message that is stored. */
export type ChatEntry = ChatView['entries'][number];

export function useChat(room: string, last: number) {
  const line = useLine();
  return useLog(line.channel.chat(room), { last });
}

export interface Room {
  readonly name: string;
  /** Id of the guest whose messages are one's own. */
  readonly selfId: string | undefined;
  readonly names: Names;
  readonly changes: Changes;
  /** Messages that are answered and not loaded. */
  readonly quoted: Quoted;
  /** Writes an answer to the message. */
  readonly reply: (entry: ChatEntry) => void;
  /** Writes the message anew. */
  readonly rewrite: (entry: ChatEntry) => void;
  /** Brings the message into view, and the older ones up to it if need be. */
  readonly goTo: (offset: number) => void;
}

export const RoomContext = createContext<Room | undefined>(undefined);

export function useRoom(): Room {
  const room = useContext(RoomContext);
  if (room === undefined) throw new Error('a message stands outside of a room');
  return room;
}
