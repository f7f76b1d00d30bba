// Procedures over real sockets: our client, and raw messages where a test must lose an answer.

import { mkdtemp, rm } from 'node:fs/promises';
import { createConnection, createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { sqliteBroker } from '@trunkline/broker-sqlite';
import { connect, type TrunklineError } from '@trunkline/client/node';
import { afterEach, describe, expect, it } from 'vitest';
import * as z from 'zod';
import { refuse, type ServeOptions, serve, trunkline } from '../src/index.js';
import { listeningLog, served } from './support/app.js';
import { enter } from './support/dial.js';

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

interface Run {
  readonly input: { readonly symbol: string; readonly quantity: number };
  readonly user: { readonly id: string };
  readonly signal: AbortSignal;
  readonly progress: (data: { readonly step: string }) => boolean;
  readonly source: { readonly producer: string; readonly seq: number } | undefined;
  readonly answer: (price: number) => void;
}

/** An app whose orders are filled by the test; other procedures answer by themselves. */
function market() {
  const runs: Run[] = [];
  const waiting: (() => void)[] = [];
  const t = trunkline({ authenticate: ({ token }) => (token === undefined ? null : { id: token }) });
  const trades = t.log([], { entry: z.object({ text: z.string() }) });
  const input = z.object({ symbol: z.string(), quantity: z.number().int().default(1) });
  const order = t.procedure({
    input,
    output: z.object({ price: z.number(), note: z.string().default('filled') }),
    authorize: ({ user, input: given }) => user.id !== 'guest' || given.quantity === 1,
    run: (context) =>
      new Promise<{ price: number }>((resolve, reject) => {
        const { signal } = context;
        signal.addEventListener('abort', () => reject(signal.reason));
        runs.push({ ...context, answer: (price) => resolve({ price }) });
        for (const wake of waiting.splice(0)) wake();
      }),
  });
  const trade = t.procedure({
    input,
    run: async ({ input: given, user, at }) => {
      if (given.symbol === 'NONE') return refuse('sold_out', 'There are none left');
      const { offset } = await at(trades).publish({ text: `${user.id} bought ${given.symbol}` });
      return { offset };
    },
  });
  const broken = t.procedure({
    input: z.enum(['throws', 'no json', 'nothing']),
    run: ({ input: how }) => {
      if (how === 'throws') throw new Error('secret');
      return how === 'nothing' ? undefined : ({ how: 1n } as unknown as { how: string });
    },
  });
  const wrong = t.procedure({ input: z.null(), output: z.number(), run: () => 'eleven' as unknown as number });
  const app = t.app({ channels: { trades }, procedures: { order, trade, broken, wrong } });
  const run = async (index: number): Promise<Run> => {
    while (runs.length <= index) await new Promise<void>((wake) => waiting.push(wake));
    return runs[index] as Run;
  };
  return { app, runs, run };
}

async function open(options: Partial<ServeOptions> & Pick<ServeOptions, 'broker'>, shop = market()) {
  const log = listeningLog();
  const trunk = await serve(shop.app, { port: 0, log, ...options });
  cleanups.push(() => trunk.close({ deadlineMs: 0 }));
  return { ...shop, trunk, log: log.lines, url: trunk.url };
}

type App = ReturnType<typeof market>['app'];
function lineTo(url: string, token = 'ada') {
  const line = connect<App>(`${url}/line`, { token, onProblem: () => {} });
  cleanups.push(() => line.close());
  return line;
}

/** What a rejected call said. */
const failure = (call: Promise<unknown>): Promise<TrunklineError> =>
  call.then(
    () => {
      throw new Error('it succeeded');
    },
    (error) => error,
  );

async function file(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'trunkline-calls-'));
  cleanups.push(() => rm(folder, { recursive: true, force: true }));
  return join(folder, 'trunkline.db');
}

/** A wire to the server that can be cut, and which then passes nothing more in either direction. */
async function wireTo(port: number) {
  const sockets = new Set<Socket>();
  const proxy = createServer((near) => {
    const far = createConnection(port, '127.0.0.1');
    for (const socket of [near, far]) {
      sockets.add(socket);
      socket.on('error', () => {});
      socket.on('close', () => sockets.delete(socket));
    }
    near.pipe(far);
    far.pipe(near);
  });
  await new Promise<void>((resolve) => proxy.listen(0, '127.0.0.1', resolve));
  const cut = () => {
    for (const socket of sockets) socket.destroy();
  };
  cleanups.push(() => {
    cut();
    proxy.close();
  });
  const address = proxy.address();
  return { url: `http://127.0.0.1:${typeof address === 'object' ? address?.port : 0}`, cut };
}

describe('a procedure over a socket', () => {
  it('PRO-1: input and output pass their schemas, defaults included', async () => {
    const { url, run } = await open({ broker: sqliteBroker(await file()) });
    const said = lineTo(url).call.order({ symbol: 'ACME' });
    const { input, user, source, answer } = await run(0);
    expect([input, user, source]).toEqual([{ symbol: 'ACME', quantity: 1 }, { id: 'ada' }, undefined]);
    answer(11);
    expect(await said).toEqual({ price: 11, note: 'filled' });
  });

  it('PRO-1: it reaches channels, and refuses by name', async () => {
    const { url } = await open({ broker: sqliteBroker(await file()) });
    const { call } = lineTo(url);
    expect(await call.trade({ symbol: 'ACME' })).toEqual({ offset: 1 });
    expect(await call.broken('nothing')).toBeNull();
    expect(await failure(call.trade({ symbol: 'NONE' }))).toMatchObject({
      code: 'refused',
      refusal: 'sold_out',
      outcome: 'refused',
    });
    expect(await failure(call.trade({ symbol: 1 } as never))).toMatchObject({ code: 'invalid', outcome: 'refused' });
    expect(await failure(lineTo(url, 'guest').call.order({ symbol: 'A', quantity: 2 }))).toMatchObject({
      code: 'forbidden',
    });
  });

  it('PRO-1: what breaks in it is told to the log, not to the client', async () => {
    const { url, log } = await open({ broker: sqliteBroker(await file()) });
    const { call } = lineTo(url);
    for (const failed of [call.broken('throws'), call.broken('no json'), call.wrong(null)]) {
      const error = await failure(failed);
      expect(error).toMatchObject({ code: 'internal', retry: false, outcome: 'unknown' });
      expect(error.message).not.toMatch(/secret|eleven/);
    }
    expect(log.map(({ level }) => level)).toEqual(['error', 'error', 'error']);
    expect(log[2]?.details).toMatchObject({ error: { message: expect.stringContaining('output schema') } });
  });

  it('PRO-2: progress arrives in order before the result', async () => {
    const { url, run } = await open({ broker: sqliteBroker(await file()) });
    const heard: unknown[] = [];
    const said = lineTo(url).call.order({ symbol: 'ACME' }, { onProgress: (step) => heard.push(step) });
    const { progress, answer } = await run(0);
    expect([progress({ step: 'checking' }), progress({ step: 'buying' })]).toEqual([true, true]);
    answer(1);
    await said;
    expect(heard).toEqual([{ step: 'checking' }, { step: 'buying' }]);
    expect(progress({ step: 'late' })).toBe(false);
  });

  it('PRO-2: an abort and a deadline reach the run', async () => {
    const { url, run } = await open({ broker: sqliteBroker(await file()), callDeadlineMs: 20 });
    const abort = new AbortController();
    const said = failure(lineTo(url).call.order({ symbol: 'ACME' }, { signal: abort.signal, deadlineMs: 600_000 }));
    const { signal } = await run(0);
    abort.abort();
    expect(await said).toMatchObject({ code: 'unavailable', outcome: 'unknown' });
    if (!signal.aborted) await new Promise((resolve) => signal.addEventListener('abort', resolve));
    expect(signal.reason).toMatchObject({ name: 'AbortError', message: 'the caller cancelled it' });

    const peer = await enter(url);
    const late = await peer.ask({ type: 'call', procedure: 'order', data: { symbol: 'ACME' } });
    expect(late).toMatchObject({ code: 'unavailable', retry: false, outcome: 'unknown' });
    expect((await run(1)).signal.aborted).toBe(true);
  });

  it('PRO-3: a lost link: what is not keyed is told to stop, rejects as unknown and is not sent again', async () => {
    const { trunk, run, runs } = await open({ broker: sqliteBroker(await file()) });
    const wire = await wireTo(trunk.port);
    const line = lineTo(wire.url);
    const said = failure(line.call.order({ symbol: 'ACME' }));
    const { signal } = await run(0);
    wire.cut();
    expect(await said).toMatchObject({ code: 'unavailable', retry: false, outcome: 'unknown' });
    if (!signal.aborted) await new Promise((resolve) => signal.addEventListener('abort', resolve));
    expect(await line.call.trade({ symbol: 'ACME' })).toEqual({ offset: 1 });
    expect(runs).toHaveLength(1);
  });

  it('PRO-3: once: over a lost link it is answered with what the one run returned', async () => {
    const { trunk, run, runs } = await open({ broker: sqliteBroker(await file()) });
    const wire = await wireTo(trunk.port);
    const said = lineTo(wire.url).call.order({ symbol: 'ACME' }, { once: true });
    const { signal, source, answer } = await run(0);
    wire.cut();
    answer(11);
    expect(await said).toEqual({ price: 11, note: 'filled' });
    expect([runs.length, signal.aborted, source?.seq]).toEqual([1, false, 1]);
  });

  it('PRO-3: a lost answer, and then a restart of the server: sent again it hears the first result', async () => {
    const path = await file();
    const shop = market();
    const first = await open({ broker: sqliteBroker(path) }, shop);
    const call = { type: 'call', procedure: 'order', data: { symbol: 'ACME' }, producer: 'p1', seq: 1 };
    const peer = await enter(first.url);
    const asked = peer.ask(call);
    (await shop.run(0)).answer(11);
    // The client of the test loses it.
    expect(await asked).toMatchObject({ type: 'ok' });
    await first.trunk.close({ deadlineMs: 0 });

    const second = await open({ broker: sqliteBroker(path) }, shop);
    const again = await (await enter(second.url)).ask(call);
    expect(again).toMatchObject({ type: 'ok', data: { price: 11, note: 'filled' } });
    expect(shop.runs).toHaveLength(1);
    expect(await (await enter(second.url, 'bob')).ask({ ...call, data: 'another user' })).toMatchObject({
      code: 'invalid',
    });
  });

  it('PRO-3: a server that ends while it runs: unknown, no retry, and it does not run again', async () => {
    const path = await file();
    let runs = 0;
    let began = () => {};
    const begun = new Promise<void>((resolve) => {
      began = resolve;
    });
    const t = trunkline({ authenticate: () => ({ id: 'ada' }) });
    const stuck = t.procedure({
      input: z.null(),
      run: ({ signal }) => {
        runs += 1;
        began();
        // It does not obey, and would keep nothing.
        return new Promise<number>(() => void signal);
      },
    });
    const start = async () => {
      const app = t.app({ channels: {}, procedures: { stuck } });
      const trunk = await serve(app, { port: 0, log: listeningLog(), broker: sqliteBroker(path) });
      cleanups.push(() => trunk.close({ deadlineMs: 0 }));
      return trunk;
    };
    const call = { type: 'call', procedure: 'stuck', data: null, producer: 'p1', seq: 1 };
    const first = await start();
    const peer = await enter(first.url);
    void peer.ask(call);
    await begun;
    await first.close({ deadlineMs: 0 });
    const answer = await (await enter((await start()).url)).ask(call);
    expect(answer).toMatchObject({ code: 'unavailable', retry: false, outcome: 'unknown' });
    expect(runs).toBe(1);
  });
});

describe('definitions', () => {
  const t = trunkline({ authenticate: () => ({ id: 'ada' }) });
  const run = () => 1;
  it.each([
    ['without input', () => t.procedure({ run } as never), 'input must be a Standard Schema'],
    ['with an output that is none', () => t.procedure({ input: z.null(), output: 7, run } as never), 'output must be'],
    ['without run', () => t.procedure({ input: z.null() } as never), 'run must be a function'],
    [
      'with a rule that is none',
      () => t.procedure({ input: z.null(), run, authorize: 1 } as never),
      'authorize must be',
    ],
    ['made by hand', () => t.app({ channels: {}, procedures: { a: { kind: 'procedure' } } }), 'not a procedure'],
    [
      'with a name that is too long',
      () => t.app({ channels: {}, procedures: { ['x'.repeat(257)]: t.procedure({ input: z.null(), run }) } }),
      '1 to 256 characters',
    ],
  ])('a procedure %s is a TypeError', (_, make, message) => {
    expect(make).toThrow(TypeError);
    expect(make).toThrow(message);
  });

  it('deadlines are whole milliseconds that a timer takes', async () => {
    for (const option of ['callDeadlineMs', 'maxCallDeadlineMs']) {
      for (const wrong of [0, 1.5, 2 ** 31]) {
        await expect(served({ [option]: wrong })).rejects.toThrow(
          `${option} must be a whole number from 1 to 2147483647`,
        );
      }
      for (const right of [1, 2 ** 31 - 1]) await (await served({ [option]: right })).trunk.close({ deadlineMs: 0 });
    }
  });
});
