// A client's computer and its link to the server: dialling, and what happens to the connections that come of it.

import type { Network, NetworkSignal } from '@trunkline/client';
import type { ClientSocket } from './client-socket.js';
import type { FrameEndOptions, Writes } from './frame-end.js';
import type { Journal } from './journal.js';
import { Machine } from './machine.js';
import type { Conditions } from './pipe.js';
import type { Random } from './random.js';
import type { ServerNode } from './server-node.js';
import type { Simulator } from './simulator.js';
import { Wire } from './wire.js';

type DialOptions = Omit<FrameEndOptions, 'side' | 'maxMessageBytes' | 'maxBufferedBytes'>;

export interface HostParts {
  readonly simulator: Simulator;
  readonly random: Random;
  readonly journal: Journal;
  readonly writes: Writes;
  /** The server that listens now, if one does. */
  readonly server: () => ServerNode | undefined;
}

export class Host {
  readonly machine: Machine;
  readonly conditions: Conditions;
  /** The connections that are not over on both sides. */
  readonly wires = new Set<Wire>();
  readonly network: Network;
  /** Every dial fails at once. */
  isUnreachable = false;
  /** The conditions when nothing is wrong. */
  readonly usual: Conditions;
  #isOnline = true;
  readonly #listeners = new Set<(signal: NetworkSignal) => void>();

  constructor(
    readonly name: string,
    private readonly parts: HostParts,
  ) {
    const { simulator, random } = parts;
    this.machine = new Machine(simulator, name);
    this.conditions = {
      latencyMs: random.skewed(0.5, 120),
      jitterMs: random.skewed(0.1, 60),
      bytesPerMs: random.skewed(40, 50_000),
      kernelBytes: Math.round(random.skewed(8_192, 262_144)),
      frozenUntilMs: 0,
      splitRatio: random.chance(0.5) ? 0 : 0.15,
    };
    this.usual = { ...this.conditions };
    this.network = {
      isOnline: () => this.#isOnline,
      listen: (onSignal) => {
        this.#listeners.add(onSignal);
        return () => this.#listeners.delete(onSignal);
      },
    };
  }

  /** The link is as it usually is. */
  calm(): void {
    this.isUnreachable = false;
    Object.assign(this.conditions, this.usual);
    if (!this.#isOnline) this.signal('online');
  }

  /** What the system believes of the network, and tells. */
  signal(signal: NetworkSignal): void {
    if (signal === 'online' || signal === 'offline') this.#isOnline = signal === 'online';
    this.machine.run(() => {
      for (const listener of [...this.#listeners]) listener(signal);
    });
  }

  /** Opens a connection. `answered` gets its parts, or `null` if there is nobody; it gives the socket that it made of them. */
  dial(answered: (options: DialOptions | null) => ClientSocket | null): void {
    const { simulator, random, server, journal, writes } = this.parts;
    const { machine, conditions } = this;
    const delayMs = Math.max(conditions.latencyMs, conditions.frozenUntilMs - simulator.nowMs);
    simulator.after(delayMs, () => {
      const node = this.isUnreachable ? undefined : server();
      if (node === undefined) {
        simulator.after(conditions.latencyMs, () => machine.run(() => void answered(null)));
        return;
      }
      const wire = new Wire(simulator, random.branch(`wire ${simulator.events}`), conditions, {
        client: machine,
        server: node.machine,
      });
      this.wires.add(wire);
      journal.count('connections');
      const shared = { wire, simulator, writes, nextMask: () => Math.floor(random.next() * 2 ** 32) };
      node.machine.run(() => node.accept({ ...shared, machine: node.machine }, this.name));
      simulator.after(conditions.latencyMs, () =>
        machine.run(() => {
          if (wire.isGone('client')) {
            answered(null);
            return;
          }
          const socket = answered({ ...shared, machine });
          if (socket === null) wire.abort('client');
          else socket.opened();
        }),
      );
    });
  }

  forgetWires(): void {
    for (const wire of this.wires) if (wire.isOver) this.wires.delete(wire);
  }
}
