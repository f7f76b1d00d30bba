// The hooks for tables in a DOM, against the core's own engine: what renders, how often, and what is asked of the server for it.

import { createTrunkline, useRow, useTable } from '@trunkline/react';
import { act, memo, type ReactElement, StrictMode } from 'react';
import { renderToString } from 'react-dom/server';
import { beforeEach, describe, expect, it } from 'vitest';
import { EngineWorld, type Quote, type TableApp } from '../../client/test/support/engine-world.js';
import { eachOnAPage, hydrate, render, text, unmount } from './support/page.js';

const { TrunklineProvider, useLine } = createTrunkline<TableApp>();

let world: EngineWorld;

eachOnAPage();
beforeEach(async () => {
  world = new EngineWorld();
  await world.change(...[1, 2, 3].map((n) => ({ key: `k${n}`, set: { n } })));
});

const pass = (ms = 0) => act(() => world.pass(ms));
const change = (key: string, fields: Partial<Quote>) => world.change({ key, patch: fields as { bid: number } });

let renders = 0;

function Board({ keys, rate }: { keys?: readonly string[]; rate?: number }): ReactElement {
  const { state, rows } = useTable(world.quotes, { keys: keys && [...keys], ratePerSecond: rate });
  renders += 1;
  return <p>{`${state}: ${[...rows].map(([key, { n, bid }]) => `${key}=${n}/${bid ?? ''}`).join(' ')}`}</p>;
}

const Bid = memo(function Bid({ name }: { name: string }): ReactElement {
  const bid = useRow(world.quotes, name, (row) => row.bid);
  renders += 1;
  return <i>{`${bid ?? '-'} `}</i>;
});

function Whole({ name }: { name: string }): ReactElement {
  const row = useRow(world.quotes, name);
  renders += 1;
  return <b>{JSON.stringify(row) ?? 'none'}</b>;
}

/** Selects a new object each time. */
function Part({ name }: { name: string }): ReactElement {
  const part = useRow(world.quotes, name, ({ n }) => ({ n }));
  return <p>{part?.n ?? 'none'}</p>;
}

let set: (key: string, row: Quote) => Promise<unknown>;
function Writer(): ReactElement {
  const table = useTable(useLine().channel.quotes('nyse'));
  set = table.set;
  return <p>{`${table.staleMs() === undefined ? 'nothing' : table.rows.size}`}</p>;
}

describe('useTable', () => {
  it('shows a table and keeps it live', async () => {
    await render(<Board />);
    expect(text()).toBe('connecting: ');
    await pass();
    expect(text()).toBe('live: k1=1/ k2=2/ k3=3/');
    await change('k2', { bid: 7 });
    await pass();
    expect(text()).toBe('live: k1=1/ k2=2/7 k3=3/');
    renders = 0;
    await pass(100_000);
    expect(renders).toBe(0);
  });

  it('renders for its keys alone, which may be written inline', async () => {
    await render(<Board keys={['k1', 'k3']} />);
    await pass();
    expect(text()).toBe('live: k1=1/ k3=3/');
    for (let i = 0; i < 5; i++) await render(<Board keys={['k1', 'k3']} />);
    await pass(5_000);
    expect(world.last.of('subscribe')).toHaveLength(1);
    expect(world.last.of('tune')).toEqual([]);
    renders = 0;
    await change('k2', { bid: 1 });
    await pass();
    expect(renders).toBe(0);
    await render(<Board keys={['k2']} />);
    await pass();
    expect(text()).toBe('live: k2=2/1');
    expect(world.last.of('subscribe')).toHaveLength(1);
    expect(world.last.of('tune')).toHaveLength(1);
  });

  it('renders at most so often', async () => {
    await render(
      <>
        <Board rate={2} />
        <Bid name="k1" />
      </>,
    );
    await pass(2_000);
    renders = 0;
    for (let i = 1; i <= 20; i++) {
      await change('k2', { bid: i });
      await pass(50);
    }
    await pass(500);
    expect(renders).toBeLessThanOrEqual(4);
    expect(text()).toContain('k2=2/20');
  });

  it('opens one subscription under StrictMode, and leaves it', async () => {
    await render(
      <StrictMode>
        <Board />
        <Bid name="k1" />
      </StrictMode>,
    );
    await pass(10_000);
    expect(world.connections).toHaveLength(1);
    expect(world.last.of('subscribe')).toHaveLength(1);
    expect(world.last.of('tune')).toEqual([]);
    await unmount();
    await pass(2_000);
    expect(world.last.state).toBe('closed');
  });

  it('changes rows, where clients may', async () => {
    await render(
      <TrunklineProvider line={world.line}>
        <Writer />
      </TrunklineProvider>,
    );
    expect(text()).toBe('nothing');
    await pass();
    await act(() => void set('k4', { n: 4 }));
    await pass();
    expect(text()).toBe('4');
  });
});

describe('useRow', () => {
  it('renders only when the row, or the part of it that is selected, changes', async () => {
    await render(
      <>
        <Bid name="k1" />
        <Whole name="k1" />
        <Whole name="k2" />
      </>,
    );
    await pass();
    expect(text()).toBe('- {"n":1}{"n":2}');
    renders = 0;
    await change('k1', { ask: 2 });
    await pass();
    expect(renders).toBe(1);
    await change('k1', { bid: 5 });
    await pass();
    expect(renders).toBe(3);
    expect(text()).toBe('5 {"n":1,"ask":2,"bid":5}{"n":2}');
    await world.change({ key: 'k2', delete: true });
    await change('k3', { bid: 1 });
    await pass();
    expect(renders).toBe(4);
    expect(text()).toContain('none');
    await act(() => world.last.drop());
    expect(renders).toBe(4);
  });

  it('takes another key, and objects that are selected anew', async () => {
    await render(<Part name="k1" />);
    await pass();
    expect(text()).toBe('1');
    await render(<Part name="k2" />);
    await pass();
    expect(text()).toBe('2');
    expect(world.last.of('subscribe')).toHaveLength(1);
    expect(world.last.of('tune')).toMatchObject([{ keys: ['k2'] }]);
  });

  it('is mounted a thousand times with one question, and costs what changes', async () => {
    const names = Array.from({ length: 1_000 }, (_, i) => `r${i}`);
    await world.change(...names.map((key, n) => ({ key, set: { n, bid: n } })));
    await render(<Bid name="k1" />);
    await pass();
    await render(
      <StrictMode>
        {names.map((name) => (
          <Bid key={name} name={name} />
        ))}
      </StrictMode>,
    );
    await pass();
    expect(world.last.of('subscribe')).toHaveLength(1);
    expect(world.last.of('tune').length).toBeLessThanOrEqual(2);
    expect(text()).toContain(' 999 ');
    renders = 0;
    await world.change(...names.slice(0, 200).map((key) => ({ key, patch: { bid: -1 } })));
    await pass();
    // Twice each, as StrictMode renders.
    expect(renders).toBe(400);
    await render(<p>gone</p>);
    await pass(2_000);
    expect(world.openConnections).toHaveLength(0);
  });
});

describe('on a server', () => {
  it('nothing is opened, and hydration starts from nothing even if the line is live already', async () => {
    world.quotes.open();
    await world.pass();
    const page = (
      <>
        <Board />
        <Whole name="k1" />
      </>
    );
    const html = renderToString(page);
    expect(html).toBe('<p>connecting: </p><b>none</b>');
    await hydrate(html, page);
    expect(text()).toBe('live: k1=1/ k2=2/ k3=3/{"n":1}');
  });
});
