// How often a page wants to hear of a table, for its visitor to choose.

/** What is asked of the server for each choice. */
export const RATES = {
  each: { words: 'Live', title: 'Every change, as it comes', interest: {} },
  second: { words: '1 a second', title: 'At most one update a second', interest: { ratePerSecond: 1 } },
  slow: { words: 'Every 5 s', title: 'One update every five seconds', interest: { ratePerSecond: 0.2 } },
  paused: { words: 'Paused', title: 'No updates', interest: { paused: true } },
} as const;

export type Rate = keyof typeof RATES;

/** For a `Choice`. */
export const RATE_OPTIONS = (Object.keys(RATES) as Rate[]).map((value) => ({ value, ...RATES[value] }));
