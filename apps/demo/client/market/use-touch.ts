// Whether rows have to be as high as a finger is wide: the same question that the style sheets ask.

import { useSyncExternalStore } from 'react';

const touch = matchMedia('(pointer: coarse), (max-width: 599px)');

function subscribe(listener: () => void): () => void {
  touch.addEventListener('change', listener);
  return () => touch.removeEventListener('change', listener);
}

export function useTouch(): boolean {
  return useSyncExternalStore(subscribe, () => touch.matches);
}
