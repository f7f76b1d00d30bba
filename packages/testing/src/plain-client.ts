// Programs that speak the protocol by hand, as nobody's SDK would: one sends every publish several times, on two connections at
// once; the other one asks for all there is, and does not read.

import { makeToken, ROOMS } from './app.js';
import { ClientSocket } from './client-socket.js';
import type { Host } from './host.js';
import type { Journal } from './journal.js';
import { BEGINNING_MS } from './machine.js';
import { MARKED_ROOMS } from './mark-ledger.js';
import type { Random } from './random.js';
import type { Features } from './setup.js';
import { KEYS } from './tables.js';

const DAY_MS = 86_400_000;

export interface PlainParts {
  readonly host: Host;
  readonly user: string;
  readonly random: Random;
  readonly journal: Journal;
  readonly features: Features;
}

abstract class PlainClient {
  readonly host: Host;
  protected readonly parts: PlainParts;
  protected readonly sockets = new Set<ClientSocket>();
  protected isActive = true;
  protected ids = 0;

  constructor(parts: PlainParts) {
    this.parts = parts;
    this.host = parts.host;
  }

  leave(): void {
    this.isActive = false;
    for (const socket of this.sockets) socket.close(1000, '');
  }

  protected id(): number {
    this.ids += 1;
    return this.ids;
  }

  protected send(socket: ClientSocket, ...messages: readonly object[]): void {
    socket.send(messages.map((message) => JSON.stringify(message)).join('\n'));
  }

  /** Dials until it gets through; `opened` speaks, and when the connection ends it dials again. */
  protected dial(opened: (socket: ClientSocket) => void): void {
    const { host, random, user, journal } = this.parts;
    const again = () => {
      if (this.isActive) host.machine.after(random.between(500, 4_000), () => this.dial(opened));
    };
    host.dial((options) => {
      if (options === null || !this.isActive) {
        again();
        return null;
      }
      const socket: ClientSocket = new ClientSocket(
        options,
        {
          onOpen: () => {
            this.sockets.add(socket);
            const token = makeToken(user, Math.floor(BEGINNING_MS + host.machine.simulator.nowMs + DAY_MS));
            this.send(socket, { type: 'hello', version: 1, token, features: [] });
            journal.trace(host.name, 'is connected');
            opened(socket);
          },
          onMessage() {},
          onClose: () => {
            this.sockets.delete(socket);
            again();
          },
        },
        (_, text) => this.heard(socket, text),
      );
      return socket;
    });
  }

  protected heard(_socket: ClientSocket, text: string): void {
    for (const line of text.split('\n')) {
      const message = JSON.parse(line) as { type: string };
      if (message.type === 'ping') this.send(_socket, { type: 'pong' });
    }
  }
}

/** Sends all that it writes or calls more than once, and never waits for an answer. */
export class Repeater extends PlainClient {
  readonly #sent: object[] = [];
  #seq = 0;

  start(): void {
    const { host, random, features } = this.parts;
    const log = random.pick(['chat/lobby', 'feed/news'] as const);
    const table = features.tables.find(({ write }) => write === 'client')?.stream;
    const producer = random.word();
    const makers = [
      ...(features.hasLogs ? [(seq: number) => this.#publish(log, producer, seq)] : []),
      ...(table === undefined ? [] : [(seq: number) => this.#change(table, producer, seq)]),
      ...(features.hasCalls ? [(seq: number) => this.#call(producer, seq)] : []),
    ];
    if (features.hasMarks) makers.push(() => this.#mark());
    if (features.hasAmendments) makers.push((seq) => this.#amend(producer, seq));
    const stream = features.hasLogs ? log : table;
    for (let connections = 2; connections > 0; connections--) {
      this.dial((socket) => this.send(socket, { type: 'subscribe', id: this.id(), stream, last: 5 }));
    }
    const again = () => {
      host.machine.after(random.skewed(300, 6_000), () => {
        if (!this.isActive) return;
        for (let count = random.whole(1, 4); count > 0; count--) {
          this.#seq += 1;
          this.#sent.push(random.pick(makers)(this.#seq));
        }
        this.#repeat(random);
        again();
      });
    };
    again();
  }

  #publish(stream: string, producer: string, seq: number): object {
    return { type: 'publish', stream, producer, seq, data: { id: `${this.host.name}-${seq}`, pad: '' } };
  }

  #amend(producer: string, seq: number): object {
    const { random } = this.parts;
    const part = random.chance(0.8) ? { edit: { id: `${this.host.name}-${seq}` } } : { delete: true };
    return { type: 'amend', stream: 'chat/lobby', producer, seq, offset: random.whole(1, 30), ...part };
  }

  /** Of what it never saw, and that may not be there. */
  #mark(): object {
    const { random } = this.parts;
    return { type: 'mark', stream: random.pick(MARKED_ROOMS), offset: random.whole(1, 200) };
  }

  #change(stream: string, producer: string, seq: number): object {
    const row = { by: `${this.host.name}-${seq}` };
    const part = this.parts.random.chance(0.5) ? 'set' : 'patch';
    return { type: 'change', stream, producer, seq, [part]: { [this.parts.random.pick(KEYS)]: row } };
  }

  #call(producer: string, seq: number): object {
    const data = { id: `${this.host.name}-call-${seq}`, mood: this.parts.random.next() };
    return { type: 'call', procedure: 'order', producer, seq, data };
  }

  #repeat(random: Random): void {
    for (const socket of this.sockets) {
      const messages = this.#sent.slice(-random.whole(1, 12)).map((message) => ({ ...message, id: this.id() }));
      this.parts.journal.count('publishes sent again', messages.length);
      this.send(socket, ...messages);
    }
  }
}

/** Asks for all there is, again and again, and reads nothing. */
export class Mute extends PlainClient {
  start(): void {
    const { random, journal, features } = this.parts;
    const logs = features.hasLogs ? ROOMS : [];
    this.dial((socket) => {
      journal.count('connections that never read');
      socket.stall(DAY_MS);
      for (const stream of logs) this.send(socket, { type: 'subscribe', id: this.id(), stream, last: 1_000 });
      for (const { stream } of features.tables) this.send(socket, { type: 'subscribe', id: this.id(), stream });
      if (logs.length === 0) return;
      for (let round = random.whole(10, 60); round > 0; round--) {
        this.send(socket, { type: 'read', id: this.id(), stream: random.pick(logs), limit: 1_000 });
      }
    });
  }
}
