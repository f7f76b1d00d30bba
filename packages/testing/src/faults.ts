// What goes wrong, and when: drawn from the seed, one fault after the other, each undone after a while by itself.

import type { AppState } from './app.js';
import { ROOMS } from './app.js';
import type { Host } from './host.js';
import type { Journal } from './journal.js';
import type { Random } from './random.js';
import type { ServerNode } from './server-node.js';
import type { Features } from './setup.js';
import type { Simulator } from './simulator.js';
import type { Ending, Store } from './store.js';
import type { User } from './user.js';

/** What faults can take hold of. */
export interface Reach {
  readonly simulator: Simulator;
  readonly random: Random;
  readonly journal: Journal;
  readonly hosts: readonly Host[];
  readonly users: readonly User[];
  readonly store: Store;
  readonly rules: AppState;
  readonly features: Features;
  readonly server: () => ServerNode | undefined;
  /** Ends the server; another one starts after `downMs`. */
  readonly restart: (how: Ending, downMs: number) => void;
  /** Another server begins, and the clients move to it. */
  readonly handOver: () => void;
}

type Fault = (reach: Reach, host: Host) => unknown;

/** How often each kind is chosen, beside the others. */
const FAULTS: Readonly<Record<string, readonly [weight: number, Fault]>> = {
  'cuts: reset': [8, (reach, host) => cut(reach, host, (wire) => wire.reset())],
  'cuts: reset that one side hears of': [
    4,
    (reach, host) => cut(reach, host, (wire) => wire.reset([reach.random.pick(['client', 'server'] as const)])),
  ],
  'cuts: half-open': [6, (reach, host) => cut(reach, host, (wire) => wire.silence())],
  'cuts: in the middle of a frame': [
    6,
    (reach, host) =>
      cut(reach, host, (wire) => {
        const pipe = reach.random.pick([wire.up, wire.down]);
        pipe.cutAfter(reach.random.whole(1, 400), () => wire.reset());
      }),
  ],
  'links frozen': [
    8,
    ({ simulator, random }, host) => {
      host.conditions.frozenUntilMs = simulator.nowMs + random.skewed(200, 15_000);
    },
  ],
  'links slow': [
    6,
    (reach, { conditions, usual }) => {
      conditions.latencyMs = reach.random.skewed(50, 2_000);
      conditions.jitterMs = reach.random.skewed(10, 1_000);
      conditions.bytesPerMs = reach.random.skewed(2, 200);
      const { latencyMs, jitterMs, bytesPerMs } = usual;
      lift(reach, 12_000, () => Object.assign(conditions, { latencyMs, jitterMs, bytesPerMs }));
    },
  ],
  'servers unreachable': [
    4,
    (reach, host) => {
      host.isUnreachable = true;
      for (const wire of host.wires) wire.reset();
      lift(reach, 10_000, () => {
        host.isUnreachable = false;
      });
    },
  ],
  'systems that say offline': [
    4,
    (reach, host) => {
      host.isUnreachable = true;
      for (const wire of host.wires) wire.silence();
      host.signal('offline');
      lift(reach, 10_000, () => {
        host.isUnreachable = false;
        host.signal('online');
      });
    },
  ],
  'readers stalled': [
    7,
    ({ random }, host) => {
      const forMs = random.skewed(500, 20_000);
      for (const wire of host.wires) {
        const client = wire.client as { stall?: (forMs: number) => void };
        client.stall?.(forMs);
      }
    },
  ],
  'sleeps of a client': [3, ({ random }, host) => host.machine.sleep(random.skewed(500, 40_000))],
  'clock jumps of a client': [
    4,
    ({ random }, host) => host.machine.setClock(random.pick([-1, 1]) * random.skewed(500, 4_000_000)),
  ],
  'sleeps of the server': [2, ({ random, server }) => server()?.machine.sleep(random.skewed(100, 6_000))],
  'clock jumps of the server': [
    2,
    ({ random, server }) => server()?.machine.setClock(random.pick([-1, 1]) * random.skewed(200, 600_000)),
  ],
  'server stops': [2, (reach) => reach.restart('stopped', reach.random.skewed(50, 5_000))],
  'servers that take over': [4, ({ features, handOver }) => features.store === 'apart' && handOver()],
  'server kills': [3, (reach) => reach.restart('killed', reach.random.skewed(50, 5_000))],
  'power losses': [
    3,
    (reach) => {
      const { random, simulator, store } = reach;
      // What is lost is what is not on the disk yet: on one that is quick that is nothing, as a rule.
      if (random.chance(0.5)) {
        store.weather.storeMs = [100, 600];
        lift(reach, 2_000, () => {
          store.weather.storeMs = [0.1, 4];
        });
      }
      simulator.after(random.between(0, 1_000), () => reach.restart('power lost', random.skewed(200, 8_000)));
    },
  ],
  'slow disks': [
    3,
    (reach) => {
      reach.store.weather.storeMs = [5, 600];
      lift(reach, 8_000, () => {
        reach.store.weather.storeMs = [0.1, 4];
      });
    },
  ],
  'broken disks': [3, (reach) => spell(reach, 4_000, reach.store.weather, 'broken')],
  'stores that fail now and then': [4, (reach) => spell(reach, 4_000, reach.store.weather, 'failing')],
  'slow hooks': [4, (reach) => spell(reach, 10_000, reach.rules.weather, 'slowHooks')],
  'throwing hooks': [3, (reach) => spell(reach, 5_000, reach.rules.weather, 'throwingHooks')],
  'slow identity': [3, (reach) => spell(reach, 6_000, reach.rules.weather, 'slowIdentity')],
  'broken identity': [2, (reach) => spell(reach, 6_000, reach.rules.weather, 'brokenIdentity')],
  'token trouble': [2, (reach) => spell(reach, 8_000, reach.random.pick(reach.users), 'hasTokenTrouble')],
  'rights taken': [
    5,
    (reach) => {
      const { rules, random, users, simulator, features } = reach;
      const streams = [...(features.hasLogs ? ROOMS : []), ...features.tables.map((table) => table.stream)];
      const [{ user }, stream] = [random.pick(users), random.pick(streams)];
      rules.deny(user, stream, simulator.nowMs);
      // Sometimes nobody tells the server, and it learns of it at the next refresh.
      if (random.chance(0.7)) simulator.after(random.pick([0, 500]), () => reach.server()?.revoke(user, stream));
      lift(reach, 25_000, () => rules.denied.delete(`${user} ${stream}`));
    },
  ],
};

/** Every kind of fault: a run over many seeds that meets none of one kind does not test what it says. */
export const FAULT_KINDS = Object.keys(FAULTS);

/** Lets faults happen until `untilMs`, about every `everyMs`. */
export function plague(reach: Reach, everyMs: number, untilMs: number): void {
  const { simulator, random, journal, hosts } = reach;
  const kinds = Object.entries(FAULTS);
  const total = kinds.reduce((sum, [, [weight]]) => sum + weight, 0);
  const next = () => {
    const delayMs = -Math.log(1 - random.next()) * everyMs;
    if (simulator.nowMs + delayMs >= untilMs) return;
    simulator.after(delayMs, () => {
      let dice = random.between(0, total);
      const chosen = kinds.find(([, [weight]]) => {
        dice -= weight;
        return dice < 0;
      });
      if (chosen !== undefined) {
        const [kind, [, fault]] = chosen;
        const host = random.pick(hosts);
        journal.count(kind);
        journal.trace('fault', `${kind} (${host.name}, if it is about a client)`);
        fault(reach, host);
      }
      next();
    });
  };
  next();
}

function cut(reach: Reach, host: Host, how: (wire: Host['wires'] extends Set<infer W> ? W : never) => void): void {
  for (const wire of host.wires) if (!wire.isOver && wire.silentSinceMs === undefined) how(wire);
  if (host.wires.size > 0) reach.journal.count('cuts');
}

/** Undoes a fault after a while. */
function lift({ simulator, random }: Reach, mostMs: number, undo: () => void): void {
  simulator.after(random.skewed(200, mostMs), undo);
}

/** Turns something bad on for a while. */
function spell<K extends string>(reach: Reach, mostMs: number, what: { [Key in K]: boolean }, key: K): void {
  what[key] = true;
  lift(reach, mostMs, () => {
    what[key] = false;
  });
}
