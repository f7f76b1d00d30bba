// What the server saw on a client's connections, in the page: one store a client, fed by Server-Sent Events while somebody looks.
// It pauses in a hidden tab, as browsers allow six such streams to a server, and goes on from where it was.

import { useSyncExternalStore } from 'react';
import { WIRE_FRAMES_MAX } from '../../shared/limits.js';
import type { WireBatch, WireEvent, WireTotals } from '../../shared/wire.js';
import { Conversation } from './describe.js';
import { continues, type SeenEvent, type SeenFrame } from './steps.js';

export interface WireView {
  /** Oldest first, at most the newest 500. */
  readonly events: readonly SeenEvent[];
  readonly totals: WireTotals;
  /** `waiting`: not reached yet, or lost and tried again. */
  readonly state: 'waiting' | 'watching';
}

const NO_TOTALS: WireTotals = {
  framesIn: 0,
  framesOut: 0,
  requests: 0,
  bytesIn: 0,
  bytesOut: 0,
  dataBytes: 0,
  handshakeBytes: 0,
};
const RETRY_MS = 1000;
/** Between two draws: 30 a second at most, however events arrive. */
const DRAW_MS = 34;
/** Connections whose words are remembered: one that is open, one that it moves to, and some that have ended. */
const CONVERSATIONS_MAX = 8;

class WireSource {
  readonly #id: string;
  readonly #listeners = new Set<() => void>();
  #view: WireView = { events: [], totals: NO_TOTALS, state: 'waiting' };
  /** What is shown with the next draw. */
  #next: WireView = this.#view;
  #stream: EventSource | undefined;
  #retry: ReturnType<typeof setTimeout> | undefined;
  #position: string | undefined;
  /** Sums of earlier lives of the server, which counts from nothing in each. */
  #before: WireTotals = NO_TOTALS;
  #boot: string | undefined;
  #current: WireTotals = NO_TOTALS;
  #conversations = new Map<number, Conversation>();
  #last: SeenFrame | undefined;
  #runs = 0;
  /** The next draw, while one is due. */
  #draw: ReturnType<typeof setTimeout> | undefined;
  #drawnAt = Number.NEGATIVE_INFINITY;

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

  #take({ boot, events, totals, streams }: WireBatch): void {
    if (boot !== this.#boot) {
      this.#before = sum(this.#before, this.#current);
      this.#boot = boot;
      this.#conversations.clear();
    }
    this.#current = totals;
    for (const { connection, ch, stream } of streams) this.#conversation(connection).name(ch, stream);
    const seen = events.map((event) => this.#see(event, `${boot}:${event.n}`));
    const kept = events.length === 0 ? this.#next.events : [...this.#next.events, ...seen].slice(-WIRE_FRAMES_MAX);
    this.#set({ events: kept, totals: sum(this.#before, totals), state: 'watching' });
  }

  #see(event: WireEvent, key: string): SeenEvent {
    if (event.kind !== 'frame') {
      this.#last = undefined;
      return { ...event, key };
    }
    const heard = { ...event, key, said: this.#conversation(event.connection).hear(event) };
    const isSame = continues(this.#last, heard);
    if (!isSame) this.#runs += 1;
    const frame = { ...heard, run: this.#runs };
    // What comes in between does not end the run, nor begin one.
    if (!isSame || this.#last?.said.label === frame.said.label) this.#last = frame;
    return frame;
  }

  #conversation(connection: number): Conversation {
    const conversation = this.#conversations.get(connection) ?? new Conversation();
    this.#conversations.set(connection, conversation);
    const [oldest] = this.#conversations.keys();
    if (this.#conversations.size > CONVERSATIONS_MAX && oldest !== undefined) this.#conversations.delete(oldest);
    return conversation;
  }

  #set(changes: Partial<WireView>): void {
    this.#next = { ...this.#next, ...changes };
    if (this.#draw !== undefined) return;
    const waitMs = this.#drawnAt + DRAW_MS - performance.now();
    if (waitMs <= 0) this.#show();
    else this.#draw = setTimeout(this.#show, waitMs);
  }

  readonly #show = (): void => {
    this.#draw = undefined;
    this.#drawnAt = performance.now();
    this.#view = this.#next;
    for (const listener of this.#listeners) listener();
  };
}

function sum(a: WireTotals, b: WireTotals): WireTotals {
  return {
    framesIn: a.framesIn + b.framesIn,
    framesOut: a.framesOut + b.framesOut,
    requests: a.requests + b.requests,
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
