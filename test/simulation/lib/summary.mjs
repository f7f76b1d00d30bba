// What many seeds met, summed up, and whether that is what a simulation has to meet.

/** Of all else that must be met, beside every kind of fault. A run of `FULL` seeds that misses one tests less than it says. */
const MUST_MEET = [
  'worlds in memory',
  'worlds on a disk',
  'worlds with heavy entries',
  'worlds with a store apart',
  'worlds with logs',
  'worlds with tables',
  'worlds with calls',
  'worlds with amendments',
  'worlds with presence',
  'worlds with read marks',
  'worlds with a back end',
  'back ends down',
  'slow back ends',
  'back ends whose answers are lost',
  'entries taken',
  'entries taken again',
  'dead letters',
  'dead letters that went after all',
  'entries stored that the back end was not asked about',
  'marks acknowledged',
  'marks sent',
  'logs followed no more',
  'counts shown: 99+',
  'counts that went with the right',
  'follows shown in time',
  'marks found again',
  'entries amended',
  'entries deleted',
  'records sent',
  'amendments failed: conflict',
  'users who went',
  'tables told in parts',
  'changes acknowledged',
  'changes failed: conflict',
  'steps lost that nobody was told of',
  'rows expired',
  'rows created anew',
  'resets',
  'tables resumed',
  'tables that begin anew',
  'tables that stepped back',
  'tables tuned',
  'slices that leave the position',
  'histories that readers went over to',
  'replicas that were there in time',
  'servers that drained',
  'calls answered again',
  'calls failed: unavailable, unknown',
  'runs that were stopped',
  'connections that never read',
  'resumes',
  'publishes answered again',
  'publishes sent again',
  'gap trimmed',
  'gap skipped',
  'gap epoch',
  'gaps shown',
  'pages read',
  'hooks that threw',
  'tokens refused',
  'subscriptions ended by the server',
  'entries trimmed',
  'entries lost that nobody was told of',
  'error rate_limited',
  'error forbidden',
  'error unavailable',
  'closed by the server with 4001',
  'closed by the server with 4501',
];
/** From so many seeds on, everything has to be met. */
export const FULL = 150;
/** Each seed, on average: of all that is named together. */
const LEAST = [
  { what: 'publishes, changes and steps', kinds: ['publishes', 'amendments', 'changes', 'steps taken'], least: 300 },
  { what: 'server lives', kinds: ['server lives'], least: 2 },
];

export class Summary {
  seeds = 0;
  events = 0;
  simulatedMs = 0;
  #met = new Map();

  add({ met, events, simulatedMs }) {
    this.seeds += 1;
    this.events += events;
    this.simulatedMs += simulatedMs;
    for (const [kind, times] of Object.entries(met)) this.#met.set(kind, (this.#met.get(kind) ?? 0) + times);
  }

  times(kind) {
    return this.#met.get(kind) ?? 0;
  }

  /** What should have been met and was not. @param {readonly string[]} faults every kind of fault */
  missing(faults) {
    const few = LEAST.filter(({ kinds, least }) => {
      return kinds.reduce((sum, kind) => sum + this.times(kind), 0) < least * this.seeds;
    });
    return [
      ...[...faults, ...MUST_MEET].filter((kind) => this.times(kind) === 0).map((kind) => `no ${kind}`),
      ...few.map(({ what, least }) => `fewer than ${least} ${what} a seed`),
    ];
  }

  get text() {
    const kinds = [...this.#met].sort(([one], [other]) => one.localeCompare(other));
    const width = Math.max(...kinds.map(([kind]) => kind.length));
    const hours = (this.simulatedMs / 3_600_000).toFixed(1);
    const head = `${this.seeds} seeds, ${this.events} events, ${hours} simulated hours; met:`;
    return [head, ...kinds.map(([kind, times]) => `  ${kind.padEnd(width)} ${String(times).padStart(9)}`)].join('\n');
  }
}

/** A verdict that is bad, for people: the seed, what was broken, and how to see it again. */
export function failureText({ seed, violation }) {
  const { promise, what, atMs } = violation;
  return [
    `seed ${seed} broke ${promise} after ${(atMs / 1_000).toFixed(3)} simulated seconds:`,
    `  ${what}`,
    `  again, with a line for each event: npm run simulate -- --seed ${seed} --trace`,
  ].join('\n');
}
