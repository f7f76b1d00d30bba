// What the generators tell: the rows of the weather and sports tables, the ticker's entries, and how the generator itself is.

import * as z from 'zod';

const name = z.string().min(1).max(60);
/** Milliseconds since 1970, by the clock of whoever tells. */
const moment = z.int().nonnegative();
const minute = z.int().min(0).max(130);
const goals = z.int().min(0).max(99);

export const stationRow = z.object({
  place: name,
  country: name,
  region: name,
  /** °C */
  temperature: z.number().min(-90).max(60),
  /** % */
  humidity: z.number().min(0).max(100),
  /** km/h */
  wind: z.number().min(0).max(400),
  /** Where it comes from, in degrees: 0 is north, 90 is east. */
  windFrom: z.number().min(0).max(359),
  /** hPa at sea level */
  pressure: z.number().min(850).max(1100),
  condition: z.enum(['clear', 'partly cloudy', 'cloudy', 'fog', 'drizzle', 'rain', 'thunderstorm', 'snow']),
  /** The last temperatures, oldest first. */
  series: z.array(z.number()).max(48),
  at: moment,
});

const side = z.enum(['home', 'away']);

export const matchRow = z.object({
  league: name,
  home: name,
  away: name,
  phase: z.enum(['coming', 'first half', 'half time', 'second half', 'finished']),
  /** Played so far. Over 45 in the first half and over 90 in the second: added time. */
  minute,
  homeGoals: goals,
  awayGoals: goals,
  /** Oldest first. */
  events: z
    .array(
      z.object({ minute, kind: z.enum(['goal', 'yellow card', 'red card']), side, player: z.int().min(1).max(99) }),
    )
    .max(99),
  kickoff: moment,
  at: moment,
});

export const tickerEntry = z.object({
  kind: z.enum(['kick-off', 'goal', 'red card', 'half time', 'full time']),
  league: name,
  home: name,
  away: name,
  homeGoals: goals,
  awayGoals: goals,
  minute,
  side: side.optional(),
  player: z.int().min(1).max(99).optional(),
});

export const generatorRow = z.object({
  /** `off`: the settings say so · `missing`: there is no Python to run it · `waiting`: it ended, and is started again soon. */
  state: z.enum(['running', 'waiting', 'missing', 'off']),
  /** Of `waiting`: how it ended. */
  problem: z.string().optional(),
});

export type Station = z.infer<typeof stationRow>;
export type Match = z.infer<typeof matchRow>;
export type TickerEntry = z.infer<typeof tickerEntry>;
export type GeneratorState = z.infer<typeof generatorRow>;
