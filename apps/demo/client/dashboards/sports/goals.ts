// Goals that fell while the visitor looked: marked for a while, and said.

import { useEffect, useState } from 'react';
import type { Match } from '../../../server/feeds/rows.js';

/** How long a goal is marked, in milliseconds. */
const MARKED_MS = 10_000;

/** What of a goal there is to see. */
export interface Goal {
  readonly side: 'home' | 'away';
  /** Another goal is another mark. */
  readonly number: number;
}

/** The goal that has just fallen in this match, if one has. A decision that takes one back marks nothing. */
export function useGoal({ homeGoals, awayGoals }: Match): Goal | undefined {
  const [seen, setSeen] = useState<{ homeGoals: number; awayGoals: number; goal?: Goal }>({ homeGoals, awayGoals });
  if (seen.homeGoals !== homeGoals || seen.awayGoals !== awayGoals) {
    const side = homeGoals > seen.homeGoals ? 'home' : awayGoals > seen.awayGoals ? 'away' : undefined;
    // While rendering: React begins anew with it before anything is shown.
    setSeen({ homeGoals, awayGoals, ...(side === undefined ? {} : { goal: { side, number: homeGoals + awayGoals } }) });
  }
  const { goal } = seen;
  useEffect(() => {
    if (goal === undefined) return;
    const timer = setTimeout(() => setSeen(({ homeGoals, awayGoals }) => ({ homeGoals, awayGoals })), MARKED_MS);
    return () => clearTimeout(timer);
  }, [goal]);
  return goal;
}
