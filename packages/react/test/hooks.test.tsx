// The hooks in a DOM: one socket under StrictMode, rooms that change, options written inline, hydration without a word.

import { type ConnectOptions, connect, type Line, type LogHandle, type LogInterest } from '@trunkline/client';
import { createTrunkline, type LogView, useLog } from '@trunkline/react';
import { act, type ReactElement, StrictMode, useState } from 'react';
import { renderToString } from 'react-dom/server';
import { beforeEach, describe, expect, it } from 'vitest';
import { FakeClock } from '../../client/test/support/fake-clock.js';
import { FakeServer } from '../../client/test/support/fake-server.js';
import { FakeNetwork, type Message, numbered, type TestApp } from '../../client/test/support/world.js';
import { eachOnAPage, hydrate, query, render, text, unmount } from './support/page.js';

const { TrunklineProvider, useLine, useConnection } = createTrunkline<TestApp>();

let clock: FakeClock;
let server: FakeServer;
let options: ConnectOptions;

eachOnAPage();
beforeEach(() => {
  clock = new FakeClock();
  server = new FakeServer(clock);
  options = { clock, socket: server.open, network: new FakeNetwork(), random: () => 0.5 };
  for (const text of numbered(1, 3)) server.append('chat/lobby', { text });
});

const advance = (ms = 0) => act(() => clock.advance(ms));

type View = LogView<Message, Message & { loud?: boolean }, { id: string }, 'rude'>;
let view: View;
let renders = 0;

function Chat({ room = 'lobby', interest }: { room?: string; interest?: LogInterest }): ReactElement {
  view = useLog(useLine().channel.chat(room), interest);
  renders += 1;
  return (
    <ul data-state={view.state}>
      {[...view.entries, ...view.pending].map(({ key, data }) => (
        <li key={key}>{data.text} </li>
      ))}
    </ul>
  );
}

let statusRenders = 0;
function Status(): ReactElement {
  statusRenders += 1;
  return <p>{useConnection(({ state }) => state)}</p>;
}

/** Selects a new object each time. */
function StatusObject(): ReactElement {
  const { state } = useConnection((connection) => ({ state: connection.state }));
  return <p>{state}</p>;
}

function LastClose(): ReactElement {
  const lastClose = useConnection((connection) => connection.lastClose);
  return <b>{lastClose ? `closed ${lastClose.code}${lastClose.wasClean ? ', acknowledged' : ''}` : ''}</b>;
}

let show: (shown: boolean) => void;
function Page(): ReactElement {
  const [shown, setShown] = useState(true);
  show = setShown;
  return shown ? <Chat /> : <p>left</p>;
}

let alone: LogHandle<Message, Message, { id: string }, 'rude'>;
function Alone(): ReactElement {
  return <p>{useLog(alone).entries.length}</p>;
}

const provided = (children: ReactElement) => (
  <TrunklineProvider url="ws://test/line" {...options}>
    {children}
  </TrunklineProvider>
);

describe('useLog', () => {
  it('shows a log, keeps it live, and sends', async () => {
    await render(provided(<Chat />));
    expect(view.state).toBe('connecting');
    await advance();
    expect(view.state).toBe('live');
    expect(text()).toBe('m1 m2 m3 ');
    server.append('chat/lobby', { text: 'm4' });
    await advance();
    expect(text()).toBe('m1 m2 m3 m4 ');
    await act(() => void view.publish({ text: 'mine' }));
    expect(view.pending).toMatchObject([{ state: 'sending', data: { text: 'mine' } }]);
    const element = query('li:last-child');
    await advance();
    expect(view.pending).toEqual([]);
    expect(text()).toBe('m1 m2 m3 m4 mine ');
    // The same element: what was pending has become the entry.
    expect(query('li:last-child')).toBe(element);
  });

  it('opens one socket and one subscription under StrictMode, and leaves with 1000', async () => {
    await render(<StrictMode>{provided(<Chat />)}</StrictMode>);
    await advance(60_000);
    expect(server.connections).toHaveLength(1);
    expect(server.last.sent('subscribe')).toHaveLength(1);
    await unmount();
    await advance(999);
    expect(server.last.closedByClient).toBeUndefined();
    await advance(1);
    expect(server.last.closedByClient).toEqual({ code: 1000, reason: '' });
    await advance(60_000);
    expect(server.connections).toHaveLength(1);
    expect(server.last.state).toBe('closed');
  });

  it('follows to another room: one socket, the old subscription ends', async () => {
    server.append('chat/attic', { text: 'up here' });
    await render(provided(<Chat />));
    await advance();
    await render(provided(<Chat room="attic" />));
    await advance();
    expect(text()).toBe('up here ');
    await advance(1_000);
    expect(server.last.sent('unsubscribe').map(({ stream }) => stream)).toEqual(['chat/lobby']);
    await render(provided(<Chat />));
    expect(text()).toBe('m1 m2 m3 ');
    await advance();
    expect(server.connections).toHaveLength(1);
    expect(server.last.sent('subscribe').at(-1)?.after).toMatchObject({ offset: 3 });
  });

  it('is not disturbed by options and tokens written inline', async () => {
    const element = () => (
      <TrunklineProvider url="ws://test/line" {...options} token={() => 'ada'} onProblem={() => {}}>
        <Chat interest={{ last: 2 }} />
      </TrunklineProvider>
    );
    await render(element());
    await act(() => clock.advanceAsync(0));
    for (let i = 0; i < 5; i++) await render(element());
    await advance(5_000);
    expect(server.connections).toHaveLength(1);
    expect(server.last.sent('subscribe')).toHaveLength(1);
    expect(server.last.sent('unsubscribe')).toEqual([]);
    expect(text()).toBe('m2 m3 ');
  });

  it('renders nothing when nothing has changed', async () => {
    await render(provided(<Chat />));
    await advance();
    renders = 0;
    await advance(100_000);
    expect(renders).toBe(0);
  });

  it('shares one subscription between components', async () => {
    await render(
      provided(
        <>
          <Chat />
          <Chat />
        </>,
      ),
    );
    await advance();
    expect(server.last.sent('subscribe')).toHaveLength(1);
    expect(text()).toBe('m1 m2 m3 m1 m2 m3 ');
  });

  it('loads older entries and shows gaps', async () => {
    await render(provided(<Chat interest={{ last: 1 }} />));
    await advance();
    expect(view).toMatchObject({ hasOlder: true, loadingOlder: false });
    await act(() => void view.loadOlder());
    expect(view.loadingOlder).toBe(true);
    await advance();
    expect(view).toMatchObject({ hasOlder: false, loadingOlder: false });
    expect(text()).toBe('m1 m2 m3 ');
    server.log('chat/lobby').recreate();
    await act(() => server.last.drop());
    expect(view.state).toBe('offline');
    await advance(1_000);
    expect(view.gap?.reason).toBe('epoch');
    await act(() => view.dismissGap());
    expect(view.gap).toBeUndefined();
  });

  it('needs no provider for a handle of its own line', async () => {
    const line = connect<TestApp>('ws://test/line', options);
    alone = line.channel.chat('lobby');
    await render(<Alone />);
    await advance();
    expect(text()).toBe('3');
  });
});

describe('useConnection', () => {
  it('says the truth, and does not keep the connection open', async () => {
    await render(
      provided(
        <>
          <Status />
          <LastClose />
          <Page />
        </>,
      ),
    );
    expect(query('p')?.textContent).toBe('connecting');
    await advance();
    expect(query('p')?.textContent).toBe('live');
    await act(() => show(false));
    await advance(1_000);
    expect(query('p')?.textContent).toBe('idle');
    expect(query('b')?.textContent).toBe('closed 1000, acknowledged');
  });

  it('renders only for the part that it selects, also by an inline function that makes objects', async () => {
    await render(provided(<Status />));
    await render(
      provided(
        <>
          <Status />
          <Chat />
        </>,
      ),
    );
    await advance();
    statusRenders = 0;
    await act(() => server.last.send({ type: 'ping', now: 1, rttMs: 5 }));
    await advance();
    expect(statusRenders).toBe(0);
    await render(provided(<StatusObject />));
    expect(text()).toBe('live');
  });
});

describe('TrunklineProvider', () => {
  it('takes a line of your own', async () => {
    const line: Line<TestApp> = connect<TestApp>('ws://mine/line', options);
    await render(
      <TrunklineProvider line={line}>
        <Chat />
      </TrunklineProvider>,
    );
    await advance();
    expect(server.last.url).toBe('ws://mine/line');
    expect(line.connection.snapshot().state).toBe('live');
  });

  it('makes another line for another url, and the old one closes', async () => {
    const at = (url: string) => (
      <TrunklineProvider url={url} {...options}>
        <Chat />
      </TrunklineProvider>
    );
    await render(at('ws://one/line'));
    await advance();
    await render(at('ws://two/line'));
    await advance(2_000);
    expect(server.connections.map(({ url, state }) => `${url} ${state}`)).toEqual([
      'ws://one/line closed',
      'ws://two/line open',
    ]);
  });

  it('asks the newest token function', async () => {
    const element = (token: string) => (
      <TrunklineProvider url="ws://test/line" {...options} token={() => token}>
        <Chat />
      </TrunklineProvider>
    );
    await render(element('t1'));
    await act(() => clock.advanceAsync(0));
    await render(element('t2'));
    await act(() => server.last.drop());
    await act(() => clock.advanceAsync(1_000));
    expect(server.connections.map((connection) => connection.sent('hello')[0]?.token)).toEqual(['t1', 't2']);
  });

  it('is missed with a sentence', () => {
    expect(() => renderToString(<Chat />)).toThrow('there is no TrunklineProvider above this component');
  });
});

describe('on a server', () => {
  const page = () =>
    provided(
      <>
        <Status />
        <Chat />
      </>,
    );

  it('rendering opens nothing, and hydration changes nothing', async () => {
    const html = renderToString(page());
    expect(html).toBe('<p>idle</p><ul data-state="connecting"></ul>');
    clock.advance(60_000);
    expect(server.connections).toEqual([]);

    await hydrate(html, page());
    await advance();
    expect(text()).toBe('livem1 m2 m3 ');
  });

  it('hydration starts from nothing even if the line is live already', async () => {
    const line = connect<TestApp>('ws://test/line', options);
    line.channel.chat('lobby').open();
    clock.advance(0);
    const element = (
      <TrunklineProvider line={line}>
        <Status />
        <Chat />
      </TrunklineProvider>
    );
    const html = renderToString(element);
    expect(html).toBe('<p>idle</p><ul data-state="connecting"></ul>');
    await hydrate(html, element);
    expect(text()).toBe('livem1 m2 m3 ');
  });
});
