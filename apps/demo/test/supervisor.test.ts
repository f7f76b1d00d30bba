// The keeper of the generator: on a clock that is moved by hand, and with children that do what the test says.

import { describe, expect, it } from 'vitest';
import { type Child, type ChildEnd, Supervisor, type SupervisorState } from '../server/feeds/supervisor.js';

class FakeChild implements Child {
  readonly signals: string[] = [];
  #listener: (end: ChildEnd) => void = () => {};

  onEnd(listener: (end: ChildEnd) => void): void {
    this.#listener = listener;
  }

  signal(signal: string): void {
    this.signals.push(signal);
  }

  end(how = 'exit code 1', isMissing = false): void {
    this.#listener({ how, isMissing });
  }
}

function supervised() {
  let nowMs = 0;
  const timers = new Set<{ atMs: number; run: () => void }>();
  const children: FakeChild[] = [];
  const states: SupervisorState[] = [];
  const supervisor = new Supervisor({
    start: () => {
      const child = new FakeChild();
      children.push(child);
      return child;
    },
    clock: {
      nowMs: () => nowMs,
      after: (ms, run) => {
        const timer = { atMs: nowMs + ms, run };
        timers.add(timer);
        return () => timers.delete(timer);
      },
    },
    onState: (state) => states.push(state),
  });
  const pass = (ms: number) => {
    nowMs += ms;
    for (const timer of [...timers].sort((a, b) => a.atMs - b.atMs)) {
      if (timer.atMs > nowMs || !timers.delete(timer)) continue;
      timer.run();
    }
  };
  const last = () => {
    const child = children.at(-1);
    if (child === undefined) throw new Error('none was started');
    return child;
  };
  return { supervisor, children, states, timers, pass, last };
}

describe('a child that ends', () => {
  it('is started again, each time after twice the wait, up to 30 s', () => {
    const { supervisor, children, states, pass, last } = supervised();
    supervisor.start();
    for (const waitMs of [500, 1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000]) {
      last().end('exit code 1: no luck');
      expect(states.at(-1)).toEqual({ state: 'waiting', problem: 'exit code 1: no luck', retryMs: waitMs });
      const count = children.length;
      pass(waitMs - 1);
      expect(children).toHaveLength(count);
      pass(1);
      expect(children).toHaveLength(count + 1);
      expect(states.at(-1)).toEqual({ state: 'running' });
    }
  });

  it('after a minute of work counts as well: the waits begin anew', () => {
    const { supervisor, states, pass, last } = supervised();
    supervisor.start();
    last().end();
    pass(500);
    last().end();
    expect(states.at(-1)).toMatchObject({ retryMs: 1_000 });
    pass(1_000);
    pass(59_999);
    last().end();
    expect(states.at(-1)).toMatchObject({ retryMs: 2_000 });
    pass(2_000);
    pass(60_000);
    last().end();
    expect(states.at(-1)).toMatchObject({ retryMs: 500 });
  });

  it('because there is no such program is not started again', () => {
    const { supervisor, children, states, timers, pass, last } = supervised();
    supervisor.start();
    last().end('spawn python3 ENOENT', true);
    expect(states.at(-1)).toEqual({ state: 'missing', problem: 'spawn python3 ENOENT' });
    pass(3_600_000);
    expect([children.length, timers.size]).toEqual([1, 0]);
  });
});

describe('stop', () => {
  it('asks the child to end, and waits for it', async () => {
    const { supervisor, children, states, timers, last } = supervised();
    supervisor.start();
    let isOver = false;
    const stopping = supervisor.stop().then(() => {
      isOver = true;
    });
    await Promise.resolve();
    expect([last().signals, isOver]).toEqual([['SIGTERM'], false]);
    last().end('exit code 0');
    await stopping;
    expect([children.length, timers.size, states.at(-1)]).toEqual([1, 0, { state: 'stopped' }]);
  });

  it('kills a child that does not end within two seconds', async () => {
    const { supervisor, pass, last } = supervised();
    supervisor.start();
    const stopping = supervisor.stop();
    pass(1_999);
    expect(last().signals).toEqual(['SIGTERM']);
    pass(1);
    expect(last().signals).toEqual(['SIGTERM', 'SIGKILL']);
    last().end('ended by SIGKILL');
    await stopping;
  });

  it('while it waits to start again is over at once, and starts nothing', async () => {
    const { supervisor, children, pass, last } = supervised();
    supervisor.start();
    last().end();
    await supervisor.stop();
    pass(60_000);
    expect(children).toHaveLength(1);
  });

  it('may be asked for twice', async () => {
    const { supervisor, last } = supervised();
    supervisor.start();
    const both = Promise.all([supervisor.stop(), supervisor.stop()]);
    last().end();
    await both;
    expect(last().signals).toEqual(['SIGTERM']);
  });
});

it('kill ends it without a word', () => {
  const { supervisor, last } = supervised();
  supervisor.start();
  supervisor.kill();
  expect(last().signals).toEqual(['SIGKILL']);
});
