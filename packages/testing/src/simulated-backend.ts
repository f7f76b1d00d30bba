// A back end of one's own in the simulated world: it is asked what may be stored and told of what was, over a network that loses answers, and is
// down, slow and broken now and then. Some entries it cannot bear for a while.

import { type BackendRequest, verifyWebhook } from '@trunkline/server/parts';
import type { AppState, Entry } from './app.js';
import type { BackendLedger } from './backend-ledger.js';
import type { Journal } from './journal.js';
import { BEGINNING_MS } from './machine.js';
import type { Random } from './random.js';
import type { Simulator } from './simulator.js';

export const SECRET = 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw';

export interface Answer {
  readonly status: number;
  readonly text: string;
  readonly retryAfterMs: number | undefined;
}

/** What is wrong with it, or with the way to it, for a while. */
export interface BackendWeather {
  isDown: boolean;
  isSlow: boolean;
  losesAnswers: boolean;
}

const KINDS = ['isDown', 'isSlow', 'losesAnswers'] as const;
const NAMES = { isDown: 'back ends down', isSlow: 'slow back ends', losesAnswers: 'back ends whose answers are lost' };
/** Entries that it cannot bear, and how long that lasts. */
const POISON = 0.03;
const POISON_MS = [2_000, 60_000] as const;

export interface BackendParts {
  readonly simulator: Simulator;
  readonly random: Random;
  readonly journal: Journal;
  readonly ledger: BackendLedger;
  readonly rules: AppState;
}

export class SimulatedBackend {
  readonly weather: BackendWeather = { isDown: false, isSlow: false, losesAnswers: false };
  /** Words of publishes that it let pass. */
  readonly accepted = new Set<string>();
  readonly #parts: BackendParts;
  /** By what an entry is sent under: how it is answered, and until when. */
  readonly #poison = new Map<string, { readonly status: number; readonly untilMs: number }>();
  readonly #welcome = new Map<string, boolean>();
  #isWell = false;

  constructor(parts: BackendParts) {
    this.#parts = parts;
  }

  /** Things go wrong until `untilMs`. */
  start(untilMs: number): void {
    const { simulator, random, journal } = this.#parts;
    const again = () => {
      const delayMs = random.skewed(2_000, 20_000);
      if (simulator.nowMs + delayMs >= untilMs) return;
      simulator.after(delayMs, () => {
        const kind = random.pick(KINDS);
        journal.count(NAMES[kind]);
        journal.trace('fault', NAMES[kind]);
        this.weather[kind] = true;
        simulator.after(random.skewed(500, 12_000), () => {
          this.weather[kind] = false;
        });
        again();
      });
    };
    again();
  }

  /** Nothing is wrong with it any more, and it bears everything. */
  heal(): void {
    this.#isWell = true;
    Object.assign(this.weather, { isDown: false, isSlow: false, losesAnswers: false });
  }

  /** How long a request is on its way, or its answer. */
  get delayMs(): number {
    const { random } = this.#parts;
    return this.weather.isSlow ? random.skewed(50, 6_000) : random.between(0.5, 30);
  }

  receive(headers: Readonly<Record<string, string>>, body: string): Answer {
    const { simulator, journal } = this.#parts;
    try {
      const nowMs = BEGINNING_MS + simulator.nowMs;
      const { id, request } = verifyWebhook(headers, body, SECRET, { nowMs });
      return request.type === 'publish.before' ? this.#asked(id, request) : this.#told(id, request);
    } catch (error) {
      // The clocks of both sides are too far apart.
      const { code } = error as { readonly code?: string };
      if (code !== 'webhook_timestamp') journal.broken('Told', `a request is not to be believed: ${String(error)}`);
      journal.count('requests refused for their time');
      return answer(401);
    }
  }

  #asked(id: string, { data }: Extract<BackendRequest, { type: 'publish.before' }>): Answer {
    const { random, rules, journal } = this.#parts;
    const entry = data.entry as unknown as Entry;
    if (this.#isFailing(0.03)) return answer(503, '', random.pick([undefined, 500]));
    // The same publish is judged the same, however often its client sends it.
    const isWelcome = this.#welcome.get(id) ?? (data.edits !== undefined || random.chance(0.97));
    this.#welcome.set(id, isWelcome);
    if (!isWelcome) {
      journal.count('publishes that the back end refused');
      rules.turnedAway.add(entry.id);
      return answer(200, JSON.stringify({ accept: false, code: 'unwelcome' }));
    }
    this.accepted.add(entry.id);
    return answer(200, JSON.stringify({ accept: true }));
  }

  #told(id: string, request: BackendRequest): Answer {
    const { random, ledger, journal, simulator } = this.#parts;
    if (request.type !== 'publish.after') return answer(404);
    if (!this.#poison.has(id)) {
      const untilMs = simulator.nowMs + (random.chance(POISON) ? random.skewed(...POISON_MS) : 0);
      this.#poison.set(id, { status: random.pick([500, 500, 422]), untilMs });
    }
    const { status, untilMs } = this.#poison.get(id) ?? { status: 0, untilMs: 0 };
    if (!this.#isWell && simulator.nowMs < untilMs) {
      journal.count('entries that the back end cannot bear');
      return answer(status);
    }
    if (this.#isFailing(0.03)) return answer(random.pick([500, 429]), '', random.pick([undefined, 1_000]));
    ledger.received(request.data);
    return answer(204);
  }

  #isFailing(probability: number): boolean {
    return !this.#isWell && this.#parts.random.chance(probability);
  }
}

const answer = (status: number, text = '', retryAfterMs?: number): Answer => ({ status, text, retryAfterMs });
