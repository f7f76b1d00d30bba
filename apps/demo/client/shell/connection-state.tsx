// The dot and the words. The countdown is for eyes only: what is read aloud is each change of state, once.

import type { ConnectionSnapshot, Line } from '@trunkline/client';
import { type ReactElement, useEffect, useState, useSyncExternalStore } from 'react';
import type { App } from '../trunkline.js';
import styles from './connection-state.module.css';
import { connectionWords } from './connection-words.js';

/** The snapshot of any line's connection, also of one that is not the provider's. Keeps nothing open. */
export function useConnectionOf(line: Line<App>): ConnectionSnapshot<unknown> {
  return useSyncExternalStore(line.connection.subscribe, line.connection.snapshot, line.connection.serverSnapshot);
}

export function ConnectionState({ line, label }: { line: Line<App>; label?: string }): ReactElement {
  const connection = useConnectionOf(line);
  const nowMs = useCountdown(connection.state === 'waiting');
  const { tone, words } = connectionWords(connection, nowMs);
  const spoken = connection.state === 'waiting' ? 'reconnecting' : connection.state === 'live' ? 'live' : words;
  return (
    <span className={styles.state} data-state={connection.state} title={connection.reason}>
      <span className={styles.dot} data-tone={tone} />
      <span className={styles.words}>{words}</span>
      <span className="hidden" role="status">
        {label === undefined ? 'Connection' : `${label}'s connection`}: {spoken}
      </span>
    </span>
  );
}

/** The time, ten times a second while something counts down. */
function useCountdown(running: boolean): number {
  const [nowMs, setNowMs] = useState(Date.now);
  useEffect(() => {
    if (!running) return;
    setNowMs(Date.now());
    const timer = setInterval(() => setNowMs(Date.now()), 100);
    return () => clearInterval(timer);
  }, [running]);
  return nowMs;
}
