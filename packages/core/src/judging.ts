// One subscription whose user's rights are judged again (SUB-9). It is held meanwhile: its cursor stays where it is and nothing
// of the stream is put on the connection. Then it goes on from there with nothing lost, or it ends.

import { TrunklineError } from '@trunkline/protocol';
import { mayUse } from './access.js';
import type { StreamTarget } from './app.js';
import type { Cursor } from './cursor.js';
import type { Session } from './session.js';

/** What there is to tell before the rule has answered. */
type Stop = 'late' | 'closed';

export class Judging<Request> {
  /** Whether the subscription ended by it. Never rejects. */
  readonly ended: Promise<boolean>;
  readonly #sinceMs: number;
  readonly #stopped: Promise<Stop>;
  #stop: (why: Stop) => void = () => {};

  /**
   * Begins at once.
   * @param settle Told the verdict in the turn in which it takes effect: why the subscription ends, or `null` if it goes on.
   */
  constructor(
    private readonly session: Session<Request>,
    private readonly target: StreamTarget,
    private readonly subscription: Cursor,
    private readonly settle: (refusal: TrunklineError | null) => void,
  ) {
    this.#sinceMs = session.engine.clock.nowMs();
    this.#stopped = new Promise((resolve) => {
      this.#stop = resolve;
    });
    subscription.hold();
    this.ended = this.#run();
  }

  /** The subscription was closed: nobody needs the verdict any more. */
  cancel(): void {
    this.#stop('closed');
  }

  /** Called about once a second: a rule that does not answer must not hold a subscription for ever. */
  sweep(nowMs: number): void {
    if (nowMs - this.#sinceMs > this.session.engine.stallTimeoutMs) this.#stop('late');
  }

  async #run(): Promise<boolean> {
    const { session, subscription } = this;
    for (;;) {
      const { rights } = session;
      const answer = await Promise.race([this.#ask(), this.#stopped]);
      if (subscription.closed) return false;
      // Refreshed or revoked while the rule was asked: it may have looked at the rights of before.
      if (answer !== 'late' && session.rights !== rights) continue;
      const refusal = answer === true ? null : this.#refusal(answer);
      this.settle(refusal);
      if (refusal === null) subscription.release();
      return refusal !== null;
    }
  }

  async #ask(): Promise<boolean | TrunklineError> {
    const { engine, identity } = this.session;
    if (identity === null) return false;
    // A rule that fails lets nobody in, and nobody stay.
    return mayUse(engine, this.target, identity, 'subscribe').catch((error: TrunklineError) => error);
  }

  #refusal(answer: false | TrunklineError | Stop): TrunklineError {
    if (answer === false) return new TrunklineError('forbidden', 'you may no longer read this');
    if (answer instanceof TrunklineError) return answer;
    this.session.engine.log.error(
      { stream: this.target.name, action: 'subscribe' },
      'authorize did not answer in time',
    );
    return new TrunklineError('internal', 'authorize did not answer in time');
  }
}
