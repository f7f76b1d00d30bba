// The browser's storage, where it may be used: private windows and strict settings can forbid it, and the demo works without.

export function readStored(storage: () => Storage, key: string): string | null {
  try {
    return storage().getItem(key);
  } catch {
    return null;
  }
}

export function store(storage: () => Storage, key: string, value: string | null): void {
  try {
    if (value === null) storage().removeItem(key);
    else storage().setItem(key, value);
  } catch {
    // Forgotten at the next reload, which is all that is lost.
  }
}

/** Of this tab. */
export const ofTab = (): Storage => sessionStorage;
/** Of this browser. */
export const ofBrowser = (): Storage => localStorage;
