// A server's end of the way to its back end: the product's own outbox reader and rules on the server's clock, with requests that travel through
// the simulated network. What it has the store do is told to the ledger. Its lanes have a time-out; the library's breakers and limits, which
// go by the process's clock, are not in this world.

import type { Broker, DeadLetter, Outbox } from '@trunkline/broker';
import { forwards } from '@trunkline/broker/contract';
import type { ChannelRuntime, Log } from '@trunkline/core';
import {
  asking,
  Backend,
  BackendCalls,
  BackendDownError,
  type BackendRequest,
  type FilledBackend,
  fillInBackend,
  type MakeLane,
  type Posted,
  type Poster,
  signed,
} from '@trunkline/server/parts';
import { ROOMS } from './app.js';
import { type After, type BackendLedger, newLife, type TellingLife } from './backend-ledger.js';
import type { Journal } from './journal.js';
import type { Machine } from './machine.js';
import type { Random } from './random.js';
import { SECRET, type SimulatedBackend } from './simulated-backend.js';

/** How a world's servers ask and tell their back end. */
export interface BackendSetup {
  readonly timeoutMs: number;
  readonly maxAttempts: number;
  readonly maxDeadLetters: number;
  readonly maxDeliveries: number;
  readonly retryMsMax: number;
  readonly whenDown: 'refuse' | 'accept';
}

export function backendSetup(random: Random): BackendSetup {
  return {
    timeoutMs: random.pick([1_000, 3_000]),
    maxAttempts: random.pick([2, 4]),
    maxDeadLetters: random.pick([1, 100, 100]),
    maxDeliveries: random.pick([1, 16]),
    retryMsMax: random.pick([1_000, 5_000]),
    whenDown: random.pick(['refuse', 'accept'] as const),
  };
}

/** Channels that tell the back end, and the one that asks it first. */
const TOLD: ReadonlyMap<string, readonly ('publish.before' | 'publish.after')[]> = new Map([
  ['chat', ['publish.before', 'publish.after']],
  ['feed', ['publish.after']],
]);
export const isTold = (stream: string): boolean =>
  TOLD.has(stream.split('/')[0] ?? '') && (ROOMS as readonly string[]).includes(stream);
const PARAMS = { params: ['room'] } as const;
/** When it is not reached, as whoever waits for a connection finds after a while. */
const UNREACHED_MS = [1, 200] as const;

export interface BackendLinkParts {
  readonly machine: Machine;
  readonly random: Random;
  readonly journal: Journal;
  readonly log: Log;
  readonly ledger: BackendLedger;
  readonly backend: SimulatedBackend;
  readonly setup: BackendSetup;
}

export class BackendLink {
  readonly backend: Backend;
  readonly #parts: BackendLinkParts;
  readonly #options: FilledBackend;
  readonly #life: TellingLife = newLife();
  readonly #broker: Broker & Outbox;

  constructor(parts: BackendLinkParts, broker: Broker & Outbox) {
    this.#parts = parts;
    const { setup, log, machine, random } = parts;
    this.#options = fillInBackend({ url: 'http://back.end/', secret: SECRET, retryMs: 200, ...setup });
    this.#broker = broker;
    this.backend = new Backend({
      options: this.#options,
      broker: this.#watched(broker),
      log,
      clock: machine,
      random: random.next,
      told: new Map([...TOLD.keys()].map((channel) => [channel, PARAMS])),
      calls: new BackendCalls(this.#poster(), this.#lane),
    });
  }

  /** A channel's runtime, which asks and tells the back end if it is one that does. */
  attach([key, runtime]: readonly [string, ChannelRuntime]): [string, ChannelRuntime] {
    const wanted = TOLD.get(key);
    if (wanted === undefined) return [key, runtime];
    const userOf = (user: unknown) => ({ id: String(user), public: { id: String(user) } });
    return [key, asking(key, runtime, new Set(wanted), this.backend.rules, userOf)];
  }

  start(): void {
    const { machine, ledger, journal } = this.#parts;
    this.#broker.deadLetters(0, 1_000).then(
      (letters) => {
        ledger.found(letters);
        journal.trace(machine.name, () => `finds ${letters.length} dead letters`);
        void this.backend.start().catch(() => machine.run(() => this.start()));
      },
      (error) => {
        journal.trace(machine.name, () => `dead letters: ${String(error)}`);
        machine.after(200, () => this.start());
      },
    );
  }

  /** An operator looks at all that is dead. */
  look(): void {
    this.#parts.machine.run(() => {
      void this.#broker.deadLetters(0, 1_000).then((letters) => this.#parts.ledger.found(letters));
    });
  }

  /** An operator has what is dead sent again. */
  replay(): void {
    this.#parts.machine.run(() => {
      this.backend.replayAll().then(
        ({ delivered }) => this.#parts.journal.count('dead letters that went after all', delivered),
        () => {},
      );
    });
  }

  // ── the network ────────────────────────────────────────────────────────────────────────────────────────────────────

  #poster(): Poster {
    return {
      post: (id, body, signal) => {
        const { machine } = this.#parts;
        const headers = signed(this.#options.keys, id, Math.floor(machine.nowMs() / 1_000), body);
        const { type, data } = JSON.parse(body) as BackendRequest;
        if (type !== 'publish.after') return this.#send(headers, body, signal);
        return this.#tell(id, data as After, signal, () => this.#send(headers, body, signal));
      },
      close: () => {},
    };
  }

  async #tell(id: string, told: After, signal: AbortSignal, send: () => Promise<Posted>): Promise<Posted> {
    const { ledger, journal, machine } = this.#parts;
    const life = this.#life;
    ledger.sent(life, id, told);
    journal.trace(machine.name, () => `tells of ${told.stream} ${told.offset}`);
    try {
      const posted = await send();
      journal.trace(machine.name, () => `is answered ${posted.status} for ${told.stream} ${told.offset}`);
      ledger.answered(life, told, posted.status);
      return posted;
    } catch (error) {
      ledger.answered(life, told, signal.aborted && signal.reason !== 'stopping' ? undefined : null);
      throw error;
    }
  }

  #send(headers: Readonly<Record<string, string>>, body: string, signal: AbortSignal): Promise<Posted> {
    const { machine, backend, random, journal } = this.#parts;
    const { simulator } = machine;
    return new Promise((resolve, reject) => {
      const fail = (delayMs: number, words: string): void => {
        machine.after(delayMs, () => reject(new Error(words)));
      };
      signal.addEventListener('abort', () => reject(new Error('aborted')));
      if (backend.weather.isDown) return fail(random.between(...UNREACHED_MS), 'connect ECONNREFUSED');
      simulator.after(backend.delayMs, () => {
        if (backend.weather.isDown) return fail(0, 'socket hang up');
        const answer = backend.receive(headers, body);
        if (backend.weather.losesAnswers && random.chance(0.5)) {
          journal.count('answers of the back end lost');
          if (random.chance(0.5)) fail(random.between(0, 100), 'socket hang up');
          return;
        }
        const delayMs = backend.delayMs;
        simulator.after(delayMs, () => machine.run(() => resolve(answer)));
      });
    });
  }

  /** A time-out by the server's clock. */
  readonly #lane: MakeLane = () => ({
    state: 'closed',
    run: (post, end) => {
      const { machine, setup } = this.#parts;
      const control = new AbortController();
      return new Promise((resolve, reject) => {
        const cut = (error: BackendDownError, reason: string) => {
          reject(error);
          control.abort(reason);
        };
        const late = () =>
          cut(new BackendDownError(`it did not answer within ${setup.timeoutMs} ms`, 1_000, true), 'late');
        const stop = () => cut(new BackendDownError('the server is stopping', 1_000, false), 'stopping');
        const cancel = machine.after(setup.timeoutMs, late);
        end.addEventListener('abort', stop);
        post(control.signal)
          .then(resolve, reject)
          .finally(() => {
            cancel();
            end.removeEventListener('abort', stop);
          });
      });
    },
  });

  // ── the store ──────────────────────────────────────────────────────────────────────────────────────────────────────

  #watched(broker: Broker & Outbox): Broker & Outbox {
    const { ledger, journal, machine } = this.#parts;
    const life = this.#life;
    const letters = new Map<number, DeadLetter>();
    const watched: Pick<Outbox, 'settle' | 'bury' | 'deadLetters' | 'forgetDeadLetter'> = {
      settle: async (stream, upTo) => {
        ledger.settling(stream, upTo);
        try {
          await broker.settle(stream, upTo);
        } catch (error) {
          ledger.unsettled(life, stream);
          throw error;
        }
        ledger.settled(stream, upTo);
      },
      bury: async (stream, position, death) => {
        ledger.burying(life, stream, position);
        try {
          await broker.bury(stream, position, death);
        } catch (error) {
          ledger.buried(stream, position, false);
          ledger.unsettled(life, stream);
          throw error;
        }
        ledger.buried(stream, position, true);
        journal.trace(machine.name, () => `has a dead letter of ${stream} ${position.offset}`);
      },
      deadLetters: async (after, limit) => {
        const found = await broker.deadLetters(after, limit);
        for (const letter of found) letters.set(letter.id, letter);
        return found;
      },
      forgetDeadLetter: async (id) => {
        ledger.forgot(letters.get(id));
        const wasThere = await broker.forgetDeadLetter(id).catch((error) => {
          ledger.forgot(letters.get(id), false);
          throw error;
        });
        ledger.forgot(letters.get(id), true);
        journal.trace(machine.name, () => `forgets the dead letter ${id}: ${wasThere}`);
        return wasThere;
      },
    };
    return { ...forwards(broker), ...watched } as Broker & Outbox;
  }
}
