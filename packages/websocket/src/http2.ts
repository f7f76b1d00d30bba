/**
 * WebSockets on HTTP/2 streams (RFC 8441): a CONNECT request with `:protocol` websocket is the opening handshake, and the
 * stream's data carry the frames. The decision is a pure function of the request's header fields; the rest is how a
 * server of `node:http2` is listened to without taking anything from its other listeners.
 */
import {
  constants,
  type Http2SecureServer,
  type Http2Server,
  type Http2ServerRequest,
  type Http2ServerResponse,
  type IncomingHttpHeaders,
  type OutgoingHttpHeaders,
  type ServerHttp2Stream,
} from 'node:http2';
import type { Duplex } from 'node:stream';
import { collectFields } from './header-fields.js';
import type { Neighbours } from './neighbours.js';
import { checkRefusal, type Offers, pathOf, type Refusal, readOffers } from './server-handshake.js';

/** Decides about an extended CONNECT (§4, §5). @param rawHeaders with the pseudo-fields. */
export function checkConnect(rawHeaders: readonly string[], maxFields: number): Offers | Refusal {
  if (rawHeaders.length > 2 * maxFields) return { status: 431, message: `Send at most ${maxFields} header fields.` };
  const { fields } = collectFields(rawHeaders);
  const path = pathOf(fields[':path']);
  const scheme = fields[':scheme'];
  if (path === null || (scheme !== 'http' && scheme !== 'https') || !fields[':authority']) {
    return { status: 400, message: 'Send :scheme, :path and :authority (RFC 8441).' };
  }
  if (fields['sec-websocket-version'] !== '13') {
    const headers = { 'sec-websocket-version': '13' };
    return { status: 400, message: 'Send "sec-websocket-version: 13".', headers };
  }
  return readOffers(fields, fields[':path'] ?? '', path);
}

/** The answer that opens it (§5.1): no key and no upgrade, only what was agreed on. */
export function connectResponse(protocol: string, extensions: string): OutgoingHttpHeaders {
  return {
    ':status': 200,
    ...(protocol === '' ? {} : { 'sec-websocket-protocol': protocol }),
    ...(extensions === '' ? {} : { 'sec-websocket-extensions': extensions }),
  };
}

/** What HTTP/2 does not have (RFC 9113 §8.2.2). */
const HTTP1_ONLY = new Set(['connection', 'keep-alive', 'proxy-connection', 'transfer-encoding', 'upgrade']);

/** Answers what is not accepted, and is done with the stream. @throws MisuseError for an answer that may not be sent. */
export function refuseStream(stream: ServerHttp2Stream, refusal: Refusal): void {
  checkRefusal(refusal);
  if (stream.destroyed || stream.headersSent) return;
  const headers: OutgoingHttpHeaders = { ':status': refusal.status, 'content-type': 'text/plain; charset=utf-8' };
  for (const [name, value] of Object.entries(refusal.headers ?? {})) {
    if (!HTTP1_ONLY.has(name.toLowerCase())) headers[name.toLowerCase()] = value;
  }
  stream.respond(headers);
  stream.end(`${refusal.message}\n`, () => stream.close(constants.NGHTTP2_NO_ERROR));
  stream.resume();
}

/** An abortive close (RFC 8441 §5): `destroy` alone would look like an orderly one to the peer. */
export function abortTransport(transport: Duplex): void {
  if ('rstCode' in transport) (transport as ServerHttp2Stream).close(constants.NGHTTP2_CANCEL);
  transport.destroy();
}

/** Whether a server is one of `node:http2`. */
export function isHttp2Server(server: object): server is Http2Server | Http2SecureServer {
  return 'updateSettings' in server;
}

/**
 * Listens to the CONNECT streams of a server, and has it announce that it takes them (§3).
 * @param isOurs whether a path is. @param accept gets our streams. @returns stops listening.
 */
export function listenToStreams(
  server: Http2Server | Http2SecureServer,
  isOurs: (target: string | undefined) => boolean,
  neighbours: Neighbours,
  accept: (stream: ServerHttp2Stream, rawHeaders: readonly string[]) => void,
): () => void {
  const isWebSocket = (headers: IncomingHttpHeaders): boolean =>
    headers[':method'] === 'CONNECT' && headers[':protocol'] === 'websocket';
  const isUnclaimed = (headers: IncomingHttpHeaders): boolean =>
    !(isWebSocket(headers) && neighbours.take(headers[':path']));
  const onStream = (stream: ServerHttp2Stream, headers: IncomingHttpHeaders, _flags: number, raw: string[]): void => {
    if (isWebSocket(headers) && isOurs(headers[':path'])) accept(stream, raw);
    else if (neighbours.mustAnswer(server.listenerCount('stream')) && isUnclaimed(headers)) {
      refuseUnclaimed(stream, headers);
    }
  };
  // Where requests are listened to, Node answers each CONNECT with 405 unless somebody listens for `connect`; over
  // HTTP/1.1 the same event has a socket in place of the response.
  const onConnect = (request: Http2ServerRequest, response: Http2ServerResponse | Duplex): void => {
    const mustAnswer = neighbours.mustAnswer(server.listenerCount('connect'));
    if (!('stream' in response)) {
      if (mustAnswer) response.destroy();
    } else if (mustAnswer && isUnclaimed(request.headers)) {
      refuseUnclaimed(response.stream, request.headers);
    }
  };
  server.updateSettings({ enableConnectProtocol: true });
  server.on('stream', onStream);
  server.on('connect', onConnect);
  return () => {
    server.off('stream', onStream);
    server.off('connect', onConnect);
  };
}

/** Nobody else would answer. */
function refuseUnclaimed(stream: ServerHttp2Stream, headers: IncomingHttpHeaders): void {
  stream.on('error', () => {});
  if (headers[':method'] !== 'CONNECT' || headers[':protocol'] === 'websocket') {
    refuseStream(stream, { status: 404, message: 'There is nothing here.' });
  } else if (headers[':protocol'] === undefined) {
    refuseStream(stream, { status: 405, message: 'This is no proxy.' });
  } else {
    refuseStream(stream, { status: 501, message: 'Of the extended CONNECT protocols only websocket is spoken here.' });
  }
}
