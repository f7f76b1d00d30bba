// `t.procedure`: input, output and refusals are inferred and checked, up to the client's call.

import { type CallError, connect, type Procedure } from '@trunkline/client';
import type { ContractOf } from '@trunkline/protocol';
import { describe, expectTypeOf, it } from 'vitest';
import * as z from 'zod';
import { refuse, serve, trunkline } from '../../src/index.js';

const t = trunkline({ authenticate: async ({ token }) => (token === undefined ? null : { id: token, level: 3 }) });
const chat = t.log(['room'], { entry: z.object({ text: z.string() }) });
const input = z.object({ symbol: z.string(), quantity: z.number().default(1) });

const placeOrder = t.procedure({
  input,
  output: z.object({ price: z.number(), note: z.string().default('') }),
  authorize: ({ user, input: order }) => {
    expectTypeOf(user).toEqualTypeOf<{ id: string; level: number }>();
    expectTypeOf(order).toEqualTypeOf<{ symbol: string; quantity: number }>();
    return user.level > 2;
  },
  run: async ({ input: order, user, at, signal, progress, source }) => {
    expectTypeOf(order).toEqualTypeOf<{ symbol: string; quantity: number }>();
    expectTypeOf(user.level).toEqualTypeOf<number>();
    expectTypeOf(signal).toEqualTypeOf<AbortSignal>();
    expectTypeOf(source).toEqualTypeOf<{ readonly producer: string; readonly seq: number } | undefined>();
    expectTypeOf(progress({ step: 'checking' })).toEqualTypeOf<boolean>();
    // @ts-expect-error not a JSON value: when
    progress({ when: new Date() });
    // @ts-expect-error the log's entries have a text
    await at(chat, 'desk').publish({ texts: 'x' });
    if (order.quantity > 100) return refuse('too_many');
    if (order.symbol === '') return refuse('no_symbol', 'Name one');
    return { price: 11 };
  },
});
const cheers = t.procedure({ input: z.string(), run: ({ input: name }) => ({ text: `cheers, ${name}` }) });
const touch = t.procedure({ input: z.null(), run: async () => {} });
const maybe = t.procedure({
  input: z.number(),
  run: ({ input: n }) => {
    if (n < 0) return refuse('negative');
    return n === 0 ? undefined : { n };
  },
});

const app = t.app({ channels: { chat }, procedures: { placeOrder, cheers, touch, maybe } });
type App = typeof app;
type Procedures = ContractOf<App>['procedures'];

describe('t.procedure', () => {
  it('carries input, output and refusals in the contract of the app', () => {
    expectTypeOf<Procedures['placeOrder']['input']>().toEqualTypeOf<{
      symbol: string;
      quantity?: number | undefined;
    }>();
    expectTypeOf<Procedures['placeOrder']['output']>().toEqualTypeOf<{ price: number; note: string }>();
    expectTypeOf<Procedures['placeOrder']['refusal']>().toEqualTypeOf<'too_many' | 'no_symbol'>();
    expectTypeOf<Procedures['cheers']['output']>().toEqualTypeOf<{ text: string }>();
    expectTypeOf<Procedures['cheers']['refusal']>().toEqualTypeOf<never>();
    expectTypeOf<Procedures['touch']['output']>().toEqualTypeOf<null>();
    expectTypeOf<Procedures['maybe']['output']>().toEqualTypeOf<{ n: number } | null>();
    expectTypeOf<Procedures['maybe']['refusal']>().toEqualTypeOf<'negative'>();
  });
  it('has no refusals unless run has, with an output schema too', () => {
    const plain = t.procedure({ input: z.null(), output: z.number(), run: () => 1 });
    expectTypeOf<ContractOf<typeof plain>['refusal']>().toEqualTypeOf<never>();
  });
  it('refuses a result of another shape', () => {
    const output = z.object({ price: z.number() });
    // @ts-expect-error price is a number
    t.procedure({ input, output, run: () => ({ price: '11' }) });
    // @ts-expect-error price is missing
    t.procedure({ input, output, run: async () => ({}) });
    // @ts-expect-error input has no such field
    t.procedure({ input, output, run: ({ input: order }) => ({ price: order.amount }) });
  });
  it('refuses what is not JSON', () => {
    // @ts-expect-error not a JSON value: when
    t.procedure({ input: z.object({ when: z.date() }), run: () => 1 });
    // @ts-expect-error not a JSON value: when
    t.procedure({ input, run: () => ({ when: new Date() }) });
    // @ts-expect-error not a JSON value: the payload
    t.procedure({ input, output: z.bigint(), run: () => 1n });
  });
  it('is no channel, and a channel is no procedure', () => {
    // @ts-expect-error a procedure among the channels
    t.app({ channels: { placeOrder } });
    // @ts-expect-error a channel among the procedures
    t.app({ channels: { chat }, procedures: { chat } });
  });
});

describe('an app with procedures', () => {
  it('is served like any other', () => {
    expectTypeOf(serve).toBeCallableWith(app, {} as Parameters<typeof serve>[1]);
  });
  it('gives the client a typed function each', () => {
    const line = connect<App>('/line');
    const { call } = line;
    expectTypeOf(call.placeOrder).toEqualTypeOf<
      Procedure<
        { symbol: string; quantity?: number | undefined },
        { price: number; note: string },
        'too_many' | 'no_symbol'
      >
    >();
    expectTypeOf(call.placeOrder({ symbol: 'ACME' })).resolves.toEqualTypeOf<{ price: number; note: string }>();
    expectTypeOf(call.cheers('ada', { once: true, deadlineMs: 5_000 })).resolves.toEqualTypeOf<{ text: string }>();
    expectTypeOf<CallError<'too_many'>['refusal']>().toEqualTypeOf<'too_many' | undefined>();
    // @ts-expect-error a field is missing
    call.placeOrder({ quantity: 1 });
    // @ts-expect-error a field has another type
    call.placeOrder({ symbol: 1 });
    // @ts-expect-error a field that the procedure does not know
    call.placeOrder({ symbol: 'ACME', limit: 3 });
    // @ts-expect-error no such procedure
    call.cancelOrder({});
    // @ts-expect-error no such option
    call.cheers('ada', { twice: true });
    // The channels are what they were.
    expectTypeOf(line.channel.chat('lobby').publish).parameters.toEqualTypeOf<[{ text: string }]>();
  });
  it('has no function where the app has no procedure', () => {
    const bare = t.app({ channels: { chat } });
    const line = connect<typeof bare>('/line');
    // @ts-expect-error no such procedure
    line.call.placeOrder({});
  });
});
