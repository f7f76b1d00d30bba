// What is to be said about a feed, above what it shows: no connection, nothing new for long, refused, and what the generator does.

import type { ReactElement } from 'react';
import { Icon } from '../shell/icons.js';
import { useLine, useRow } from '../trunkline.js';
import { lengthWords, STALE_MS } from './ages.js';
import styles from './dashboard.module.css';

interface FeedNoticesProps {
  readonly state: 'connecting' | 'catching up' | 'live' | 'offline' | 'refused';
  readonly error: { readonly message: string } | undefined;
  /** Of the newest reading, in milliseconds; `undefined` without one. */
  readonly ageMs: number | undefined;
  /** "reading", "change": what there is nothing new of. */
  readonly unit: string;
  /** The visitor wants nothing new. */
  readonly isPaused?: boolean;
}

export function FeedNotices({ state, error, ageMs, unit, isPaused = false }: FeedNoticesProps): ReactElement | null {
  const generator = useGeneratorWords();
  if (state === 'refused') {
    return (
      <p className={`${styles.notice} ${styles.refused}`} role="alert">
        <Icon name="alert" />
        <span>The server does not show this: {error?.message ?? 'it gave no reason.'}</span>
      </p>
    );
  }
  if (state === 'offline') {
    return (
      <p className={styles.notice} role="status">
        <Icon name="clock" />
        <span>
          The connection is lost.{' '}
          {ageMs === undefined ? 'There is nothing to show yet.' : 'These are the last values that came.'}
        </span>
      </p>
    );
  }
  if (state !== 'live' || isPaused || ageMs === undefined || ageMs < STALE_MS) return null;
  return (
    <p className={styles.notice} role="status">
      <Icon name="clock" />
      <span>
        {/* The number would be read out each second. */}
        No new {unit} for <span aria-hidden="true">{lengthWords(ageMs)}</span>
        <span className="hidden">more than 30 seconds</span>. {generator}
      </span>
    </p>
  );
}

/** In place of the values, where there are none: the shape of what is to come, or why nothing comes. */
export function NoReadings({ state, what }: { state: FeedNoticesProps['state']; what: string }): ReactElement | null {
  const generator = useGeneratorWords();
  if (state === 'live') {
    return (
      <div className={styles.empty}>
        <p className={styles.emptyTitle}>No {what} yet</p>
        <p>{generator}</p>
      </div>
    );
  }
  if (state !== 'connecting' && state !== 'catching up') return null;
  return (
    <div className={styles.skeleton}>
      <span className="hidden">Loading</span>
      {Array.from({ length: 8 }, (_, index) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: they are all the same and never move
        <span key={index} className={styles.bone} />
      ))}
    </div>
  );
}

/** Why it is quiet, and what can be done about it. */
function useGeneratorWords(): ReactElement {
  const generator = useRow(useLine().channel.feeds(), 'generator');
  switch (generator?.state) {
    case 'missing':
      return (
        <>
          The generator does not run: the server found no <code>python3</code>. Install Python 3 and start the demo
          again.
        </>
      );
    case 'off':
      return (
        <>
          The server does not run the generator, as <code>TRUNKLINE_FEEDS</code> is off. Start it with{' '}
          <code>python3 apps/demo/generators/feeds.py</code>; its <code>--help</code> says which key it needs.
        </>
      );
    case 'waiting':
      return <>The generator has stopped and is being started again ({generator.problem}).</>;
    default:
      return <>The generator is running; its next values should be here in a moment.</>;
  }
}

/** Stands beside the title of every page that is fed so. */
export function SimulatedLabel(): ReactElement {
  return (
    <span className={styles.simulated} title="A program makes these values up and sends them through the HTTP API.">
      Simulated
    </span>
  );
}
