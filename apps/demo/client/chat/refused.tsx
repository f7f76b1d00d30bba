// The server does not let this client in: what it says, and the ways on.

import type { Line } from '@trunkline/client';
import type { ReactElement, ReactNode } from 'react';
import { useConnectionOf } from '../shell/connection-state.js';
import { Icon } from '../shell/icons.js';
import type { App } from '../trunkline.js';
import styles from './refused.module.css';

/** Shown while the line is refused. `children`: what can be done about it. */
export function Refused({ line, children }: { line: Line<App>; children: ReactNode }): ReactElement | null {
  const { state, reason } = useConnectionOf(line);
  if (state !== 'refused') return null;
  return (
    <div className={styles.refused} role="alert">
      <Icon name="alert" />
      <p>The server refused this connection: {reason ?? 'it gave no reason.'}</p>
      {children}
    </div>
  );
}
