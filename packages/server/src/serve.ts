// `serve` owns its port; `attach` joins an HTTP server that is there already, and touches only its own path.

import { createServer, type Server as HttpServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { opens } from '@trunkline/broker';
import type { ContractOf, ParamValues } from '@trunkline/protocol';
import { startBackend } from './backend/attach-backend.js';
import type { TrunkBackend } from './backend/backend.js';
import { type CloseOptions, type ClosePlan, closeOnce, closePlan } from './closing.js';
import type { AnyDefinition, ServerHandle } from './define/handles.js';
import { identificationOf } from './define/registry.js';
import type { App } from './define/trunkline.js';
import type { DisconnectOptions } from './disconnect.js';
import { answerProbe, type Health, healthOf, type Phase } from './health.js';
import { dataSchemasOf } from './http/data-schemas.js';
import { HttpApi } from './http/http-api.js';
import { HttpSide } from './http-side.js';
import { type LineServer, lineServer } from './line.js';
import { fillIn, type LineOptions, type SharedOptions } from './options.js';
import { isLoopbackName, type OriginRules } from './origin.js';

/** Options of `serve`. */
export interface ServeOptions extends LineOptions {
  /** TCP port. Default 7400; 0 takes a free one, see `trunk.url`. */
  readonly port?: number;
  /** Address to bind to. Default: the environment's `HOST`, else 127.0.0.1, which is reachable from this machine only. */
  readonly host?: string;
  /**
   * Path that answers probes (GET, HEAD) with a `Health` as JSON: 200 while clients may be sent here, else 503. Default `/healthz`;
   * `false`: there is none, and `request` gets them.
   */
  readonly healthPath?: string | false;
  /** Whether the HTTP API (`/v1/channels/…`, `/v1/procedures/…`, `/v1/users/…`, `/v1/openapi.json`) is served. Default: true; `false`: `request` gets these requests too. */
  readonly httpApi?: boolean;
  /** Answers every HTTP request that is neither for the endpoint nor a probe nor of the HTTP API. Default: 404. */
  readonly request?: (request: IncomingMessage, response: ServerResponse) => void;
}

/** A handle of one of the app's channels: it names its stream. */
type AnyHandle<C extends Readonly<Record<string, AnyDefinition>>> = {
  readonly [K in keyof C]: ServerHandle<ContractOf<C[K]>>;
}[keyof C] & { readonly name: string };

/** A running app. */
export interface Trunk<C extends Readonly<Record<string, AnyDefinition>>> {
  /** The app's channels: `trunk.channel.chat('lobby').publish({ … })`. */
  readonly channel: {
    readonly [K in keyof C]: (...params: ParamValues<ContractOf<C[K]>['params']>) => ServerHandle<ContractOf<C[K]>>;
  };
  /**
   * Answers a request of the HTTP API (`/v1/channels/…`, `/v1/procedures/…`, `/v1/users/…/disconnect` and `/revoke`, `/v1/openapi.json`) and returns true, or returns false and leaves it alone. `serve`
   * does so by itself. With `attach`, call it in a route of yours: before any body parser, and with the request's URL as it came.
   */
  http(request: IncomingMessage, response: ServerResponse): boolean;
  /** How it is now, for a health route of your own. Cheap: answered from memory. */
  health(): Health;
  /**
   * A user's rights changed: asks `authorize` again for all that the user has open on this server, or for one channel
   * (`trunk.channel.chat('lobby')`, or its name on the wire, `'chat/lobby'`). From the call on, until the rule has answered, nothing of
   * it is put on the user's connections, nor is anything of the user's stored that has not reached the store yet. What is still allowed
   * goes on with nothing lost; the rest ends with `forbidden`. A rule that throws, or does not answer for `stallTimeoutMs`, ends with `internal`,
   * and the client tries again. Take the rights away first, then call this.
   *
   * Resolves when all was judged, with the number of subscriptions that ended.
   * @throws TypeError if `userId` is no user's id, or the channel is none of the app.
   */
  revoke(userId: string, channel?: string | AnyHandle<C>): Promise<{ readonly ended: number }>;
  /**
   * Ends all connections of a user on this server, with a reason and the advice whether to come back. Requests that have no answer yet
   * count as after any lost connection. Resolves with how many connections there were.
   * @throws TypeError (rejects) if `userId` is no user's id, or an option makes no sense.
   */
  disconnect(userId: string, options?: DisconnectOptions): Promise<{ readonly closed: number }>;
  /** What the back end does not take; `null` if there is none. */
  readonly backend: TrunkBackend | null;
  /**
   * Lets clients move to another server if `drainMs` says so, says goodbye to those that are left, answers what is in work, completes the
   * closing handshakes, closes the store. Resolves when all is done: after at most `drainMs` and `deadlineMs`, and the time that the
   * store takes. Later calls resolve with the first one, whatever their options.
   * @throws TypeError (rejects) for an option that makes no sense, and then nothing is closed.
   */
  close(options?: CloseOptions): Promise<void>;
}

/** A running app with a port of its own. */
export interface ServedTrunk<C extends Readonly<Record<string, AnyDefinition>>> extends Trunk<C> {
  /** Where it listens: `http://127.0.0.1:7400`. */
  readonly url: string;
  readonly port: number;
}

/** Why a server could not listen. */
export class ListenError extends Error {
  override readonly name = 'ListenError';
  constructor(
    /** Node's code: `EADDRINUSE`, `EACCES`, `EADDRNOTAVAIL` … */
    readonly code: string,
    message: string,
    cause: unknown,
  ) {
    super(message, { cause });
  }
}

const DEFAULT_PORT = 7_400;
const HANDSHAKE_MS = 10_000;
/** How often Node looks for requests that are late. */
const CHECK_MS = 2_500;

/**
 * Serves an app on a port of its own.
 * @throws TypeError for options that make no sense; ListenError if the port cannot be had; what the broker's `ready` rejects with.
 */
export async function serve<C extends Readonly<Record<string, AnyDefinition>>, P>(
  app: App<C, P>,
  options: ServeOptions,
): Promise<ServedTrunk<C>> {
  const {
    port = DEFAULT_PORT,
    host = process.env.HOST || '127.0.0.1',
    request,
    healthPath = '/healthz',
    httpApi = true,
  } = options;
  if (!(Number.isInteger(port) && port >= 0 && port <= 65_535))
    throw new TypeError(`port must be a whole number from 0 to 65535: ${port}`);
  const shared = fillIn(options, identificationOf(app).backend);
  if (healthPath !== false && (!healthPath.startsWith('/') || healthPath.includes('?') || healthPath === shared.path))
    throw new TypeError(`healthPath must begin with "/", have no query and not be the endpoint's: ${healthPath}`);
  const isLoopbackServer = isLoopbackName(host);
  const line = lineServer(app as App, shared, () => rulesOf(shared.origins, isLoopbackServer));
  const api = apiOf(app as App, line, shared, () => rulesOf(shared.origins, isLoopbackServer));
  const phase: Phase = { isReady: false, isClosing: false };
  const health = () => healthOf(line.engine, shared.broker, phase, line.backend);
  // As long for the request as for `hello` after it: a connection that says nothing is no visitor.
  const headersTimeout = shared.timing.helloTimeoutMs ?? HANDSHAKE_MS;
  const timeouts = { headersTimeout, connectionsCheckingInterval: Math.max(1, Math.min(headersTimeout / 4, CHECK_MS)) };
  const server = createServer(timeouts, (incoming, response) => {
    if (isFor(incoming, shared.path)) upgradeRequired(response);
    else if (healthPath !== false && isFor(incoming, healthPath)) answerProbe(health(), incoming, response);
    else if (httpApi && api.handle(incoming, response)) return;
    else if (request !== undefined) request(incoming, response);
    else response.writeHead(404, { 'content-type': 'text/plain; charset=utf-8' }).end('There is nothing here.\n');
  });
  const http = new HttpSide(server);
  line.attach(server);
  const stop = async (plan: ClosePlan): Promise<void> => {
    phase.isClosing = true;
    const ended = http.stopListening();
    api.endWaits();
    await line.drain(plan);
    await Promise.all([line.close(plan), api.close(plan.deadlineMs), http.end(plan.deadlineMs)]);
    await line.backend?.close(plan.deadlineMs);
    await ended;
  };
  try {
    // The port first: who starts a server twice should read that, and not that the first one has the store. What a client
    // asks for meanwhile waits for the store.
    await listen(server, port, host);
    if (opens(shared.broker)) await shared.broker.ready();
    await startBackend(line.backend, shared);
  } catch (error) {
    await stop(closePlan({ deadlineMs: 0 }));
    await shared.broker.close();
    throw error;
  }
  phase.isReady = true;
  // Accepting can fail later, for want of file descriptors: connections wait then, the process must not end.
  server.on('error', (error) => shared.log.error({ error }, 'the server could not accept a connection'));
  const address = server.address() as AddressInfo;
  const shownHost = address.family === 'IPv6' ? `[${address.address}]` : address.address;
  return {
    channel: channelsOf<C>(app as App, line),
    revoke: line.revoke,
    disconnect: line.disconnect,
    backend: line.backend,
    http: (incoming, response) => api.handle(incoming, response),
    url: `http://${shownHost}:${address.port}`,
    port: address.port,
    health,
    close: closeOnce((plan) => stop(plan).finally(() => shared.broker.close())),
  };
}

/**
 * Joins an HTTP server (of Express, Fastify, Next, Hono …): answers the WebSocket handshakes on `path`, and nothing else. Other
 * `upgrade` listeners, and all plain requests, stay with whoever had them; give those of the HTTP API to `trunk.http`.
 * @throws TypeError for options that make no sense; what the broker's `ready` rejects with.
 */
export async function attach<C extends Readonly<Record<string, AnyDefinition>>, P>(
  app: App<C, P>,
  server: HttpServer,
  options: LineOptions,
): Promise<Trunk<C>> {
  const shared = fillIn(options, identificationOf(app).backend);
  if (opens(shared.broker)) await shared.broker.ready();
  const isLoopbackServer = () => {
    const address = server.address();
    return typeof address === 'object' && address !== null && isLoopbackName(address.address);
  };
  const rules = () => rulesOf(shared.origins, isLoopbackServer());
  const line = lineServer(app as App, shared, rules);
  const api = apiOf(app as App, line, shared, rules);
  await startBackend(line.backend, shared);
  const detach = line.attach(server);
  const phase: Phase = { isReady: true, isClosing: false };
  // Until all is over handshakes are answered with 503: without a listener they would end up as plain requests at the app's own routes.
  const stop = async (plan: ClosePlan): Promise<void> => {
    phase.isClosing = true;
    api.endWaits();
    await line.drain(plan);
    await Promise.all([line.close(plan), api.close(plan.deadlineMs)]);
    await line.backend?.close(plan.deadlineMs);
    detach();
  };
  return {
    channel: channelsOf<C>(app as App, line),
    revoke: line.revoke,
    disconnect: line.disconnect,
    backend: line.backend,
    http: (request, response) => api.handle(request, response),
    health: () => healthOf(line.engine, shared.broker, phase, line.backend),
    close: closeOnce((plan) => stop(plan).finally(() => shared.broker.close())),
  };
}

function isFor({ url }: IncomingMessage, path: string): boolean {
  return url === path || url?.startsWith(`${path}?`) === true;
}

function rulesOf(allowed: readonly string[], isLoopbackServer: boolean) {
  return { allowed, isLoopbackServer, isProduction: process.env.NODE_ENV === 'production' };
}

function channelsOf<C extends Readonly<Record<string, AnyDefinition>>>(
  app: App,
  line: LineServer,
): Trunk<C>['channel'] {
  const channels = Object.entries(app.channels).map(([name, definition]) => [
    name,
    (...params: string[]) => line.reach(definition, params),
  ]);
  return Object.fromEntries(channels);
}

/** @throws TypeError for API keys that make no sense. */
function apiOf(
  app: App,
  { engine, revoke, disconnect, backend }: LineServer,
  { apiKeys, trustedProxies }: SharedOptions,
  rules: () => OriginRules,
): HttpApi {
  return new HttpApi({
    engine,
    revoke,
    disconnect,
    backend,
    apiKeys,
    trustedProxies,
    rules,
    dataSchemas: () => dataSchemasOf(app),
  });
}

/** TRA-1. */
function upgradeRequired(response: ServerResponse): void {
  response
    .writeHead(426, { 'content-type': 'text/plain; charset=utf-8', upgrade: 'websocket', connection: 'Upgrade' })
    .end(
      'This is a WebSocket endpoint: connect to it with new WebSocket(url) and the subprotocol trunkline.v1.json.\n',
    );
}

function listen(server: HttpServer, port: number, host: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const onError = (error: NodeJS.ErrnoException) => {
      reject(new ListenError(error.code ?? 'unknown', listenProblem(error, port, host), error));
    };
    server.once('error', onError);
    server.listen(port, host, () => {
      server.off('error', onError);
      resolve();
    });
  });
}

function listenProblem(error: NodeJS.ErrnoException, port: number, host: string): string {
  if (error.code === 'EADDRINUSE')
    return `port ${port} on ${host} is in use: stop the program that has it, or choose another port`;
  if (error.code === 'EACCES') return `port ${port} on ${host} may not be opened by this user: choose one above 1023`;
  if (error.code === 'EADDRNOTAVAIL' || error.code === 'ENOTFOUND') return `${host} is not an address of this machine`;
  return `cannot listen on ${host}:${port}: ${error.message}`;
}
