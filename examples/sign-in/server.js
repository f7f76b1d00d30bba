// Guests and members: JWTs that live for five minutes, a route that refreshes them, and rights that can be taken away.
//   node examples/sign-in/server.js
//
//   POST /token                     a token for the line; a new guest, if the cookie is of nobody
//   POST /sign-in {name, password}  the same for a member: ada ("notes on the engine") or bob ("correct horse")
//   POST /ban {id}                  by a member, with their token as Bearer: that user is out, also of what is open now

import { memoryBroker } from '@trunkline/broker';
import { serve, trunkline } from '@trunkline/server';
import * as z from 'zod';
import { live, port } from '../life.js';
import { signIn } from './members.js';
import { issue, LIFETIME_SECONDS, newGuest, verify } from './tokens.js';

/** @type {Set<string>} */
const banned = new Set();

const t = trunkline({
  authenticate: async ({ token }) => {
    const user = await verify(token, 'line');
    return user === null || banned.has(user.id) ? null : user;
  },
  publicUser: ({ id, name }) => ({ id, name }),
  // The server ends the connection then. The client refreshes it a minute before, if its `token` is a function.
  expiresAt: ({ exp }) => exp * 1000,
});

const chat = t.log(['room'], {
  entry: z.object({ text: z.string().min(1).max(500) }),
  // Asked again at each refresh, and by `revoke`.
  authorize: ({ user, params }) => !banned.has(user.id) && (params.room === 'lobby' || user.isMember),
});

export const app = t.app({ channels: { chat } });

const trunk = await serve(app, {
  broker: memoryBroker(),
  port,
  request: (request, response) => {
    answer(request)
      .catch((error) => {
        console.error(error);
        return reply(500, { problem: 'the server failed' });
      })
      .then(({ status, headers, body }) => {
        response.writeHead(status, { 'content-type': 'application/json', 'cache-control': 'no-store', ...headers });
        response.end(`${JSON.stringify(body)}\n`);
      });
  },
});

live({ port: trunk.port, address: '', family: '' }, () => trunk.close());

/** @param {import('node:http').IncomingMessage} request */
async function answer(request) {
  // A page of another site may not make its visitor sign in or ban anybody: the cookie is not sent with its requests (SameSite),
  // and JSON would need our permission first.
  if (request.method !== 'POST') return reply(405, { problem: 'POST here' });
  switch (request.url) {
    case '/token': {
      const known = await verify(/(?:^|; )session=([^;]*)/.exec(request.headers.cookie ?? '')?.[1], 'cookie');
      if (known !== null && banned.has(known.id)) return reply(403, { problem: 'you are out' });
      return welcome(known ?? newGuest());
    }
    case '/sign-in': {
      const { name, password } = await readJson(request);
      const member = await signIn(name, password);
      return member === null ? reply(401, { problem: 'name or password is wrong' }) : welcome(member);
    }
    case '/ban': {
      const by = await verify(/^Bearer (\S+)$/.exec(request.headers.authorization ?? '')?.[1], 'line');
      const { id } = await readJson(request);
      if (by?.isMember !== true || banned.has(by.id)) return reply(403, { problem: 'only members may' });
      if (typeof id !== 'string' || id === '') return reply(400, { problem: 'whom?' });
      // The right first, then the look at what is open.
      banned.add(id);
      return reply(200, await trunk.revoke(id));
    }
    default:
      return reply(404, { problem: 'there is nothing here' });
  }
}

/** @param {import('./tokens.js').User} user */
async function welcome(user) {
  const [line, cookie] = [await issue(user, 'line'), await issue(user, 'cookie')];
  // Over HTTPS add `Secure`.
  const rules = `HttpOnly; SameSite=Strict; Path=/token; Max-Age=${LIFETIME_SECONDS.cookie}`;
  return reply(200, { ...line, id: user.id, name: user.name }, { 'set-cookie': `session=${cookie.token}; ${rules}` });
}

/**
 * @param {number} status
 * @param {object} body
 * @param {Record<string, string>} headers
 */
function reply(status, body, headers = {}) {
  return { status, body, headers };
}

/**
 * @param {import('node:http').IncomingMessage} request
 * @returns {Promise<Record<string, unknown>>} `{}` for what is no JSON object of at most 1,000 characters.
 */
async function readJson(request) {
  if (request.headers['content-type']?.split(';')[0] !== 'application/json') return {};
  let text = '';
  for await (const chunk of request.setEncoding('utf8')) {
    if (text.length <= 1_000) text += chunk;
  }
  try {
    return text.length > 1_000 ? {} : Object(JSON.parse(text));
  } catch {
    return {};
  }
}
