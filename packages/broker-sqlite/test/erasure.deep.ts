// What was replaced by an amendment is nowhere in the files, whatever SQLite has moved about before.

import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { seeded } from '@trunkline/broker/contract';
import type { StreamName } from '@trunkline/protocol';
import { afterEach, describe, expect, it } from 'vitest';
import { sqliteBroker } from '../src/index.js';
import { temporaryFolder } from './world.js';

const folder = temporaryFolder();
afterEach(() => folder.remove());

/** Which of the words are in the file or beside it. */
function found(path: string, words: readonly string[]): string[] {
  const bytes = [path, `${path}-wal`, `${path}-shm`]
    .filter((file) => existsSync(file))
    .map((file) => readFileSync(file, 'latin1'))
    .join('');
  return words.filter((word) => bytes.includes(word));
}

/** Reactions, edits, deletions and new entries of several logs at random: rows grow, shrink and move. */
async function churn(path: string, seed: number) {
  const random = seeded(seed);
  const below = (n: number) => Math.floor(random() * n);
  const broker = sqliteBroker(path, { onFailure: () => {} });
  const kept: { stream: StreamName; offset: number; newest: number; word: string }[] = [];
  const erased: string[] = [];
  const at = 1_700_000_000_000;
  let words = 0;
  const text = () => {
    words += 1;
    const word = `word-${words}-`;
    const padding = 'x'.repeat(random() < 0.05 ? 9_000 : below(400));
    return { word, data: JSON.stringify(`${word}${padding}${word}`) };
  };
  for (let group = 0; group < 400; group += 1) {
    const calls: Promise<unknown>[] = [];
    for (let call = 0; call < 6; call += 1) {
      const one = kept[below(kept.length)];
      const dice = random();
      if (one === undefined || dice < 0.45) {
        const stream = `chat/${below(20)}` as StreamName;
        const { word, data } = text();
        calls.push(
          broker.append(stream, [{ at, data, user: '"ada"' }]).then(({ appended }) => {
            kept.push({ stream, offset: appended[0]?.offset ?? 0, newest: 0, word });
          }),
        );
        continue;
      }
      kept.splice(kept.indexOf(one), 1);
      const amend = async (data: string, state: string, word: string | null) => {
        const { stream, offset, newest } = one;
        const record = await broker.amend(stream, { offset, expects: newest, data, state, at, user: '"bob"' });
        if (word !== one.word) erased.push(one.word);
        if (word !== null) kept.push({ ...one, newest: record.offset, word });
      };
      const read = async () => (await broker.readBack(one.stream, one.offset + 1, { entries: 1, bytes: 0 })).entries[0];
      if (dice < 0.75)
        calls.push(read().then((now) => amend(now?.data ?? '', `{"r":"${'r'.repeat(below(500))}"}`, one.word)));
      else if (dice < 0.85) {
        const { word, data } = text();
        calls.push(amend(data, '{"editedAt":1}', word));
      } else calls.push(amend('null', '{"deletedAt":1}', null));
    }
    await Promise.all(calls);
  }
  return { broker, kept, erased };
}

describe('erased texts', () => {
  it.each([1, 2, 3])(
    'are nowhere in the file and its WAL after a sweep, and after a close (seed %i)',
    async (seed) => {
      const path = join(folder.path, 'erased.db');
      const { broker, kept, erased } = await churn(path, seed);
      const present = kept.map(({ word }) => word);
      expect(erased.length).toBeGreaterThan(300);
      // What is looked for would be found.
      expect(found(path, erased).length).toBeGreaterThan(100);
      await broker.sweep();
      expect(found(path, erased)).toEqual([]);
      expect(found(path, present)).toEqual(present);
      for (const { stream, offset, word } of kept) {
        const [entry] = (await broker.readBack(stream, offset + 1, { entries: 1, bytes: 0 })).entries;
        expect(entry?.data).toContain(word);
      }
      await broker.close();
      expect(found(path, erased)).toEqual([]);
    },
    60_000,
  );

  it('are looked for by the next process, if this one had no time', async () => {
    const path = join(folder.path, 'later.db');
    const { broker, erased } = await churn(path, 4);
    await broker.close();
    const again = sqliteBroker(path);
    await again.sweep();
    expect(found(path, erased)).toEqual([]);
    await again.close();
  }, 60_000);
});
