// A small app, and a log that can be looked at.

import { type Broker, memoryBroker } from '@trunkline/broker';
import { forwards } from '@trunkline/broker/contract';
import * as z from 'zod';
import { refuse, type ServeOptions, serve, trunkline } from '../../src/index.js';

export function chatApp() {
  const t = trunkline({
    authenticate: ({ token }) => {
      if (token === 'broken') throw new Error('the user database is down');
      return token === undefined || token === 'bad' ? null : { id: token };
    },
    publicUser: ({ id }) => ({ id, name: id.toUpperCase() }),
  });
  const audit = t.log([], { entry: z.object({ what: z.string() }) });
  const chat = t.log(['room'], {
    entry: z.object({ text: z.string().max(100_000) }),
    authorize: ({ params }) => params.room !== 'staff',
    onPublish: async ({ entry, user, at }) => {
      if (entry.text === 'rude') return refuse('rude', 'Please be kind');
      if (entry.text === 'audit') await at(audit).publish({ what: `${user.id} wrote` });
      return undefined;
    },
  });
  return t.app({ channels: { chat, audit } });
}

export interface Logged {
  readonly level: 'warn' | 'error';
  readonly details: object;
  readonly message: string;
}

export function listeningLog() {
  const lines: Logged[] = [];
  return {
    lines,
    warn: (details: object, message: string) => void lines.push({ level: 'warn', details, message }),
    error: (details: object, message: string) => void lines.push({ level: 'error', details, message }),
  };
}

/** The app on a free port, with a store that says whether it was closed. */
export async function served(options: Partial<ServeOptions> = {}) {
  const log = listeningLog();
  const broker = options.broker ?? memoryBroker();
  const store = { closed: 0 };
  const watched: Broker = {
    ...forwards(broker),
    close: () => {
      store.closed += 1;
      return broker.close();
    },
  };
  const trunk = await serve(chatApp(), { port: 0, log, ...options, broker: watched });
  return {
    trunk,
    log: log.lines,
    store,
    url: trunk.url,
    port: trunk.port,
    [Symbol.asyncDispose]: () => trunk.close({ deadlineMs: 0 }),
  };
}
