// What the app's own code decides about a publish, and what the server publishes itself.

import { describe, expect, it } from 'vitest';
import type { PublishCall } from '../src/index.js';
import { LOBBY, World, type WorldOptions } from './support/world.js';

const stored = async (world: World): Promise<unknown[]> =>
  (await world.store.readBack(LOBBY, undefined, { entries: 1_000 })).entries.map(({ data }) => JSON.parse(data));

function cycle(): unknown {
  const value: unknown[] = [];
  value.push(value);
  return value;
}

describe('REQ-4: what the application decides', () => {
  const ask = async (onPublish: NonNullable<WorldOptions['chat']>['onPublish']) => {
    const world = new World({ chat: onPublish === undefined ? {} : { onPublish } });
    return { world, answer: await (await world.enter()).publish(1, { text: 'hi' }) };
  };

  it('a refusal names its rule', async () => {
    const { answer, world } = await ask(() => ({ refusal: { code: 'rude', message: 'Please be kind' } }));
    expect(answer).toEqual({
      type: 'error',
      id: 1,
      code: 'refused',
      refusal: 'rude',
      message: 'Please be kind',
      retry: false,
      outcome: 'refused',
    });
    expect(await stored(world)).toEqual([]);
  });

  it('a hook gets entry, user, parameters and source, and what it returns is stored', async () => {
    let call: PublishCall | undefined;
    const { world } = await ask((given) => {
      call = given;
      return { store: { text: 'hi', by: 'ada' } };
    });
    expect(call).toEqual({
      entry: { text: 'hi' },
      user: { id: 'ada' },
      params: ['lobby'],
      source: { producer: 'p1', seq: 1 },
    });
    expect(await stored(world)).toEqual([{ text: 'hi', by: 'ada' }]);
  });

  it.each([
    ['a value that is no JSON', () => 1n],
    ['a value that holds itself', cycle],
    ['a function', () => () => 1],
  ])('a hook that returns %s: nothing is stored, nothing breaks', async (_, make) => {
    const { answer, world } = await ask(() => ({ store: make() }));
    expect(answer).toMatchObject({ type: 'error', code: 'internal' });
    expect(world.logged).toMatchObject([{ level: 'error' }]);
    expect(await stored(world)).toEqual([]);
  });

  it('a hook that throws: internal, and logged', async () => {
    const { answer, world } = await ask(async () => {
      throw new Error('secret details');
    });
    expect(answer).toMatchObject({ code: 'internal', retry: false, outcome: 'refused' });
    expect(JSON.stringify(answer)).not.toContain('secret');
    expect(world.logged).toMatchObject([{ level: 'error', message: 'onPublish failed' }]);
  });

  it('a schema that throws: internal, and logged', async () => {
    const world = new World({
      chat: {
        validate: () => {
          throw new Error('a bug');
        },
      },
    });
    expect(await (await world.enter()).publish(1)).toMatchObject({ code: 'internal' });
    expect(world.logged).toHaveLength(1);
  });
});

describe('the server publishes', () => {
  it('without schema, rights and hook, with retention', async () => {
    const never = () => {
      throw new Error('it was asked');
    };
    const world = new World({
      chat: { validate: never, authorize: never, onPublish: never, retain: { entries: 2 } },
    });
    for (let n = 1; n <= 3; n++) expect(await world.engine.publish('chat', ['lobby'], n)).toMatchObject({ offset: n });
    expect(await stored(world)).toEqual([2, 3]);
  });

  it.each([
    ['a value that is no JSON', () => undefined, { code: 'invalid' }],
    ['a BigInt', () => ({ n: 1n }), { code: 'invalid' }],
    ['too much', () => 'x'.repeat(65_535), { code: 'too_large' }],
  ])('%s is refused', async (_, data, error) => {
    await expect(new World().engine.publish('chat', ['lobby'], data())).rejects.toMatchObject(error);
  });

  it('to a channel that is not there, or with an empty parameter: rejects', async () => {
    const { engine } = new World();
    await expect(engine.publish('nothing', ['lobby'], 1)).rejects.toThrow('no channel');
    await expect(engine.publish('chat', [''], 1)).rejects.toThrow('non-empty');
  });

  it('while the broker cannot be reached: unavailable', async () => {
    const world = new World();
    world.broker.faults.set('append', 'before');
    await expect(world.engine.publish('chat', ['lobby'], 1)).rejects.toMatchObject({
      code: 'unavailable',
      retry: true,
    });
  });
});
