// The states of a connection and what each signal does to them, as one total table. While a line moves (CON-8) they are those of the
// next socket, and the one before serves: the application reads `live` all the while.

import type { ConnectionState } from './line.js';

/**
 * `asking` for a token · `dialing` until the socket is open · `greeting` until `welcome` · `waiting` to dial again, and `offline`, the
 * same while the system says that there is no network.
 */
export type LinkState =
  | 'idle'
  | 'asking'
  | 'dialing'
  | 'greeting'
  | 'live'
  | 'waiting'
  | 'offline'
  | 'refused'
  | 'closed';

/**
 * `need`: someone is interested · `token`, `opened`, `welcome`: a step succeeded · `lost`: it ended and may be tried again; `cut`: the same
 * without a network; `again`: the same, at once · `drained`: it serves on, and another is wanted · `barred`: it must not be tried again ·
 * `due`: the wait is over · `wake`: the network is back, or the page is shown · `gone`: the network is gone · `retry`, `close`: the
 * application's · `leave`: nobody is interested.
 */
export type LinkSignal =
  | 'need'
  | 'token'
  | 'opened'
  | 'welcome'
  | 'lost'
  | 'cut'
  | 'again'
  | 'drained'
  | 'barred'
  | 'due'
  | 'wake'
  | 'gone'
  | 'retry'
  | 'leave'
  | 'close';

// `null`: cannot happen here, so it throws. A signal that leads where one is changes nothing.
const NO_STEP = { token: null, opened: null, welcome: null, drained: null, due: null } as const;
/** On the way, or there: it can end in every way. */
const busy = <S extends LinkState>(self: S) =>
  ({
    ...NO_STEP,
    need: self,
    wake: self,
    gone: self,
    retry: self,
    lost: 'waiting',
    cut: 'offline',
    again: 'asking',
    barred: 'refused',
    leave: 'idle',
    close: 'closed',
  }) as const;
/** Without a socket: nothing can end. */
const still = <S extends LinkState>(self: S) =>
  ({
    ...NO_STEP,
    need: self,
    wake: self,
    gone: self,
    retry: 'asking',
    lost: null,
    cut: null,
    again: null,
    barred: null,
    leave: 'idle',
    close: 'closed',
  }) as const;

/** Every state answers every signal; a missing cell does not compile. */
export const NEXT: Readonly<Record<LinkState, Readonly<Record<LinkSignal, LinkState | null>>>> = {
  idle: { ...still('idle'), need: 'asking', retry: 'idle' },
  asking: { ...busy('asking'), token: 'dialing', again: null },
  dialing: { ...busy('dialing'), opened: 'greeting' },
  greeting: { ...busy('greeting'), welcome: 'live' },
  live: { ...busy('live'), drained: 'waiting' },
  waiting: { ...still('waiting'), due: 'asking', wake: 'asking', gone: 'offline' },
  offline: { ...still('offline'), due: 'asking', wake: 'asking' },
  // New interest does not lift a refusal: a list of components that mount would ask once each.
  refused: { ...still('refused'), leave: 'refused' },
  closed: { ...still('closed'), need: 'asking' },
};

/** The word that the application reads. */
export const wordOf = (state: LinkState): ConnectionState =>
  state === 'asking' || state === 'dialing' || state === 'greeting' ? 'connecting' : state;
