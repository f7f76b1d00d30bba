// Entries that change, as a client sees them: through the real core, over links that fail.

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Line } from '../src/index.js';
import { type ChatApp, EngineWorld } from './support/engine-world.js';

const LOBBY = 'chat/lobby';

async function start(...users: string[]) {
  const world = new EngineWorld({ limits: { publishBurst: 10_000 } });
  const logs = users.map((user) => world.join(user).channel.chat('lobby'));
  for (const log of logs) log.open();
  await world.pass(100);
  return { world, logs };
}
type Log = ReturnType<Line<ChatApp>['channel']['chat']>;

const shown = (log: Log | undefined) =>
  log?.snapshot().entries.map(({ offset, data, editedAt, deletedAt, reactions }) => ({
    offset,
    ...(data === undefined ? {} : { text: data.text }),
    ...(editedAt === undefined ? {} : { isEdited: true }),
    ...(deletedAt === undefined ? {} : { isDeleted: true }),
    ...(Object.keys(reactions).length === 0 ? {} : { reactions }),
  }));

describe('an entry', () => {
  it('is edited, reacted to and deleted, for everybody, and keeps its key', async () => {
    const { world, logs } = await start('ada', 'bob');
    const [ada, bob] = logs;
    const published = ada?.publish({ text: 'helo' });
    await world.pass(100);
    const { offset } = (await published) ?? { offset: 0 };
    const keys = logs.map((log) => log.snapshot().entries[0]?.key);
    const before = bob?.snapshot().entries[0];
    const edited = ada?.edit(offset, { text: 'hello' });
    await world.pass(100);
    await expect(edited).resolves.toMatchObject({ offset: 2 });
    for (const log of logs) expect(shown(log)).toEqual([{ offset: 1, text: 'hello', isEdited: true }]);
    expect(bob?.snapshot().entries[0]).not.toBe(before);
    void bob?.react(offset, '👍');
    void ada?.react(offset, '__proto__');
    await world.pass(100);
    const reactions = Object.fromEntries([
      ['👍', ['bob']],
      ['__proto__', ['ada']],
    ]);
    for (const log of logs) expect(shown(log)).toEqual([{ offset: 1, text: 'hello', isEdited: true, reactions }]);
    void bob?.unreact(offset, '👍');
    void ada?.delete(offset);
    await world.pass(100);
    for (const log of logs) expect(shown(log)).toEqual([{ offset: 1, isDeleted: true }]);
    expect(logs.map((log) => log.snapshot().entries[0]?.key)).toEqual(keys);
    expect(world.problems).toEqual([]);
  });

  it('of somebody else is not edited: the promise says forbidden, and nothing is pending', async () => {
    const { world, logs } = await start('ada', 'bob');
    void logs[0]?.publish({ text: 'mine' });
    await world.pass(100);
    const failed = expect(logs[1]?.edit(1, { text: 'yours' })).rejects.toMatchObject({
      code: 'forbidden',
      outcome: 'refused',
    });
    expect(logs[1]?.snapshot().pending).toEqual([]);
    await world.pass(100);
    await failed;
    await expect(logs[1]?.edit(1, undefined as never)).rejects.toMatchObject({ code: 'invalid' });
    const gone = expect(logs[0]?.delete(7)).rejects.toMatchObject({ code: 'not_found' });
    await world.pass(100);
    await gone;
  });

  it('an amendment waits in line with publishes, is sent again over a lost link, and is stored once', async () => {
    const { world, logs } = await start('ada');
    const [ada] = logs;
    void ada?.publish({ text: 'one' });
    await world.pass(100);
    // From now on the server stores both before the link is gone, which takes its answers along.
    world.latencyMs = 50;
    world.last.drop();
    await world.pass(5_000);
    const edit = ada?.edit(1, { text: 'two' });
    const publish = ada?.publish({ text: 'three' });
    await world.pass(70);
    expect((await world.broker.readBack(LOBBY as never, undefined, { entries: 9 })).offset).toBe(3);
    world.last.drop();
    await world.pass(10_000);
    await expect(edit).resolves.toMatchObject({ offset: 2 });
    await expect(publish).resolves.toMatchObject({ offset: 3 });
    expect(shown(ada)).toEqual([
      { offset: 1, text: 'two', isEdited: true },
      { offset: 3, text: 'three' },
    ]);
    const sent = world.last.received.filter(({ type }) => type === 'amend' || type === 'publish');
    expect(sent.map((message) => 'seq' in message && message.seq)).toEqual([2, 3]);
    const { entries } = await world.broker.readBack(LOBBY as never, undefined, { entries: 9 });
    expect(entries).toHaveLength(3);
  });

  it('keeps the connection open until an amendment is answered, and fails one more than fits', async () => {
    const world = new EngineWorld();
    world.accepts = false;
    const ada = world.join('ada', { maxQueued: 2 }).channel.chat('lobby');
    const first = expect(ada.react(1, 'a')).rejects.toMatchObject({ code: 'rate_limited' });
    const others = [ada.publish({ text: 'x' }), ada.react(1, 'b')];
    await first;
    world.accepts = true;
    await world.pass(60_000);
    await expect(Promise.all(others)).resolves.toMatchObject([{ offset: 1 }, { offset: 2 }]);
  });
});

describe('a page of older entries', () => {
  it('that was read before an entry in it was amended does not take that back', async () => {
    const { world, logs } = await start('ada');
    for (let n = 1; n <= 5; n += 1) void logs[0]?.publish({ text: `m${n}` });
    await world.pass(100);
    const bob = world.join('bob').channel.chat('lobby');
    bob.open({ last: 2 });
    await world.pass(100);
    expect(shown(bob)?.map(({ offset }) => offset)).toEqual([4, 5]);
    // The store answers the read at once, and its answer is late.
    const connection = world.last;
    const send = connection.send.bind(connection);
    let held: string | undefined;
    connection.send = (text: string) => {
      if (text.includes('"items"') && text.includes('"floor"')) held = text;
      else send(text);
    };
    const loaded = bob.loadOlder(9);
    await world.pass(10);
    void logs[0]?.delete(2);
    void logs[0]?.edit(5, { text: 'm5!' });
    await world.pass(100);
    expect(held).toContain('m2');
    send(held ?? '');
    await world.pass(10);
    await loaded;
    expect(shown(bob)).toEqual([
      { offset: 1, text: 'm1' },
      { offset: 2, isDeleted: true },
      { offset: 3, text: 'm3' },
      { offset: 4, text: 'm4' },
      { offset: 5, text: 'm5!', isEdited: true },
    ]);
  });
});

it('whatever is published and amended, and however links fail, all end with the same entries, stored once', async () => {
  const step = fc.record({
    do: fc.constantFrom('publish', 'edit', 'delete', 'react', 'unreact', 'drop', 'wait', 'older', 'drain'),
    who: fc.nat(2),
    which: fc.nat(8),
  });
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 5, maxLength: 40 }), async (steps) => {
      const { world, logs } = await start('ada', 'bob', 'eve');
      let said = 0;
      const settled: Promise<unknown>[] = [];
      for (const { do: what, who, which } of steps) {
        const log = logs[who] as Log;
        const { offset: last = 1 } = log.snapshot().entries.at(-1) ?? {};
        const offset = Math.max(1, last - which);
        if (what === 'publish') settled.push(log.publish({ text: `m${++said}` }).catch(() => {}));
        else if (what === 'edit') settled.push(log.edit(offset, { text: `e${++said}` }).catch(() => {}));
        else if (what === 'delete') settled.push(log.delete(offset).catch(() => {}));
        else if (what === 'react') settled.push(log.react(offset, `r${which}`).catch(() => {}));
        else if (what === 'unreact') settled.push(log.unreact(offset, `r${which}`).catch(() => {}));
        else if (what === 'older') void log.loadOlder(3).catch(() => {});
        else if (what === 'drop') world.openConnections[which % 3]?.drop();
        else if (what === 'drain') void world.engines[0]?.drain(2_000, 500);
        else await world.pass(which * 40);
      }
      await world.pass(120_000);
      // Each has an answer, whatever it is: nothing is left behind.
      await Promise.all(settled);
      const late = world.join('late').channel.chat('lobby');
      late.open({ last: 1_000 });
      await world.pass(1_000);
      const all = shown(late);
      for (const log of logs) {
        expect(log.snapshot().pending).toEqual([]);
        expect(shown(log)).toEqual(all?.slice(all.length - log.snapshot().entries.length));
      }
      const { entries } = await world.broker.readBack(LOBBY as never, undefined, { entries: 1_000 });
      const sources = entries.map(({ source }) => JSON.stringify(source));
      expect(new Set(sources).size).toBe(sources.length);
    }),
    { numRuns: 30, seed: Number(process.env.SEED ?? 1) },
  );
}, 240_000);
