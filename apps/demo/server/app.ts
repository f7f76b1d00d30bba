// The app: what the demo's server runs, and whose type its pages import.

import { trunkline } from '@trunkline/server';
import { type ChatBacking, chatOf, NO_BACKING } from './chat/chat-channel.js';
import { generatorRow, matchRow, stationRow, tickerEntry } from './feeds/rows.js';
import type { Guests } from './guests.js';
import { Exchange } from './market/exchange.js';
import { marketOf } from './market/market.js';

/**
 * @param exchange that orders go to. Default: one that is not open, and shows nothing.
 * @param backing what the chat's rules ask. Default: there are no messages to answer and no images.
 */
export function demoApp(guests: Guests, exchange: Exchange = new Exchange(), backing: ChatBacking = NO_BACKING) {
  const t = trunkline({
    authenticate: ({ token }) => guests.verify(token),
    // Stands on each of a guest's messages, so a message needs no author of its own.
    publicUser: ({ id, name }) => ({ id, name }),
    // The page fetches the next token before this one ends.
    expiresAt: ({ expiresAt }) => expiresAt,
  });

  const chat = chatOf(t, backing);

  // Fed over the HTTP API, by API key, which no rule here is asked for. What is lost in a crash is told anew a moment later.
  const weather = t.table([], { row: stationRow, keep: 'checkpoint', maxRows: 1_000 });
  const matches = t.table([], { row: matchRow, keep: 'checkpoint', maxRows: 1_000 });
  const ticker = t.log([], {
    entry: tickerEntry,
    retain: { entries: 500, days: 2 },
    authorize: ({ action }) => action !== 'publish',
  });
  /** How the generator is that does this. */
  const feeds = t.table([], { row: generatorRow, keep: 'memory' });

  const market = marketOf(t, exchange);

  return t.app({
    channels: { chat, weather, matches, ticker, feeds, ...market.channels },
    procedures: { ...market.procedures },
  });
}

export type App = ReturnType<typeof demoApp>;
