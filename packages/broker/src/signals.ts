// The power to hand texts to whoever listens now, and to keep nothing. Optional: where a broker lacks it, signals reach the
// clients of their own node.

import type { StreamName } from '@trunkline/protocol';
import type { Broker } from './broker.js';
import { BrokerUnavailableError } from './errors.js';

/** The power to hand texts to whoever listens now, and to keep nothing. */
export interface Signals {
  /**
   * Hands the text to everyone who watches the stream's signals now, on any node, soon and never before this returns. In order for who
   * sends on one node. May be lost: nothing is kept, nothing is repeated, and nobody is told. Never throws; after `close()` nothing happens.
   */
  signal(stream: StreamName, text: string): void;
  /**
   * Calls `onSignal` for every signal that is sent after the promise resolved, until the function that it gives was called.
   * @throws BrokerUnavailableError
   */
  watchSignals(stream: StreamName, onSignal: (text: string) => void): Promise<() => void>;
}

/** Whether the broker has this power. */
export function hasSignals(broker: Broker): broker is Broker & Signals {
  const { signal, watchSignals } = broker as Partial<Signals>;
  return typeof signal === 'function' && typeof watchSignals === 'function';
}

/** Signals within one process: what a broker has that is in one. */
export class SignalBoard implements Signals {
  readonly #byStream = new Map<StreamName, Set<(text: string) => void>>();
  #queue: { readonly stream: StreamName; readonly text: string }[] = [];
  #isClosed = false;

  readonly signal: Signals['signal'] = (stream, text) => {
    if (this.#isClosed || !this.#byStream.has(stream)) return;
    this.#queue.push({ stream, text });
    if (this.#queue.length === 1) void Promise.resolve().then(() => this.#deliver());
  };

  readonly watchSignals: Signals['watchSignals'] = async (stream, onSignal) => {
    if (this.#isClosed) throw new BrokerUnavailableError('the broker was closed');
    // Another function for each watch: the same one may be given twice.
    const listener = (text: string) => onSignal(text);
    const listeners = this.#byStream.get(stream) ?? new Set();
    this.#byStream.set(stream, listeners.add(listener));
    return () => {
      listeners.delete(listener);
      if (listeners.size === 0 && this.#byStream.get(stream) === listeners) this.#byStream.delete(stream);
    };
  };

  /** The broker was closed. */
  endSignals(): void {
    this.#isClosed = true;
    this.#byStream.clear();
  }

  #deliver(): void {
    const queue = this.#queue;
    this.#queue = [];
    for (const { stream, text } of queue) for (const listener of this.#byStream.get(stream) ?? []) listener(text);
  }
}
