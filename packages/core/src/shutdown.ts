// How an engine ends under its clients. First they may move: `drain` asks those that know the word to open a connection
// elsewhere, and everything goes on as before. Then `goodbye` tells who is left when to come back. Both spread the clients
// over a span of time: thousands that come back in one instant would be refused, and come back in one instant again.

import type { Clock } from './ports.js';
import type { Session } from './session.js';

/** One second for 5,000 connections: each asks for a handshake, the app's `authenticate` and a resume of its streams. */
const SPREAD_MS_PER_CONNECTION = 0.2;
/** A few clients are no flood; so short a span costs nobody anything. */
const SPREAD_MS_LEAST = 500;

/** Over how many milliseconds so many clients come back unless told otherwise. */
export function defaultSpreadMs(connections: number): number {
  return Math.max(SPREAD_MS_LEAST, Math.ceil(connections * SPREAD_MS_PER_CONNECTION));
}

/** How the core leaves its clients. */
export interface StopOptions {
  /** Clients come back at a random moment within this many milliseconds. Default: 1 s per 5,000 sessions, at least 500 ms. */
  readonly spreadMs?: number | undefined;
  /** How long requests in work may take to be answered before their connection is closed, in milliseconds. Default 0: they are not waited for. */
  readonly finishMs?: number;
}

export class Shutdown<Request> {
  #phase: 'serving' | 'draining' | 'stopping' = 'serving';
  /** When the drain is over, by the clock. */
  #untilMs = 0;
  #spreadMs = 0;
  #reason = '';
  readonly #waits = new Set<() => void>();

  constructor(
    private readonly sessions: ReadonlySet<Session<Request>>,
    private readonly clock: Clock,
  ) {}

  /** In words, for the peers. */
  get reason(): string {
    return this.#reason;
  }

  /** See `Engine.drain`. */
  drain(withinMs: number, spreadMs = defaultSpreadMs(this.sessions.size)): Promise<void> {
    if (this.#phase === 'stopping') return Promise.resolve();
    this.#phase = 'draining';
    this.#untilMs = this.clock.nowMs() + withinMs;
    this.#spreadMs = spreadMs;
    for (const session of this.sessions) this.#askToMove(session);
    return this.#untilEmpty(withinMs);
  }

  /** See `Engine.stop`. */
  async stop(reason: string, { spreadMs, finishMs = 0 }: StopOptions): Promise<void> {
    if (this.#phase === 'stopping') return;
    this.#phase = 'stopping';
    this.#reason = reason;
    this.#spreadMs = spreadMs ?? defaultSpreadMs(this.sessions.size);
    // Whoever waits for the drain waits no longer.
    this.#release();
    for (const session of this.sessions) session.goodbye(reason, this.#spreadMs);
    if (finishMs > 0) await this.#untilEmpty(finishMs);
    for (const session of this.sessions) session.leave();
  }

  /** A session began: whoever slips in while the door is closing is told like the others. */
  joined(session: Session<Request>): void {
    if (this.#phase === 'stopping') session.goodbye(this.#reason, this.#spreadMs);
  }

  /** A session said hello, and it is known now which words it understands. */
  welcomed(session: Session<Request>): void {
    if (this.#phase === 'draining') this.#askToMove(session);
  }

  /** A session ended. */
  left(): void {
    if (this.sessions.size === 0) this.#release();
  }

  #askToMove(session: Session<Request>): void {
    const withinMs = Math.max(0, this.#untilMs - this.clock.nowMs());
    session.askToMove({ type: 'drain', withinMs, spreadMs: Math.min(this.#spreadMs, withinMs) });
  }

  /** Resolves when no session is left, at the latest after `mostMs`. */
  #untilEmpty(mostMs: number): Promise<void> {
    if (this.sessions.size === 0) return Promise.resolve();
    return new Promise((resolve) => {
      const end = () => {
        cancel();
        this.#waits.delete(end);
        resolve();
      };
      const cancel = this.clock.after(mostMs, end);
      this.#waits.add(end);
    });
  }

  #release(): void {
    for (const end of this.#waits) end();
  }
}
