// Messages that are answered and not loaded: each is read by its offset, once, while a line that quotes it can be seen. A few at a time,
// and who scrolls past asks for nothing: what is out of sight again before its turn is not read.

import { useCallback, useSyncExternalStore } from 'react';
import { type ChatEntry, useRoom } from './room.js';

/** A message as it was read; `gone`: it is not kept any more. */
export type Read = ChatEntry | 'gone';
/** Of a room's log. Rejects if it cannot be read now. */
export type ReadMessage = (offset: number) => Promise<ChatEntry | undefined>;

const AT_ONCE = 4;
/** Messages that are remembered; of more, those read longest ago go. */
const KEPT = 200;
/** What was read longer ago is read again when it comes into view, in milliseconds: it may have been changed or deleted. */
const FRESH_MS = 60_000;

export class Quoted {
  readonly #read = new Map<number, { readonly message: Read; readonly atMs: number }>();
  /** How many lines in view quote it. */
  readonly #shown = new Map<number, number>();
  /** Those of them whose turn is to come. */
  readonly #waiting = new Set<number>();
  readonly #reading = new Set<number>();
  readonly #listeners = new Set<() => void>();

  constructor(private readonly read: ReadMessage) {}

  readonly subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  };

  /** `undefined`: it is not known yet. */
  of(offset: number): Read | undefined {
    return this.#read.get(offset)?.message;
  }

  /** A line that quotes it is in view until the function that is returned is called. */
  show(offset: number): () => void {
    this.#shown.set(offset, (this.#shown.get(offset) ?? 0) + 1);
    const isFresh = performance.now() - (this.#read.get(offset)?.atMs ?? Number.NEGATIVE_INFINITY) < FRESH_MS;
    if (!isFresh && !this.#reading.has(offset)) this.#waiting.add(offset);
    this.#next();
    return () => {
      const left = (this.#shown.get(offset) ?? 1) - 1;
      if (left > 0) return void this.#shown.set(offset, left);
      this.#shown.delete(offset);
      this.#waiting.delete(offset);
    };
  }

  #next(): void {
    for (const offset of this.#waiting) {
      if (this.#reading.size >= AT_ONCE) return;
      this.#waiting.delete(offset);
      this.#reading.add(offset);
      // One that cannot be read now is asked for again when it comes into view again.
      this.read(offset)
        .then((message) => this.#learn(offset, message ?? 'gone'))
        .catch(() => undefined)
        .finally(() => {
          this.#reading.delete(offset);
          this.#next();
        });
    }
  }

  #learn(offset: number, message: Read): void {
    this.#read.delete(offset);
    this.#read.set(offset, { message, atMs: performance.now() });
    for (const oldest of this.#read.keys()) {
      if (this.#read.size <= KEPT) break;
      this.#read.delete(oldest);
    }
    for (const listener of this.#listeners) listener();
  }
}

/**
 * The message at that offset, read if need be.
 * @param isWanted it is not loaded, and may be kept
 * @returns with a `ref` for the line that quotes it
 */
export function useQuoted(offset: number, isWanted: boolean) {
  const { quoted } = useRoom();
  const message = useSyncExternalStore(quoted.subscribe, () => (isWanted ? quoted.of(offset) : undefined));
  const ref = useCallback(
    (line: HTMLElement | null) => {
      if (line === null || !isWanted) return;
      let hide: (() => void) | undefined;
      const observer = new IntersectionObserver((changes) => {
        hide?.();
        hide = changes.at(-1)?.isIntersecting === true ? quoted.show(offset) : undefined;
      });
      observer.observe(line);
      return () => {
        observer.disconnect();
        hide?.();
      };
    },
    [quoted, offset, isWanted],
  );
  return { message, ref };
}
