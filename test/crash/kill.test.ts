// kill -9 under load, again and again on the same file: nothing that was acknowledged is missing, nothing is there twice.

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { seeded } from '@trunkline/broker/contract';
import { openSqliteBroker } from '@trunkline/broker-sqlite';
import type { StreamName } from '@trunkline/protocol';
import { afterAll, expect, it } from 'vitest';
import { type Acknowledged, appendUntilKilled, textOf } from './appender.js';

const ROUNDS = Number(process.env.CRASH_ROUNDS ?? 15);
const SEED = Number(process.env.CRASH_SEED ?? Math.floor(Math.random() * 1e9));
const PRODUCERS = 6;
const ROOM = 'chat/lobby' as StreamName;

const folder = mkdtempSync(join(tmpdir(), 'trunkline-crash-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

it(`killed ${ROUNDS} times under load, the log holds each acknowledged entry once and in order (CRASH_SEED=${SEED})`, async () => {
  const file = join(folder, 'trunkline.db');
  const random = seeded(SEED);
  const log = new Log();
  for (let round = 1; round <= ROUNDS; round++) {
    // Some early, while the file is being opened or hardly written, some after checkpoints.
    const killAfter = 1 + Math.floor(random() ** 3 * 4_000);
    const acknowledged = await appendUntilKilled(file, log.nextSeqs(), SEED + round, killAfter);
    expect(acknowledged.length).toBeGreaterThanOrEqual(killAfter);
    log.heard(acknowledged);
    await log.check(file, `round ${round}, killed after ${killAfter} acknowledgements, CRASH_SEED=${SEED}`);
  }
  console.log(`  ${log.size} entries in ${ROUNDS} rounds, ${log.resent} sent again, CRASH_SEED=${SEED}`);
});

/** What the rounds have shown so far. */
class Log {
  /** `producer:seq` → offset, of all that was acknowledged in any round. */
  readonly #acknowledged = new Map<string, number>();
  /** The same of all that was found in the file, acknowledged or not. */
  #found = new Map<string, number>();
  resent = 0;

  get size(): number {
    return this.#found.size;
  }

  /** For each producer the first seq that was not acknowledged. */
  nextSeqs(): number[] {
    return Array.from({ length: PRODUCERS }, (_, producer) => {
      let seq = 1;
      while (this.#acknowledged.has(`${producer}:${seq}`)) seq += 1;
      return seq;
    });
  }

  heard(acknowledged: readonly Acknowledged[]): void {
    for (const { producer, seq, offset, duplicate } of acknowledged) {
      const key = `${producer}:${seq}`;
      const before = this.#found.get(key);
      // What was stored without an answer, and sent again, is answered with the offset that it has.
      expect({ key, duplicate }).toEqual({ key, duplicate: before !== undefined });
      if (before !== undefined) {
        expect({ key, offset }).toEqual({ key, offset: before });
        this.resent += 1;
      }
      this.#acknowledged.set(key, offset);
    }
  }

  async check(file: string, when: string): Promise<void> {
    const broker = await openSqliteBroker(file);
    const page = await broker.read(ROOM, { epoch: null, offset: 0 }, { entries: 1_000_000 });
    await broker.close();
    const found = new Map<string, number>();
    const last = new Map<string, number>();
    for (const [index, entry] of page.entries.entries()) {
      const { producer = '', seq = 0 } = entry.source ?? {};
      const key = `${producer.slice(1)}:${seq}`;
      if (entry.offset !== index + 1) throw new Error(`${when}: offset ${entry.offset} at place ${index + 1}`);
      if (found.has(key)) throw new Error(`${when}: ${key} is there twice`);
      if (seq !== (last.get(producer) ?? 0) + 1) throw new Error(`${when}: ${key} follows ${last.get(producer)}`);
      if (entry.data !== JSON.stringify(textOf(Number(producer.slice(1)), seq))) {
        throw new Error(`${when}: ${key} holds ${entry.data.slice(0, 80)}`);
      }
      found.set(key, entry.offset);
      last.set(producer, seq);
    }
    for (const [key, offset] of this.#acknowledged) {
      if (found.get(key) !== offset)
        throw new Error(`${when}: ${key} was acknowledged at ${offset}: ${found.get(key)}`);
    }
    // What was once there, acknowledged or not, stays.
    for (const [key, offset] of this.#found) {
      if (found.get(key) !== offset) throw new Error(`${when}: ${key} was at ${offset}: ${found.get(key)}`);
    }
    this.#found = found;
  }
}
