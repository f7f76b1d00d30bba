// One POST over HTTP: signed, without following redirects, and with an answer that is read up to a limit.

import { Agent as HttpAgent, request as httpRequest, type IncomingMessage } from 'node:http';
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https';
import type { FilledBackend } from './backend-options.js';
import { signed } from './webhook.js';

export interface Posted {
  readonly status: number;
  readonly text: string;
  /** `Retry-After`, if it was said in seconds. */
  readonly retryAfterMs: number | undefined;
}

export interface Poster {
  /** Rejects if there is no whole answer: nobody there, cut off, too long, or aborted. */
  post(id: string, body: string, signal: AbortSignal): Promise<Posted>;
  /** Lets go of connections that stand. */
  close(): void;
}

/** Connections that stand idle, at most. */
const MAX_IDLE = 16;
/** What a back end may ask for, at most. */
const MAX_RETRY_AFTER_MS = 3_600_000;

export function poster({ url, keys, maxAnswerBytes }: FilledBackend, nowMs: () => number): Poster {
  const isSecure = url.protocol === 'https:';
  const agent = new (isSecure ? HttpsAgent : HttpAgent)({ keepAlive: true, maxFreeSockets: MAX_IDLE });
  const send = isSecure ? httpsRequest : httpRequest;

  const once = (id: string, body: string, signal: AbortSignal) =>
    new Promise<Posted>((resolve, reject) => {
      const headers = {
        'content-type': 'application/json',
        'content-length': Buffer.byteLength(body),
        'user-agent': 'trunkline',
        ...signed(keys, id, Math.floor(nowMs() / 1_000), body),
      };
      const request = send(url, { method: 'POST', agent, headers, signal }, (response) => {
        read(response, maxAnswerBytes).then(resolve, reject);
      });
      request.on('error', (error: NodeJS.ErrnoException) => {
        // The peer closed a standing connection while this was on its way: it is the same request on a new one.
        if (error.code === 'ECONNRESET' && request.reusedSocket && !signal.aborted) reject(new StaleConnection());
        else reject(error);
      });
      request.end(body);
    });

  return {
    post: async (id, body, signal) => {
      for (let tries = 0; ; tries += 1) {
        try {
          return await once(id, body, signal);
        } catch (error) {
          if (!(error instanceof StaleConnection) || tries === MAX_IDLE) throw error;
        }
      }
    },
    close: () => agent.destroy(),
  };
}

class StaleConnection extends Error {}

async function read(response: IncomingMessage, maxBytes: number): Promise<Posted> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of response as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > maxBytes) {
      response.destroy();
      throw new Error(`the answer has more than ${maxBytes} bytes`);
    }
    chunks.push(chunk);
  }
  if (!response.complete) throw new Error('the answer was cut off');
  const seconds = Number(response.headers['retry-after'] ?? Number.NaN);
  return {
    status: response.statusCode ?? 0,
    text: Buffer.concat(chunks).toString('utf8'),
    retryAfterMs: seconds >= 0 ? Math.min(seconds * 1_000, MAX_RETRY_AFTER_MS) : undefined,
  };
}
