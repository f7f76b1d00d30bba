// Presence of all logs of this node (PRS-1…): who is subscribed is there. It lives in the memory of this process, so a restart leaves
// nobody behind who is gone: its tables begin with another epoch.

import type { Broker } from '@trunkline/broker';
import { MAX_PRESENT_ROWS, type StreamName } from '@trunkline/protocol';
import type { Identity } from './app.js';
import type { Clock, Log } from './ports.js';
import { type Present, PresentChannel } from './present-channel.js';
import { isOf, presenceOf } from './side-streams.js';

export interface PresenceOptions {
  /** Keeps the tables. */
  readonly memory: Broker;
  readonly clock: Clock;
  readonly log: Log;
  /** Whether somebody follows the stream, or did a moment ago. */
  readonly isFollowed: (stream: StreamName) => boolean;
}

/** A reader who was away longer begins anew: the table is small. */
const TABLE = { maxRows: MAX_PRESENT_ROWS + 1, tombstones: { count: 2_000, ageMs: 60_000 } };

export class Presence {
  readonly #options: PresenceOptions;
  readonly #channels = new Map<StreamName, PresentChannel>();

  constructor(options: PresenceOptions) {
    this.#options = options;
  }

  /** A connection of the user subscribed to the log. */
  join(log: StreamName, graceMs: number, identity: Identity): void {
    let channel = this.#channels.get(log);
    if (channel === undefined) {
      const { memory, clock, log: report } = this.#options;
      const stream = presenceOf(log);
      channel = new PresentChannel(clock, graceMs, (step) => {
        memory.change(stream, step, TABLE).catch((error) => report.error({ error, stream }, 'presence was not told'));
      });
      this.#channels.set(log, channel);
    }
    channel.join(identity);
  }

  /** It did not stay. @param isBarred the user may no longer subscribe */
  leave(log: StreamName, userId: string, isBarred: boolean): void {
    this.#channels.get(log)?.leave(userId, isBarred);
  }

  /** Others see the user otherwise from now on. */
  renew(log: StreamName, identity: Identity): void {
    this.#channels.get(log)?.renew(identity);
  }

  /** The user's rights are in doubt, and there is no connection to judge: whoever comes back is judged then. */
  bar(userId: string, only?: StreamName): void {
    for (const [log, channel] of this.#channels) {
      if (only === undefined || isOf(log, only)) channel.bar(userId);
    }
  }

  /** Who is there: at most 1,000, and how many in all. */
  of(log: StreamName): { readonly people: readonly Present[]; readonly count: number } {
    const channel = this.#channels.get(log);
    return { people: channel?.people() ?? [], count: channel?.count ?? 0 };
  }

  /** Call about once a second: forgets logs where nobody is and that nobody looks at. */
  sweep(): void {
    const { memory, isFollowed, log: report } = this.#options;
    for (const [log, channel] of this.#channels) {
      const stream = presenceOf(log);
      if (!channel.isOver || isFollowed(stream)) continue;
      this.#channels.delete(log);
      memory.remove(stream).catch((error) => report.error({ error, stream }, 'presence was not forgotten'));
    }
  }

  close(): void {
    for (const channel of this.#channels.values()) channel.close();
    this.#channels.clear();
  }
}
