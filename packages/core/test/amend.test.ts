// Amending: what is asked in which order, what readers are given, and what is found nowhere any more.

import type { Amend, JsonValue } from '@trunkline/protocol';
import { describe, expect, it } from 'vitest';
import type { AmendQuestion, LogRuntime } from '../src/index.js';
import { LOBBY, type Peer, World, type WorldOptions } from './support/world.js';

const ALL: NonNullable<LogRuntime['amend']> = ['edit', 'delete', 'react'];
type Change = Pick<Amend, 'edit' | 'delete' | 'react' | 'unreact'>;

function start(chat: WorldOptions['chat'] = {}, rest: WorldOptions = {}) {
  return new World({ chat: { amend: ALL, ...chat }, ...rest });
}
const request = (seq: number, offset: number, change: Change, producer = 'p1') =>
  ({ type: 'amend', stream: LOBBY, producer, seq, offset, ...change }) as const;
const amend = (peer: Peer, seq: number, offset: number, change: Change, producer?: string) =>
  peer.ask(request(seq, offset, change, producer));

/** What slices say of items, without what every item has. */
const itemsOf = (peer: Peer) =>
  peer.connection.messages
    .flatMap((message) => (message.type === 'entries' ? message.items : []))
    .map(({ offset, data, amends }) => (amends === undefined ? [offset, data] : [offset, amends]));

describe('AMD-1, AMD-2', () => {
  it('an edit, reactions and a deletion each append a record that says what the entry is', async () => {
    const world = start();
    const [ada, bob] = [await world.enter('ada'), await world.enter('bob')];
    await bob.subscribe({}, LOBBY);
    await ada.publish(1, { text: 'helo' });
    const t = world.clock.nowMs();
    expect(await amend(ada, 2, 1, { edit: { text: 'hello' } })).toMatchObject({ offset: 2, at: t, epoch: 'epoch-1' });
    await amend(bob, 1, 1, { react: '👍' }, 'q');
    await amend(ada, 3, 1, { react: '👍' });
    await amend(bob, 2, 1, { unreact: '👍' }, 'q');
    await amend(ada, 4, 1, { delete: true });
    const hello = { offset: 1, data: { text: 'hello' }, editedAt: t };
    expect(itemsOf(bob)).toEqual([
      [1, { text: 'helo' }],
      [2, hello],
      [3, { ...hello, reactions: { '👍': ['bob'] } }],
      [4, { ...hello, reactions: { '👍': ['bob', 'ada'] } }],
      [5, { ...hello, reactions: { '👍': ['ada'] } }],
      [6, { offset: 1, data: null, deletedAt: t }],
    ]);
    const [slice] = bob.connection.messages.filter((message) => message.type === 'entries' && message.to === 2);
    expect(slice).toMatchObject({ items: [{ offset: 2, at: t, user: 'ada', producer: 'p1', seq: 2 }] });
  });

  it.each([
    ['editedAt', { edit: 'new' }],
    ['deletedAt', { delete: true }],
  ] as const)(
    '%s is the `at` of the record and of the answer, whatever time passes meanwhile',
    async (name, change) => {
      const world = start();
      const ada = await world.enter('ada');
      await ada.publish(1, 'old');
      world.clock.costMs = 1;
      const { at } = (await amend(ada, 2, 1, change)) as { at: number };
      expect(await ada.ask({ type: 'read', stream: LOBBY, before: 9, limit: 9 })).toMatchObject({
        items: [{ offset: 1, [name]: at }],
      });
    },
  );

  it('AMD-3: who comes later, resumes anywhere, or reads pages gets entries as they are now', async () => {
    const world = start();
    const ada = await world.enter('ada');
    await ada.publish(1, 'one');
    await ada.publish(2, 'two');
    await amend(ada, 3, 1, { edit: 'ONE' });
    await amend(ada, 4, 1, { react: 'x' });
    const t = world.clock.nowMs();
    const now = { data: 'ONE', editedAt: t, reactions: { x: ['ada'] } };
    const items = [
      { offset: 1, at: t, user: 'ada', producer: 'p1', seq: 1, ...now },
      { offset: 2, at: t, user: 'ada', producer: 'p1', seq: 2, data: 'two' },
      { offset: 3, at: t, user: 'ada', producer: 'p1', seq: 3, amends: { offset: 1 } },
      { offset: 4, at: t, user: 'ada', producer: 'p1', seq: 4, amends: { offset: 1, ...now } },
    ];
    for (const options of [{ last: 2 }, ...[0, 1, 2, 3].map((offset) => ({ after: { epoch: 'epoch-1', offset } }))]) {
      const peer = await world.enter('bob');
      await peer.subscribe(options, LOBBY);
      const from = 'after' in options ? options.after.offset : 0;
      const slices = peer.connection.messages.flatMap((message) => (message.type === 'entries' ? message.items : []));
      expect(slices).toEqual(items.slice(from));
      expect(await peer.ask({ type: 'read', stream: LOBBY, after: from, limit: 9 })).toMatchObject({
        items: items.slice(from),
      });
    }
    expect(await ada.ask({ type: 'read', stream: LOBBY, before: 9, limit: 9 })).toMatchObject({
      items: items.slice(0, 2),
    });
  });

  it('AMD-4: of a deleted entry nothing is left in the ring, in older records or in what is sent', async () => {
    const world = start();
    const ada = await world.enter('ada');
    await ada.subscribe({}, LOBBY);
    await ada.publish(1, 'a secret text');
    await amend(ada, 2, 1, { edit: 'another secret' });
    await amend(ada, 3, 1, { react: 'x' });
    await amend(ada, 4, 1, { delete: true });
    const bob = await world.enter('bob');
    await bob.subscribe({ last: 9 }, LOBBY);
    expect(bob.connection.texts.join('')).not.toContain('secret');
    expect(JSON.stringify((await world.store.readBack(LOBBY, undefined, { entries: 9 })).entries)).not.toContain(
      'secret',
    );
    for (const change of [{ edit: 'x' }, { delete: true as const }, { react: 'x' }, { unreact: 'x' }]) {
      expect(await amend(ada, 5, 1, change)).toMatchObject({ code: 'conflict', outcome: 'refused' });
    }
  });

  it('AMD-5: `last`, `most` and limits count entries, and a gap counts what it knows', async () => {
    const world = start();
    const ada = await world.enter('ada');
    for (let seq = 1; seq <= 6; seq += 1) await ada.publish(seq, seq);
    for (let seq = 7; seq <= 26; seq += 1) await amend(ada, seq, 3, { edit: seq });
    await ada.publish(27, 7);
    const offsets = async (options: object) => {
      const peer = await world.enter('bob');
      const view = await peer.subscribe(options, LOBBY);
      const data = itemsOf(peer).filter(([, what]) => typeof what === 'number');
      return {
        gaps: view.gaps.map(({ reason, lost, to }) => ({ reason, lost, to })),
        data: data.map(([, what]) => what),
      };
    };
    expect(await offsets({ last: 3 })).toEqual({ gaps: [], data: [5, 6, 7] });
    const after = { epoch: 'epoch-1', offset: 1 };
    expect(await offsets({ after, most: 6 })).toEqual({ gaps: [], data: [2, 26, 4, 5, 6, 7] });
    expect(await offsets({ after, most: 5 })).toEqual({
      gaps: [{ reason: 'skipped', lost: 1, to: 2 }],
      data: [26, 4, 5, 6, 7],
    });
    expect(await offsets({ after, most: 2 })).toEqual({ gaps: [{ reason: 'skipped', lost: 4, to: 5 }], data: [6, 7] });
    const read = async (fields: object) => {
      const answer = await ada.ask({ type: 'read', stream: LOBBY, limit: 2, ...fields } as never);
      return 'items' in answer ? answer.items.map(({ offset }) => offset) : answer;
    };
    expect(await read({ before: 28 })).toEqual([6, 27]);
    expect(await read({ before: 6 })).toEqual([4, 5]);
    // Of the records between 6 and 27 only the first and the last are kept (AMD-8).
    expect(await read({ after: 4 })).toEqual([5, 6, 7, 26]);
  });

  it('AMD-5: the same when the ring holds less than what is asked for', async () => {
    const world = start({}, { ringBytes: 1_000 });
    const ada = await world.enter('ada');
    for (let seq = 1; seq <= 30; seq += 1) await ada.publish(seq, seq);
    for (let seq = 31; seq <= 60; seq += 1) await amend(ada, seq, 30, { edit: seq });
    const bob = await world.enter('bob');
    await bob.subscribe({ last: 20 }, LOBBY);
    expect(bob.connection.messages.find((message) => message.type === 'ok' && 'from' in message)).toMatchObject({
      from: 10,
    });
    const carol = await world.enter('carol');
    const view = await carol.subscribe({ after: { epoch: 'epoch-1', offset: 5 }, most: 25 }, LOBBY);
    expect(view.gaps).toEqual([]);
    const dave = await world.enter('dave');
    const { gaps } = await dave.subscribe({ after: { epoch: 'epoch-1', offset: 5 }, most: 24 }, LOBBY);
    expect(gaps).toMatchObject([{ reason: 'skipped', lost: 1, to: 6 }]);
  });

  it('AMD-5: a gap over what is no longer kept is counted only if there were no records', async () => {
    const world = start({ retain: { entries: 2 } });
    const ada = await world.enter('ada');
    await ada.publish(1, 1);
    await ada.publish(2, 2);
    await ada.publish(3, 3);
    const early = await (await world.enter('bob')).subscribe({ after: { epoch: 'epoch-1', offset: 0 } }, LOBBY);
    expect(early.gaps).toMatchObject([{ reason: 'trimmed', lost: 1 }]);
    await amend(ada, 4, 2, { react: 'x' });
    await ada.publish(5, 5);
    await ada.publish(6, 6);
    const late = await (await world.enter('carol')).subscribe({ after: { epoch: 'epoch-1', offset: 0 } }, LOBBY);
    expect(late.gaps.map(({ reason, lost }) => [reason, lost])).toEqual([['trimmed', undefined]]);
  });
});

describe('AMD-6', () => {
  it('what changes nothing has no record, and is known by its number', async () => {
    const world = start();
    const ada = await world.enter('ada');
    await ada.publish(1, 'one');
    expect(await amend(ada, 2, 1, { unreact: 'x' })).toMatchObject({ type: 'ok', offset: 1 });
    expect(await amend(ada, 3, 1, { react: 'x' })).toMatchObject({ offset: 2 });
    expect(await amend(ada, 4, 1, { react: 'x' })).toMatchObject({ offset: 2 });
    const answer = await amend(ada, 4, 1, { react: 'x' });
    expect(answer).toMatchObject({ type: 'ok', offset: 2 });
    expect(await ada.publish(5, 'two')).toMatchObject({ offset: 3 });
  });

  it('there are 20 different reactions at most', async () => {
    const world = start();
    const [ada, bob] = [await world.enter('ada'), await world.enter('bob')];
    await ada.publish(1, 'one');
    for (let n = 1; n <= 20; n += 1)
      expect(await amend(ada, n + 1, 1, { react: `r${n}` })).toMatchObject({ type: 'ok' });
    expect(await amend(ada, 22, 1, { react: 'r21' })).toMatchObject({ code: 'too_large', retry: false });
    expect(await amend(bob, 1, 1, { react: 'r20' }, 'q')).toMatchObject({ type: 'ok' });
    await amend(ada, 23, 1, { unreact: 'r1' });
    expect(await amend(ada, 24, 1, { react: 'r21' })).toMatchObject({ type: 'ok' });
  });

  it('there are 1,000 of all users at most', async () => {
    const world = start();
    const ada = await world.enter('ada');
    await ada.publish(1, 'one');
    const crowd = Array.from({ length: 999 }, (_, n) => `u${n}`);
    const state = JSON.stringify({ reactions: { a: crowd.slice(0, 500), b: crowd.slice(500) } });
    const at = world.clock.nowMs();
    await world.store.amend(LOBBY, { offset: 1, expects: 0, data: '"one"', state, at, user: null });
    const bob = await world.enter('bob');
    expect(await amend(ada, 2, 1, { react: 'a' })).toMatchObject({ type: 'ok' });
    expect(await amend(bob, 1, 1, { react: 'b' }, 'q')).toMatchObject({ code: 'too_large' });
    await amend(ada, 3, 1, { unreact: 'a' });
    expect(await amend(bob, 2, 1, { react: 'b' }, 'q')).toMatchObject({ type: 'ok' });
  });

  it('an edit has the size of an entry at most', async () => {
    const world = start({}, { limits: { maxEntryBytes: 10 } });
    const ada = await world.enter('ada');
    await ada.publish(1, 'one');
    const sizes = [9, 10, 11].map((bytes) => 'x'.repeat(bytes - 2));
    const answers = [];
    for (const [index, edit] of sizes.entries()) answers.push(await amend(ada, index + 2, 1, { edit }));
    expect(answers.map((answer) => (answer.type === 'error' ? answer.code : answer.type))).toEqual([
      'ok',
      'ok',
      'too_large',
    ]);
  });
});

describe('AMD-7', () => {
  it('what the channel does not allow is forbidden', async () => {
    const world = start({ amend: ['react'] });
    const ada = await world.enter('ada');
    await ada.publish(1, 'one');
    expect(await amend(ada, 2, 1, { edit: 'x' })).toMatchObject({ code: 'forbidden' });
    expect(await amend(ada, 3, 1, { delete: true })).toMatchObject({ code: 'forbidden' });
    expect(await amend(ada, 4, 1, { react: 'x' })).toMatchObject({ type: 'ok' });
    const other = new World();
    const bob = await other.enter('bob');
    await bob.publish(1, 'one');
    expect(await amend(bob, 2, 1, { react: 'x' })).toMatchObject({ code: 'forbidden' });
    expect(await bob.ask({ ...request(1, 1, { delete: true }), stream: 'quotes/nyse' })).toMatchObject({
      code: 'invalid',
    });
  });

  it('without a rule, all may react, and amend their own', async () => {
    const world = start();
    const [ada, bob] = [await world.enter('ada'), await world.enter('bob')];
    await ada.publish(1, 'one');
    await world.engine.publish('chat', ['lobby'], 'of the server');
    for (const offset of [1, 2]) {
      expect(await amend(bob, 3 * offset, offset, { edit: 'x' }, 'q')).toMatchObject({ code: 'forbidden' });
      expect(await amend(bob, 3 * offset + 1, offset, { delete: true }, 'q')).toMatchObject({ code: 'forbidden' });
      expect(await amend(bob, 3 * offset + 2, offset, { react: 'x' }, 'q')).toMatchObject({ type: 'ok' });
    }
  });

  it('the rule is asked about the entry as it is, and what is to be done', async () => {
    const asked: (AmendQuestion | undefined)[] = [];
    const world = start({
      authorize: (_user, _params, action, question) => {
        if (action === 'amend') asked.push(question);
        return action !== 'amend' || question?.amendment !== 'delete';
      },
      moderate: () => true,
    });
    const [ada, bob] = [await world.enter('ada'), await world.enter('bob')];
    const { offset } = (await ada.publish(1, 'one')) as { offset: number };
    await amend(bob, 1, offset, { edit: 'two' }, 'q');
    expect(await amend(ada, 2, offset, { delete: true })).toMatchObject({ code: 'forbidden' });
    const entry = { offset, at: world.clock.nowMs(), user: 'ada' };
    expect(asked).toEqual([
      { amendment: 'edit', entry: { ...entry, isOwn: false, data: 'one' } },
      { amendment: 'delete', entry: { ...entry, isOwn: true, data: 'two' } },
    ]);
  });

  it('AMD-7: what is somebody else’s needs more than a rule that lets everybody do everything', async () => {
    const asked: unknown[] = [];
    const moderate = (user: unknown, params: readonly string[], question: AmendQuestion) => {
      asked.push([params, question.amendment, question.entry.isOwn]);
      return (user as { id: string }).id === 'mod';
    };
    for (const channel of [{ authorize: () => true }, { authorize: () => true, moderate }, { moderate }]) {
      const world = start(channel);
      const [ada, bob, mod] = [await world.enter('ada'), await world.enter('bob'), await world.enter('mod')];
      await ada.publish(1, 'one');
      expect(await amend(bob, 2, 1, { edit: 'x' }, 'q')).toMatchObject({ code: 'forbidden' });
      expect(await amend(bob, 3, 1, { react: 'x' }, 'q')).toMatchObject({ type: 'ok' });
      const isModerated = 'moderate' in channel;
      expect(await amend(mod, 4, 1, { delete: true }, 'r')).toMatchObject(
        isModerated ? { type: 'ok' } : { code: 'forbidden' },
      );
      if (!isModerated) expect(await amend(ada, 5, 1, { edit: 'two' })).toMatchObject({ type: 'ok' });
    }
    const once = [
      [['lobby'], 'edit', false],
      [['lobby'], 'delete', false],
    ];
    expect(asked).toEqual([...once, ...once]);
  });

  it('what is not there is not found, and that is told only to who may read', async () => {
    const world = start({ retain: { entries: 1 }, authorize: (user) => (user as { id: string }).id === 'ada' });
    const [ada, bob] = [await world.enter('ada'), await world.enter('bob')];
    await ada.publish(1, 'one');
    await amend(ada, 2, 1, { react: 'x' });
    for (const offset of [2, 3])
      expect(await amend(ada, offset + 1, offset, { delete: true })).toMatchObject({ code: 'not_found' });
    await ada.publish(5, 'two');
    expect(await amend(ada, 6, 1, { delete: true })).toMatchObject({ code: 'not_found' });
    expect(await amend(bob, 1, 1, { delete: true }, 'q')).toMatchObject({ code: 'forbidden' });
  });

  it('AMD-4: an edit of a deleted entry is a conflict that no hook sees', async () => {
    const seen: unknown[] = [];
    const world = start({
      onPublish: ({ entry, edits }) => {
        seen.push(edits?.data);
        return { store: entry };
      },
    });
    const ada = await world.enter('ada');
    await ada.publish(1, 'one');
    expect(await amend(ada, 2, 1, { edit: 'two' })).toMatchObject({ type: 'ok' });
    expect(await amend(ada, 3, 1, { delete: true })).toMatchObject({ type: 'ok' });
    expect(await amend(ada, 4, 1, { edit: 'three' })).toMatchObject({ code: 'conflict' });
    expect(seen).toEqual([undefined, 'one']);
  });

  it('an edit passes the schema and the hook, which gets the entry as it was', async () => {
    const edits: unknown[] = [];
    const world = start({
      validate: (value) => (value === 'bad' ? { problem: 'must not be bad' } : { value }),
      onPublish: (call) => {
        edits.push(call.edits);
        if (call.entry === 'rude') return { refusal: { code: 'rude', message: 'be kind' } };
        return { store: `${call.entry as string}!` };
      },
    });
    const ada = await world.enter('ada');
    await ada.publish(1, 'one');
    expect(await amend(ada, 2, 1, { edit: 'bad' })).toMatchObject({ code: 'invalid' });
    expect(await amend(ada, 3, 1, { edit: 'rude' })).toMatchObject({ code: 'refused', refusal: 'rude' });
    await amend(ada, 4, 1, { edit: 'two' });
    await amend(ada, 5, 1, { react: 'x' });
    const was = { offset: 1, at: world.clock.nowMs(), data: 'one!' };
    expect(edits).toEqual([undefined, { ...was }, { ...was }]);
    expect((await world.store.readBack(LOBBY, undefined, { entries: 9 })).entries[0]?.data).toBe('"two!"');
  });

  it('rights that end while a hook runs keep the edit from being stored', async () => {
    let open = () => {};
    const gate = new Promise<void>((resolve) => {
      open = resolve;
    });
    const denied = new Set<string>();
    const world = start({
      authorize: (user, _params, action) => action !== 'amend' || !denied.has((user as { id: string }).id),
      onPublish: async ({ edits }) => {
        if (edits !== undefined) await gate;
        return { store: undefined };
      },
    });
    const ada = await world.enter('ada');
    await ada.publish(1, 'one');
    const id = ada.request(request(2, 1, { edit: 'two' }));
    await world.settle();
    denied.add('ada');
    await world.engine.revoke('ada');
    open();
    await world.settle();
    expect(ada.answerTo(id)).toMatchObject({ code: 'forbidden' });
    expect((await world.store.readBack(LOBBY, undefined, { entries: 9 })).offset).toBe(1);
  });
});

describe('among publishes', () => {
  it('amendments keep the producer’s order, are stored once, and hold up what follows them', async () => {
    const world = start();
    const ada = await world.enter('ada');
    await ada.publish(1, 'one');
    const release = world.broker.hold('amend');
    const ids = [
      ada.request(request(2, 1, { edit: 'two' })),
      ada.request({ type: 'publish', stream: LOBBY, producer: 'p1', seq: 3, data: 'three' }),
      ada.request(request(2, 1, { edit: 'two' })),
    ];
    await world.settle();
    expect(ids.flatMap((id) => ada.answersTo(id))).toEqual([]);
    release();
    await world.settle();
    expect(ids.map((id) => ada.answerTo(id))).toMatchObject([{ offset: 2 }, { offset: 3 }, { offset: 2 }]);
    expect(await amend(ada, 1, 1, { delete: true })).toMatchObject({ type: 'ok', offset: 1 });
    expect(await ada.publish(2, 'two again')).toMatchObject({ type: 'ok', offset: 2 });
  });

  it('an amendment whose storing failed holds up what follows until it comes again', async () => {
    const world = start();
    const ada = await world.enter('ada');
    await ada.publish(1, 'one');
    world.broker.faults.set('amend', 'after');
    expect(await amend(ada, 2, 1, { edit: 'two' })).toMatchObject({
      code: 'unavailable',
      outcome: 'unknown',
      retry: true,
    });
    world.broker.faults.clear();
    expect(await amend(ada, 2, 1, { edit: 'two' })).toMatchObject({ type: 'ok', offset: 2 });
    world.broker.faults.set('amend', 'before');
    expect(await amend(ada, 3, 1, { edit: 'three' })).toMatchObject({ code: 'unavailable' });
    expect(await ada.publish(4, 'four')).toMatchObject({ code: 'unavailable', retry: true });
    world.broker.faults.clear();
    expect(await amend(ada, 3, 1, { edit: 'three' })).toMatchObject({ offset: 3 });
    expect(await ada.publish(4, 'four')).toMatchObject({ offset: 4 });
  });

  it('counts for the rate of publishes', async () => {
    const world = start({}, { limits: { publishRatePerSecond: 1, publishBurst: 2 } });
    const ada = await world.enter('ada');
    await ada.publish(1, 'one');
    expect(await amend(ada, 2, 1, { react: 'x' })).toMatchObject({ type: 'ok' });
    expect(await amend(ada, 3, 1, { react: 'y' })).toMatchObject({ code: 'rate_limited', retry: true });
  });

  it('a hundred who react at once are all stored', async () => {
    const world = start();
    const ada = await world.enter('ada');
    await ada.publish(1, 'one');
    const peers: Peer[] = [];
    for (let n = 0; n < 100; n += 1) peers.push(await world.enter(`user-${n}`));
    const ids = peers.map((peer, n) => peer.request(request(1, 1, { react: `r${n % 20}` }, `q${n}`)));
    await world.settle();
    for (const [n, peer] of peers.entries()) expect(peer.answerTo(ids[n] ?? 0)).toMatchObject({ type: 'ok' });
    const state = (await world.store.readBack(LOBBY, 2, { entries: 1 })).entries[0]?.amended?.state ?? '{}';
    const { reactions } = JSON.parse(state) as { reactions: Record<string, JsonValue[]> };
    expect(Object.values(reactions).flat()).toHaveLength(100);
  });
});
