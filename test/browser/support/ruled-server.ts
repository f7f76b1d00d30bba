// The demo's pages before an app of the test's own: its rule can change, and its passes live as short as the test wants. It runs in
// the test's process, so that the test can call it.

import { once } from 'node:events';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { fileURLToPath } from 'node:url';
import { memoryBroker } from '@trunkline/broker';
import { type ServedTrunk, serve, trunkline } from '@trunkline/server';
import * as z from 'zod';
import type { pages } from '../../../apps/demo/server/pages.js';
import type { GuestPass } from '../../../apps/demo/shared/guest.js';

const DIST = new URL('../../../apps/demo/dist/', import.meta.url);

export interface Rule {
  /** `id:room` of each guest who may not be there. */
  readonly banned: Set<string>;
  /** The rule answers when this is resolved. */
  isReady: Promise<void>;
}

function ruledApp(rule: Rule) {
  const t = trunkline({
    // Nobody signs here: what this is about comes after.
    authenticate: ({ token }) => (token === undefined ? null : (JSON.parse(token) as Omit<GuestPass, 'token'>)),
    publicUser: ({ id, name }) => ({ id, name }),
    expiresAt: ({ expiresAt }) => expiresAt,
  });
  const chat = t.log(['room'], {
    entry: z.object({ text: z.string() }),
    authorize: async ({ user, params }) => {
      await rule.isReady;
      return !rule.banned.has(`${user.id}:${params.room}`);
    },
  });
  return t.app({ channels: { chat } });
}

export interface RuledServer {
  readonly trunk: ServedTrunk<ReturnType<typeof ruledApp>['channels']>;
  readonly url: string;
  readonly rule: Rule;
  /** Passes that were given so far, oldest first. */
  readonly passes: readonly GuestPass[];
}

/** @param passMs how long each pass lives. Its guest's id is the name. */
export async function startRuledServer(passMs: number): Promise<RuledServer> {
  const built = (await import(new URL('server/pages.js', DIST).href)) as { pages: typeof pages };
  const page = built.pages(fileURLToPath(new URL('client', DIST)));
  const rule: Rule = { banned: new Set(), isReady: Promise.resolve() };
  const passes: GuestPass[] = [];
  const givePass = async (request: IncomingMessage, response: ServerResponse) => {
    let body = '';
    request.setEncoding('utf8').on('data', (text: string) => {
      body += text;
    });
    await once(request, 'end');
    const { name } = JSON.parse(body) as { name: string };
    const guest = { id: name, name, expiresAt: Date.now() + passMs };
    // No two are the same text.
    const pass = { ...guest, token: JSON.stringify({ ...guest, number: passes.length + 1 }) };
    passes.push(pass);
    response.setHeader('Content-Type', 'application/json').end(JSON.stringify(pass));
  };
  const trunk = await serve(ruledApp(rule), {
    port: 0,
    broker: memoryBroker(),
    request: (request, response) => {
      if (request.url === '/guest') void givePass(request, response);
      else void page(request, response);
    },
  });
  return { trunk, url: trunk.url.replace('127.0.0.1', 'localhost'), rule, passes };
}
