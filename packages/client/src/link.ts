// The connection: dials while someone is interested, greets, notices death, waits, comes back. `link-state.ts` says what
// follows what; here is what is done on the way. It knows nothing of logs: they hear of it through `LinkEvents`.

import {
  type CLOSE,
  DEFAULT_LIMITS,
  type ErrorMessage,
  type Goodbye,
  type JsonValue,
  type Limits,
  mayReconnect,
  PROTOCOL_VERSION,
  type ServerMessage,
  SUBPROTOCOL,
  TrunklineError,
  type Welcome,
} from '@trunkline/protocol';
import { Backoff } from './backoff.js';
import { type Batch, Store } from './batch.js';
import type { ConnectionSnapshot, LineProblem, TokenSource } from './line.js';
import { type LinkSignal, type LinkState, NEXT, WORD } from './link-state.js';
import type { Clock, CloseInfo, Network, NetworkSignal, OpenSocket, Socket } from './ports.js';
import { type Answer, Requests } from './requests.js';
import { isRefreshOk, readMessages } from './server-messages.js';
import { Timers } from './timers.js';
import { askForToken, readToken, refreshDelayMs, type Token } from './token.js';

// Literals with the type of the table, which a bundle then does not carry.
const NORMAL: typeof CLOSE.normal = 1000;
const HELLO_TIMEOUT: typeof CLOSE.helloTimeout = 4000;
const SILENT: typeof CLOSE.silent = 4001;
const BAD_MESSAGE: typeof CLOSE.badMessage = 4500;
const UNAUTHORIZED: typeof CLOSE.unauthorized = 4501;
/** A message larger than the peer takes (RFC 6455 §7.4.1). */
const TOO_LARGE = 1009;

const NO_TOKEN = 'there is no token';
const NO_ANSWER = 'the server does not answer';
const TOKEN_FAILED = 'the token function failed';
const TOKEN_MS = 30_000;
const GREETING_MS = 10_000;
const PROBE_MS = 3_000;
const CLOSING_MS = 5_000;
/** A connection that lived this long has ended the trouble before it; one that dies young goes on with it. */
const STABLE_MS = 10_000;
/** The longest wait that a server may ask for. */
const LONGEST_WAIT_MS = 3_600_000;

/** What the rest of the client does with the connection. */
export interface LinkEvents {
  /** `hello` is written: what is written now travels with it. */
  greet(): void;
  live(): void;
  /** The socket that was greeted is gone. */
  lost(): void;
  /** The state is another. */
  changed(): void;
  refused(error: TrunklineError): void;
}

export interface LinkOptions {
  readonly url: () => string;
  readonly token: TokenSource | undefined;
  readonly lingerMs: number;
  readonly open: OpenSocket;
  readonly clock: Clock;
  readonly network: Network;
  readonly random: () => number;
  readonly batch: Batch;
  readonly onProblem: (source: LineProblem['source'], message: string, cause?: unknown) => void;
}

interface Dial {
  readonly socket: Socket;
  /** After we have left: hears how the closing handshake ended. */
  onLeft?: (info: CloseInfo) => void;
}

export class Link {
  state: LinkState = 'idle';
  limits: Limits = DEFAULT_LIMITS;
  /** Whether `limits` are the server's. */
  knowsLimits = false;
  /** A message was too large for the server: publish nothing before `welcome` has told its limits. */
  cautious = false;
  user: JsonValue | undefined;
  /** Of `refused`. */
  error: TrunklineError | undefined;
  readonly store: Store<ConnectionSnapshot<JsonValue>>;
  /** The snapshot of a line that was never used. */
  readonly idleSnapshot: ConnectionSnapshot<JsonValue>;
  /** Who reads the data messages of a `ch`. */
  readonly channels = new Map<number, (message: ServerMessage) => void>();

  readonly #options: LinkOptions;
  readonly #events: LinkEvents;
  readonly #requests = new Requests();
  readonly #timers: Timers<'step' | 'silence' | 'probe' | 'stable' | 'refresh' | 'linger' | 'closing'>;
  readonly #backoff: Backoff;
  #holders = 0;
  #dial: Dial | undefined;
  #stopListening: (() => void) | undefined;
  /** Counts the requests for a token: the answer to an older one is ignored. */
  #asked = 0;
  #token: Token = readToken(undefined);
  /** The token of a 4501. Together with `#askedAgain` it keeps a refusal from becoming a loop. */
  #refusedToken: string | undefined;
  #askedAgain = false;
  #goodbye: Goodbye | undefined;
  #lastError: ErrorMessage | undefined;
  #lastReceivedMs = 0;
  #serverAheadMs = 0;
  #reason: string | undefined;
  #rttMs: number | undefined;
  #retryAtMs: number | undefined;
  #lastClose: CloseInfo | undefined;

  constructor(options: LinkOptions, events: LinkEvents) {
    this.#options = options;
    this.#events = events;
    this.#timers = new Timers(options.clock, options.batch);
    this.#backoff = new Backoff(options.random);
    this.store = new Store(options.batch, () => ({
      state: WORD[this.state],
      rttMs: this.#rttMs,
      retryAtMs: this.#retryAtMs,
      reason: this.#reason,
      user: this.user,
      lastClose: this.#lastClose,
    }));
    this.idleSnapshot = this.store.snapshot();
    options.batch.onEnd = () => this.#flush();
  }

  /** Whether requests can be written. */
  get canSend(): boolean {
    return this.state === 'greeting' || this.state === 'live';
  }

  /** Interest in the connection; the result gives it up. */
  hold(): () => void {
    this.#holders += 1;
    this.#timers.clear('linger');
    this.need();
    let held = true;
    return () => {
      if (!held) return;
      held = false;
      this.#holders -= 1;
      this.#lingerIfUnheld();
    };
  }

  get held(): boolean {
    return this.#holders > 0;
  }

  need(): void {
    this.#signal('need');
  }

  /** Writes a request; `body` is its text from the type on. The answer may never come: `lost` tells. */
  request(body: string, answer: Answer): void {
    this.#requests.add(body, answer);
  }

  retry(): void {
    this.#backoff.reset();
    this.#refusedToken = undefined;
    this.#askedAgain = false;
    this.#signal('retry');
    this.#lingerIfUnheld();
  }

  close(): Promise<CloseInfo | undefined> {
    const dial = this.#dial;
    if (dial === undefined) {
      this.#signal('close');
      return Promise.resolve(undefined);
    }
    this.#signal('close');
    return new Promise((resolve) => {
      const onLeft = dial.onLeft;
      dial.onLeft = (info) => {
        onLeft?.(info);
        resolve(info);
      };
    });
  }

  report(message: string, cause?: unknown): void {
    this.#options.onProblem('server', message, cause);
  }

  /** The server contradicts itself: start anew, with what is known here. */
  breach(message: string, cause?: unknown): void {
    this.report(message, cause);
    this.#giveUp(BAD_MESSAGE, message);
  }

  #lingerIfUnheld(): void {
    if (this.#holders === 0) this.#timers.set('linger', this.#options.lingerMs, () => this.#signal('leave'));
  }

  #signal(signal: LinkSignal): void {
    // Whoever is not needed does not come back.
    if (this.#holders === 0 && (signal === 'lost' || signal === 'cut' || signal === 'again')) signal = 'leave';
    const before = this.state;
    const next = NEXT[before][signal];
    if (next === null) throw new Error(`${signal} while ${before}`);
    if (next === before) return;
    const wasOpen = this.canSend;
    this.state = next;
    this.store.touch();
    if (wasOpen && !this.canSend) {
      this.#requests.clear();
      this.channels.clear();
      this.#events.lost();
    }
    this.#events.changed();
    this.#timers.clear('step', 'silence', 'probe', 'stable', 'refresh');
    this.#asked += 1;
    this.#retryAtMs = undefined;
    this.#enter[next]();
  }

  readonly #enter: Readonly<Record<LinkState, () => void>> = {
    idle: () => this.#rest(),
    closed: () => this.#rest(),
    asking: () => {
      this.#stopListening ??= this.#options.network.listen((signal) =>
        this.#options.batch.run(() => this.#onNetwork(signal)),
      );
      const source = this.#options.token;
      // What needs no waiting does not wait: the socket is dialled in the turn in which it was needed.
      if (typeof source !== 'function') return this.#useToken(readToken(source));
      this.#timers.set('step', TOKEN_MS, () => this.#lose(NO_TOKEN));
      this.#ask(
        (token) => this.#useToken(token),
        (cause) => {
          this.#options.onProblem('token', TOKEN_FAILED, cause);
          this.#lose(NO_TOKEN);
        },
      );
    },
    dialing: () => this.#openSocket(),
    greeting: () => {
      this.#timers.set('step', GREETING_MS, () => this.#giveUp(HELLO_TIMEOUT, NO_ANSWER));
      this.#requests.write(
        JSON.stringify({ type: 'hello', version: PROTOCOL_VERSION, token: this.#token.text, features: [] }),
      );
      this.#events.greet();
    },
    live: () => {
      this.#reason = undefined;
      this.cautious = false;
      this.#timers.set('stable', STABLE_MS, () => {
        this.#backoff.reset();
        this.#askedAgain = false;
        this.#refusedToken = undefined;
      });
      this.#armRefresh();
      this.#events.live();
    },
    waiting: () => this.#wait(),
    offline: () => this.#wait(),
    refused: () => {
      this.#stopHearing();
      this.error = new TrunklineError(this.#lastError?.code ?? 'unavailable', this.#reason ?? '', { retry: false });
      this.#events.refused(this.error);
    },
  };

  /** Leaves with a closing handshake, if there is someone to leave. */
  #rest(): void {
    this.#stopHearing();
    this.#timers.clear('linger');
    this.#reason = undefined;
    const dial = this.#dial;
    if (dial === undefined) return;
    this.#dial = undefined;
    dial.onLeft = (info) => {
      delete dial.onLeft;
      this.#timers.clear('closing');
      this.#lastClose = info;
      this.store.touch();
    };
    this.#timers.set('closing', CLOSING_MS, () => dial.onLeft?.({ code: 1006, reason: NO_ANSWER, wasClean: false }));
    dial.socket.close(NORMAL, '');
  }

  #stopHearing(): void {
    this.#stopListening?.();
    this.#stopListening = undefined;
  }

  #wait(): void {
    const { clock, random } = this.#options;
    const { afterMs = 0, spreadMs = 0 } = this.#goodbye ?? {};
    // Who is told when to come back does so; an hour at most, as a server may be wrong.
    const delayMs = this.#goodbye
      ? Math.min(afterMs + random() * spreadMs, LONGEST_WAIT_MS)
      : this.#backoff.nextMs(clock.nowMs());
    this.#goodbye = undefined;
    this.#retryAtMs = clock.nowMs() + delayMs;
    this.#timers.set('step', delayMs, () => this.#signal('due'));
  }

  #onNetwork(signal: NetworkSignal): void {
    this.#signal(signal === 'offline' ? 'gone' : 'wake');
    // Whatever the news, what was live may be dead: timers have slept, or the address has changed.
    if (this.state === 'live') this.#probe();
  }

  #ask(onToken: (token: Token) => void, onFailure: (cause: unknown) => void): void {
    this.#asked += 1;
    const turn = this.#asked;
    const ifCurrent = (run: () => void) => {
      if (turn === this.#asked) this.#options.batch.run(run);
    };
    askForToken(this.#options.token).then(
      (token) => ifCurrent(() => onToken(token)),
      (cause: unknown) => ifCurrent(() => onFailure(cause)),
    );
  }

  #useToken(token: Token): void {
    if (token.text !== undefined && token.text === this.#refusedToken) return this.#signal('barred');
    this.#token = token;
    this.#signal('token');
  }

  #openSocket(): void {
    this.#goodbye = undefined;
    this.#lastError = undefined;
    const { batch } = this.#options;
    const mine = (run: () => void) => {
      if (this.#dial === dial) batch.run(run);
    };
    let dial: Dial | undefined;
    try {
      const socket = this.#options.open(this.#options.url(), SUBPROTOCOL, {
        onOpen: () => mine(() => this.#signal('opened')),
        onMessage: (text) => mine(() => this.#onText(text)),
        onClose: (info) => (dial?.onLeft ? batch.run(() => dial?.onLeft?.(info)) : mine(() => this.#onClose(info))),
      });
      dial = { socket };
      this.#dial = dial;
    } catch (cause) {
      this.#reason = cause instanceof Error ? cause.message : String(cause);
      return this.#signal('barred');
    }
    this.#timers.set('step', GREETING_MS, () => this.#giveUp(HELLO_TIMEOUT, NO_ANSWER));
  }

  #flush(): void {
    if (!this.canSend || this.#dial === undefined) return;
    for (const text of this.#requests.take(this.limits)) this.#dial.socket.send(text);
  }

  #onText(text: string | null): void {
    this.#lastReceivedMs = this.#options.clock.nowMs();
    if (text === null) return this.breach('bytes');
    try {
      for (const message of readMessages(text)) if (this.canSend) this.#onMessage(message);
    } catch (cause) {
      // Whatever a server sends, nothing is thrown out of here: it may be another's program, or broken.
      this.breach('a message made no sense', cause);
    }
  }

  #onMessage(message: ServerMessage): void {
    switch (message.type) {
      case 'welcome':
        return this.state === 'greeting' ? this.#onWelcome(message) : undefined;
      case 'error':
        if (this.#requests.settle(message)) return;
        this.#lastError = message;
        // Before `welcome` it says why the server closes, and stands in `reason`.
        if (this.state === 'live') this.report(`${message.code}: ${message.message}`);
        return;
      case 'ok':
      case 'pong':
        this.#requests.settle(message);
        return;
      case 'ping':
        if (message.rttMs !== undefined) this.#setRtt(message.rttMs);
        return this.#requests.write('{"type":"pong"}');
      case 'goodbye':
        this.#goodbye = message;
        return;
      default: {
        const reader = this.channels.get(message.ch);
        return reader ? reader(message) : this.breach(`ch ${message.ch} is not open`);
      }
    }
  }

  #onWelcome(welcome: Welcome): void {
    this.limits = welcome.limits;
    this.knowsLimits = true;
    this.user = welcome.user;
    this.#serverAheadMs = welcome.now - this.#options.clock.nowMs();
    this.#signal('welcome');
    const silentMs = 2 * welcome.pingMs;
    const check = () => {
      const leftMs = this.#lastReceivedMs + silentMs - this.#options.clock.nowMs();
      if (leftMs > 0) this.#timers.set('silence', leftMs, check);
      else this.#giveUp(SILENT, NO_ANSWER);
    };
    this.#timers.set('silence', silentMs, check);
  }

  #probe(): void {
    if (this.#timers.has('probe')) return;
    const sentMs = this.#options.clock.nowMs();
    this.#lastReceivedMs = Math.min(this.#lastReceivedMs, sentMs - 1);
    this.request('"type":"ping"', () => this.#setRtt(this.#options.clock.nowMs() - sentMs));
    this.#timers.set('probe', PROBE_MS, () => {
      if (this.#lastReceivedMs < sentMs) this.#giveUp(SILENT, NO_ANSWER);
    });
  }

  #setRtt(rttMs: number): void {
    this.#rttMs = rttMs;
    this.store.touch();
  }

  #armRefresh(): void {
    const { token, clock } = this.#options;
    if (typeof token !== 'function') return;
    const delayMs = refreshDelayMs(this.#token.expiresAt, clock.nowMs() + this.#serverAheadMs);
    if (delayMs === undefined) return;
    const failed = (message: string, cause?: unknown) => {
      this.#options.onProblem('token', message, cause);
      this.#armRefresh();
    };
    this.#timers.set('refresh', delayMs, () =>
      this.#ask(
        (next) =>
          this.request(`"type":"refresh","token":${JSON.stringify(next.text ?? '')}`, (reply) => {
            if (reply.type === 'ok') {
              this.#token = next;
              if (isRefreshOk(reply)) this.user = reply.user;
              this.store.touch();
              return this.#armRefresh();
            }
            failed('refresh failed', reply);
          }),
        (cause) => failed(TOKEN_FAILED, cause),
      ),
    );
  }

  /** How the server, or the network, ended it. */
  #onClose(info: CloseInfo): void {
    this.#dial = undefined;
    this.#lastClose = info;
    if (info.code === TOO_LARGE) this.cautious = true;
    const { code } = info;
    this.#reason =
      this.#lastError?.message ?? this.#goodbye?.reason ?? (info.reason || `the connection was lost (${code})`);
    if (mayReconnect(code)) return this.#lose(this.#reason);
    if (code === UNAUTHORIZED && typeof this.#options.token === 'function' && !this.#askedAgain) {
      this.#askedAgain = true;
      this.#refusedToken = this.#token.text;
      return this.#signal('again');
    }
    this.#signal('barred');
  }

  /** Gives a socket up that may never tell its end. */
  #giveUp(code: number, reason: string): void {
    const dial = this.#dial;
    if (dial === undefined) return;
    this.#dial = undefined;
    this.#lastClose = { code, reason, wasClean: false };
    dial.socket.close(code, '');
    this.#lose(reason);
  }

  #lose(reason: string): void {
    this.#reason = reason;
    this.#signal(this.#options.network.isOnline() ? 'lost' : 'cut');
  }
}
