// One match: its clock, its score, and the last thing that happened. A goal is marked by a word and a colour.

import { memo, type ReactElement } from 'react';
import type { Match } from '../../../server/feeds/rows.js';
import { exactTime } from '../../chat/times.js';
import { useGoal } from './goals.js';
import styles from './match-card.module.css';
import { clockText, eventText } from './match-words.js';

export const MatchCard = memo(function MatchCard({ id, match }: { id: string; match: Match }): ReactElement {
  const goal = useGoal(match);
  const { phase, kickoff, events } = match;
  const last = events.at(-1);
  const isPlaying = phase === 'first half' || phase === 'second half';
  return (
    <li className={styles.match} data-key={id} data-phase={phase} data-goal={goal?.number}>
      <div className={styles.clock} title={phase === 'coming' ? `Kick-off: ${exactTime(kickoff)}` : phase}>
        {phase === 'coming' && <span className={styles.phase}>Kick-off</span>}
        <span className={styles.minute} data-cell="clock">
          {isPlaying && <span className={styles.live} aria-hidden="true" />}
          {clockText(match)}
        </span>
      </div>
      <div className={styles.teams}>
        <Team match={match} side="home" isScorer={goal?.side === 'home'} />
        <Team match={match} side="away" isScorer={goal?.side === 'away'} />
        {last !== undefined && phase !== 'coming' && (
          <p className={styles.last}>
            <Mark kind={last.kind} />
            <span className={styles.lastWords}>
              {eventText(last)} ({match[last.side]})
            </span>
          </p>
        )}
      </div>
    </li>
  );
});

function Team({ match, side, isScorer }: { match: Match; side: 'home' | 'away'; isScorer: boolean }): ReactElement {
  const goals = match[`${side}Goals`];
  return (
    <p className={styles.team}>
      <span className={styles.name}>{match[side]}</span>
      {isScorer && <span className={styles.goal}>Goal</span>}
      <span className={styles.goals} data-cell={side}>
        {match.phase === 'coming' ? <span className="hidden">has not begun</span> : goals}
      </span>
    </p>
  );
}

/** What kind of event: the word stands beside it. */
export function Mark({ kind }: { kind: string }): ReactElement {
  return <span className={styles.mark} data-kind={kind} aria-hidden="true" />;
}
