// A match in words: its clock, and what happened in it.

import type { Match, TickerEntry } from '../../../server/feeds/rows.js';

type Event = Match['events'][number];

const clock = new Intl.DateTimeFormat('en-GB', { hour: '2-digit', minute: '2-digit', second: '2-digit' });
const LAST_MINUTE = { 'first half': 45, 'second half': 90 } as const;

/** Short: "63′", "45+2′", "half time", "16:42:05". */
export function clockText({ phase, minute, kickoff }: Match): string {
  switch (phase) {
    case 'coming':
      return clock.format(kickoff);
    case 'half time':
      return 'Half time';
    case 'finished':
      return 'Full time';
    default:
      return minuteText(minute, LAST_MINUTE[phase]);
  }
}

/** @param last of the half: what comes after it is added time */
function minuteText(minute: number, last: number): string {
  return minute > last ? `${last}+${minute - last}′` : `${minute}′`;
}

/** "63′ Goal, no. 9" */
export function eventText({ minute, kind, player }: Event): string {
  return `${minute}′ ${kind === 'goal' ? 'Goal' : kind === 'red card' ? 'Red card' : 'Yellow card'}, no. ${player}`;
}

export function tickerText({ kind, home, away, homeGoals, awayGoals, side, player }: TickerEntry): string {
  const score = `${home} ${homeGoals}–${awayGoals} ${away}`;
  const team = side === 'home' ? home : away;
  switch (kind) {
    case 'goal':
      return `Goal for ${team}, no. ${player}. ${score}`;
    case 'red card':
      return `Red card for ${team}, no. ${player}. ${score}`;
    case 'kick-off':
      return `Kick-off: ${home} against ${away}`;
    case 'half time':
      return `Half time: ${score}`;
    case 'full time':
      return `Full time: ${score}`;
  }
}
