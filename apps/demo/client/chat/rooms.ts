// The rooms that this tab offers: three to begin with, and each that was visited.

import { checkName } from '../../shared/names.js';
import { ofTab, readStored, store } from '../storage.js';

const KEY = 'trunkline.rooms';
const OFFERED = ['lobby', 'workshop', 'garden'];
const VISITED_MAX = 12;

export function rooms(current: string): readonly string[] {
  return [...new Set([...OFFERED, ...visited(), current])];
}

export function remember(room: string): void {
  if (OFFERED.includes(room)) return;
  const others = visited().filter((name) => name !== room);
  store(ofTab, KEY, JSON.stringify([...others, room].slice(-VISITED_MAX)));
}

function visited(): string[] {
  try {
    const names: unknown = JSON.parse(readStored(ofTab, KEY) ?? '[]');
    return Array.isArray(names) ? names.filter((name) => 'name' in checkName(name)) : [];
  } catch {
    return [];
  }
}

/** How a room's messages travel: over a WebSocket, or with HTTP requests. */
export type Way = 'chat' | 'polling';

export function roomAddress(room: string, way: Way = 'chat'): string {
  return `/${way}/${encodeURIComponent(room)}`;
}

/** Where a message can be read: the room, scrolled to it. */
export function messageAddress(room: string, offset: number): string {
  return `${roomAddress(room)}#${offset}`;
}
