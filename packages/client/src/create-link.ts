// The connection: dials while someone is interested, greets, notices death, waits, comes back. `link-state.ts` says what
// follows what; here is what is done on the way. `link.ts` is what the rest of the client sees of it.

import {
  type CLOSE,
  DEFAULT_LIMITS,
  type ErrorMessage,
  type Goodbye,
  type JsonValue,
  mayReconnect,
  PROTOCOL_VERSION,
  type ServerMessage,
  SUBPROTOCOL,
  TrunklineError,
  type Welcome,
} from '@trunkline/protocol';
import { createBackoff, LONGEST_WAIT_MS } from './backoff.js';
import { createStore, type Store } from './batch.js';
import type { ConnectionSnapshot } from './line.js';
import type { Link, LinkEvent, LinkOptions } from './link.js';
import { type LinkSignal, type LinkState, NEXT, wordOf } from './link-state.js';
import type { CloseInfo, NetworkSignal, Socket } from './ports.js';
import { createRequests } from './requests.js';
import { isRefreshOk, readMessages } from './server-messages.js';
import type { Shared } from './shared.js';
import { createTimers } from './timers.js';
import { askForToken, readToken, refreshDelayMs, type Token } from './token.js';

// Literals with the type of the table, which a bundle then does not carry.
const NORMAL: typeof CLOSE.normal = 1000;
const HELLO_TIMEOUT: typeof CLOSE.helloTimeout = 4000;
const SILENT: typeof CLOSE.silent = 4001;
const BAD_MESSAGE: typeof CLOSE.badMessage = 4500;
const UNAUTHORIZED: typeof CLOSE.unauthorized = 4501;
/** A message larger than the peer takes (RFC 6455 §7.4.1). */
const TOO_LARGE = 1009;
/** No Close frame came (RFC 6455 §7.4.1). */
const ABNORMAL = 1006;

const TOKEN_MS = 30_000;
const GREETING_MS = 10_000;
const PROBE_MS = 3_000;
const CLOSING_MS = 5_000;
/** A connection that lived this long has ended the trouble before it; one that dies young goes on with it. */
const STABLE_MS = 10_000;

const NO_TOKEN = 'there is no token';
const NO_ANSWER = 'the server does not answer';

interface Dial {
  readonly socket: Socket;
  /** After we have left: hears how the closing handshake ended. */
  onLeft?: (info: CloseInfo) => void;
}

export function createLink(shared: Shared, options: LinkOptions, tell: (event: LinkEvent) => void): Link {
  const { batch, clock, random, onProblem, lingerMs } = shared;
  const { token: source, network } = options;
  const requests = createRequests();
  const timers = createTimers<'step' | 'silence' | 'probe' | 'stable' | 'refresh' | 'linger' | 'closing'>(shared);
  const backoff = createBackoff(shared);
  let holders = 0;
  let dial: Dial | undefined;
  let stopListening: (() => void) | undefined;
  /** Counts the requests for a token: the answer to an older one is ignored. */
  let asked = 0;
  let token: Token = readToken(undefined);
  /** The token of a 4501. Together with `askedAgain` it keeps a refusal from becoming a loop. */
  let refusedToken: string | undefined;
  let askedAgain = false;
  let goodbye: Goodbye | undefined;
  let lastError: ErrorMessage | undefined;
  let lastReceivedMs = 0;
  let serverAheadMs = 0;
  let reason: string | undefined;
  let rttMs: number | undefined;
  let retryAtMs: number | undefined;
  let lastClose: CloseInfo | undefined;

  const store: Store<ConnectionSnapshot<JsonValue>> = createStore(batch, () => ({
    state: wordOf(link.state),
    rttMs,
    retryAtMs,
    reason,
    user: link.user,
    lastClose,
  }));

  const link: { -readonly [Key in keyof Link]: Link[Key] } = {
    state: 'idle',
    limits: DEFAULT_LIMITS,
    knowsLimits: false,
    user: undefined,
    error: undefined,
    store,
    channels: new Map(),
    canSend: () => link.state === 'greeting' || link.state === 'live',
    hold() {
      holders += 1;
      timers.clear('linger');
      signal('need');
      let held = true;
      return () => {
        if (held) holders -= 1;
        held = false;
        lingerIfUnheld();
      };
    },
    isHeld: () => holders > 0,
    need: () => signal('need'),
    request: requests.add,
    retry() {
      settled();
      signal('retry');
      tell('retry');
      lingerIfUnheld();
    },
    close: () =>
      new Promise((resolve) => {
        const leaving = dial;
        signal('close');
        if (leaving === undefined) return resolve(undefined);
        const { onLeft } = leaving;
        leaving.onLeft = (info) => {
          onLeft?.(info);
          resolve(info);
        };
      }),
    breach(message, cause) {
      onProblem('server', message, cause);
      giveUp(BAD_MESSAGE, message);
    },
  };
  batch.onEnd = () => {
    if (link.canSend()) for (const text of requests.take(link.limits)) dial?.socket.send(text);
  };
  return link;

  // ── the state machine ──────────────────────────────────────────────────────────────────────────────────────────────

  function signal(given: LinkSignal): void {
    const { state } = link;
    // Whoever is not needed does not come back.
    const isLoss = given === 'lost' || given === 'cut' || given === 'again';
    const next = NEXT[state][holders === 0 && isLoss ? 'leave' : given];
    if (next === null) throw new Error(`${given} while ${state}`);
    if (next === state) return;
    const wasOpen = link.canSend();
    link.state = next;
    store.touch();
    if (wasOpen && !link.canSend()) {
      requests.clear();
      link.channels.clear();
      tell('lost');
    }
    tell('changed');
    timers.clear('step', 'silence', 'probe', 'stable', 'refresh');
    asked += 1;
    retryAtMs = undefined;
    enter(next);
  }

  function enter(state: LinkState): void {
    switch (state) {
      case 'asking':
        stopListening ??= network.listen((news) => batch.run(() => onNetwork(news)));
        // What needs no waiting does not wait: the socket is dialled in the turn in which it was needed.
        if (typeof source !== 'function') return useToken(readToken(source));
        timers.set('step', TOKEN_MS, () => lose(NO_TOKEN));
        return ask(useToken, () => lose(NO_TOKEN));
      case 'dialing':
        return openSocket();
      case 'greeting':
        expectAnswer();
        requests.write(JSON.stringify({ type: 'hello', version: PROTOCOL_VERSION, token: token.text, features: [] }));
        return tell('greet');
      case 'live':
        reason = undefined;
        timers.set('stable', STABLE_MS, settled);
        armRefresh();
        return tell('live');
      case 'waiting':
      case 'offline':
        return wait();
      case 'refused':
        stopHearing();
        link.error = new TrunklineError(lastError?.code ?? 'unavailable', reason ?? '', { retry: false });
        return tell('refused');
      default:
        return leave();
    }
  }

  /** The trouble is over, or the application says so. */
  function settled(): void {
    backoff.reset();
    askedAgain = false;
    refusedToken = undefined;
  }

  function lingerIfUnheld(): void {
    if (holders === 0) timers.set('linger', lingerMs, () => signal('leave'));
  }

  /** Leaves with a closing handshake, if there is someone to leave. */
  function leave(): void {
    stopHearing();
    timers.clear('linger');
    reason = undefined;
    const leaving = dial;
    if (leaving === undefined) return;
    dial = undefined;
    leaving.onLeft = (info) => {
      delete leaving.onLeft;
      timers.clear('closing');
      lastClose = info;
      store.touch();
    };
    timers.set('closing', CLOSING_MS, () => leaving.onLeft?.({ code: ABNORMAL, reason: NO_ANSWER, wasClean: false }));
    leaving.socket.close(NORMAL, '');
  }

  function wait(): void {
    const { afterMs = 0, spreadMs = 0 } = goodbye ?? {};
    // Who is told when to come back does so; an hour at most, as a server may be wrong.
    const delayMs = goodbye ? Math.min(afterMs + random() * spreadMs, LONGEST_WAIT_MS) : backoff.nextMs();
    goodbye = undefined;
    retryAtMs = clock.nowMs() + delayMs;
    timers.set('step', delayMs, () => signal('due'));
  }

  // ── the network ────────────────────────────────────────────────────────────────────────────────────────────────────

  function onNetwork(news: NetworkSignal): void {
    signal(news === 'offline' ? 'gone' : 'wake');
    // Whatever the news, what was live may be dead: timers have slept, or the address has changed.
    if (link.state !== 'live' || timers.has('probe')) return;
    const sentMs = clock.nowMs();
    lastReceivedMs = Math.min(lastReceivedMs, sentMs - 1);
    measure();
    timers.set('probe', PROBE_MS, () => lastReceivedMs < sentMs && giveUp(SILENT, NO_ANSWER));
  }

  function stopHearing(): void {
    stopListening?.();
    stopListening = undefined;
  }

  function measure(): void {
    const sentMs = clock.nowMs();
    requests.add('"type":"ping"', () => measured(clock.nowMs() - sentMs));
  }

  function measured(ms: number): void {
    rttMs = ms;
    store.touch();
  }

  // ── tokens ─────────────────────────────────────────────────────────────────────────────────────────────────────────

  function ask(onToken: (given: Token) => void, onFailure: () => void): void {
    asked += 1;
    const turn = asked;
    const ifCurrent = (run: () => void) => turn === asked && batch.run(run);
    askForToken(source).then(
      (given) => ifCurrent(() => onToken(given)),
      (cause: unknown) =>
        ifCurrent(() => {
          onProblem('token', 'the token function failed', cause);
          onFailure();
        }),
    );
  }

  function useToken(given: Token): void {
    const isStale = given.text !== undefined && given.text === refusedToken;
    if (!isStale) token = given;
    signal(isStale ? 'barred' : 'token');
  }

  function armRefresh(): void {
    if (typeof source !== 'function') return;
    const delayMs = refreshDelayMs(token.expiresAt, clock.nowMs() + serverAheadMs);
    if (delayMs === undefined) return;
    const refresh = (next: Token) =>
      requests.add(`"type":"refresh","token":${JSON.stringify(next.text)}`, (reply) => {
        if (isRefreshOk(reply)) {
          token = next;
          link.user = reply.user;
          store.touch();
        } else onProblem('token', 'refresh failed', reply);
        armRefresh();
      });
    timers.set('refresh', delayMs, () => ask(refresh, armRefresh));
  }

  // ── the socket ─────────────────────────────────────────────────────────────────────────────────────────────────────

  function expectAnswer(): void {
    timers.set('step', GREETING_MS, () => giveUp(HELLO_TIMEOUT, NO_ANSWER));
  }

  function openSocket(): void {
    goodbye = undefined;
    lastError = undefined;
    let mine: Dial | undefined;
    const ifMine = (run: () => void) => mine === dial && batch.run(run);
    try {
      const socket = options.open(options.url(), SUBPROTOCOL, {
        onOpen: () => ifMine(() => signal('opened')),
        onMessage: (text) => ifMine(() => onText(text)),
        onClose: (info) => (mine?.onLeft ? batch.run(() => mine?.onLeft?.(info)) : ifMine(() => onClose(info))),
      });
      mine = { socket };
      dial = mine;
      expectAnswer();
    } catch (cause) {
      reason = String((cause as Error | null)?.message);
      signal('barred');
    }
  }

  function onText(text: string | null): void {
    lastReceivedMs = clock.nowMs();
    try {
      // Anything but text is no message either.
      for (const message of readMessages(text ?? '!')) if (link.canSend()) onMessage(message);
    } catch (cause) {
      // Whatever a server sends, nothing is thrown out of here: it may be another's program, or broken.
      link.breach('a message made no sense', cause);
    }
  }

  function onMessage(message: ServerMessage): void {
    switch (message.type) {
      case 'welcome':
        if (link.state === 'greeting') onWelcome(message);
        return;
      case 'ok':
      case 'pong':
        requests.settle(message);
        return;
      case 'error':
        if (requests.settle(message)) return;
        lastError = message;
        // Before `welcome` it says why the server closes, and stands in `reason`.
        if (link.state === 'live') onProblem('server', message.message, message);
        return;
      case 'ping':
        if (message.rttMs !== undefined) measured(message.rttMs);
        return requests.write('{"type":"pong"}');
      case 'drain':
        return;
      case 'goodbye':
        goodbye = message;
        return;
      default: {
        const read = link.channels.get(message.ch);
        if (read) read(message);
        else link.breach(`ch ${message.ch} is not open`);
      }
    }
  }

  function onWelcome(welcome: Welcome): void {
    link.limits = { ...DEFAULT_LIMITS, ...welcome.limits };
    link.knowsLimits = true;
    link.user = welcome.user;
    serverAheadMs = welcome.now - clock.nowMs();
    signal('welcome');
    // Right away: the server's own measure comes one ping interval later.
    measure();
    // A ping interval of less than a second is a mistake, and would end every connection.
    const silentMs = 2 * Math.max(welcome.pingMs, 1_000);
    const check = () => {
      const leftMs = lastReceivedMs + silentMs - clock.nowMs();
      if (leftMs > 0) timers.set('silence', leftMs, check);
      else giveUp(SILENT, NO_ANSWER);
    };
    check();
  }

  /** How the server, or the network, ended it. */
  function onClose(info: CloseInfo): void {
    dial = undefined;
    lastClose = info;
    const { code } = info;
    if (code === TOO_LARGE) {
      // Publish nothing before `welcome` has told what the server takes: it would close again.
      link.limits = { ...DEFAULT_LIMITS, maxEntryBytes: 0 };
      link.knowsLimits = false;
    }
    const why = lastError?.message ?? goodbye?.reason ?? (info.reason || `the connection was lost (${code})`);
    if (mayReconnect(code)) return lose(why);
    reason = why;
    if (code !== UNAUTHORIZED || typeof source !== 'function' || askedAgain) return signal('barred');
    askedAgain = true;
    refusedToken = token.text;
    signal('again');
  }

  /** Gives a socket up that may never tell its end. */
  function giveUp(code: number, why: string): void {
    if (dial === undefined) return;
    const { socket } = dial;
    dial = undefined;
    lastClose = { code, reason: why, wasClean: false };
    socket.close(code, '');
    lose(why);
  }

  function lose(why: string): void {
    reason = why;
    signal(network.isOnline() ? 'lost' : 'cut');
  }
}
