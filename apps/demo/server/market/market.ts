// The market's part of the app: four boards that everyone may read, an account for each guest, and what can be asked for.

import { refuse, type Trunkline } from '@trunkline/server';
import * as z from 'zod';
import { HISTORY_MINUTES } from '../../shared/market.js';
import type { Guest } from '../guests.js';
import type { Exchange } from './exchange.js';
import { execute } from './orders.js';

const Micros = z.number().int().min(0);

const SymbolName = z.string().min(1).max(16);

export function marketOf(t: Trunkline<Guest, { id: string; name: string }>, exchange: Exchange) {
  const listings = t.table([], {
    row: z.object({ name: z.string(), kind: z.enum(['stock', 'pair']), digits: z.number(), close: z.number() }),
    keep: 'memory',
  });
  const quotes = t.table([], {
    row: z.union([z.object({ price: z.number() }), z.object({ at: z.number() })]),
    // Prices are a function of the time: whoever starts anew knows them.
    keep: 'memory',
  });
  const trends = t.table([], { row: z.object({ prices: z.array(z.number()).readonly() }), keep: 'memory' });
  const trading = t.table([], {
    row: z.object({
      state: z.enum(['open', 'halted']),
      sinceMs: z.number(),
      by: z.string().optional(),
      untilMs: z.number().optional(),
      halts: z.array(z.object({ fromMs: z.number(), toMs: z.number() })).readonly(),
    }),
  });
  const accounts = t.table(['user'], {
    row: z.union([
      z.object({ cashMicros: Micros }),
      z.object({ quantity: z.number().int().min(1), costMicros: Micros }),
    ]),
    authorize: ({ user, params }) => user.id === params.user,
  });

  const placeOrder = t.procedure({
    input: z.object({ symbol: SymbolName, side: z.enum(['buy', 'sell']), quantity: z.number().int().min(1) }),
    run: ({ input, user, at }) => execute(exchange, at(accounts, user.id), input),
  });
  const priceHistory = t.procedure({
    input: z.object({ symbol: SymbolName, minutes: z.literal(HISTORY_MINUTES) }),
    run: ({ input }) =>
      exchange.history(input.symbol, input.minutes) ?? refuse('unknown_symbol', `${input.symbol} is not listed here.`),
  });
  const haltTrading = t.procedure({
    input: z.object({}),
    run: async ({ user }) =>
      (await exchange.halt(user.name)) ? exchange.session : refuse('halted', 'Trading is halted already.'),
  });
  const resumeTrading = t.procedure({
    input: z.object({}),
    run: async () => ((await exchange.resume()) ? exchange.session : refuse('open', 'Trading goes on already.')),
  });

  return {
    channels: { listings, quotes, trends, trading, accounts },
    procedures: { placeOrder, priceHistory, haltTrading, resumeTrading },
  };
}
