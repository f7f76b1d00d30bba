// `/line`: the WebSocket side of a server. Adapts the engine's sockets to the core's connections, one lean object each.

import { randomBytes } from 'node:crypto';
import type { Server as HttpServer } from 'node:http';
import { type Clock, type Connection, Engine, type Session, type SharedText } from '@trunkline/core';
import { CLOSE, encode, type Limits, type StreamName, SUBPROTOCOL } from '@trunkline/protocol';
import {
  createWebSocketServer,
  type FrameObserver,
  type HandshakeInfo,
  type NodeSocket,
  type PreparedFrame,
  prepareText,
  type Refusal,
  type WebSocketServer,
} from '@trunkline/websocket';
import { attachedBackend } from './backend/attach-backend.js';
import type { Backend } from './backend/backend.js';
import type { ClosePlan } from './closing.js';
import type { App, RequestInfo } from './define/trunkline.js';
import { type Disconnect, disconnectOf } from './disconnect.js';
import type { SharedOptions } from './options.js';
import { describeRequest, type OriginRules, originProblem } from './origin.js';
import { type Revoke, revokeOf } from './revoke.js';
import { appRuntime, type ReachChannel, reachOf } from './runtime.js';

const systemClock: Clock = {
  nowMs: () => Date.now(),
  endOfTurn: (task) => {
    setImmediate(task);
  },
  after: (delayMs, task) => {
    const timer = setTimeout(task, delayMs);
    timer.unref();
    return () => clearTimeout(timer);
  },
};

type Socket = NodeSocket<Line | null>;

/** A WebSocket as the core sees it. */
class Line implements Connection {
  session: Session<RequestInfo> | null = null;

  constructor(private readonly socket: Socket) {}

  send(text: string): void {
    this.socket.send(text);
  }
  sendShared(shared: SharedText): void {
    shared.wire ??= prepareText(shared.text);
    this.socket.sendFrame(shared.wire as PreparedFrame);
  }
  get bufferedBytes(): number {
    return this.socket.bufferedBytes;
  }
  get takenBytes(): number {
    return this.socket.takenBytes;
  }
  pause(): void {
    this.socket.pause();
  }
  resume(): void {
    this.socket.resume();
  }
  close(code: number, reason: string): void {
    this.socket.close(code, shortReason(reason));
  }
}

/** A close frame has room for 123 bytes of reason (RFC 6455 §5.5). */
function shortReason(reason: string): string {
  if (Buffer.byteLength(reason) <= 123) return reason;
  let short = Buffer.from(reason).subarray(0, 120).toString('utf8');
  // A character that was cut in the middle came out as U+FFFD.
  while (short.endsWith('\uFFFD')) short = short.slice(0, -1);
  return `${short}…`;
}

/**
 * What is held for a connection that does not read stays under this, or it is aborted. In good order there is less: a full buffer
 * (256 KiB), one slice, and the answers to the requests in work (8 pages), each of 64 KiB or one entry.
 */
function maxBufferedBytes({ maxEntryBytes }: Limits): number {
  return Math.min(1_048_576 + 16 * Math.max(maxEntryBytes, 65_536), 2 ** 30 - 1);
}

const CLOSING: Refusal = { status: 503, message: 'The server is stopping; try again soon.' };

/** The running line of an app. */
export interface LineServer {
  readonly engine: Engine<RequestInfo>;
  readonly backend: Backend | null;
  readonly reach: ReachChannel;
  readonly revoke: Revoke;
  readonly disconnect: Disconnect;
  attach(server: HttpServer): () => void;
  /** Refuses new connections from now on, and lets clients move if the plan says so. Resolves when nobody is left or the time is over. */
  drain(plan: ClosePlan): Promise<void>;
  /** Says goodbye. Resolves when every connection is gone, and all that tables keep is written. */
  close(plan: ClosePlan): Promise<void>;
}

export function lineServer(app: App, options: SharedOptions, rules: () => OriginRules): LineServer {
  const { log, broker, path, trustedProxies, limits, observe } = options;
  let server: WebSocketServer<Line | null> | null = null;
  let isClosing = false;
  const reach = reachOf(app, () => engine);
  const { backend, attach } = attachedBackend(app, options, systemClock);
  const engine = new Engine<RequestInfo>({
    app: appRuntime(app, (definition, ...params) => reach(definition, params) as never, attach),
    broker,
    clock: systemClock,
    log,
    limits,
    randomId: () => randomBytes(12).toString('base64url'),
    ...options.timing,
    afterFlush: () => server?.flush(),
  });

  const open = (socket: Socket, handshake: HandshakeInfo): void => {
    const { info, claim } = describeRequest(handshake, trustedProxies);
    const problem = originProblem(info.origin, claim, rules());
    if (problem !== null) {
      log.warn({ origin: info.origin, host: claim.host, address: info.address }, problem);
      // After the upgrade, as a page cannot see an HTTP status; nothing that such a connection sends is looked at (CON-3).
      const message = `this page's origin may not connect; the server's log names the option to set`;
      socket.send(encode({ type: 'error', code: 'forbidden', message, retry: false, outcome: 'refused' }));
      socket.close(CLOSE.forbidden, 'forbidden origin');
      return;
    }
    const line = new Line(socket);
    line.session = engine.accept(line, info);
    socket.data = line;
  };

  server = createWebSocketServer<Line | null>({
    path,
    protocols: [SUBPROTOCOL],
    // `open` decides, so that a page can be told why (CON-3).
    origins: ['*'],
    // The sessions send pings of their own, which pages can see: two heartbeats would only disagree.
    idlePingMs: 0,
    check: () => (isClosing ? CLOSING : undefined),
    limits: { maxMessageBytes: engine.limits.maxMessageBytes, maxBufferedBytes: maxBufferedBytes(engine.limits) },
    ...(observe === undefined
      ? {}
      : { observe: (handshake: HandshakeInfo): FrameObserver | undefined => observe(handshake) }),
    handler: {
      open,
      message: (socket, data) => {
        const session = socket.data?.session;
        if (typeof data === 'string') session?.receive(data);
        else session?.receiveBinary();
      },
      // Pings and pongs of the transport show life as well (CON-5).
      ping: (socket) => socket.data?.session?.heard(),
      pong: (socket) => socket.data?.session?.heard(),
      drain: (socket) => socket.data?.session?.drained(),
      close: (socket) => {
        socket.data?.session?.closed();
        socket.data = null;
      },
      error: (socket, error) => {
        // A peer that breaks rules or vanishes is everyday life; only what failed in here is worth a line.
        if (error.code === 'handler_threw') log.error({ error, address: socket.remoteAddress }, 'a connection failed');
      },
    },
    refused: (refusal, request) => {
      // While it closes, clients knock in vain by the thousand.
      if (!isClosing) log.warn({ status: refusal.status, url: request.url }, refusal.message);
    },
  });
  const started = server;

  return {
    engine,
    reach,
    revoke: revokeOf({
      knows: (name): name is StreamName => engine.knows(name),
      revoke: (userId, stream) => {
        // First: what the back end said before counts no more.
        backend?.rules.forget(userId);
        return engine.revoke(userId, stream);
      },
    }),
    backend,
    disconnect: disconnectOf(engine),
    attach: (httpServer) => started.attach(httpServer),
    drain: async ({ drainMs, spreadMs }) => {
      isClosing = true;
      if (drainMs > 0) await engine.drain(drainMs, spreadMs);
    },
    close: async ({ spreadMs, deadlineMs }) => {
      const endMs = performance.now() + deadlineMs;
      await engine.stop('the server is stopping', { spreadMs, finishMs: deadlineMs / 2 });
      await started.drain({ code: CLOSE.goingAway, deadlineMs: Math.max(0, endMs - performance.now()) });
      await engine.closeTables();
    },
  };
}
