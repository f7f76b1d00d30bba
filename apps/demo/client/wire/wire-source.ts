// What the server saw on a client's connections, in the page: one store a client, fed by Server-Sent Events while somebody looks.
// It pauses in a hidden tab, as browsers allow six such streams to a server, and goes on from where it was.

import { useSyncExternalStore } from 'react';
import { WIRE_FRAMES_MAX } from '../../shared/limits.js';
import type { WireBatch, WireEvent, WireTotals } from '../../shared/wire.js';

/** An event, and the key under which a list shows it. */
export type SeenEvent = WireEvent & { readonly key: string };

export interface WireView {
  /** Oldest first, at most the newest 500. */
  readonly events: readonly SeenEvent[];
  readonly totals: WireTotals;
  /** `waiting`: not reached yet, or lost and tried again. */
  readonly state: 'waiting' | 'watching';
}

const NO_TOTALS: WireTotals = { framesIn: 0, framesOut: 0, bytesIn: 0, bytesOut: 0, dataBytes: 0, handshakeBytes: 0 };
const RETRY_MS = 1000;

class WireSource {
  readonly #id: string;
  readonly #listeners = new Set<() => void>();
  #view: WireView = { events: [], totals: NO_TOTALS, state: 'waiting' };
  #stream: EventSource | undefined;
  #retry: ReturnType<typeof setTimeout> | undefined;
  #position: string | undefined;
  /** Sums of earlier lives of the server, which counts from nothing in each. */
  #before: WireTotals = NO_TOTALS;
  #boot: string | undefined;
  #current: WireTotals = NO_TOTALS;

  constructor(id: string) {
    this.#id = id;
  }

  readonly subscribe = (listener: () => void): (() => void) => {
    if (this.#listeners.size === 0) {
      document.addEventListener('visibilitychange', this.#follow);
      this.#listeners.add(listener);
      this.#follow();
    }
    this.#listeners.add(listener);
    return () => {
      this.#listeners.delete(listener);
      if (this.#listeners.size > 0) return;
      document.removeEventListener('visibilitychange', this.#follow);
      this.#follow();
    };
  };

  readonly snapshot = (): WireView => this.#view;

  /** Forgets what was shown; the sums go on. */
  readonly clear = (): void => this.#set({ events: [] });

  readonly #follow = (): void => {
    const wanted = this.#listeners.size > 0 && !document.hidden;
    if (wanted && this.#stream === undefined) this.#open();
    if (!wanted) this.#close();
  };

  #open(): void {
    clearTimeout(this.#retry);
    const after = this.#position === undefined ? '' : `&after=${encodeURIComponent(this.#position)}`;
    const stream = new EventSource(`/wire?tab=${this.#id}${after}`);
    this.#stream = stream;
    stream.onmessage = (message: MessageEvent<string>) => {
      this.#position = message.lastEventId;
      this.#take(JSON.parse(message.data) as WireBatch);
    };
    stream.onerror = () => {
      this.#set({ state: 'waiting' });
      // The browser tries again by itself, except after an answer that was no stream.
      if (stream.readyState !== EventSource.CLOSED) return;
      this.#close();
      this.#retry = setTimeout(this.#follow, RETRY_MS);
    };
  }

  #close(): void {
    clearTimeout(this.#retry);
    this.#stream?.close();
    this.#stream = undefined;
  }

  #take({ boot, events, totals }: WireBatch): void {
    if (boot !== this.#boot) {
      this.#before = sum(this.#before, this.#current);
      this.#boot = boot;
    }
    this.#current = totals;
    const keyed = events.map((event) => ({ ...event, key: `${boot}:${event.n}` }));
    const kept = events.length === 0 ? this.#view.events : [...this.#view.events, ...keyed].slice(-WIRE_FRAMES_MAX);
    this.#set({ events: kept, totals: sum(this.#before, totals), state: 'watching' });
  }

  #set(changes: Partial<WireView>): void {
    this.#view = { ...this.#view, ...changes };
    for (const listener of this.#listeners) listener();
  }
}

function sum(a: WireTotals, b: WireTotals): WireTotals {
  return {
    framesIn: a.framesIn + b.framesIn,
    framesOut: a.framesOut + b.framesOut,
    bytesIn: a.bytesIn + b.bytesIn,
    bytesOut: a.bytesOut + b.bytesOut,
    dataBytes: a.dataBytes + b.dataBytes,
    handshakeBytes: a.handshakeBytes + b.handshakeBytes,
  };
}

const sources = new Map<string, WireSource>();

export function wireSource(wireId: string): WireSource {
  const source = sources.get(wireId) ?? new WireSource(wireId);
  sources.set(wireId, source);
  return source;
}

const never = (): (() => void) => () => {};

/** The view of a client's wire. While not `enabled` it stays as it is and costs no connection. */
export function useWire(wireId: string, enabled = true): WireView {
  const source = wireSource(wireId);
  return useSyncExternalStore(enabled ? source.subscribe : never, source.snapshot);
}
