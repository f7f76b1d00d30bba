// A number that says for a moment that it is another one: its background flashes, unless motion is off.

import { type ReactElement, type ReactNode, useState } from 'react';
import styles from './ticking.module.css';

/** @param children the number as it is shown */
export function Ticking({ value, children }: { value: number; children: ReactNode }): ReactElement {
  const [seen, setSeen] = useState({ value, changes: 0, isUp: true });
  // While rendering: React begins anew with it before anything is shown.
  if (seen.value !== value) setSeen({ value, changes: seen.changes + 1, isUp: value > seen.value });
  const change = seen.changes === 0 ? undefined : seen.isUp ? 'up' : 'down';
  return (
    // Another key is another element, whose animation begins.
    <span key={seen.changes} className={styles.ticking} data-change={change}>
      {children}
    </span>
  );
}
