// Producers that publish over connections that are cut and a store that fails before or after it stored: whatever happens,
// what was acknowledged is stored once, where the acknowledgement says, in the producer's order. A seed replays a run.

import { seeded } from '@trunkline/broker/contract';
import { describe, expect, it } from 'vitest';
import { microtasks } from './support/fake-clock.js';
import { LOBBY, type Peer, World } from './support/world.js';

/** A client's queue as PUB-4 and PUB-5 ask for it: what has no answer is sent again in order. */
class Producer {
  peer: Peer | null = null;
  seq = 0;
  /** By seq, in order. */
  readonly waiting = new Set<number>();
  readonly acknowledged = new Map<number, number>();
  readonly failed = new Set<number>();
  repeats = 0;
  refusals = 0;
  #requests = new Map<number, number>();
  #isRefused = false;

  constructor(
    readonly world: World,
    readonly name: string,
    readonly user: string,
  ) {}

  async connect(): Promise<void> {
    this.cut();
    this.peer = await this.world.enter(this.user);
    this.#sendAgain();
  }
  cut(): void {
    this.hear();
    this.peer?.vanish();
    this.peer = null;
    this.#requests.clear();
  }

  publish(): void {
    if (this.waiting.size >= 64) return;
    this.seq += 1;
    this.waiting.add(this.seq);
    if (!this.#isRefused) this.#send(this.seq);
  }

  /** Takes the answers; after a refusal for now, all is sent again once nothing is under way. */
  hear(): void {
    for (const message of this.peer?.connection.fresh() ?? []) {
      if (message.type !== 'ok' && message.type !== 'error') continue;
      const seq = this.#requests.get(message.id ?? 0);
      if (seq === undefined) continue;
      this.#requests.delete(message.id ?? 0);
      if (message.type === 'ok' && 'offset' in message) {
        this.waiting.delete(seq);
        this.acknowledged.set(seq, message.offset);
      } else if (message.type === 'error' && message.retry) {
        this.#isRefused = true;
        this.refusals += 1;
      } else {
        expect(message).toMatchObject({ code: 'conflict' });
        this.waiting.delete(seq);
        this.failed.add(seq);
      }
    }
    if (this.#isRefused && this.#requests.size === 0 && this.peer !== null) this.#sendAgain();
  }

  #sendAgain(): void {
    this.#isRefused = false;
    for (const seq of this.waiting) {
      this.repeats += 1;
      this.#send(seq);
    }
  }
  #send(seq: number): void {
    if (this.peer === null) return;
    const data = `${this.user}/${this.name}/${seq}`;
    this.#requests.set(this.peer.request({ type: 'publish', stream: LOBBY, producer: this.name, seq, data }), seq);
  }
}

async function run(seed: number): Promise<{ repeats: number; refusals: number }> {
  const random = seeded(seed);
  const below = (n: number) => Math.floor(random() * n);
  const limits = { publishRatePerSecond: 20, publishBurst: 30, maxRequestsInWork: 8 };
  const hook = async () => {
    for (let hop = below(6); hop > 0; hop--) await Promise.resolve();
    return { store: undefined };
  };
  let world = new World({ limits, chat: { onPublish: hook } });
  const producers = [new Producer(world, 'p', 'ada'), new Producer(world, 'q', 'ada'), new Producer(world, 'p', 'bob')];
  for (let step = 0; step < 300; step++) {
    const producer = producers[below(producers.length)] as Producer;
    const dice = random();
    if (dice < 0.45) producer.publish();
    else if (dice < 0.52) await producer.connect();
    else if (dice < 0.56) producer.cut();
    else if (dice < 0.66) producer.hear();
    else if (dice < 0.7)
      world.broker.faults.set(below(2) === 0 ? 'append' : 'lookup', below(2) === 0 ? 'before' : 'after');
    else if (dice < 0.78) world.broker.faults.clear();
    else if (dice < 0.86) world.clock.advanceMs(below(3_000));
    else if (dice < 0.87) {
      // Another life of the server, on the same store.
      for (const one of producers) one.cut();
      await world.settle();
      world = new World({ limits, chat: { onPublish: hook }, store: world.store, clock: world.clock });
      for (const one of producers) Object.assign(one, { world });
    } else await microtasks();
  }
  world.broker.faults.clear();
  for (const producer of producers) await producer.connect();
  for (let round = 0; producers.some(({ waiting }) => waiting.size > 0); round++) {
    if (round > 200) throw new Error('some publishes never get their answer');
    await world.passMs(1_000);
    for (const producer of producers) {
      producer.peer?.say({ type: 'pong' });
      producer.hear();
    }
  }
  const { entries } = await world.store.readBack(LOBBY, undefined, { entries: 10_000 });
  for (const { user, name, acknowledged, failed } of producers) {
    const own = entries.filter(({ source }) => source?.producer === `${user}/${name}`);
    const seqs = own.map(({ source }) => source?.seq ?? 0);
    expect(seqs).toEqual([...new Set(seqs)].sort((a, b) => a - b));
    expect(new Map(own.map(({ source, offset }) => [source?.seq, offset]))).toEqual(acknowledged);
    for (const seq of failed) expect(seqs).not.toContain(seq);
    for (const { data, source } of own) expect(data).toBe(`"${user}/${name}/${source?.seq}"`);
  }
  return {
    repeats: producers.reduce((sum, { repeats }) => sum + repeats, 0),
    refusals: producers.reduce((sum, { refusals }) => sum + refusals, 0),
  };
}

const FIRST_SEED = Number(process.env.MODEL_SEED ?? 1);
const RUNS = Number(process.env.MODEL_RUNS ?? 40);

describe('PUB-2, PUB-4: what is acknowledged is stored once and in order', () => {
  it(`in ${RUNS} runs from seed ${FIRST_SEED}`, { timeout: 240_000 }, async () => {
    let repeats = 0;
    let refusals = 0;
    for (let seed = FIRST_SEED; seed < FIRST_SEED + RUNS; seed++) {
      try {
        const met = await run(seed);
        repeats += met.repeats;
        refusals += met.refusals;
      } catch (error) {
        throw new Error(`seed ${seed}: replay with MODEL_SEED=${seed} MODEL_RUNS=1`, { cause: error });
      }
    }
    // The runs met what they are about.
    expect(repeats).toBeGreaterThan(RUNS);
    expect(refusals).toBeGreaterThan(RUNS);
  });
});
