// Older pages of a log, asked for while one scrolls up, and the problem if one did not come.

import { useCallback, useState } from 'react';
import type { ChatView } from './room.js';

export interface Older {
  readonly problem: string | undefined;
  /** Loads unless the last attempt failed. */
  readonly auto: () => void;
  readonly now: () => void;
}

export function useOlder({ hasOlder, loadingOlder, loadOlder }: ChatView): Older {
  const [problem, setProblem] = useState<string>();
  const now = useCallback(() => {
    setProblem(undefined);
    loadOlder().catch((error: unknown) => setProblem(error instanceof Error ? error.message : String(error)));
  }, [loadOlder]);
  const wanted = hasOlder && !loadingOlder && problem === undefined;
  const auto = useCallback(() => {
    if (wanted) now();
  }, [now, wanted]);
  return { problem, auto, now };
}
