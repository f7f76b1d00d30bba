// What stands beside a log, asked for without a connection: one request at a time, each by a user or by a program that acts as the server.

import type { RowsPage } from '@trunkline/broker';
import { type Mark, TrunklineError } from '@trunkline/protocol';
import { type Marking, markAs, markAsServer } from './answer-mark.js';
import { type Action, type Identity, SERVER, type Target } from './app.js';
import { callBroker } from './broker-call.js';
import type { Engine } from './engine.js';
import type { MarkerRow } from './markers.js';
import { readTable } from './read-table.js';
import type { Caller } from './requests.js';
import { markersOf } from './side-streams.js';
import type { UnreadRow } from './unread.js';

const PAGE = { entries: 5_000 };

/** What stands beside a log, for those who have no connection. */
export class BesideRequests<Request = unknown> {
  readonly #engine: Engine<Request>;

  constructor(engine: Engine<Request>) {
    this.#engine = engine;
  }

  /** Who is present. Rejects with TrunklineError `not_found`, `forbidden` … */
  presence(caller: Caller, target: Target) {
    return this.#look(caller, target, 'presence', 'presence', async () => this.#engine.presence.of(target.name));
  }

  /** The user is present for so many seconds, and the grace. Rejects with TrunklineError `not_found`, `forbidden`, `rate_limited` … */
  async attend(caller: Caller, target: Target, userId: string, seconds: number): Promise<void> {
    const { identity, present } = this.#self(caller, target, userId);
    const { params, name: stream, channel } = target;
    const { presence } = channel.kind === 'log' ? channel : {};
    await this.#engine.permits.whileAllowed(
      { present, channel, params, stream, action: 'subscribe' },
      async () => undefined,
      () => this.#engine.presenceLeases.renew(stream, presence?.graceMs ?? 0, identity, seconds),
    );
  }

  /** Ends that; the grace runs. Rejects as `attend` does. */
  async leave(caller: Caller, target: Target, userId: string): Promise<void> {
    const { identity } = this.#self(caller, target, userId);
    this.#engine.presenceLeases.end(target.name, identity.id);
  }

  #self({ identity, admit }: Caller, target: Target, userId: string) {
    mustHave(target, 'presence');
    admit();
    if (identity?.id !== userId) throw new TrunklineError('forbidden', 'users are present themselves');
    return { identity, present: () => identity };
  }

  /** How far who has read. Rejects as `presence` does. */
  markers(caller: Caller, target: Target): Promise<ReadonlyMap<string, MarkerRow>> {
    return this.#look(caller, target, 'markers', 'subscribe', async () => {
      const begin = () => {
        const whole = new Map<string, MarkerRow>();
        const add = ({ rows, gone }: RowsPage) => {
          for (const { key } of gone) whole.delete(key);
          for (const { key, data } of rows) whole.set(key, JSON.parse(data));
        };
        return { whole, add };
      };
      const { broker, log } = this.#engine;
      const read = await callBroker(log, readTable(broker, markersOf(target.name), PAGE, begin));
      return read?.whole ?? new Map();
    });
  }

  /** @param userId whose; of a user only their own. Rejects as `presence` does, and `conflict`, `too_large`, `rate_limited`. */
  mark(caller: Caller, target: Target, userId: string, mark: Pick<Mark, 'offset' | 'epoch'>): Promise<void> {
    return this.#mark(caller, target, userId, { ...mark, type: 'mark', stream: target.name });
  }

  /** Whether the log is counted for the user from now on. @param userId whose; of a user only their own. Rejects as `mark` does. */
  follow(caller: Caller, target: Target, userId: string, isOn: boolean): Promise<void> {
    return this.#mark(caller, target, userId, { type: isOn ? 'follow' : 'unfollow', stream: target.name });
  }

  async #mark({ identity, admit }: Caller, target: Target, userId: string, marking: Marking): Promise<void> {
    mustHave(target, 'markers');
    admit();
    if (identity === null) return markAsServer(this.#engine, marking, userId);
    if (identity.id !== userId) throw new TrunklineError('forbidden', 'users mark and follow for themselves');
    return markAs(this.#engine, marking, () => identity);
  }

  /** What a user has not read. @param identity who asks; `null`: a program that acts as the server. Rejects with a TrunklineError. */
  async unread(identity: Identity | null, userId: string): Promise<ReadonlyMap<string, UnreadRow>> {
    if (identity !== null && identity.id !== userId) {
      throw new TrunklineError('forbidden', 'these are for the user themselves');
    }
    return callBroker(this.#engine.log, this.#engine.unread.of(userId, identity));
  }

  #look<T>(
    { identity }: Caller,
    target: Target,
    side: 'presence' | 'markers',
    action: Action,
    read: () => Promise<T>,
  ): Promise<T> {
    mustHave(target, side);
    const { params, name: stream, channel } = target;
    const rule = identity === null ? {} : channel;
    const permission = { present: () => identity ?? SERVER, channel: rule, params, stream, action };
    return this.#engine.permits.whileAllowed(permission, read, (found) => found);
  }
}

function mustHave({ channel }: Target, side: 'presence' | 'markers'): void {
  if (channel.kind === 'log' && channel[side] !== undefined) return;
  throw new TrunklineError('not_found', `there is no ${side} here`);
}
