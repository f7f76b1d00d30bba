// The app that most examples serve: a log of messages per room. A user is whoever the token says, which is no proof of
// anything: in real life verify a signed token here.

import { trunkline } from '@trunkline/server';
import * as z from 'zod';

const t = trunkline({ authenticate: ({ token }) => (token === undefined || token === '' ? null : { id: token }) });

export const app = t.app({
  channels: { chat: t.log(['room'], { entry: z.object({ text: z.string().min(1).max(500) }) }) },
});
