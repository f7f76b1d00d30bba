// `trunkline echo`: a WebSocket server that answers every message with itself, for trying out clients.

import { readFile } from 'node:fs/promises';
import { createServer, type RequestListener } from 'node:http';
import { createServer as createSecureServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { createWebSocketServer } from '@trunkline/websocket';
import type { EchoCommand } from './commands.js';
import { Failure } from './failure.js';
import { type SelfSigned, selfSigned } from './self-signed.js';
import { nextSignal } from './signals.js';

const HELP = 'This is a WebSocket echo server: every message comes back as it was sent.\n';

/** How long a request may take to arrive, in milliseconds, and how often Node looks for late ones. */
const REQUEST_TIMEOUTS = { headersTimeout: 10_000, connectionsCheckingInterval: 2_500 };

/** Serves until SIGINT or SIGTERM, then closes every connection with 1001. @throws Failure if it cannot start. */
export async function echo(command: EchoCommand): Promise<void> {
  const { host, port, deflate, maxMessageBytes } = command;
  const server = createWebSocketServer({
    compression: deflate,
    // There is nothing that a page could do in somebody's name.
    origins: ['*'],
    // A large message may come in small pieces: in the catalogue of test suites, of 64 bytes.
    limits: { maxMessageBytes, maxFragments: Math.max(4_096, Math.ceil(maxMessageBytes / 64)) },
    handler: {
      message: (socket, data) => {
        // A peer that sends and does not read is read no further.
        if (socket.send(data) === 'queued') socket.pause();
      },
      drain: (socket) => socket.resume(),
      // Everyday life; without this the process would end when a handler throws.
      error: (socket, error) => process.stderr.write(`trunkline: ${socket.remoteAddress}: ${error.message}\n`),
    },
  });
  const certificate = await certificateOf(command);
  const http = makeServer(command, certificate);
  server.attach(http);
  await new Promise<void>((resolve, reject) => {
    http.once('error', (error) => reject(listenFailure(error, host, port)));
    http.listen(port, host, resolve);
  });
  const signal = nextSignal();
  process.stdout.write(`trunkline: echoes at ${urlOf(http.address() as AddressInfo, command.tls !== null)}\n`);
  if (certificate !== null && 'fingerprint' in certificate) {
    process.stdout.write(`trunkline: by a certificate for this run, SHA-256 ${certificate.fingerprint}\n`);
  }
  await signal;
  http.close();
  await server.drain({ deadlineMs: 2_000 });
  http.closeAllConnections();
}

interface Certificate {
  readonly cert: string | Buffer;
  readonly key: string | Buffer;
}

async function certificateOf({ tls, host }: EchoCommand): Promise<Certificate | SelfSigned | null> {
  if (tls === null) return null;
  if (tls === 'self-signed') return selfSigned([host, 'localhost', '127.0.0.1', '::1'], Date.now());
  const [cert, key] = await Promise.all([read(tls.certificate), read(tls.key)]);
  return { cert, key };
}

function makeServer({ tls }: EchoCommand, certificate: Certificate | null) {
  // Also what asks for a WebSocket in the wrong way: Node takes it for a plain request.
  const answer: RequestListener = (_request, response) => {
    response.writeHead(426, { 'content-type': 'text/plain', upgrade: 'websocket' }).end(HELP);
  };
  if (certificate === null) return createServer(REQUEST_TIMEOUTS, answer);
  try {
    return createSecureServer({ ...REQUEST_TIMEOUTS, cert: certificate.cert, key: certificate.key }, answer);
  } catch (error) {
    const files = tls === null || tls === 'self-signed' ? 'they' : `${tls.certificate} and ${tls.key}`;
    throw new Failure(`${files} are no certificate and key: ${(error as Error).message}`);
  }
}

async function read(file: string): Promise<Buffer> {
  try {
    return await readFile(file);
  } catch (error) {
    throw new Failure(`${file} cannot be read: ${(error as Error).message}`);
  }
}

function listenFailure(error: Error & { code?: string }, host: string, port: number): Failure {
  if (error.code === 'EADDRINUSE') return new Failure(`port ${port} of ${host} is in use: choose another with --port`);
  return new Failure(`cannot listen on ${host}:${port}: ${error.message}`);
}

function urlOf({ address, family, port }: AddressInfo, isSecure: boolean): string {
  return `${isSecure ? 'wss' : 'ws'}://${family === 'IPv6' ? `[${address}]` : address}:${port}`;
}
