// Light or dark: the visitor's choice, and until there is one the system's, also when that changes.

import { useSyncExternalStore } from 'react';
import { ofBrowser, store } from './storage.js';

export type Theme = 'light' | 'dark';

const KEY = 'trunkline.theme';
const system = matchMedia('(prefers-color-scheme: dark)');
const listeners = new Set<() => void>();

function current(): Theme {
  const chosen = document.documentElement.dataset.theme;
  if (chosen === 'light' || chosen === 'dark') return chosen;
  return system.matches ? 'dark' : 'light';
}

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  system.addEventListener('change', listener);
  return () => {
    listeners.delete(listener);
    system.removeEventListener('change', listener);
  };
}

export function useTheme(): Theme {
  return useSyncExternalStore(subscribe, current);
}

export function switchTheme(): void {
  const theme: Theme = current() === 'dark' ? 'light' : 'dark';
  document.documentElement.dataset.theme = theme;
  store(ofBrowser, KEY, theme);
  for (const listener of listeners) listener();
}
