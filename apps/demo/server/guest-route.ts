// POST /guest {name}: a signed pass. With the old token in `Authorization`, the same guest's next one.

import type { IncomingMessage, ServerResponse } from 'node:http';
import * as z from 'zod';
import type { GuestProblem } from '../shared/guest.js';
import { checkName } from '../shared/names.js';
import type { Guests } from './guests.js';
import { BodyError, bearerOf, isSameOrigin, readJson, sendJson } from './http.js';
import type { RateLimit } from './rate-limit.js';

const BODY_BYTES_MAX = 2048;
const Body = z.object({ name: z.string() });

/**
 * @param limit Counts every request that could become a guest, by the peer's address: each guest may write at a rate of their own.
 * Behind a proxy all visitors are one address.
 */
export async function answerGuest(
  guests: Guests,
  limit: RateLimit,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  if (request.method !== 'POST') {
    response.setHeader('Allow', 'POST');
    return refuse(response, 405, 'POST a JSON body {"name": "Ada"} here to become a guest.');
  }
  if (!isSameOrigin(request)) return refuse(response, 403, 'Guests are made by the pages of this server only.');
  const waitSeconds = limit.take(request.socket.remoteAddress ?? '');
  if (waitSeconds > 0) {
    response.setHeader('Retry-After', waitSeconds);
    // The body is not read: with a connection that stays, the next request would begin in the middle of it.
    response.setHeader('Connection', 'close');
    return refuse(response, 429, `Too many guests come from your address. Try again in ${waitSeconds} s.`);
  }
  try {
    const body = Body.safeParse(await readJson(request, BODY_BYTES_MAX));
    const checked = checkName(body.data?.name);
    if ('problem' in checked) return refuse(response, 422, checked.problem);
    sendJson(response, 200, await guests.issue(checked.name, bearerOf(request)));
  } catch (error) {
    if (!(error instanceof BodyError)) throw error;
    response.setHeader('Connection', 'close');
    refuse(response, error.status, error.message);
  }
}

function refuse(response: ServerResponse, status: number, problem: string): void {
  sendJson(response, status, { problem } satisfies GuestProblem);
}
