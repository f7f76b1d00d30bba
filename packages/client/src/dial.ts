// One socket's life, from the dial to its end: what is asked over it and answered, the streams it brings, what was received,
// how its silence and its end are noticed. While a line moves (CON-8) two of them live side by side and know nothing of each other.

import {
  type CLOSE,
  DEFAULT_LIMITS,
  type Drain,
  type ErrorMessage,
  type FEATURES,
  type Goodbye,
  type JsonValue,
  type Limits,
  mayReconnect,
  PROTOCOL_VERSION,
  type SEEN_BYTES,
  type SEEN_LEAST_BYTES,
  type SEEN_MS,
  type ServerMessage,
  SUBPROTOCOL,
  type Welcome,
} from '@trunkline/protocol';
import type { LinkOptions } from './link.js';
import type { CloseInfo } from './ports.js';
import { bytesOf, createRequests, type Requests } from './requests.js';
import { isRefreshOk, readMessages } from './server-messages.js';
import type { Shared } from './shared.js';
import { createTimers } from './timers.js';
import { refreshDelayMs, type Token, type Tokens } from './token.js';

// Literals with the types of the tables, which a bundle then does not carry.
const NORMAL: typeof CLOSE.normal = 1000;
const HELLO_TIMEOUT: typeof CLOSE.helloTimeout = 4000;
const SILENT: typeof CLOSE.silent = 4001;
const BAD_MESSAGE: typeof CLOSE.badMessage = 4500;
/** No Close frame came (RFC 6455 §7.4.1). */
const ABNORMAL = 1006;
const SEEN: typeof FEATURES.seen = 'seen';
const DRAIN: typeof FEATURES.drain = 'drain';
const REPORT_BYTES: typeof SEEN_BYTES = 16_384;
const REPORT_LEAST_BYTES: typeof SEEN_LEAST_BYTES = 1_024;
const REPORT_MS: typeof SEEN_MS = 200;

const GREETING_MS = 10_000;
const PROBE_MS = 3_000;
const CLOSING_MS = 5_000;

const NO_ANSWER = 'the server does not answer';

export interface Dial {
  /** Whether it can be written to: from `hello` to the end. */
  readonly isOpen: boolean;
  readonly limits: Limits;
  /** When the last message came, by the client's clock; of `wake` on, at most that. */
  readonly heardMs: number;
  /** What the server knows the user by. */
  readonly token: Token;
  /** A newer one that was sent and is not answered. */
  readonly freshToken: Token | undefined;
  /** The server asked to be left (CON-8). */
  readonly drain: Drain | undefined;
  readonly goodbye: Goodbye | undefined;
  readonly lastError: ErrorMessage | undefined;
  /** Who reads the data messages of a `ch`. */
  readonly channels: Map<number, (message: ServerMessage) => void>;
  /** How the closing handshake ended, after `leave`. */
  readonly left: Promise<CloseInfo>;
  /** Writes a request. The answer may never come: the socket may end before. */
  readonly request: Requests['add'];
  /** Writes what has no answer. */
  readonly write: Requests['write'];
  /** Sends what was written, as messages within the limits. */
  flush(): void;
  /** Timers may have slept, or the address may have changed: asks whether anyone is there, and for a token if it is time. */
  wake(): void;
  /** The server contradicts itself. */
  breach(message: string, cause?: unknown): void;
  /** Leaves with a closing handshake. */
  leave(): void;
}

export interface DialEvents {
  /** `hello` is written, and what is written now travels with it. */
  opened(): void;
  welcomed(welcome: Welcome): void;
  /** The server shows the user otherwise after a new token. */
  refreshed(user: JsonValue): void;
  measured(rttMs: number): void;
  /** It ended by itself, or was given up. */
  ended(info: CloseInfo, why: string, mayReturn: boolean): void;
  left(info: CloseInfo): void;
}

/** @throws what `options.url` or `options.open` throws. */
export function createDial(
  shared: Shared,
  options: LinkOptions,
  tokens: Tokens,
  token: Token,
  limits: Limits,
  tell: DialEvents,
): Dial {
  const { batch, clock, onProblem } = shared;
  const timers = createTimers<'answer' | 'silence' | 'probe' | 'refresh' | 'seen' | 'closing'>(shared);
  const requests = createRequests();
  /** Who hears of the socket's events: nobody once it has ended or was given up; after we have left, only of its end. */
  let life: 'heard' | 'leaving' | 'over' = 'heard';
  let isWelcome = false;
  let receivedBytes = 0;
  /** What `seen` told last. Not a number: this server does not want to know. */
  let seenBytes = Number.NaN;
  /** Not a number: never. */
  let refreshAtMs = Number.NaN;
  let serverAheadMs = 0;
  let resolveLeft = (_info: CloseInfo) => {};

  const dial: { -readonly [Key in keyof Dial]: Dial[Key] } = {
    isOpen: false,
    limits,
    heardMs: 0,
    token,
    freshToken: undefined,
    drain: undefined,
    goodbye: undefined,
    lastError: undefined,
    channels: new Map(),
    left: new Promise((resolve) => {
      resolveLeft = resolve;
    }),
    request: requests.add,
    write: requests.write,
    flush() {
      if (!dial.isOpen) return;
      const unseenBytes = receivedBytes - seenBytes;
      // While there is a timer, the last report is young.
      const isDue = unseenBytes > REPORT_LEAST_BYTES && !timers.has('seen');
      if (isDue || unseenBytes >= REPORT_BYTES || (unseenBytes > 0 && requests.hasLines())) report();
      for (const text of requests.take(dial.limits)) socket.send(text);
    },
    wake() {
      if (!isWelcome || timers.has('probe')) return;
      refreshWhenDue();
      const sentMs = clock.nowMs();
      dial.heardMs = Math.min(dial.heardMs, sentMs - 1);
      measure();
      timers.set('probe', PROBE_MS, () => dial.heardMs < sentMs && giveUp(SILENT, NO_ANSWER));
    },
    breach(message, cause) {
      onProblem('server', message, cause);
      giveUp(BAD_MESSAGE, message);
    },
    leave() {
      end('leaving');
      timers.set('closing', CLOSING_MS, () => onLeft({ code: ABNORMAL, reason: NO_ANSWER, wasClean: false }));
      socket.close(NORMAL, '');
    },
  };
  const ifHeard = (run: () => void) => life === 'heard' && batch.run(run);
  const socket = options.open(options.url(), SUBPROTOCOL, {
    onOpen: () => ifHeard(onOpen),
    onMessage: (text) => ifHeard(() => onText(text)),
    onClose: (info) => (life === 'leaving' ? batch.run(() => onLeft(info)) : ifHeard(() => onClose(info))),
  });
  expectAnswer();
  return dial;

  // ── beginning and end ──────────────────────────────────────────────────────────────────────────────────────────────

  function expectAnswer(): void {
    timers.set('answer', GREETING_MS, () => giveUp(HELLO_TIMEOUT, NO_ANSWER));
  }

  function onOpen(): void {
    expectAnswer();
    dial.isOpen = true;
    const hello = { type: 'hello', version: PROTOCOL_VERSION, token: token.text, features: [SEEN, DRAIN] };
    requests.write(JSON.stringify(hello));
    tell.opened();
  }

  function onWelcome(welcome: Welcome): void {
    timers.clear('answer');
    isWelcome = true;
    dial.limits = { ...DEFAULT_LIMITS, ...welcome.limits };
    serverAheadMs = welcome.now - clock.nowMs();
    if (welcome.features.includes(SEEN)) seenBytes = 0;
    tell.welcomed(welcome);
    armRefresh();
    // Right away: the server's own measure comes one ping interval later.
    measure();
    // A ping interval of less than a second is a mistake, and would end every connection.
    const silentMs = 2 * Math.max(welcome.pingMs, 1_000);
    const check = () => {
      // A clock that was put back must not keep a dead link for as long.
      dial.heardMs = Math.min(dial.heardMs, clock.nowMs());
      const leftMs = dial.heardMs + silentMs - clock.nowMs();
      if (leftMs > 0) timers.set('silence', leftMs, check);
      else giveUp(SILENT, NO_ANSWER);
    };
    check();
  }

  function end(next: 'leaving' | 'over'): void {
    life = next;
    dial.isOpen = false;
    timers.clear('answer', 'silence', 'probe', 'refresh', 'seen');
    requests.clear();
    dial.channels.clear();
  }

  /** How the server, or the network, ended it. */
  function onClose(info: CloseInfo): void {
    const { lastError, goodbye } = dial;
    end('over');
    const why = lastError?.message ?? goodbye?.reason ?? (info.reason || `the connection was lost (${info.code})`);
    tell.ended(info, why, mayReconnect(info.code));
  }

  /** Gives a socket up that may never tell its end. */
  function giveUp(code: number, why: string): void {
    if (life !== 'heard') return;
    end('over');
    socket.close(code, '');
    tell.ended({ code, reason: why, wasClean: false }, why, true);
  }

  function onLeft(info: CloseInfo): void {
    life = 'over';
    timers.clear('closing');
    tell.left(info);
    resolveLeft(info);
  }

  // ── messages ───────────────────────────────────────────────────────────────────────────────────────────────────────

  function onText(text: string | null): void {
    dial.heardMs = clock.nowMs();
    try {
      // Anything but text is no message either.
      const given = text ?? '!';
      receivedBytes += bytesOf(given);
      for (const message of readMessages(given)) if (dial.isOpen) onMessage(message);
    } catch (cause) {
      // Whatever a server sends, nothing is thrown out of here: it may be another's program, or broken.
      dial.breach('a message made no sense', cause);
    }
  }

  function onMessage(message: ServerMessage): void {
    switch (message.type) {
      case 'welcome':
        if (!isWelcome) onWelcome(message);
        return;
      case 'ok':
      case 'pong':
      case 'progress':
        requests.settle(message);
        return;
      case 'error':
        if (requests.settle(message)) return;
        dial.lastError = message;
        // Before `welcome` it says why the server closes.
        if (isWelcome) onProblem('server', message.message, message);
        return;
      case 'ping':
        if (message.rttMs !== undefined) tell.measured(message.rttMs);
        return requests.write('{"type":"pong"}');
      case 'drain':
        dial.drain = message;
        return;
      case 'goodbye':
        dial.goodbye = message;
        return;
      default: {
        const read = dial.channels.get(message.ch);
        if (read) read(message);
        else dial.breach(`ch ${message.ch} is not open`);
      }
    }
  }

  function measure(): void {
    const sentMs = clock.nowMs();
    requests.add({ type: 'ping' }, () => tell.measured(clock.nowMs() - sentMs));
  }

  function report(): void {
    timers.set('seen', REPORT_MS, () => {});
    seenBytes = receivedBytes;
    requests.write(`{"type":"seen","bytes":${seenBytes}}`);
  }

  // ── the token ──────────────────────────────────────────────────────────────────────────────────────────────────────

  function armRefresh(): void {
    if (tokens.fixed) return;
    const nowMs = clock.nowMs();
    refreshAtMs = nowMs + refreshDelayMs(dial.token.expiresAt, nowMs + serverAheadMs);
    refreshWhenDue();
  }

  /** The clock decides, not the timer: it may have slept, or be one that cannot wait that long. */
  function refreshWhenDue(): void {
    const leftMs = refreshAtMs - clock.nowMs();
    if (leftMs > 0) timers.set('refresh', leftMs, refreshWhenDue);
    else if (leftMs <= 0) {
      timers.clear('refresh');
      refreshAtMs = Number.NaN;
      tokens.ask((next) => life === 'heard' && refresh(next));
    }
  }

  function refresh(next: Token | undefined): void {
    if (!next) return armRefresh();
    dial.freshToken = next;
    requests.add({ type: 'refresh', token: next.text }, (reply) => {
      dial.freshToken = undefined;
      if (isRefreshOk(reply)) {
        dial.token = next;
        tell.refreshed(reply.user);
      } else onProblem('token', 'refresh failed', reply);
      armRefresh();
    });
  }
}
