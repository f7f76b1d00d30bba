// Signals in a component: who is typing, and telling that one is typing oneself.

import type { SignalFrom, SignalOptions, SignalTypes, WithSignals } from '@trunkline/client';
import { useCallback, useInsertionEffect, useMemo, useRef, useSyncExternalStore } from 'react';

/** Others' signals of one name, and how to send one's own. */
export interface SignalView<User, Input, Output> {
  /** The newest of each user, but for this client's own; who signalled last is last. */
  readonly signals: readonly SignalFrom<User, Output>[];
  /** `handle.signal` of that name. The same function for the same handle and name. */
  readonly send: (data: Input, options?: { readonly everyMs?: number | undefined }) => void;
}

/**
 * `const { signals, send } = useSignal(line.channel.chat('lobby'), 'typing', { filter: ({ on }) => on })`. A signal is shown until `expireMs` (5,000 ms)
 * after it came. `filter` may be written inline: the one that was given last counts for what comes.
 */
export function useSignal<User, Signals extends SignalTypes, Name extends keyof Signals & string>(
  handle: WithSignals<User, Signals>,
  name: Name,
  { expireMs, filter }: SignalOptions<Signals[Name]['output']> = {},
): SignalView<User, Signals[Name]['input'], Signals[Name]['output']> {
  const latest = useRef(filter);
  useInsertionEffect(() => {
    latest.current = filter;
  });
  const store = useMemo(
    () => handle.signals(name, { expireMs, filter: (data) => latest.current?.(data) ?? true }),
    [handle, name, expireMs],
  );
  const signals = useSyncExternalStore(store.subscribe, store.snapshot, store.serverSnapshot);
  const send = useCallback<SignalView<User, Signals[Name]['input'], Signals[Name]['output']>['send']>(
    (data, options) => handle.signal(name, data, options),
    [handle, name],
  );
  return useMemo(() => ({ signals, send }), [signals, send]);
}
