// The hooks for what stands beside a log, in a DOM against the core's own engine: who is present, what is signalled.

import type { Line } from '@trunkline/client';
import { createTrunkline, useLog, usePresence, useReaders, useSignal, useUnread } from '@trunkline/react';
import { act, type ReactElement, StrictMode } from 'react';
import { renderToString } from 'react-dom/server';
import { beforeEach, describe, expect, it } from 'vitest';
import { type ChatApp, EngineWorld } from '../../client/test/support/engine-world.js';
import { eachOnAPage, hydrate, render, text, unmount } from './support/page.js';

let world: EngineWorld;
let line: Line<ChatApp>;
let bob: Line<ChatApp>;

eachOnAPage();
beforeEach(async () => {
  world = new EngineWorld();
  [line, bob] = [world.join('ada'), world.join('bob')];
});

const pass = (ms = 0) => act(() => world.pass(ms));
/** Of the page's own connections: what was asked. */
const subscribed = () => world.last.of('subscribe').map(({ stream }) => stream);

let renders = 0;

function People({ room = 'lobby' }: { room?: string }): ReactElement {
  const { people, count, state } = usePresence(line.channel.chat(room));
  renders += 1;
  return <p>{`${state} ${count}: ${people.map(({ user }) => user).join(' ')}`}</p>;
}

function Log(): ReactElement {
  const { entries } = useLog(line.channel.chat('lobby'));
  return <i>{entries.length}</i>;
}

let send: (data: { readonly on: boolean }) => void = () => {};

function Typing(): ReactElement {
  const { signals, send: tell } = useSignal(line.channel.chat('lobby'), 'typing', { filter: ({ on }) => on });
  send = tell;
  renders += 1;
  return <b>{signals.map(({ user }) => user).join(' ')}</b>;
}

describe('usePresence', () => {
  it('shows who is there, and does not make anybody present by itself', async () => {
    await render(<People />);
    expect(text()).toBe('connecting 0: ');
    await pass(100);
    expect(text()).toBe('live 0: ');
    bob.channel.chat('lobby').open();
    await pass(100);
    expect(text()).toBe('live 1: bob');
    await render(
      <>
        <People />
        <Log />
      </>,
    );
    await pass(100);
    expect(text()).toBe('live 2: bob ada0');
    renders = 0;
    await pass(60_000);
    expect(renders).toBe(0);
  });

  it('shows another room at any render', async () => {
    bob.channel.chat('kitchen').open();
    await render(<People />);
    await pass(100);
    await render(<People room="kitchen" />);
    await pass(100);
    expect(text()).toBe('live 1: bob');
  });

  it('is one subscription under StrictMode, and leaves', async () => {
    await render(
      <StrictMode>
        <People />
        <Typing />
      </StrictMode>,
    );
    await pass(10_000);
    expect(subscribed().toSorted()).toEqual(['chat/lobby:presence', 'chat/lobby:signals']);
    await unmount();
    await pass(2_000);
    expect(world.openConnections).toHaveLength(0);
  });
});

describe('useSignal', () => {
  it('shows others for 5 seconds, and sends', async () => {
    await render(<Typing />);
    await pass(100);
    const first = send;
    const theirs = bob.channel.chat('lobby');
    const heard = theirs.signals('typing');
    heard.subscribe(() => {});
    await pass(100);
    theirs.signal('typing', { on: true });
    send({ on: true });
    await pass(10);
    expect(text()).toBe('bob');
    expect(heard.snapshot()).toMatchObject([{ user: 'ada', data: { on: true } }]);
    await pass(5_000);
    expect(text()).toBe('');
    theirs.signal('typing', { on: true });
    await pass(10);
    theirs.signal('typing', { on: false });
    await pass(1_000);
    expect(text()).toBe('');
    expect(send).toBe(first);
    renders = 0;
    await pass(60_000);
    expect(renders).toBe(0);
  });
});

function Badge(): ReactElement {
  const { unread, more, isFollowing, follow } = useUnread(line.channel.chat('lobby'));
  followNow = follow;
  renders += 1;
  return <b>{isFollowing ? `${unread}${more ? '+' : ''}` : '-'}</b>;
}
let followNow: () => Promise<void> = async () => {};

function Seen({ offset }: { offset: number }): ReactElement {
  const { seenBy, mark } = useReaders(line.channel.chat('lobby'));
  markNow = mark;
  return <i>{` seen by ${seenBy(offset).map(({ user }) => user)}`}</i>;
}
let markNow: (offset: number) => void = () => {};

describe('useUnread, useReaders', () => {
  it('show a badge without a subscription to the log, and who has read what', async () => {
    await render(
      <StrictMode>
        <Badge />
        <Seen offset={2} />
      </StrictMode>,
    );
    await pass(100);
    expect(text()).toBe('- seen by ');
    void followNow();
    await pass(100);
    for (let n = 0; n < 120; n += 1) void world.engines[0]?.publish('chat', ['lobby'], { text: 'hi' });
    await pass(2_000);
    expect(text()).toBe('99+ seen by ');
    expect(subscribed().toSorted()).toEqual([':unread', 'chat/lobby:markers']);
    markNow(118);
    bob.channel.chat('lobby').mark(1);
    await pass(2_000);
    expect(text()).toBe('2 seen by ada');
    renders = 0;
    await pass(60_000);
    expect(renders).toBe(0);
  });
});

describe('on a server', () => {
  it('nothing is opened, and hydration starts from nothing even if it is live already', async () => {
    const page = (
      <>
        <People />
        <Typing />
        <Badge />
        <Seen offset={1} />
      </>
    );
    line.channel.chat('lobby').presence.subscribe(() => {});
    bob.channel.chat('lobby').open();
    await pass(100);
    const html = renderToString(page);
    expect(html).toContain('connecting 0: ');
    await hydrate(html, page);
    expect(text()).toBe('live 1: bob- seen by ');
  });
});

describe('createTrunkline', () => {
  it('has these hooks too', () => {
    expect(createTrunkline<ChatApp>()).toMatchObject({ usePresence, useSignal, useReaders, useUnread });
  });
});
