// The HTTP API: `/v1/channels/…`, `/v1/procedures/…` and `/v1/users/…` for programs in any language. One request at a time: which place, which page asks, who asks, how much
// they ask at once, then the operation. It keeps nothing between two requests but what its callers have used.

import type { IncomingMessage, ServerResponse } from 'node:http';
import { type CallerLimits, Callers, type CallerUse, type Engine, type Target } from '@trunkline/core';
import { TrunklineError } from '@trunkline/protocol';
import type { TrunkBackend } from '../backend/backend.js';
import type { RequestInfo } from '../define/trunkline.js';
import type { Disconnect } from '../disconnect.js';
import { describeRequest, type OriginRules } from '../origin.js';
import type { Revoke } from '../revoke.js';
import type { Answer } from './answer.js';
import { readUnread } from './beside.js';
import { corsHeaders, pageProblem, preflight } from './cors.js';
import type { ApiKeys } from './credentials.js';
import type { DataSchemas } from './data-schemas.js';
import { answerLetters } from './dead-letters.js';
import { MAX_WAIT_SECONDS } from './entries.js';
import { type Admitted, type Asker, Gate } from './gate.js';
import { errorAnswer, HttpError } from './http-error.js';
import { openApiDocument } from './open-api.js';
import { methodsAt, OF_LETTERS, operationAt } from './operations.js';
import { isOurs, type Place, placeOf } from './place.js';
import { call } from './procedures.js';
import { readQuery } from './query.js';
import { readJson, sendLingering } from './request-body.js';
import { disconnectUser, revokeUser } from './users.js';

export interface HttpApiOptions {
  readonly engine: Engine<RequestInfo>;
  readonly revoke: Revoke;
  readonly disconnect: Disconnect;
  readonly backend: TrunkBackend | null;
  readonly apiKeys: ApiKeys;
  readonly trustedProxies: readonly string[];
  readonly rules: () => OriginRules;
  /** What the app's schemas say of its data, for the document. Default: nothing. */
  readonly dataSchemas?: () => DataSchemas;
  /** Default: those of `Callers`. */
  readonly callerLimits?: Partial<CallerLimits>;
}

/** A request and its parts. */
interface Asked {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly path: string;
  readonly query: string;
}

/** A request in work. */
interface Open {
  readonly response: ServerResponse;
  readonly ended: Promise<void>;
}

export class HttpApi {
  readonly #options: HttpApiOptions;
  readonly #gate: Gate;
  readonly #open = new Set<Open>();
  /** Made when it is asked for first: an app does not change. */
  #document: string | undefined;
  #isClosing = false;

  /** @throws TypeError for API keys that make no sense. */
  constructor(options: HttpApiOptions) {
    this.#options = options;
    const { engine, apiKeys, callerLimits } = options;
    const callers = new Callers(() => engine.clock.nowMs(), {
      maxInWork: engine.limits.maxRequestsInWork,
      maxCalls: engine.limits.maxCallsInWork,
      ...callerLimits,
    });
    this.#gate = new Gate(engine, apiKeys, callers);
  }

  /** Answers the request, if its path is one of the API's: whether it is. */
  handle(request: IncomingMessage, response: ServerResponse): boolean {
    const [path = '', ...query] = (request.url ?? '').split('?');
    if (!isOurs(path)) return false;
    const open: Open = {
      response,
      ended: this.#serve(request, response, path, query.join('?')).finally(() => this.#open.delete(open)),
    };
    this.#open.add(open);
    return true;
  }

  /** Ends the requests that wait for something to happen; from now on none waits. */
  endWaits(): void {
    this.#options.engine.requests.endWaits();
  }

  /** Refuses new requests, and waits for those in work, at most `deadlineMs`; then they are cut. */
  async close(deadlineMs: number): Promise<void> {
    this.#isClosing = true;
    this.endWaits();
    if (this.#open.size > 0 && deadlineMs > 0) {
      let cancel = () => {};
      const late = new Promise<void>((resolve) => {
        cancel = this.#options.engine.clock.after(deadlineMs, resolve);
      });
      await Promise.race([late, Promise.all([...this.#open].map(({ ended }) => ended))]);
      cancel();
    }
    for (const { response } of this.#open) response.destroy();
  }

  /** Never rejects. */
  async #serve(request: IncomingMessage, response: ServerResponse, path: string, query: string): Promise<void> {
    const { engine, trustedProxies, rules } = this.#options;
    const headers = plainHeaders(request);
    const address = request.socket.remoteAddress ?? '';
    const { info, claim } = describeRequest({ url: request.url ?? '', address, headers }, trustedProxies);
    const problem = pageProblem(request, claim, rules());
    const cors = corsHeaders(problem === null ? request.headers.origin : undefined);
    let release = () => {};
    let answer: Answer;
    try {
      if (problem !== null) {
        engine.log.warn({ origin: info.origin, host: claim.host, address: info.address }, problem);
        throw new TrunklineError(
          'forbidden',
          "this page's origin may not ask; the server's log names the option to set",
        );
      }
      const asked = { request, response, path, query };
      answer = await this.#withinTime(
        this.#answer(asked, info, (use) => {
          release = () => use.done();
        }),
        query,
      );
    } catch (error) {
      answer = errorAnswer(this.#known(error));
    }
    // Also if it took too long, and is at work still.
    release();
    if (!response.destroyed && !response.headersSent) {
      sendLingering(request, response, { ...answer, headers: { ...cors, ...answer.headers } }, engine.clock);
    }
  }

  async #answer(asked: Asked, info: RequestInfo, entered: (use: CallerUse) => void): Promise<Answer> {
    const { request, path, query } = asked;
    const place = placeOf(path, this.#options.engine);
    const { at } = place;
    if (request.method === 'OPTIONS') return preflight(methodsAt(at).join(', '));
    if (!methodsAt(at).includes(request.method ?? '')) throw wrongMethod(place);
    if (this.#isClosing) throw new TrunklineError('unavailable', 'the server is stopping: try again soon');
    if (at === 'document') {
      readQuery(query, {});
      return this.#documentAnswer();
    }
    const asker: Asker = { authorization: request.headers.authorization, origin: request.headers.origin, info };
    const admitted = await this.#gate.admit(asker, wantedAt(place));
    entered(admitted.use);
    try {
      return await this.#run(place, admitted, asked);
    } finally {
      admitted.use.done();
    }
  }

  #run(
    place: Exclude<Place, { at: 'document' }>,
    { caller, callerName, use, key: apiKey }: Admitted,
    { request, response, query }: Asked,
  ): Promise<Answer> {
    const { requests, besideRequests, limits, clock, helloTimeoutMs } = this.#options.engine;
    const common = {
      requests,
      beside: besideRequests,
      request,
      callerName,
      use,
      body: (types: readonly string[]) =>
        readJson(request, types, { maxBytes: limits.maxMessageBytes, timeoutMs: helloTimeoutMs }, clock),
      onGone: (listener: () => void) =>
        response.once('close', () => {
          if (!response.writableFinished) listener();
        }),
    };
    if (place.at === 'unread') {
      readQuery(query, {});
      return readUnread(besideRequests, caller, apiKey, place.user, request.headers['if-none-match']);
    }
    if ('letter' in place) {
      const known = OF_LETTERS.find((one) => one.at === place.at) ?? invariant('its method was looked at');
      const values = readQuery(query, known.query(limits));
      use.admit();
      const { backend } = this.#options;
      return answerLetters(place, { backend, key: apiKey ?? invariant('only API keys'), query: values });
    }
    if ('user' in place) {
      readQuery(query, {});
      // Writes of a kind: they count for the key's rate.
      use.admit();
      const { revoke, disconnect } = this.#options;
      const find = (name: string) => requests.find(name);
      const user = { user: place.user, key: apiKey ?? invariant('only API keys'), revoke, disconnect, find };
      return (place.at === 'disconnect' ? disconnectUser : revokeUser)({ ...user, body: common.body });
    }
    if (place.at === 'procedure') {
      readQuery(query, {});
      return call({ ...common, identity: caller.identity ?? invariant('a procedure has a user'), name: place.name });
    }
    const operation = operationAt(place.at, request.method) ?? invariant('its method was looked at');
    const key = 'key' in place ? place.key : '';
    const offset = 'offset' in place ? place.offset : 0;
    const values = readQuery(query, operation.query(limits));
    return operation.run({ ...common, limits, caller, target: place.target, key, offset, query: values });
  }

  /** An answer in any case: the app's own code may never give one. */
  async #withinTime(answer: Promise<Answer>, query: string): Promise<Answer> {
    const { clock, stallTimeoutMs } = this.#options.engine;
    // What is waited for on purpose does not count.
    const mostMs = stallTimeoutMs + (query.includes('wait=') ? MAX_WAIT_SECONDS * 1_000 : 0);
    let cancel = () => {};
    const late = new Promise<never>((_, reject) => {
      cancel = clock.after(mostMs, () => {
        reject(new TrunklineError('unavailable', 'this took too long', { outcome: 'unknown', afterMs: 1_000 }));
      });
    });
    try {
      return await Promise.race([answer, late]);
    } finally {
      cancel();
    }
  }

  #documentAnswer(): Answer {
    const { app, limits } = this.#options.engine;
    this.#document ??= `${JSON.stringify(openApiDocument(app, limits, this.#options.dataSchemas?.(), this.#options.backend !== null))}\n`;
    return { status: 200, body: this.#document, headers: { 'cache-control': 'no-cache' } };
  }

  /** What is no `TrunklineError` is a failure of ours: the log gets it, the peer only learns of it. */
  #known(error: unknown): TrunklineError {
    if (error instanceof TrunklineError) return error;
    this.#options.engine.log.error({ error }, 'a request failed');
    return new TrunklineError('internal', 'the server failed; its log has the cause', { outcome: 'unknown' });
  }
}

function invariant(what: string): never {
  throw new Error(`cannot happen: ${what}`);
}

function wantedAt(place: Exclude<Place, { at: 'document' }>): Target | 'procedure' | 'user' | 'unread' {
  if (place.at === 'unread') return 'unread';
  if ('user' in place || 'letter' in place) return 'user';
  return place.at === 'procedure' ? 'procedure' : place.target;
}

function wrongMethod({ at }: Place): HttpError {
  const methods = methodsAt(at).join(', ');
  return new HttpError(405, 'invalid', `this can be asked with ${methods}`, { allow: methods });
}

/** Without what a browser sends by itself, and without the token, which is handed over apart. */
const WITHHELD = new Set(['cookie', 'authorization', 'proxy-authorization']);

function plainHeaders({ headers }: IncomingMessage): Record<string, string | undefined> {
  const kept = Object.entries(headers).filter(([name]) => !WITHHELD.has(name));
  return Object.fromEntries(kept.map(([name, value]) => [name, Array.isArray(value) ? value.join(', ') : value]));
}
