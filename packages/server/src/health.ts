// How a running app is, for load balancers and whoever watches processes: `/healthz` of `serve`, `trunk.health()` of `attach`.

import type { IncomingMessage, ServerResponse } from 'node:http';
import { type Broker, reportsHealth } from '@trunkline/broker';
import type { Engine } from '@trunkline/core';
import type { BackendHealth } from './backend/backend.js';
import type { RequestInfo } from './define/trunkline.js';

/** What a probe is told: nothing that would have to be kept secret. */
export interface Health {
  /**
   * `ok`: send clients here · `starting`: the store is not open yet, or starts a part of itself again · `draining`: it closes, send clients
   * elsewhere · `failed`: the store cannot be used any more, start the process anew.
   */
  readonly status: 'ok' | 'starting' | 'draining' | 'failed';
  /** Open connections. */
  readonly connections: number;
  /** Streams that somebody on this server shows, or showed within the last half minute. */
  readonly streams: number;
  /** Subscriptions to them. */
  readonly subscriptions: number;
  /** If there is one. */
  readonly backend?: BackendHealth;
}

/** Whether the app is being started or closed, as only its parent knows. */
export interface Phase {
  isReady: boolean;
  isClosing: boolean;
}

export function healthOf(
  engine: Engine<RequestInfo>,
  broker: Broker,
  phase: Readonly<Phase>,
  backend: { readonly health: BackendHealth } | null,
): Health {
  return {
    status: statusOf(broker, phase),
    connections: engine.sessions.size,
    streams: engine.hub.activeStreams,
    subscriptions: engine.hub.subscriptions,
    ...(backend === null ? {} : { backend: backend.health }),
  };
}

function statusOf(broker: Broker, { isReady, isClosing }: Readonly<Phase>): Health['status'] {
  // First: while it closes, the store is closed as well, and that is no failure.
  if (isClosing) return 'draining';
  const store = reportsHealth(broker) ? broker.health : 'ready';
  if (store === 'failed') return 'failed';
  return isReady && store === 'ready' ? 'ok' : 'starting';
}

/** Answers a probe: 200 if it is well, else 503. */
export function answerProbe(health: Health, request: IncomingMessage, response: ServerResponse): void {
  if (request.method !== 'GET' && request.method !== 'HEAD') {
    response.writeHead(405, { allow: 'GET, HEAD', 'content-type': 'text/plain; charset=utf-8' });
    response.end('Ask with GET.\n');
    return;
  }
  const body = `${JSON.stringify(health)}\n`;
  response.writeHead(health.status === 'ok' ? 200 : 503, {
    'content-type': 'application/json; charset=utf-8',
    'content-length': Buffer.byteLength(body),
    'cache-control': 'no-store',
  });
  response.end(request.method === 'HEAD' ? undefined : body);
}
