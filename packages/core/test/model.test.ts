// Subscribers that come, go, stall and come back, notifications that are as bad as the port allows, a store that fails,
// forgets and begins anew: each subscriber's view is compared with a plain list of what was appended. A seed replays a run.

import { seeded, withFlakyNotifications } from '@trunkline/broker/contract';
import type { After } from '@trunkline/protocol';
import { describe, expect, it } from 'vitest';
import { microtasks } from './support/fake-clock.js';
import type { View } from './support/view.js';
import { LOBBY, type Peer, World } from './support/world.js';

interface Powers {
  /** The stream may be removed and begin again. */
  readonly removes?: boolean;
  /** Old entries are trimmed. */
  readonly trims?: boolean;
  /** The store cannot be reached now and then. */
  readonly fails?: boolean;
}

/** One client over all its connections. */
class Subscriber {
  peer: Peer | null = null;
  id = 0;
  after: After | undefined;
  resumes = 0;
  gaps = 0;

  constructor(readonly run: Run) {}

  async connect(): Promise<void> {
    this.peer = this.run.world.connect();
    this.peer.say({ type: 'hello', version: 1, token: 'ada' });
    this.peer.connection.isSlow = this.run.random() < 0.3;
    this.subscribe();
    await this.run.hops();
  }

  subscribe(): void {
    const after = this.after === undefined ? { last: this.run.below(20) } : { after: this.after };
    this.id = this.peer?.request({ type: 'subscribe', stream: LOBBY, ...after }) ?? 0;
    if (this.after !== undefined) this.resumes += 1;
  }

  /** The connection is cut: what it had sent is all that came over. */
  cut(): void {
    const { peer } = this;
    if (peer === null) return;
    const view = this.check(peer);
    this.peer = null;
    peer.vanish();
    if (view.cursor < 0) return;
    const at = view.ats.get(view.cursor);
    if (view.epoch === null) this.after = undefined;
    else this.after = { epoch: view.epoch, offset: view.cursor, ...(at === undefined ? {} : { at }) };
  }

  /** Everything seen is what was appended, and every gap is one that had to be. Order and holes are the view's to check. */
  check(peer: Peer): View {
    const view = peer.view(this.id);
    const { run, after } = this;
    for (const message of peer.connection.messages) {
      if (message.type !== 'ok' || message.id !== this.id || !('ch' in message)) continue;
      if (after !== undefined) expect(message.from).toBe(after.offset);
    }
    const log = run.logs.get(view.epoch ?? '') ?? [];
    for (const [offset, data] of view.entries) expect(data).toEqual(log[offset - 1]);
    for (const gap of view.gaps) {
      this.gaps += 1;
      if (gap.reason === 'trimmed') {
        expect(run.powers.trims).toBe(true);
        expect(gap.lost).toBe(gap.to - gap.from);
        expect(gap.to).toBeLessThanOrEqual(run.trimmedUpTo);
      } else {
        expect(gap.reason).toBe('epoch');
        expect(run.removals).toBeGreaterThan(0);
      }
    }
    if (view.synced > 1) throw new Error('synced twice');
    return view;
  }
}

class Run {
  readonly random: () => number;
  readonly world: World;
  readonly subscribers: Subscriber[] = [];
  /** What was appended, by epoch. */
  readonly logs = new Map<string, unknown[]>();
  removals = 0;
  appended = 0;
  trimmedUpTo = 0;

  constructor(
    seed: number,
    readonly powers: Powers,
  ) {
    this.random = seeded(seed);
    const noise = seeded(seed + 1_000_000);
    this.world = new World({ wrap: (broker) => withFlakyNotifications(broker, noise), ringBytes: 3_000 });
    for (let index = 0; index < 6; index++) this.subscribers.push(new Subscriber(this));
  }

  below(n: number): number {
    return Math.floor(this.random() * n);
  }
  async hops(): Promise<void> {
    for (let hop = this.below(15); hop > 0; hop--) await Promise.resolve();
  }

  async append(): Promise<void> {
    const count = 1 + this.below(4);
    const entries = Array.from({ length: count }, () => {
      this.appended += 1;
      const data = { n: this.appended, pad: 'x'.repeat(this.below(this.random() < 0.1 ? 60_000 : 200)) };
      return { data, entry: { at: this.world.clock.nowMs(), data: JSON.stringify(data), user: null } };
    });
    const options = this.powers.trims ? { retain: { entries: 30 } } : {};
    const { epoch, appended } = await this.world.store.append(
      LOBBY,
      entries.map(({ entry }) => entry),
      options,
    );
    const log = this.logs.get(epoch) ?? [];
    this.logs.set(epoch, log);
    for (const { data } of entries) log.push(data);
    this.trimmedUpTo = Math.max(this.trimmedUpTo, (appended.at(-1)?.offset ?? 0) - 30);
  }

  async step(): Promise<void> {
    const subscriber = this.subscribers[this.below(this.subscribers.length)] as Subscriber;
    const { peer } = subscriber;
    const dice = this.random();
    if (dice < 0.35) await this.append();
    else if (dice < 0.5) this.world.clock.endTurn();
    else if (dice < 0.62) {
      if (peer === null) await subscriber.connect();
      else subscriber.cut();
    } else if (dice < 0.72) peer?.drain(this.below(100_000));
    else if (dice < 0.76 && peer !== null) peer.connection.isSlow = !peer.connection.isSlow;
    else if (dice < 0.78 && this.powers.removes) {
      await this.world.store.remove(LOBBY);
      this.removals += 1;
    } else if (dice < 0.8 && this.powers.fails) {
      for (const method of ['read', 'readBack', 'watch'] as const) {
        if (this.random() < 0.5) this.world.broker.faults.set(method, 'before');
      }
    } else if (dice < 0.84) this.world.broker.faults.clear();
    else if (dice < 0.86) this.world.clock.advanceMs(1_000);
    else if (dice < 0.93) await microtasks();
    else await this.hops();
  }

  /** Everything works again: in the end all have all. */
  async heal(): Promise<void> {
    const { world } = this;
    world.broker.faults.clear();
    await this.append();
    // What failed with the store is answered by then.
    await world.settle();
    for (const subscriber of this.subscribers) {
      const { peer } = subscriber;
      // A subscribe that failed while the store was away is said again.
      if (peer?.answersTo(subscriber.id).some(({ type }) => type === 'error')) subscriber.subscribe();
      if (peer === null) await subscriber.connect();
    }
    for (let round = 0; round < 60; round++) {
      for (const { peer } of this.subscribers) {
        if (peer === null) continue;
        peer.connection.isSlow = false;
        peer.drain();
      }
      await world.settle();
      if (round % 20 === 0) await world.passMs(1_000);
    }
    const head = await world.store.readBack(LOBBY, undefined, { entries: 1 });
    for (const subscriber of this.subscribers) {
      const { peer } = subscriber;
      if (peer === null) throw new Error('nobody is away any more');
      const view = subscriber.check(peer);
      expect({ epoch: view.epoch, cursor: view.cursor, synced: view.synced }).toEqual({
        epoch: head.epoch,
        cursor: head.offset,
        synced: 1,
      });
    }
  }
}

const FIRST_SEED = Number(process.env.MODEL_SEED ?? 1);
const RUNS = Number(process.env.MODEL_RUNS ?? 25);
const STEPS = 250;

describe.each<[string, Powers]>([
  ['notifications are bad', {}],
  ['and the store fails', { fails: true }],
  ['and old entries are trimmed', { trims: true, fails: true }],
  ['and the stream is removed and begins again', { removes: true, fails: true }],
  ['and all of that', { removes: true, trims: true, fails: true }],
])('every view is what was appended, though %s', (_, powers) => {
  it(`in ${RUNS} runs from seed ${FIRST_SEED}`, { timeout: 240_000 }, async () => {
    let resumes = 0;
    let gaps = 0;
    for (let seed = FIRST_SEED; seed < FIRST_SEED + RUNS; seed++) {
      const run = new Run(seed, powers);
      try {
        for (let step = 0; step < STEPS; step++) await run.step();
        await run.heal();
      } catch (error) {
        throw new Error(`seed ${seed}: replay with MODEL_SEED=${seed} MODEL_RUNS=1`, { cause: error });
      }
      for (const subscriber of run.subscribers) {
        resumes += subscriber.resumes;
        gaps += subscriber.gaps;
        subscriber.cut();
      }
      expect(run.world.leftovers).toEqual({ sessions: 0, subscriptions: 0 });
    }
    // The runs met what they are about.
    expect(resumes).toBeGreaterThan(RUNS);
    expect(gaps > 0).toBe(powers.removes === true || powers.trims === true);
  });
});
