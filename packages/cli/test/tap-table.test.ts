// `trunkline tap --stream` of a table: its rows, then what changes, over reconnects, for people and for programs.

import { join } from 'node:path';
import { connect } from '@trunkline/client/node';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { RowLines } from '../src/tap/row-lines.js';
import { Workshop } from './command.js';
import type { app } from './fixtures/app.mjs';

type App = typeof app;

let workshop: Workshop;
const stops: (() => unknown)[] = [];
beforeEach(() => {
  workshop = new Workshop();
});
afterEach(async () => {
  await workshop.close();
  for (const stop of stops.splice(0).reverse()) await stop();
});

/** Lines without their times. */
const lines = (out: string) => out.split('\n').map((line) => line.replace(/^\d\d:\d\d:\d\d\.\d{3} {2}/, ''));

/** The fixture's app, in a process of its own. */
async function serve(port = '0') {
  const words = ['start', 'app.mjs', '--port', port, '--data', join(workshop.folder, 'data')];
  const running = workshop.start(words);
  const [, url = ''] = await running.outputs(/is served at (http:\/\/\S+),/);
  return { ...running, url };
}

/** Ada's line, until the test ends. */
function lineOf(url: string) {
  const line = connect<App>(`${url}/line`, { token: 'ada' });
  stops.push(() => line.close());
  return line;
}

const deskOf = (url: string) => lineOf(url).channel.desk('ada');

const tap = (url: string, ...words: string[]) =>
  workshop.start(['tap', url, '--stream', 'desk/ada', '--token', 'bob', ...words]);

describe('trunkline tap of a table', () => {
  it('prints its rows, then a line for each row that changes, without being told that it is one', async () => {
    const { url } = await serve();
    const desk = deskOf(url);
    await desk.set('ACME', { bid: 10, note: 'n\u001b[2J' });
    await desk.set('GLOBEX', { bid: 7 });
    const { child, ended, outputs, remarks } = tap(url);
    await remarks(/2 rows; from here on what changes/);
    await desk.patch('ACME', { bid: 10.5 });
    await outputs(/~ ACME/);
    await desk.change([
      { key: 'ACME', patch: { bid: 11 }, unset: ['note'] },
      { key: 'NEW', set: { bid: 1 } },
      { key: 'GLOBEX', delete: true },
    ]);
    await outputs(/- GLOBEX/);
    child.kill('SIGINT');
    const { code, out, err } = await ended;
    expect(code).toBe(0);
    expect(lines(out)).toEqual([
      '+ ACME  {"bid":10,"note":"n\\u001b[2J"}',
      '+ GLOBEX  {"bid":7}',
      '~ ACME  {"bid":10.5}',
      '~ ACME  {"bid":11}  without note',
      '+ NEW  {"bid":1}',
      '- GLOBEX',
      '',
    ]);
    expect(err.split('\n')).toEqual([
      'trunkline: connected as bob',
      'trunkline: 2 rows; from here on what changes',
      'trunkline: closed with 1000, normal: the purpose is fulfilled',
      '',
    ]);
  });

  it('follows the rows of --keys alone', async () => {
    const { url } = await serve();
    const desk = deskOf(url);
    await desk.set('A', { bid: 1 });
    await desk.set('B,1', { bid: 1 });
    await desk.set('C', { bid: 1 });
    const { child, ended, outputs, remarks } = tap(url, '--keys', 'A,B%2C1', '--rate', '100');
    await remarks(/2 rows;/);
    await desk.set('C', { bid: 2 });
    await desk.set('A', { bid: 3 });
    await outputs(/~ A {2}\{"bid":3\}/);
    child.kill('SIGINT');
    expect(lines((await ended).out)).toEqual(['+ A  {"bid":1}', '+ B,1  {"bid":1}', '~ A  {"bid":3}', '']);
  });

  it('prints JSON, one object a line', async () => {
    const { url } = await serve();
    const desk = deskOf(url);
    await desk.set('A', { bid: 1, note: '\u009b31m' });
    const { child, ended, outputs } = tap(url, '--json');
    await outputs(/"live"/);
    await desk.patch('A', { bid: 2 }, { unset: ['note'] });
    await outputs(/"patch"/);
    await desk.delete('A');
    await outputs(/"delete"/);
    child.kill('SIGINT');
    const { out } = await ended;
    expect(out).not.toContain('\u009b');
    const objects = out
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as unknown);
    const at = expect.any(Number);
    expect(objects).toEqual([
      { change: 'set', key: 'A', row: { bid: 1, note: '\u009b31m' }, at },
      { live: true, rows: 1 },
      { change: 'patch', key: 'A', patch: { bid: 2 }, unset: ['note'], at },
      { change: 'delete', key: 'A', at },
    ]);
  });

  it('prints after a restart of the server what is other than before', async () => {
    const first = await serve();
    const before = deskOf(first.url);
    await before.set('A', { bid: 1 });
    await before.set('B', { bid: 1 });
    const { child, ended, outputs, remarks } = tap(first.url);
    await outputs(/\+ B/);
    first.child.kill('SIGTERM');
    await remarks(/connection lost: .*trying again/);
    await first.ended;
    const second = await serve(new URL(first.url).port);
    await deskOf(second.url).set('A', { bid: 2 });
    await outputs(/~ A/);
    child.kill('SIGTERM');
    expect(lines((await ended).out)).toEqual(['+ A  {"bid":1}', '+ B  {"bid":1}', '~ A  {"bid":2}', '']);
  });

  it('says of options that they are for the other kind', async () => {
    const { url } = await serve();
    const run = (...words: string[]) => workshop.run('tap', url, '--token', 'bob', ...words);
    const ends = (words: string) => ({ code: 1, out: '', err: expect.stringContaining(`\ntrunkline: ${words}\n`) });
    expect(await run('--stream', 'quotes/nyse', '--last', '5')).toMatchObject(
      ends('quotes/nyse: this is a table, and --last is for logs'),
    );
    expect(await run('--stream', 'chat/x', '--rate', '5')).toMatchObject(
      ends('chat/x: this is a log, and --rate is for tables'),
    );
    expect(await run('--stream', 'chat/x', '--keys', 'a')).toMatchObject(
      ends('chat/x: this is a log, and --keys is for tables'),
    );
  });
});

it('trunkline tap prints the entries of a log as JSON', async () => {
  const { url } = await serve();
  await lineOf(url).channel.chat('x').publish({ text: 'a\u202eb' });
  const { child, ended, outputs } = workshop.start(['tap', url, '--stream', 'chat/x', '--token', 'bob', '--json']);
  await outputs(/offset/);
  child.kill('SIGINT');
  const { out } = await ended;
  expect(out).not.toContain('\u202e');
  expect(JSON.parse(out)).toEqual({ offset: 1, at: expect.any(Number), user: 'ada', data: { text: 'a\u202eb' } });
});

describe('rows as lines', () => {
  const at = new Date();
  const rowsOf = (...entries: [string, object][]) => new Map<string, unknown>(entries);
  const words = (table: RowLines, rows: ReadonlyMap<string, unknown>) =>
    table.of(rows, at).map((line) => lines(line)[0]);

  it('are only of what is other', () => {
    const table = new RowLines(null, false);
    const a = { bid: 1, depth: { levels: 5 } };
    expect(words(table, rowsOf(['A', a]))).toEqual(['+ A  {"bid":1,"depth":{"levels":5}}']);
    expect(words(table, rowsOf(['A', a], ['B', {}]))).toEqual(['+ B  {}']);
    expect(words(table, rowsOf(['A', { ...a, depth: { levels: 5 } }], ['B', {}]))).toEqual([]);
    expect(words(table, rowsOf(['A', { ...a, depth: { levels: 6 } }], ['B', {}]))).toEqual([
      '~ A  {"depth":{"levels":6}}',
    ]);
    expect(table.size).toBe(2);
  });

  it('have fields named __proto__ like any other', () => {
    const table = new RowLines(null, true);
    words(table, rowsOf(['__proto__', {}]));
    const [line = ''] = table.of(rowsOf(['__proto__', JSON.parse('{"__proto__":1}') as object]), at);
    expect(line).toContain('"key":"__proto__","patch":{"__proto__":1},"unset":[]');
  });

  it('are of the keys that were asked for, whatever else is known', () => {
    const table = new RowLines(['A'], false);
    expect(words(table, rowsOf(['A', {}], ['B', {}]))).toEqual(['+ A  {}']);
    expect(words(table, rowsOf(['B', {}]))).toEqual(['- A']);
  });
});
