// What a reader that is behind costs while it is: nothing is made for it that it could not be given.

import { afterEach, expect, it, vi } from 'vitest';
import { RowNode } from '../src/table-rows.js';
import { QUOTES, World } from './support/world.js';

const ROWS = 50;

afterEach(() => vi.restoreAllMocks());

it('each change costs a reader that takes nothing no look at the rows; then it gets all of them in one slice (TAB-7)', async () => {
  const world = new World();
  const change = (n: number) => world.store.change(QUOTES, [{ key: `S${n % ROWS}`, patch: `{"n":${n}}` }]);
  for (let n = 0; n < ROWS; n += 1) await change(n);
  const peer = world.connect();
  peer.say({ type: 'hello', version: 1, token: 'ada', features: ['seen'] });
  peer.say({ type: 'subscribe', id: 1, stream: QUOTES });
  await world.settle();
  const { texts } = peer.connection;
  const report = () => peer.say({ type: 'seen', bytes: texts.reduce((sum, text) => sum + Buffer.byteLength(text), 0) });
  report();
  await world.passMs(10_000);
  // Until its window is full.
  for (let n = 0; n < 500; n += 1) {
    await change(n);
    await world.settle();
  }
  const before = texts.length;
  const looks = vi.spyOn(RowNode.prototype, 'since');
  for (let n = 0; n < 200; n += 1) {
    await change(1_000 + n);
    await world.settle();
  }
  expect(texts.length).toBe(before);
  expect(looks).not.toHaveBeenCalled();
  report();
  await world.settle();
  expect(texts.length).toBe(before + 1);
  expect(Object.keys(JSON.parse(texts.at(-1) ?? '').patch)).toHaveLength(ROWS);
  expect(looks).toHaveBeenCalledTimes(ROWS);
});
