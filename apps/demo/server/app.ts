// The app: what the demo's server runs, and whose type its pages import.

import { refuse, trunkline } from '@trunkline/server';
import * as z from 'zod';
import { MESSAGE_CHARACTERS_MAX } from '../shared/limits.js';
import { checkName } from '../shared/names.js';
import type { Guests } from './guests.js';
import { tidy } from './tidy.js';

export function demoApp(guests: Guests) {
  const t = trunkline({
    authenticate: ({ token }) => guests.verify(token),
    // Stands on each of a guest's messages, so a message needs no author of its own.
    publicUser: ({ id, name }) => ({ id, name }),
    // The page fetches the next token before this one ends.
    expiresAt: ({ expiresAt }) => expiresAt,
  });

  const chat = t.log(['room'], {
    entry: z.object({ text: z.string().max(MESSAGE_CHARACTERS_MAX) }),
    retain: { entries: 10_000, days: 30 },
    authorize: ({ params }) => 'name' in checkName(params.room),
    onPublish: async ({ entry }) => {
      const text = tidy(entry.text);
      if (text === '') return refuse('empty', 'The message has no visible characters.');
      return { text };
    },
  });

  return t.app({ channels: { chat } });
}

export type App = ReturnType<typeof demoApp>;
