// The places that this browser watches, by the keys of their rows.

import { useEffect, useState } from 'react';
import { ofBrowser, readStored, store } from '../../storage.js';

const KEY = 'trunkline.weather.watched';
/** More would be no choice. */
const MAX = 200;

export interface WatchList {
  /** In the order in which they were chosen. */
  readonly keys: readonly string[];
  has(key: string): boolean;
  toggle(key: string): void;
}

export function useWatchList(): WatchList {
  const [keys, setKeys] = useState(readKeys);
  useEffect(() => store(ofBrowser, KEY, keys.length === 0 ? null : JSON.stringify(keys)), [keys]);
  return {
    keys,
    has: (key) => keys.includes(key),
    toggle: (key) =>
      setKeys((now) => (now.includes(key) ? now.filter((one) => one !== key) : [...now, key].slice(-MAX))),
  };
}

/** What is stored may be from another version, or nobody's. */
function readKeys(): readonly string[] {
  try {
    const value: unknown = JSON.parse(readStored(ofBrowser, KEY) ?? '[]');
    return Array.isArray(value) ? value.filter((key) => typeof key === 'string').slice(-MAX) : [];
  } catch {
    return [];
  }
}
