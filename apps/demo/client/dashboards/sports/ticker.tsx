// What happened last, in all matches: a log, so that whoever was away misses nothing that is still kept.

import type { ReactElement } from 'react';
import { exactTime } from '../../chat/times.js';
import { useLine, useLog } from '../../trunkline.js';
import { agoWords } from '../ages.js';
import { Mark } from './match-card.js';
import { tickerText } from './match-words.js';
import styles from './ticker.module.css';

const SHOWN = 30;

export function Ticker({ nowMs }: { nowMs: number }): ReactElement {
  const { entries, state } = useLog(useLine().channel.ticker(), { last: SHOWN, most: SHOWN });
  const newest = entries.slice(-SHOWN).reverse();
  const goal = newest.find(({ data }) => data.kind === 'goal');
  return (
    <section className={styles.ticker} aria-labelledby="ticker">
      <h2 className={styles.title} id="ticker">
        Last events
      </h2>
      {/* Goals are read out; the rest would be a flood. */}
      <p className="hidden" role="status">
        {goal === undefined ? '' : tickerText(goal.data)}
      </p>
      {newest.length === 0 && <p className={styles.nothing}>{state === 'live' ? 'Nothing has happened yet.' : ''}</p>}
      <ol className={styles.list}>
        {newest.map(({ key, at, data }) => (
          <li key={key} className={styles.event} data-kind={data.kind}>
            <Mark kind={data.kind} />
            <div className={styles.words}>
              <p>{tickerText(data)}</p>
              <p className={styles.when}>
                {data.league} · {data.minute}′ ·{' '}
                <time dateTime={new Date(at).toISOString()} title={exactTime(at)}>
                  {agoWords(Math.max(0, nowMs - at))}
                </time>
              </p>
            </div>
          </li>
        ))}
      </ol>
    </section>
  );
}
