// What a broker's tests give to the contract, and the little helpers that its cases share.

import type { StreamName } from '@trunkline/protocol';
import type { Advance, Broker, Entry, NewEntry, Page } from '../broker.js';
import { check } from './assert.js';

/** A fresh broker, and what can be done to it. What a world cannot do is left out, and the cases that need it are skipped by name. */
export interface BrokerWorld {
  readonly broker: Broker;
  /** Closes the broker and opens another one on the same store. */
  reopen?(): Promise<Broker>;
  /** Another node on the same store. */
  other?(): Promise<Broker>;
  /** Moves the broker's clock on. */
  advanceMs?(ms: number): void;
  /** Resolves when everything that retention says was trimmed. Default: it is done with the call that causes it. */
  settle?(): Promise<void>;
  /** Ends everything and removes the store. Called once, after each case. */
  close(): Promise<void>;
}

export interface Case {
  /** What must be true, as a sentence. */
  readonly name: string;
  readonly run: (world: BrokerWorld) => Promise<void>;
}

export const AT = 1_700_000_000_000;
export const ALL = { entries: 100_000 };
export const START = { epoch: null, offset: 0 };
export const DAY_MS = 24 * 3_600_000;

/** Any text as a stream's name: brokers do not parse names. */
export function named(text: string): StreamName {
  return text as StreamName;
}

export const ROOM = named('chat/lobby');

export function entry(data: string, producer?: string, seq?: number): NewEntry {
  const plain = { at: AT, data: JSON.stringify(data), user: '{"id":"ada"}' };
  return producer === undefined || seq === undefined ? plain : { ...plain, source: { producer, seq } };
}

/** `count` entries, `first` being the number of the first: in its data and, with a producer, its seq. */
export function entries(count: number, first = 1, producer?: string): NewEntry[] {
  return Array.from({ length: count }, (_, index) => entry(`entry ${first + index}`, producer, first + index));
}

export function offsetsOf(page: Pick<Page, 'entries'>): number[] {
  return page.entries.map(({ offset }) => offset);
}

export function range(from: number, to: number): number[] {
  return Array.from({ length: Math.max(0, to - from + 1) }, (_, index) => from + index);
}

export async function readAll(broker: Broker, stream: StreamName): Promise<Page> {
  return broker.read(stream, START, ALL);
}

export function need<T>(power: T | undefined, name: string): T {
  check(power !== undefined, `this world cannot ${name}: skip the case, with the reason`);
  return power;
}

/** Collects notifications; `covers` resolves when every offset of `(from, to]` in `epoch` was announced. */
export class Ear {
  readonly heard: Advance[] = [];
  #waiting: (() => void)[] = [];

  readonly onAdvance = (advance: Advance): void => {
    this.heard.push(advance);
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const wake of waiting) wake();
  };

  async covers(epoch: string, from: number, to: number): Promise<void> {
    while (!this.#covered(epoch, from, to)) await new Promise<void>((wake) => this.#waiting.push(wake));
  }

  /** The entries that were carried along, each once, in offset order. */
  carried(epoch: string): Entry[] {
    const byOffset = new Map<number, Entry>();
    for (const advance of this.heard) {
      if (advance.epoch === epoch) for (const one of advance.entries ?? []) byOffset.set(one.offset, one);
    }
    return [...byOffset.values()].sort((a, b) => a.offset - b.offset);
  }

  /** One may be missing when a later one arrives, so a range counts as announced when its end, or a later one, was. */
  #covered(epoch: string, from: number, to: number): boolean {
    return from >= to || this.heard.some((advance) => advance.epoch === epoch && advance.to >= to);
  }
}
