// Which client an event belongs to. A page gives each of its clients a random id and names it in the address of its line
// (`/line?tab=…`) and when it looks (`/wire?tab=…`). The id grants nothing else, and cannot be guessed.

import { randomBytes } from 'node:crypto';
import type { WireBatch } from '../../shared/wire.js';
import { PREVIEW_BYTES, type SeenFrame, WireRing } from './ring.js';

/** Clients that are remembered; beyond that the one that was quiet longest is forgotten. */
const TABS_MAX = 200;

const TAB_ID = /^[0-9a-f]{32}(-[a-z]{1,12})?$/;

/** What watches one connection: the shape of the engine's observer. */
export interface Tap {
  readonly previewBytes: number;
  handshake(requestHead: string, responseHead: string): void;
  frame(frame: SeenFrame): void;
  end(code: number, reason: string, wasClean: boolean): void;
}

export class WireTabs {
  /** In order of their last use. */
  readonly #rings = new Map<string, WireRing>();
  readonly #max: number;
  /** Names this life of the server. */
  readonly boot: string = randomBytes(6).toString('base64url');

  constructor(max: number = TABS_MAX) {
    this.#max = max;
  }

  /** A tap for the connection that is opened with this address; `undefined` if it names no tab. */
  tap(url: string): Tap | undefined {
    const id = tabIds(url)[0];
    if (id === undefined) return undefined;
    const ring = this.ring(id);
    let connection = 0;
    return {
      previewBytes: PREVIEW_BYTES,
      handshake: (requestHead, responseHead) => {
        connection = ring.open(requestHead, responseHead, nowMs());
      },
      frame: (frame) => ring.frame(connection, frame, nowMs()),
      end: (code, reason, wasClean) => ring.end(connection, code, reason, wasClean, nowMs()),
    };
  }

  /** The ring of a tab, made if need be. */
  ring(id: string): WireRing {
    const ring = this.#rings.get(id) ?? new WireRing();
    this.#rings.delete(id);
    this.#rings.set(id, ring);
    if (this.#rings.size > this.#max) this.#forget(id);
    return ring;
  }

  /** What there is after event `n` of this life of the server. */
  batch(ring: WireRing, n: number): WireBatch {
    return { boot: this.boot, ...ring.after(n), totals: ring.totals };
  }

  #forget(kept: string): void {
    // One that somebody looks at stays, unless all are looked at.
    const unwatched = [...this.#rings].find(([id, ring]) => id !== kept && ring.listeners === 0);
    const victim = unwatched?.[0] ?? this.#rings.keys().next().value;
    if (victim !== undefined) this.#rings.delete(victim);
  }
}

/** The valid ids that an address names as `tab`. */
export function tabIds(url: string): string[] {
  if (!URL.canParse(url, 'http://localhost')) return [];
  return new URL(url, 'http://localhost').searchParams.getAll('tab').filter(isTabId);
}

export function isTabId(id: string): boolean {
  return TAB_ID.test(id);
}

export function nowMs(): number {
  return Math.round((performance.timeOrigin + performance.now()) * 1000) / 1000;
}
