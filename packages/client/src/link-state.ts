// The states of a connection and what each signal does to them, as one total table.

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
 * without a network; `again`: the same, at once · `barred`: it must not be tried again · `due`: the wait is over · `wake`: the network is
 * back, or the page is shown · `gone`: the network is gone · `retry`, `close`: the application's · `leave`: nobody is interested.
 */
export type LinkSignal =
  | 'need'
  | 'token'
  | 'opened'
  | 'welcome'
  | 'lost'
  | 'cut'
  | 'again'
  | 'barred'
  | 'due'
  | 'wake'
  | 'gone'
  | 'retry'
  | 'leave'
  | 'close';

// `null`: cannot happen here, so it throws. A signal that leads where one is changes nothing.
const SETTLING = {
  lost: 'waiting',
  cut: 'offline',
  again: 'asking',
  barred: 'refused',
  leave: 'idle',
  close: 'closed',
} as const;
const AT_REST = {
  token: null,
  opened: null,
  welcome: null,
  lost: null,
  cut: null,
  again: null,
  barred: null,
  due: null,
} as const;

/** Every state answers every signal; a missing cell does not compile. */
export const NEXT: Readonly<Record<LinkState, Readonly<Record<LinkSignal, LinkState | null>>>> = {
  idle: { ...AT_REST, need: 'asking', wake: 'idle', gone: 'idle', retry: 'idle', leave: 'idle', close: 'closed' },
  asking: {
    ...SETTLING,
    again: null,
    need: 'asking',
    token: 'dialing',
    opened: null,
    welcome: null,
    due: null,
    wake: 'asking',
    gone: 'asking',
    retry: 'asking',
  },
  dialing: {
    ...SETTLING,
    need: 'dialing',
    token: null,
    opened: 'greeting',
    welcome: null,
    due: null,
    wake: 'dialing',
    gone: 'dialing',
    retry: 'dialing',
  },
  greeting: {
    ...SETTLING,
    need: 'greeting',
    token: null,
    opened: null,
    welcome: 'live',
    due: null,
    wake: 'greeting',
    gone: 'greeting',
    retry: 'greeting',
  },
  live: {
    ...SETTLING,
    need: 'live',
    token: null,
    opened: null,
    welcome: null,
    due: null,
    wake: 'live',
    gone: 'live',
    retry: 'live',
  },
  waiting: {
    ...AT_REST,
    need: 'waiting',
    due: 'asking',
    wake: 'asking',
    gone: 'offline',
    retry: 'asking',
    leave: 'idle',
    close: 'closed',
  },
  offline: {
    ...AT_REST,
    need: 'offline',
    due: 'asking',
    wake: 'asking',
    gone: 'offline',
    retry: 'asking',
    leave: 'idle',
    close: 'closed',
  },
  // New interest does not lift a refusal: a list of components that mount would ask once each.
  refused: {
    ...AT_REST,
    need: 'refused',
    wake: 'refused',
    gone: 'refused',
    retry: 'asking',
    leave: 'refused',
    close: 'closed',
  },
  closed: {
    ...AT_REST,
    need: 'asking',
    wake: 'closed',
    gone: 'closed',
    retry: 'asking',
    leave: 'idle',
    close: 'closed',
  },
};

/** The word that the application reads. */
export const WORD: Readonly<Record<LinkState, ConnectionState>> = {
  idle: 'idle',
  asking: 'connecting',
  dialing: 'connecting',
  greeting: 'connecting',
  live: 'live',
  waiting: 'waiting',
  offline: 'offline',
  refused: 'refused',
  closed: 'closed',
};
