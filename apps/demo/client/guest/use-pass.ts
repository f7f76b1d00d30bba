// The guest that this tab is in the chat.

import { useSyncExternalStore } from 'react';
import { type Pass, passes } from './passes.js';

export function usePass(): Pass | undefined {
  return useSyncExternalStore(passes.subscribe, () => passes.get('chat'));
}
