// A back end that records what it is asked, and answers as the test says.

import { once } from 'node:events';
import { createServer, type IncomingHttpHeaders } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type BackendRequest, verifyWebhook } from '../../src/index.js';

export const SECRET = 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw';

export interface Heard {
  readonly id: string;
  readonly headers: IncomingHttpHeaders;
  readonly request: BackendRequest;
}
export interface Say {
  readonly status?: number;
  readonly body?: unknown;
  /** Instead of JSON. */
  readonly raw?: string;
  readonly headers?: Record<string, string>;
}
/** `null`: no answer at all. */
export type Answering = (heard: Heard) => Say | null | Promise<Say | null>;

/** Lets everything pass. */
export const yes: Answering = ({ request }) => ({
  body: request.type === 'authorize' ? { allow: true } : { accept: true },
});

export async function backEnd(answering: Answering = yes) {
  const heard: Heard[] = [];
  const problems: unknown[] = [];
  const told = { answering };
  let wake = () => {};
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    try {
      const { id, request: asked } = verifyWebhook(request.headers, Buffer.concat(chunks), SECRET);
      const one = { id, headers: request.headers, request: asked };
      heard.push(one);
      wake();
      const say = await told.answering(one);
      if (say === null) return;
      const { status = 200, body = {}, raw, headers = {} } = say;
      response.writeHead(status, headers).end(raw ?? JSON.stringify(body));
    } catch (error) {
      problems.push(error);
      response.writeHead(401).end();
    }
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/hook`,
    heard,
    problems,
    /** How it answers from now on. */
    answer: (next: Answering) => {
      told.answering = next;
    },
    of: <T extends BackendRequest['type']>(type: T) =>
      heard.flatMap(({ request }) => (request.type === type ? [request as Extract<BackendRequest, { type: T }>] : [])),
    /** Resolves when it has heard so many of a type. */
    hears: async (type: BackendRequest['type'], count: number) => {
      while (heard.filter(({ request }) => request.type === type).length < count) {
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
      }
    },
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      await new Promise((closed) => server.close(closed));
    },
  };
}
