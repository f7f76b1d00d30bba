// A client and a fake server on one fake clock.

import {
  type ConnectOptions,
  connect,
  type Line,
  type LineProblem,
  type Network,
  type NetworkSignal,
} from '@trunkline/client';
import type { Contracted } from '@trunkline/protocol';
import { FakeClock } from './fake-clock.js';
import { FakeServer } from './fake-server.js';

export interface Message {
  readonly text: string;
}

/** A contract as a server's `typeof app` carries it. */
export type TestApp = Contracted<{
  readonly channels: {
    readonly chat: {
      readonly kind: 'log';
      readonly params: readonly ['room'];
      readonly input: Message;
      readonly stored: Message & { readonly loud?: boolean };
      readonly refusal: 'rude';
    };
  };
  readonly procedures: {
    readonly order: { readonly input: unknown; readonly output: number; readonly refusal: 'sold_out' };
  };
  readonly publicUser: { readonly id: string };
}>;

export class FakeNetwork implements Network {
  online = true;
  listeners = new Set<(signal: NetworkSignal) => void>();

  isOnline(): boolean {
    return this.online;
  }

  listen(onSignal: (signal: NetworkSignal) => void): () => void {
    this.listeners.add(onSignal);
    return () => this.listeners.delete(onSignal);
  }

  say(signal: NetworkSignal): void {
    if (signal === 'online' || signal === 'offline') this.online = signal === 'online';
    for (const listener of [...this.listeners]) listener(signal);
  }
}

export interface World {
  readonly clock: FakeClock;
  readonly server: FakeServer;
  readonly network: FakeNetwork;
  readonly problems: LineProblem[];
  readonly line: Line<TestApp>;
}

/** @param options of the line; `random` is 0.5 unless given. */
export function makeWorld(options: ConnectOptions = {}): World {
  const clock = new FakeClock();
  const server = new FakeServer(clock);
  const network = new FakeNetwork();
  const problems: LineProblem[] = [];
  const line = connect<TestApp>('ws://test/line', {
    clock,
    network,
    socket: server.open,
    random: () => 0.5,
    onProblem: (problem) => problems.push(problem),
    ...options,
  });
  return { clock, server, network, problems, line };
}

/** Texts of a list of entries or pending entries. */
export const texts = (list: readonly { readonly data: Message }[]): string[] => list.map(({ data }) => data.text);

/** `from` to `to`, as the texts `m1`, `m2` … */
export const numbered = (from: number, to: number): string[] =>
  Array.from({ length: Math.max(0, to - from + 1) }, (_, i) => `m${from + i}`);
