// The index of words in the file: what it costs publishes, what stays of what was erased, and that it stays right whatever fails.

import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { IndexingError, MAX_WORD_LENGTH, wordsOf } from '@trunkline/broker';
import { seeded } from '@trunkline/broker/contract';
import type { StreamName } from '@trunkline/protocol';
import Database from 'libsql';
import { afterEach, describe, expect, it } from 'vitest';
import { type SqliteBroker, sqliteBroker } from '../src/index.js';
import { temporaryFolder } from './world.js';

const folder = temporaryFolder();
const open: SqliteBroker[] = [];
afterEach(async () => {
  for (const broker of open.splice(0)) await broker.close();
  folder.remove();
});

const ROOM = 'chat/lobby' as StreamName;
const AT = 1_700_000_000_000;
const said = (text: string) => ({ at: AT, data: JSON.stringify({ text }), user: null });

function started(name: string): SqliteBroker {
  const broker = sqliteBroker(join(folder.path, name));
  open.push(broker);
  return broker;
}

async function found(broker: SqliteBroker, text: string, fields = ['text']): Promise<number[]> {
  const { entries } = await broker.search(ROOM, { fields, text, limit: 1_000 });
  return entries.map(({ offset }) => offset);
}

/** Which of the words are in the file or beside it. */
function inFile(name: string, words: readonly string[]): string[] {
  const path = join(folder.path, name);
  const bytes = [path, `${path}-wal`].map((file) => (existsSync(file) ? readFileSync(file, 'latin1') : '')).join('');
  return words.filter((word) => bytes.includes(word));
}

function inIndex<T>(name: string, ask: (db: Database.Database) => T): T {
  const db = new Database(join(folder.path, name), { readonly: true } as never);
  try {
    return ask(db);
  } finally {
    db.close();
  }
}

describe('words that were erased', () => {
  it('are nowhere in the file and its WAL after a sweep, nor is the beginning of one between the pages of the index', async () => {
    const broker = started('erased.db');
    const random = seeded(5);
    const count = 12_000;
    // Unique words all begin alike, so that pages of the index are separated within them.
    const word = (n: number) => `secret${n.toString(36).padStart(4, '0')}x`;
    for (let n = 1; n <= count; n += 500) {
      await broker.append(
        ROOM,
        Array.from({ length: 500 }, (_, index) => said(`${word(n + index)} common c${(n + index) % 700}`)),
      );
      await found(broker, 'nothing').catch(() => {});
    }
    expect(await found(broker, word(777))).toEqual([777]);
    const gone: string[] = [];
    for (let n = 1; n <= count; n += 1) {
      if (random() > 0.12) continue;
      gone.push(word(n));
      const data = random() < 0.5 ? 'null' : JSON.stringify({ text: 'something else' });
      await broker.amend(ROOM, { offset: n, expects: 0, data, state: '{"x":1}', at: AT, user: null });
    }
    // Words of FTS5's lists share their beginnings, so they are looked for as it keeps them too.
    const terms = () =>
      inIndex('erased.db', (db) =>
        db
          .prepare('SELECT CAST(term AS TEXT) FROM entry_words_idx')
          .raw()
          .all()
          .map((row) => String((row as unknown[])[0]).slice(1)),
      );
    const traces = () => gone.filter((one) => terms().some((term) => term.length > 6 && one.startsWith(term)));
    expect(traces().length).toBeGreaterThan(0);
    await broker.sweep();
    expect(inFile('erased.db', gone)).toEqual([]);
    const present = new Set(
      Array.from({ length: count }, (_, index) => word(index + 1)).filter((one) => !gone.includes(one)),
    );
    for (const term of terms()) {
      if (term.startsWith('secret')) expect([...present].some((one) => one.startsWith(term))).toBe(true);
    }
    expect((await found(broker, 'common')).length).toBe(1_000);
    expect(await found(broker, gone[0] ?? '')).toEqual([]);
    await broker.close();
    expect(inFile('erased.db', gone)).toEqual([]);
    // A file of this size is checked when it is opened, its index too.
    const again = started('erased.db');
    expect((await found(again, 'common')).length).toBe(1_000);
    expect(await found(again, [...present][5] ?? '')).toHaveLength(1);
  }, 120_000);
});

describe('words that were erased from a small index', () => {
  it('leave it in their own transaction: there is nothing to be merged', async () => {
    const broker = started('small.db');
    // Alike in nothing, so that none is stored as the difference to another.
    const words = ['apricot', 'blunderbuss', 'chrysalis', 'dodecahedron', 'eiderdown', 'flibbertigibbet'];
    await broker.append(
      ROOM,
      words.map((word) => said(`${word} common`)),
    );
    expect(await found(broker, 'common')).toHaveLength(words.length);
    const gone = words.filter((_, index) => index % 2 === 1);
    for (const word of gone) {
      const offset = words.indexOf(word) + 1;
      await broker.amend(ROOM, { offset, expects: 0, data: 'null', state: '{"x":1}', at: AT, user: null });
    }
    const blobs = () =>
      inIndex('small.db', (db) =>
        (db.prepare('SELECT block FROM entry_words_data').raw().all() as [Uint8Array][])
          .map(([block]) => Buffer.from(block).toString('latin1'))
          .join(),
      );
    // Each is looked for without its first letters too: those may be shared.
    const tails = (some: readonly string[]) => some.map((word) => word.slice(3));
    expect(tails(gone).filter((tail) => blobs().includes(tail))).toEqual([]);
    const kept = words.filter((word) => !gone.includes(word));
    expect(tails(kept).filter((tail) => blobs().includes(tail))).toEqual(tails(kept));
    await broker.sweep();
    expect(inFile('small.db', gone)).toEqual([]);
    expect(await found(broker, 'common')).toEqual([5, 3, 1]);
  });
});

describe('the index', () => {
  it('begins with the first search: until then nothing of a log is in it', async () => {
    const broker = started('lazy.db');
    await broker.append(ROOM, [said('hello')]);
    await broker.sweep();
    const rows = () => inIndex('lazy.db', (db) => db.prepare('SELECT up_to FROM word_indexes').raw().all());
    expect(rows()).toEqual([]);
    expect(await found(broker, 'hello')).toEqual([1]);
    expect(rows()).toEqual([[1]]);
  });

  it('is filled by the hundred while nobody searches', async () => {
    const broker = started('filled.db');
    await broker.append(ROOM, [said('first')]);
    await found(broker, 'first');
    const upTo = () =>
      inIndex('filled.db', (db) => (db.prepare('SELECT up_to FROM word_indexes').raw().all() as number[][])[0]?.[0]);
    for (let n = 0; n < 255; n += 1) await broker.append(ROOM, [said('more')]);
    expect(upTo()).toBe(1);
    // From now on a step follows each group, until all is in it.
    let more = 255;
    while ((upTo() ?? 0) < 257) {
      await broker.append(ROOM, [said('more')]);
      more += 1;
      expect(more).toBeLessThan(300);
    }
    expect((await found(broker, 'more')).length).toBe(more);
  });

  it('with too much to do refuses a search, goes on with the work, and says how much is left', async () => {
    const broker = started('long.db');
    for (let n = 0; n < 30; n += 1) {
      await broker.append(
        ROOM,
        Array.from({ length: 500 }, (_, index) => said(`word${n * 500 + index + 1}x`)),
      );
    }
    const refused = await found(broker, 'word1x').catch((error: unknown) => error);
    expect(refused).toBeInstanceOf(IndexingError);
    expect(refused).toMatchObject({ left: 15_000, retryable: true });
    // Publishes get through meanwhile.
    await broker.append(ROOM, [said('between')]);
    let result: number[] | undefined;
    while (result === undefined) {
      result = await found(broker, 'word1x').catch(async (error: unknown) => {
        expect(error).toBeInstanceOf(IndexingError);
        await broker.append(ROOM, [said('between')]);
        return undefined;
      });
    }
    expect(result).toEqual([1]);
    expect(await found(broker, 'word15000x')).toEqual([15_000]);
  }, 240_000);

  it('of other fields takes the place of the one before', async () => {
    const broker = started('fields.db');
    await broker.append(
      ROOM,
      Array.from({ length: 700 }, (_, index) => ({
        ...said(`text${index}x`),
        data: JSON.stringify({ text: `text${index}x`, title: `title${index}x` }),
      })),
    );
    expect(await found(broker, 'text7x')).toEqual([8]);
    expect(await found(broker, 'title7x', ['title'])).toEqual([8]);
    expect(await found(broker, 'text7x', ['title'])).toEqual([]);
    const terms = inIndex('fields.db', (db) => {
      db.exec("CREATE VIRTUAL TABLE temp.terms USING fts5vocab('main', 'entry_words', 'row')");
      return (db.prepare('SELECT term FROM temp.terms').raw().all() as string[][]).map(([term]) => term ?? '');
    });
    expect(terms.length).toBe(700);
    expect(terms.every((term) => term.startsWith('title'))).toBe(true);
    // Several at once, each for its own.
    const both = await Promise.allSettled([found(broker, 'text9x'), found(broker, 'title9x', ['title'])]);
    for (const one of both) {
      if (one.status === 'fulfilled') expect(one.value).toEqual([10]);
      else expect(one.reason).toBeInstanceOf(IndexingError);
    }
  });

  it('gives up what was trimmed, and all of a stream that was removed', async () => {
    const broker = started('trimmed.db');
    for (let n = 0; n < 5; n += 1) {
      await broker.append(
        ROOM,
        Array.from({ length: 200 }, (_, index) => said(`w${n * 200 + index}x`)),
        { retain: { entries: 300 } },
      );
      await found(broker, 'w1x');
    }
    await broker.sweep();
    const size = () =>
      inIndex('trimmed.db', (db) => {
        db.exec("CREATE VIRTUAL TABLE temp.terms USING fts5vocab('main', 'entry_words', 'row')");
        return Number((db.prepare('SELECT count(*) FROM temp.terms').raw().get() as number[])[0]);
      });
    expect(size()).toBe(300);
    await broker.remove(ROOM);
    await broker.sweep();
    expect(size()).toBe(0);
    expect(inIndex('trimmed.db', (db) => db.prepare('SELECT * FROM word_indexes').raw().all())).toEqual([]);
  });
});

describe('words', () => {
  const db = new Database(':memory:');
  db.exec("CREATE VIRTUAL TABLE t USING fts5(x, tokenize='unicode61 remove_diacritics 2')");
  db.exec("CREATE VIRTUAL TABLE v USING fts5vocab('t', 'row')");
  const bySqlite = (text: string): string[] => {
    db.prepare('DELETE FROM t').run();
    db.prepare('INSERT INTO t VALUES (?)').run([text]);
    return (db.prepare('SELECT term FROM v').raw().all() as string[][]).map(([term]) => term ?? '').sort();
  };

  it('are those of unicode61', () => {
    const texts = [
      'Hello, World!',
      "don't e-mail: a_b",
      'Crème BRÛLÉE',
      'ΟΔΥΣΣΕΥΣ όχι',
      'Ёлка ёж Привет',
      'naïve 42nd x²',
      'ǅ Ⅷ',
      'Łódź Øre ẞ ß',
      'עברית العربية',
      '日本語 テスト',
    ];
    for (const text of texts) expect(wordsOf(text).sort(), text).toEqual(bySqlite(text));
  });

  it('fold each letter of Latin, Greek and Cyrillic as unicode61 does', () => {
    const other: string[] = [];
    for (const [from, to] of [
      [0x41, 0x24f],
      [0x370, 0x3ff],
      [0x400, 0x52f],
      [0x1e00, 0x1eff],
    ] as const) {
      for (let code = from; code <= to; code += 1) {
        const text = `a${String.fromCodePoint(code)}b`;
        if (JSON.stringify(wordsOf(text).sort()) !== JSON.stringify(bySqlite(text)))
          other.push(String.fromCodePoint(code));
      }
    }
    expect(other.join('')).toMatchInlineSnapshot(`"Ǡǡʹ͸͹Ϳ΀΁΂΃΋΍΢҃҄҅҆҇҈҉ԨԪԬԮẛ"`);
  });

  it('count up to their first 128 characters', () => {
    const long = 'x'.repeat(MAX_WORD_LENGTH);
    expect(wordsOf(long)).toEqual([long]);
    expect(wordsOf(`${long}y`)).toEqual([long]);
    expect(wordsOf(`${'x'.repeat(MAX_WORD_LENGTH - 1)}𝒜`)).toEqual(['x'.repeat(MAX_WORD_LENGTH - 1)]);
  });
});
