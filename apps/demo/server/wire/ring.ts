// What is remembered of one client: its newest events and the sums over all of them. Bounded in count and in bytes.
// Payloads are kept as they came and turned into text when somebody looks, so that a tap costs a copy and no more.

import { WIRE_FRAMES_MAX } from '../../shared/limits.js';
import {
  frameHeaderBytes,
  type WireBatch,
  type WireEnd,
  type WireEvent,
  type WireExchange,
  type WireFrame,
  type WireOpen,
  type WireStream,
  type WireTotals,
} from '../../shared/wire.js';
import { maskHead, maskText } from './mask.js';
import { StreamNames } from './stream-names.js';

/** A frame as the engine reports it. */
export interface SeenFrame {
  readonly direction: 'in' | 'out';
  readonly opcode: number;
  readonly fin: boolean;
  readonly payloadBytes: number;
  readonly preview: Uint8Array;
  readonly closeCode?: number;
  readonly reason?: string;
}

/** A request and its answer, as the tap reports them. */
export type SeenExchange = Omit<WireExchange, 'kind' | 'n' | 'connection' | 'at'>;

/** How much of a payload is kept, in bytes. */
export const PREVIEW_BYTES = 2048;

const RING_BYTES_MAX = 256 * 1024;
const EVENT_BYTES = 200;
/** Names of streams that are remembered: as many as a connection may have subscriptions. The newest stay. */
const STREAMS_MAX = 256;

type Stored =
  | { readonly event: WireOpen | WireEnd | WireExchange; readonly bytes: number }
  | {
      readonly frame: SeenFrame;
      readonly n: number;
      readonly connection: number;
      readonly at: number;
      readonly bytes: number;
    };

export class WireRing {
  #stored: Stored[] = [];
  #bytes = 0;
  #n = 0;
  #connections = 0;
  #totals: WireTotals = {
    framesIn: 0,
    framesOut: 0,
    requests: 0,
    bytesIn: 0,
    bytesOut: 0,
    dataBytes: 0,
    handshakeBytes: 0,
  };
  readonly #listeners = new Set<() => void>();
  /** By connection, while it is open. */
  readonly #names = new Map<number, StreamNames>();
  /** With the number of the event that told. */
  #streams: { readonly n: number; readonly stream: WireStream }[] = [];

  /** Sums since the ring was made. */
  get totals(): WireTotals {
    return this.#totals;
  }

  /** The number of the newest event; 0 if there is none. */
  get head(): number {
    return this.#n;
  }

  /** Tells of new events, at once and without them, until the result is called. */
  listen(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  get listeners(): number {
    return this.#listeners.size;
  }

  /** A handshake. Returns the connection's number, for `frame` and `end`. */
  open(requestHead: string, responseHead: string, at: number): number {
    this.#connections += 1;
    this.#names.set(this.#connections, new StreamNames());
    const handshakeBytes =
      this.#totals.handshakeBytes + Buffer.byteLength(requestHead) + Buffer.byteLength(responseHead);
    this.#totals = { ...this.#totals, handshakeBytes };
    const heads = { requestHead: maskHead(requestHead), responseHead: maskHead(responseHead) };
    this.#n += 1;
    const event: WireOpen = { kind: 'open', n: this.#n, connection: this.#connections, at, ...heads };
    this.#keep({ event, bytes: EVENT_BYTES + 2 * (heads.requestHead.length + heads.responseHead.length) });
    return this.#connections;
  }

  frame(connection: number, frame: SeenFrame, at: number): void {
    const bytes = frame.payloadBytes + frameHeaderBytes(frame.direction, frame.payloadBytes);
    const data = frame.opcode < 8 ? frame.payloadBytes : 0;
    const sum = this.#totals;
    this.#totals =
      frame.direction === 'in'
        ? { ...sum, framesIn: sum.framesIn + 1, bytesIn: sum.bytesIn + bytes, dataBytes: sum.dataBytes + data }
        : { ...sum, framesOut: sum.framesOut + 1, bytesOut: sum.bytesOut + bytes, dataBytes: sum.dataBytes + data };
    this.#n += 1;
    if (frame.opcode === 1 && frame.fin) {
      this.#names.get(connection)?.hear(frame.direction, frame.preview, (ch, stream) => {
        this.#streams = [...this.#streams, { n: this.#n, stream: { connection, ch, stream } }].slice(-STREAMS_MAX);
      });
    }
    this.#keep({ frame, n: this.#n, connection, at, bytes: EVENT_BYTES + frame.preview.length });
  }

  end(connection: number, code: number, reason: string, wasClean: boolean, at: number): void {
    this.#n += 1;
    this.#names.delete(connection);
    const event: WireEnd = { kind: 'end', n: this.#n, connection, at, code, reason, wasClean };
    this.#keep({ event, bytes: EVENT_BYTES });
  }

  exchange(exchange: SeenExchange, at: number): void {
    const { requests, bytesIn, bytesOut, dataBytes } = this.#totals;
    this.#totals = {
      ...this.#totals,
      requests: requests + 1,
      bytesIn: bytesIn + exchange.requestBytes,
      bytesOut: bytesOut + exchange.responseBytes,
      dataBytes: dataBytes + exchange.requestBodyBytes + exchange.responseBodyBytes,
    };
    this.#n += 1;
    const shown = {
      requestHead: maskHead(exchange.requestHead),
      responseHead: maskHead(exchange.responseHead),
      requestBody: maskText(exchange.requestBody),
      responseBody: maskText(exchange.responseBody),
    };
    const bytes = EVENT_BYTES + 2 * Object.values(shown).reduce((sum, text) => sum + text.length, 0);
    this.#keep({ event: { kind: 'exchange', n: this.#n, connection: 0, at, ...exchange, ...shown }, bytes });
  }

  /** Events after number `n`, oldest first, how many of them are no longer kept, and the names that all of them told. */
  after(n: number): Pick<WireBatch, 'events' | 'missed' | 'streams'> {
    const kept = this.#stored.filter((stored) => numberOf(stored) > n);
    return {
      events: kept.map(toEvent),
      missed: Math.max(0, this.#n - n - kept.length),
      streams: this.#streams.filter((known) => known.n > n).map(({ stream }) => stream),
    };
  }

  #keep(stored: Stored): void {
    this.#stored.push(stored);
    this.#bytes += stored.bytes;
    while (this.#stored.length > WIRE_FRAMES_MAX || this.#bytes > RING_BYTES_MAX) this.#drop();
    for (const listener of this.#listeners) listener();
  }

  /** Lets the oldest go, but not the newest handshake: the diagram begins with it. */
  #drop(): void {
    const index = this.#stored.findIndex(
      (stored) => !('event' in stored && stored.event.kind === 'open' && stored.event.connection === this.#connections),
    );
    const [dropped] = this.#stored.splice(index, 1);
    this.#bytes -= dropped?.bytes ?? 0;
  }
}

function numberOf(stored: Stored): number {
  return 'event' in stored ? stored.event.n : stored.n;
}

function toEvent(stored: Stored): WireEvent {
  if ('event' in stored) return stored.event;
  const { frame, n, connection, at } = stored;
  const shown = previewOf(frame);
  const close = frame.closeCode === undefined ? {} : { closeCode: frame.closeCode, reason: frame.reason ?? '' };
  const event: WireFrame = {
    kind: 'frame',
    n,
    connection,
    at,
    direction: frame.direction,
    opcode: frame.opcode,
    fin: frame.fin,
    payloadBytes: frame.payloadBytes,
    preview: shown,
    cut: frame.preview.length < frame.payloadBytes,
    ...close,
  };
  return event;
}

function previewOf(frame: SeenFrame): string {
  if (frame.opcode === 1 && frame.fin) {
    // `stream` leaves out a character that the preview's end cuts in two.
    return maskText(new TextDecoder().decode(frame.preview, { stream: frame.preview.length < frame.payloadBytes }));
  }
  // A mask cannot be trusted with half a message: a token may begin in one fragment and end in the next.
  if (frame.opcode <= 1) return '';
  if (frame.opcode === 8) return frame.reason ?? '';
  return Buffer.from(frame.preview.subarray(0, 64)).toString('hex').replace(/../g, '$& ').trim();
}
