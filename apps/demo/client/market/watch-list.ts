// The watch list: symbols in the order in which they were added, kept in this browser, the same in all its tabs.

import { useSyncExternalStore } from 'react';
import { ofBrowser, readStored, store } from '../storage.js';

export const WATCH_MAX = 50;

const KEY = 'trunkline.market.watch';
const FIRST = ['EUR/USD', 'GBP/USD', 'JPY/USD', 'CHF/USD', 'AMFO', 'DEBA', 'KEEN', 'NOLA', 'QUST', 'SURA'];

let symbols: readonly string[] | undefined;
const listeners = new Set<() => void>();

function read(): readonly string[] {
  symbols ??= parse(readStored(ofBrowser, KEY)) ?? FIRST;
  return symbols;
}

function parse(text: string | null): readonly string[] | undefined {
  if (text === null) return undefined;
  try {
    const value: unknown = JSON.parse(text);
    if (!Array.isArray(value)) return undefined;
    const names = value.filter((one): one is string => typeof one === 'string' && one.length <= 16);
    return [...new Set(names)].slice(0, WATCH_MAX);
  } catch {
    return undefined;
  }
}

function write(next: readonly string[]): void {
  symbols = next;
  store(ofBrowser, KEY, JSON.stringify(next));
  for (const listener of listeners) listener();
}

function subscribe(listener: () => void): () => void {
  const onStorage = ({ key, newValue }: StorageEvent) => {
    if (key !== KEY) return;
    symbols = parse(newValue);
    listener();
  };
  listeners.add(listener);
  addEventListener('storage', onStorage);
  return () => {
    listeners.delete(listener);
    removeEventListener('storage', onStorage);
  };
}

export function useWatchList(): readonly string[] {
  return useSyncExternalStore(subscribe, read);
}

/** False if the list is full. */
export function watch(symbol: string): boolean {
  const now = read();
  if (now.includes(symbol)) return true;
  if (now.length >= WATCH_MAX) return false;
  write([...now, symbol]);
  return true;
}

export function unwatch(symbol: string): void {
  write(read().filter((one) => one !== symbol));
}
