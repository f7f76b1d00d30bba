// /sports: live scores by league, what happened last, and what has ended.

import { type ReactElement, useState } from 'react';
import type { Match } from '../../../server/feeds/rows.js';
import { clientFor } from '../../clients.js';
import { TrunklineProvider, useLine, useTable } from '../../trunkline.js';
import { newestOf, useAges, useSecond } from '../ages.js';
import { Choice } from '../choice.js';
import dashboard from '../dashboard.module.css';
import { FeedNotices, NoReadings, SimulatedLabel } from '../feed-notices.js';
import { RATE_OPTIONS, RATES, type Rate } from '../rates.js';
import { MatchCard } from './match-card.js';
import styles from './sports-page.module.css';
import { Ticker } from './ticker.js';

type Keyed = readonly [key: string, match: Match];

export function SportsPage(): ReactElement {
  return (
    <TrunklineProvider line={clientFor('visitor').line}>
      <Sports />
    </TrunklineProvider>
  );
}

function Sports(): ReactElement {
  const [rate, setRate] = useState<Rate>('each');
  const view = useTable(useLine().channel.matches(), RATES[rate].interest);
  const nowMs = useSecond();
  const ageOf = useAges(view.rows, view.state === 'live', nowMs);
  const newest = newestOf(view.rows);
  const matches = [...view.rows];
  const finished = matches.filter(([, { phase }]) => phase === 'finished').sort(([, a], [, b]) => b.at - a.at);
  const leagues = byLeague(matches.filter(([, { phase }]) => phase !== 'finished'));
  const playing = matches.filter(([, { phase }]) => phase !== 'finished' && phase !== 'coming').length;

  return (
    <div className={dashboard.page}>
      <div className={dashboard.head}>
        <h1 className={dashboard.title}>Sports</h1>
        <SimulatedLabel />
        {playing > 0 && <span className={styles.count}>{playing} in play</span>}
        <p className={dashboard.words}>
          A Python program plays these matches, of about three minutes each, and reports over HTTP.{' '}
          <span className={dashboard.long}>Scores are rows of a table, events are entries of a log.</span>
        </p>
      </div>
      <div className={dashboard.tools}>
        <Choice label="Scores" options={RATE_OPTIONS} value={rate} onChange={setRate} />
      </div>
      <FeedNotices
        state={view.state}
        error={view.error}
        ageMs={newest === undefined ? undefined : ageOf(newest)}
        unit="score or minute"
        isPaused={rate === 'paused'}
      />
      {matches.length === 0 ? (
        <NoReadings state={view.state} what="matches" />
      ) : (
        <div className={styles.columns}>
          <div className={styles.leagues}>
            {leagues.map(([league, rows]) => (
              <Group key={league} title={league} matches={rows} />
            ))}
            {finished.length > 0 && <Group title="Finished" matches={finished} isWide />}
          </div>
          <Ticker nowMs={nowMs} />
        </div>
      )}
    </div>
  );
}

function Group({ title, matches, isWide }: { title: string; matches: readonly Keyed[]; isWide?: true }): ReactElement {
  const id = `group-${title.replaceAll(' ', '-')}`;
  return (
    <section className={styles.group} aria-labelledby={id} data-wide={isWide}>
      <h2 className={styles.name} id={id}>
        {title}
      </h2>
      <ul className={styles.matches}>
        {matches.map(([key, match]) => (
          <MatchCard key={key} id={key} match={match} />
        ))}
      </ul>
    </section>
  );
}

/** Leagues by name; of each, the matches in the order in which they begin. */
function byLeague(matches: readonly Keyed[]): readonly (readonly [league: string, matches: readonly Keyed[]])[] {
  const leagues = new Map<string, Keyed[]>();
  for (const one of matches) leagues.set(one[1].league, [...(leagues.get(one[1].league) ?? []), one]);
  const inOrder = ([keyA, a]: Keyed, [keyB, b]: Keyed) =>
    a.kickoff - b.kickoff || keyA.localeCompare(keyB, 'en', { numeric: true });
  return [...leagues]
    .sort(([a], [b]) => a.localeCompare(b, 'en'))
    .map(([league, rows]) => [league, rows.sort(inOrder)] as const);
}
