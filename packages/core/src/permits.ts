// What a channel's rule has allowed and has not taken effect yet. A revocation meanwhile puts it in doubt: it is judged again
// before it reaches the broker, also if it came over a connection that is gone by now.

import { type StreamName, TrunklineError } from '@trunkline/protocol';
import { hasExpired } from './access.js';
import { type Action, type AmendQuestion, type ChannelRuntime, type Identity, type LogRuntime, SERVER } from './app.js';
import type { Log } from './ports.js';
import { runHook } from './run-hook.js';
import { isOf } from './side-streams.js';

/** Who wants to do what. */
export interface Permission {
  /** The user with the rights of now. */
  readonly present: () => Identity;
  /** Whose rule it is: a channel, or something else with one. */
  readonly channel: Pick<ChannelRuntime, 'authorize'> & Pick<LogRuntime, 'moderate'>;
  readonly params: readonly string[];
  /** Absent: of no stream, so that only a doubt about all of the user's rights reaches it. */
  readonly stream?: StreamName;
  readonly action: Action;
  /** Of the action `amend`. */
  readonly amend?: AmendQuestion;
}

/** One permission under way. */
interface Permit {
  readonly userId: string;
  readonly stream: StreamName | undefined;
  /** The user's rights may have changed since the rule was asked. */
  isDoubted: boolean;
}

export class Permits {
  readonly #permits = new Set<Permit>();

  constructor(
    private readonly log: Log,
    private readonly nowMs: () => number,
  ) {}

  /** The user's rights may have changed. */
  doubt(userId: string, stream?: StreamName): void {
    for (const permit of this.#permits) {
      if (
        permit.userId === userId &&
        (stream === undefined || (permit.stream !== undefined && isOf(permit.stream, stream)))
      )
        permit.isDoubted = true;
    }
  }

  /**
   * Asks the rule, lets `prepare` take its time, asks again if there is doubt by then, and calls `act` in the turn in which the answer holds.
   * Rejects with `forbidden`, `unauthorized`, `internal`, or as `prepare` does.
   */
  async whileAllowed<T, R>(permission: Permission, prepare: () => Promise<T>, act: (prepared: T) => R): Promise<R> {
    const permit: Permit = { userId: permission.present().id, stream: permission.stream, isDoubted: false };
    this.#permits.add(permit);
    try {
      await this.#judge(permit, permission);
      const prepared = await prepare();
      // That took its time: a revocation meanwhile, or the token's end, still reaches what was prepared.
      while (permit.isDoubted || hasExpired(permission.present(), this.nowMs())) await this.#judge(permit, permission);
      return act(prepared);
    } finally {
      this.#permits.delete(permit);
    }
  }

  /** Asks the rule until its answer holds. */
  async #judge(permit: Permit, { channel, params, present, action, amend }: Permission): Promise<void> {
    const { authorize, moderate } = channel;
    do {
      permit.isDoubted = false;
      const identity = present();
      if (hasExpired(identity, this.nowMs())) throw new TrunklineError('unauthorized', 'the token expired');
      const isOthers = amend !== undefined && !isFree(identity, amend);
      if (authorize === undefined && !isOthers) return;
      if (authorize !== undefined) {
        const asked = amend === undefined ? [] : [amend];
        const may = await runHook(this.log, 'authorize failed', () =>
          authorize(identity.user, params, action, ...asked),
        );
        if (may !== true) throw new TrunklineError('forbidden', FORBIDDEN[action]);
      }
      if (!isOthers) continue;
      // A rule that was written when entries could not be amended looks at no owner: its yes is none to this.
      const may = await runHook(this.log, 'moderate failed', () => moderate?.(identity.user, params, amend));
      if (may !== true) throw new TrunklineError('forbidden', "you may not amend what is somebody else's");
    } while (permit.isDoubted);
  }
}

/** Whoever may amend may react, and amend what is their own. */
function isFree(identity: Identity, { amendment, entry }: AmendQuestion): boolean {
  return amendment === 'react' || entry.isOwn || identity === SERVER;
}

const FORBIDDEN: Readonly<Record<Action, string>> = {
  subscribe: 'you may not subscribe to this',
  read: 'you may not read this',
  publish: 'you may not publish here',
  amend: 'you may not amend this entry',
  change: 'you may not change this',
  call: 'you may not call this',
  search: 'you may not search this',
  presence: 'you may not see who is present here',
  signal: 'you may not signal here',
  mark: 'you may not mark what you have read here',
};
