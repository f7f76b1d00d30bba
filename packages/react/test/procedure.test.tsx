// `useProcedure` in a DOM under StrictMode: what is shown of the newest call, and what goes on without the component.

import { connect, type Line } from '@trunkline/client';
import { type ProcedureView, useProcedure } from '@trunkline/react';
import { act, type ReactElement, StrictMode } from 'react';
import { renderToString } from 'react-dom/server';
import { beforeEach, expect, it } from 'vitest';
import { FakeClock } from '../../client/test/support/fake-clock.js';
import { FakeServer } from '../../client/test/support/fake-server.js';
import { FakeNetwork, type TestApp } from '../../client/test/support/world.js';
import { eachOnAPage, render, text } from './support/page.js';

type View = ProcedureView<unknown, number, 'sold_out'>;

let clock: FakeClock;
let server: FakeServer;
let line: Line<TestApp>;
let view: View;
let asked: { readonly id: number; readonly data: unknown }[];
const cancelled: number[] = [];

const newLine = () =>
  connect<TestApp>('ws://test/line', { clock, socket: server.open, network: new FakeNetwork(), random: () => 0.5 });

function Desk({ on = line }: { on?: Line<TestApp> }): ReactElement {
  view = useProcedure(on.call.order);
  const { pending, error, result, progress } = view;
  return (
    <p>{[pending && 'pending', error?.code, error?.refusal, result, progress as string].filter(Boolean).join(' ')}</p>
  );
}
const show = (element: ReactElement) => render(<StrictMode>{element}</StrictMode>);
const call = (input: unknown, options?: Parameters<View['call']>[1]) =>
  act(async () => {
    void view.call(input, options);
    clock.advance(0);
  });
const say = (index: number, message: object) =>
  act(async () => {
    server.last.send({ id: asked[index]?.id, ...message } as never);
    clock.advance(0);
  });

eachOnAPage();
beforeEach(async () => {
  clock = new FakeClock();
  server = new FakeServer(clock);
  asked = [];
  cancelled.length = 0;
  server.intercept = (_, message) => {
    if (message.type === 'call') asked.push(message);
    if (message.type === 'cancel') cancelled.push(message.id);
    return message.type === 'call' || message.type === 'cancel';
  };
  line = newLine();
  await show(<Desk />);
});

it('shows pending, progress and the result, and calls once under StrictMode', async () => {
  expect(text()).toBe('');
  const { call: first, reset } = view;
  await call({ n: 1 });
  expect(text()).toBe('pending');
  await say(0, { type: 'progress', data: 'checking' });
  expect(text()).toBe('pending checking');
  await say(0, { type: 'ok', data: 11 });
  expect(text()).toBe('11 checking');
  expect(asked).toHaveLength(1);
  expect([view.call === first, view.reset === reset]).toEqual([true, true]);
});

it('shows the error, which need not be handled elsewhere, and keeps the last result', async () => {
  await call(1);
  await say(0, { type: 'ok', data: 11 });
  await call(2);
  expect(text()).toBe('pending 11');
  const refused = {
    type: 'error',
    code: 'refused',
    refusal: 'sold_out',
    message: 'none',
    retry: false,
    outcome: 'refused',
  };
  await say(1, refused);
  expect(text()).toBe('refused sold_out 11');
  await call(3);
  expect(text()).toBe('pending 11');
});

it('of several calls the newest is shown, whichever is answered first; each promise has its own result', async () => {
  const results: unknown[] = [];
  await act(async () => {
    for (const n of [1, 2]) void view.call(n).then((result) => results.push(result));
    clock.advance(0);
  });
  await say(1, { type: 'ok', data: 22 });
  expect(text()).toBe('22');
  await say(0, { type: 'progress', data: 'old news' });
  await say(0, { type: 'ok', data: 11 });
  expect(text()).toBe('22');
  expect(results).toEqual([22, 11]);
});

it('reset goes back to the beginning, and what was pending is shown no more', async () => {
  await call(1);
  await act(() => view.reset());
  expect(text()).toBe('');
  await say(0, { type: 'ok', data: 11 });
  expect(text()).toBe('');
  expect(cancelled).toEqual([]);
});

it('a call goes on when the component is gone; a signal takes it back', async () => {
  const abort = new AbortController();
  const results: unknown[] = [];
  await act(async () => {
    void view.call(1).then((result) => results.push(result));
    void view.call(2, { signal: abort.signal }).catch(({ outcome }) => results.push(outcome));
    clock.advance(0);
  });
  await show(<p>another page</p>);
  expect(cancelled).toEqual([]);
  await act(async () => {
    abort.abort();
    clock.advance(0);
  });
  expect(cancelled).toEqual([asked[1]?.id]);
  await say(0, { type: 'ok', data: 11 });
  expect(results).toEqual(['unknown', 11]);
});

it('another line is another procedure: it begins anew', async () => {
  await call(1);
  await say(0, { type: 'ok', data: 11 });
  const other = newLine();
  await show(<Desk on={other} />);
  expect(text()).toBe('');
  await call(2);
  await say(1, { type: 'ok', data: 22 });
  expect(text()).toBe('22');
});

it('passes progress on to the caller, and renders idle on a server', async () => {
  const heard: unknown[] = [];
  await call(1, { onProgress: (progress) => heard.push(progress), deadlineMs: 5_000 });
  expect(asked).toMatchObject([{ deadlineMs: 5_000 }]);
  await say(0, { type: 'progress', data: 'checking' });
  expect(heard).toEqual(['checking']);
  expect(renderToString(<Desk />)).toBe('<p></p>');
});
