// The connection: dials while someone is interested, waits, comes back, moves when it is asked to. `link-state.ts` says what
// follows what, `dial.ts` is one socket's life; here is what is done on the way. `link.ts` is what the rest of the client sees of it.

import {
  type CLOSE,
  DEFAULT_LIMITS,
  type ErrorMessage,
  type Goodbye,
  type JsonValue,
  TrunklineError,
  type Welcome,
} from '@trunkline/protocol';
import { createBackoff, LONGEST_WAIT_MS } from './backoff.js';
import { createStore, type Store } from './batch.js';
import { createDial, type Dial } from './dial.js';
import type { ConnectionSnapshot } from './line.js';
import type { Link, LinkEvent, LinkOptions, Sight } from './link.js';
import { type LinkSignal, type LinkState, NEXT, wordOf } from './link-state.js';
import type { CloseInfo } from './ports.js';
import type { Shared } from './shared.js';
import { createTimers } from './timers.js';
import { createTokens, type Token } from './token.js';

// A literal with the type of the table, which a bundle then does not carry.
const UNAUTHORIZED: typeof CLOSE.unauthorized = 4501;
/** A message larger than the peer takes (RFC 6455 §7.4.1). */
const TOO_LARGE = 1009;
/** A connection that lived this long has ended the trouble before it; one that dies young goes on with it. */
const STABLE_MS = 10_000;
/** A page that nobody has seen for so long wants nothing that can be had when it is shown. */
const HIDDEN_MS = 60_000;

/**
 * @param tell the streams.
 * @param isResumed whether each stream has its place on `dial`, or was refused one.
 */
export function createLink(
  shared: Shared,
  options: LinkOptions,
  tell: (event: LinkEvent) => void,
  isResumed: () => boolean,
): Link {
  const { batch, clock, random, lingerMs } = shared;
  const { network } = options;
  const timers = createTimers<'wait' | 'stable' | 'linger' | 'hidden'>(shared);
  const backoff = createBackoff(shared);
  const tokens = createTokens(shared, options.token);
  let state: LinkState = 'idle';
  let holders = 0;
  /** The newest socket. */
  let dial: Dial | undefined;
  /** The one before, which asked to be left (CON-8): serves until the newest has taken over. */
  let old: Dial | undefined;
  let stopListening: (() => void) | undefined;
  /** Counts the states: the token that an earlier one asked for is ignored. */
  let turn = 0;
  /** Was given for a socket that ended before it could be told: the next one's. */
  let freshToken: Token | undefined;
  /** The token of a 4501. Together with `askedAgain` it keeps a refusal from becoming a loop. */
  let refusedToken: string | undefined;
  /** Why, in words: what goes wrong on the way to another token is not the reason. */
  let refusal: string | undefined;
  let askedAgain = false;
  /** When the server wants to see us again. */
  let advice: Pick<Goodbye, 'afterMs' | 'spreadMs'> | undefined;
  let lastError: ErrorMessage | undefined;
  let reason: string | undefined;
  let rttMs: number | undefined;
  let retryAtMs: number | undefined;
  let lastClose: CloseInfo | undefined;

  const store: Store<ConnectionSnapshot<JsonValue>> = createStore(batch, () => ({
    state: link.state,
    rttMs,
    // Nothing of a move is shown.
    retryAtMs: old ? undefined : retryAtMs,
    reason: old ? undefined : reason,
    user: link.user,
    lastClose,
  }));

  const link: { -readonly [Key in keyof Link]: Link[Key] } = {
    state: 'idle',
    sight: 'shown',
    dial: undefined,
    limits: DEFAULT_LIMITS,
    knowsLimits: false,
    user: undefined,
    error: undefined,
    store,
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
    need: () => signal('need'),
    retry() {
      settled();
      signal('retry');
      tell('retry');
      lingerIfUnheld();
    },
    close() {
      const leaving = link.dial ?? dial;
      signal('close');
      return Promise.resolve(leaving?.left);
    },
  };
  batch.onEnd = () => {
    old?.flush();
    dial?.flush();
    if (state !== 'live') return;
    if (old && isResumed()) {
      old.leave();
      old = undefined;
    }
    if (!old && dial?.drain) move(dial);
  };
  return link;

  // ── the state machine ──────────────────────────────────────────────────────────────────────────────────────────────

  function signal(given: LinkSignal): void {
    // Whoever is not needed does not come back.
    const isLoss = given === 'lost' || given === 'cut' || given === 'again';
    const next = NEXT[state][holders === 0 && isLoss && !old ? 'leave' : given];
    if (next === null) throw new Error(`${given} while ${state}`);
    if (next === state) return;
    state = next;
    turn += 1;
    timers.clear('wait', 'stable');
    retryAtMs = undefined;
    const leaving = next === 'idle' || next === 'closed' ? [old, dial] : [];
    if (leaving.length > 0) old = dial = undefined;
    update();
    enter(next);
    for (const each of leaving) each?.leave();
  }

  /** Tells which socket serves and which state is shown, if they are others. */
  function update(): void {
    const before = link.dial;
    link.dial = state === 'live' || (state === 'greeting' && !old) ? dial : old;
    if (before && link.dial !== before) tell(link.dial ? 'moved' : 'lost');
    const word = old ? 'live' : wordOf(state);
    if (word === link.state) return;
    link.state = word;
    store.touch();
    tell('changed');
  }

  function enter(next: LinkState): void {
    switch (next) {
      case 'asking':
        stopListening ??= network.listen((news) =>
          batch.run(() => {
            if (news === 'hidden') {
              timers.set('hidden', HIDDEN_MS, () => see('asleep'));
              return see('hidden');
            }
            if (news === 'wake') see('shown');
            signal(news === 'offline' ? 'gone' : 'wake');
            // Whatever the news, what was live may be dead.
            old?.wake();
            dial?.wake();
          }),
        );
        return askForToken();
      case 'dialing':
        return;
      case 'greeting':
        if (!old) tell('greet');
        return;
      case 'live':
        reason = undefined;
        timers.set('stable', STABLE_MS, settled);
        return tell('live');
      case 'waiting':
      case 'offline':
        return wait();
      case 'refused':
        stopHearing();
        link.error = new TrunklineError(lastError?.code ?? 'unavailable', reason ?? '', { retry: false });
        return tell('refused');
      default:
        stopHearing();
        timers.clear('linger');
        reason = undefined;
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

  function see(sight: Sight): void {
    if (sight === 'shown') timers.clear('hidden');
    link.sight = sight;
    tell('sight');
  }

  function stopHearing(): void {
    stopListening?.();
    stopListening = undefined;
    // Who listens again is told.
    see('shown');
    tokens.forget();
  }

  function wait(): void {
    const { afterMs = 0, spreadMs = 0 } = advice ?? {};
    // Who is told when to come back does so; an hour at most, as a server may be wrong.
    const delayMs = advice ? Math.min(afterMs + random() * spreadMs, LONGEST_WAIT_MS) : backoff.nextMs();
    advice = undefined;
    retryAtMs = clock.nowMs() + delayMs;
    timers.set('wait', delayMs, () => signal('due'));
  }

  /** Another socket is wanted, while this one serves (CON-8). */
  function move(from: Dial): void {
    // Servers that drain whoever comes would be dialled in a circle: what is drained young is met like trouble.
    advice = { ...from.drain, afterMs: timers.has('stable') ? backoff.nextMs() : 0 };
    old = from;
    dial = undefined;
    signal('drained');
  }

  // ── the socket ─────────────────────────────────────────────────────────────────────────────────────────────────────

  function askForToken(): void {
    // What needs no waiting does not wait: the socket is dialled in the turn in which it was needed.
    const given = freshToken ?? tokens.fixed;
    freshToken = undefined;
    if (given) return openSocket(given);
    const mine = turn;
    tokens.ask((token) => {
      if (mine !== turn) return;
      if (token) openSocket(token);
      else lose('there is no token');
    });
  }

  function openSocket(token: Token): void {
    if (token.text !== undefined && token.text === refusedToken) return bar(refusal);
    signal('token');
    try {
      const mine = createDial(shared, options, tokens, token, link.limits, {
        opened: () => signal('opened'),
        welcomed: (welcome) => onWelcome(mine, welcome),
        refreshed,
        measured(ms) {
          rttMs = ms;
          store.touch();
        },
        ended: (info, why, mayReturn) => onEnded(mine, info, why, mayReturn),
        left: closed,
      });
      dial = mine;
    } catch (cause) {
      bar(String((cause as Error | null)?.message));
    }
  }

  function onWelcome(from: Dial, welcome: Welcome): void {
    link.limits = from.limits;
    link.knowsLimits = true;
    refreshed(welcome.user);
    signal('welcome');
  }

  function refreshed(user: JsonValue): void {
    link.user = user;
    store.touch();
  }

  function closed(info: CloseInfo): void {
    lastClose = info;
    store.touch();
  }

  function onEnded(ended: Dial, info: CloseInfo, why: string, mayReturn: boolean): void {
    closed(info);
    lastError = ended.lastError;
    advice = ended.goodbye;
    if (info.code === TOO_LARGE && ended === link.dial) {
      // Publish nothing before `welcome` has told what the server takes: it would close again.
      link.limits = { ...DEFAULT_LIMITS, maxEntryBytes: 0 };
      link.knowsLimits = false;
    }
    if (ended !== old) {
      dial = undefined;
      if (old) link.limits = old.limits;
    } else {
      old = undefined;
      if (state !== 'waiting' && state !== 'offline') {
        // Whoever is on the way takes over.
        update();
        return tell('changed');
      }
      // Nobody is: a loss like any other.
      state = 'live';
    }
    if (mayReturn) return lose(why);
    if (info.code !== UNAUTHORIZED || tokens.fixed || askedAgain) return bar(why);
    reason = refusal = why;
    askedAgain = true;
    refusedToken = ended.token.text;
    freshToken = ended.freshToken;
    signal('again');
  }

  function lose(why: string | undefined): void {
    reason = why;
    signal(network.isOnline() ? 'lost' : 'cut');
  }

  /** It must not be tried again; but while another serves, it may be later. */
  function bar(why: string | undefined): void {
    if (old) return lose(why);
    reason = why;
    signal('barred');
  }
}
