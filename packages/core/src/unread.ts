// What users have not read: for each user who looks at it on this node, a memory table with a row for each log that they follow.
// Nobody subscribes to those logs for it: one watch for each of them serves all who follow it.

import type { Advance, Broker, Row, RowsPage, Watch } from '@trunkline/broker';
import { type Epoch, MAX_FOLLOWS, type Offset, type StreamName, TrunklineError } from '@trunkline/protocol';
import { mayUse } from './access.js';
import { type AppRuntime, findStream, type Identity, type StreamTarget } from './app.js';
import { FollowedLog, type Follower } from './followed-log.js';
import type { FollowRow } from './markers.js';
import type { Clock, Log } from './ports.js';
import { readTable } from './read-table.js';
import { followsOf, isOf, unreadOf } from './side-streams.js';
import { countUnread, MAX_UNREAD } from './unread-count.js';

/** A row, as clients get it. */
export interface UnreadRow {
  readonly unread: number;
  /** There are more than `unread` says. */
  readonly more: boolean;
  readonly mark: Offset;
}

export interface UnreadOptions {
  readonly app: Pick<AppRuntime<never>, 'channels'>;
  readonly broker: Broker;
  readonly memory: Broker;
  readonly clock: Clock;
  readonly log: Log;
  /** Whether somebody subscribes to the stream, or did a moment ago. */
  readonly isFollowed: (stream: StreamName) => boolean;
}

/** Who looks. */
interface Watcher {
  /** With the rights of now. */
  identity: Identity;
  /** Counts what may have changed them. */
  rights: number;
  readonly stream: StreamName;
  readonly follows: StreamName;
  /** What is stored of what they follow, or followed. */
  readonly rows: Map<StreamName, FollowRow>;
  readonly followers: Map<StreamName, Follower>;
  /** To be told in the next step; `null`: no count. */
  readonly changed: Map<StreamName, UnreadRow | null>;
  epoch: Epoch | null;
  offset: Offset;
  watch: Watch | null;
  ready: Promise<void>;
  loading: Promise<void> | null;
  /** What is stored has to be read anew: something was not understood, or came while it was read, or the broker failed. */
  isStale: boolean;
  /** Sweeps since when nobody subscribes. */
  idle: number;
  isOver: boolean;
}

const PAGE = { entries: 1_000 };
const TABLE = { maxRows: MAX_FOLLOWS, tombstones: { count: MAX_FOLLOWS, ageMs: 60_000 } };
/** Logs are looked at so often for what is no longer kept, in sweeps of a second. */
const LOOK_SWEEPS = 30;

const rowOf = (unread: number, mark: Offset): UnreadRow => ({
  unread: Math.min(unread, MAX_UNREAD),
  more: unread > MAX_UNREAD,
  mark,
});

export class Unread {
  readonly #options: UnreadOptions;
  readonly #watchers = new Map<string, Watcher>();
  readonly #logs = new Map<StreamName, FollowedLog>();
  #sweeps = 0;

  constructor(options: UnreadOptions) {
    this.#options = options;
  }

  /** The user's table is complete when this resolves. Rejects as the broker does. */
  async open(identity: Identity): Promise<void> {
    let watcher = this.#watchers.get(identity.id);
    if (watcher === undefined) {
      const [stream, follows] = [unreadOf(identity.id), followsOf(identity.id)];
      if (stream === null || follows === null)
        throw new TrunklineError('too_large', 'this id is too long to be counted for');
      const maps = { rows: new Map(), followers: new Map(), changed: new Map() };
      const begin = {
        rights: 0,
        epoch: null,
        offset: 0,
        watch: null,
        loading: null,
        isStale: false,
        idle: 0,
        isOver: false,
      };
      watcher = { identity, stream, follows, ...maps, ...begin, ready: Promise.resolve() };
      this.#watchers.set(identity.id, watcher);
      watcher.ready = this.#begin(watcher);
    }
    watcher.idle = 0;
    watcher.identity = identity;
    try {
      await watcher.ready;
    } catch (error) {
      this.#drop(watcher);
      throw error;
    }
  }

  /** The counts of a user who need not be here. @param identity whose rights count; `null`: all is told. Rejects as the broker does. */
  async of(userId: string, identity: Identity | null): Promise<ReadonlyMap<StreamName, UnreadRow>> {
    const { broker } = this.#options;
    const counts = new Map<StreamName, UnreadRow>();
    const follows = followsOf(userId);
    const { rows } = follows === null ? { rows: new Map<StreamName, FollowRow>() } : await this.#read(follows);
    for (const [name, { mark, epoch, muted }] of rows) {
      const target = muted ? null : this.#target(name);
      if (target === null || (identity !== null && !(await this.#mayRead(target, identity)))) continue;
      const counted = await countUnread(broker, name, userId, { epoch, offset: mark });
      counts.set(name, rowOf(counted.count, counted.epoch === epoch ? mark : 0));
    }
    return counts;
  }

  /** The user's rights may be others: what may no longer be read shows no count. Nothing new is told from the call on until the rule has answered. */
  async judgeAgain(userId: string, only?: StreamName, identity?: Identity): Promise<void> {
    const watcher = this.#watchers.get(userId);
    if (watcher === undefined) return;
    if (identity !== undefined) watcher.identity = identity;
    watcher.rights += 1;
    const names = [...watcher.rows.keys()].filter((name) => only === undefined || isOf(name, only));
    for (const name of names) {
      const follower = watcher.followers.get(name);
      if (follower !== undefined) follower.isDoubted = true;
      watcher.changed.delete(name);
    }
    await Promise.all(names.map((name) => this.#placeOrWarn(watcher, name)));
  }

  /** Call about once a second. */
  sweep(): void {
    this.#sweeps += 1;
    for (const watcher of this.#watchers.values()) {
      watcher.idle = this.#options.isFollowed(watcher.stream) ? 0 : watcher.idle + 1;
      if (watcher.idle > 2) this.#drop(watcher);
      else if (watcher.isStale && this.#sweeps % LOOK_SWEEPS === 0) this.#loadOrWarn(watcher);
    }
    for (const [name, log] of this.#logs) {
      if (log.followers.size > 0) {
        if (this.#sweeps % LOOK_SWEEPS === 0) log.look();
        continue;
      }
      log.close();
      this.#logs.delete(name);
    }
  }

  close(): void {
    for (const watcher of [...this.#watchers.values()]) this.#drop(watcher);
    for (const log of this.#logs.values()) log.close();
    this.#logs.clear();
  }

  async #begin(watcher: Watcher): Promise<void> {
    const watch = await this.#options.broker.watch(watcher.follows, (advance) => this.#onFollows(watcher, advance));
    if (watcher.isOver) return watch.close();
    watcher.watch = watch;
    await this.#load(watcher);
    this.#flush(watcher);
  }

  /** What the user follows, as it is stored now. One at a time: an answer must not undo what was told since it was asked for. */
  #load(watcher: Watcher): Promise<void> {
    watcher.isStale = true;
    watcher.loading ??= this.#loadAll(watcher).finally(() => {
      watcher.loading = null;
    });
    return watcher.loading;
  }

  #loadOrWarn(watcher: Watcher): void {
    this.#load(watcher).catch((error) => this.#warn(watcher.follows, error));
  }

  async #loadAll(watcher: Watcher): Promise<void> {
    try {
      while (watcher.isStale && !watcher.isOver) {
        watcher.isStale = false;
        await this.#loadOnce(watcher);
      }
    } catch (error) {
      watcher.isStale = true;
      throw error;
    }
  }

  async #loadOnce(watcher: Watcher): Promise<void> {
    const { rows, last } = await this.#read(watcher.follows);
    const gone = [...watcher.rows.keys()].filter((name) => !rows.has(name));
    for (const name of gone) watcher.rows.delete(name);
    for (const [name, row] of rows) watcher.rows.set(name, row);
    watcher.epoch = last.epoch;
    watcher.offset = last.offset;
    await Promise.all([...gone, ...rows.keys()].map((name) => this.#place(watcher, name)));
  }

  async #read(follows: StreamName) {
    const begin = () => {
      const whole = new Map<StreamName, FollowRow>();
      const add = ({ rows, gone }: RowsPage) => {
        for (const { key } of gone) whole.delete(key as StreamName);
        for (const { key, data } of rows) whole.set(key as StreamName, JSON.parse(data));
      };
      return { whole, add };
    };
    const read = await readTable(this.#options.broker, follows, PAGE, begin);
    if (read === null) throw new Error('cannot happen: nobody gave it up');
    return { rows: read.whole, last: read.last };
  }

  #onFollows(watcher: Watcher, { epoch, from, to, rows, gone }: Advance): void {
    if (watcher.isOver || (epoch === watcher.epoch && to <= watcher.offset)) return;
    const continues = epoch === watcher.epoch ? from === watcher.offset : watcher.epoch === null && from === 0;
    const joins = continues && watcher.loading === null && !watcher.isStale;
    if (!joins || rows === undefined || gone === undefined) {
      return this.#loadOrWarn(watcher);
    }
    watcher.epoch = epoch;
    watcher.offset = to;
    for (const { key } of gone) this.#changedRow(watcher, key as StreamName, null);
    for (const row of rows) this.#changedRow(watcher, row.key as StreamName, row);
  }

  #changedRow(watcher: Watcher, name: StreamName, row: Row | null): void {
    if (row === null) watcher.rows.delete(name);
    else watcher.rows.set(name, JSON.parse(row.data));
    void this.#placeOrWarn(watcher, name);
  }

  #placeOrWarn(watcher: Watcher, name: StreamName): Promise<void> {
    return this.#place(watcher, name).catch((error) => {
      watcher.isStale = true;
      this.#warn(name, error);
    });
  }

  /** Makes what is shown of a log right, by what is stored and by the user's rights. Rejects as the broker does. */
  async #place(watcher: Watcher, name: StreamName): Promise<void> {
    let known = watcher.followers.get(name);
    if (known === undefined || known.isDoubted) {
      const target = this.#target(name);
      for (let rights = -1; rights !== watcher.rights; ) {
        rights = watcher.rights;
        if (target === null || !(await this.#mayRead(target, watcher.identity))) {
          if (rights === watcher.rights) return this.#remove(watcher, name);
          rights = -1;
        }
      }
    }
    const row = watcher.rows.get(name);
    if (row === undefined || row.muted || watcher.isOver) return this.#remove(watcher, name);
    const log = this.#log(name);
    known = watcher.followers.get(name);
    const follower: Follower = known ?? {
      userId: watcher.identity.id,
      mark: 0,
      epoch: null,
      counted: null,
      isDoubted: false,
      shown: -1,
      tell: (unread) => this.#tell(watcher, name, rowOf(unread, log.markOf(follower))),
    };
    watcher.followers.set(name, follower);
    log.followers.add(follower);
    Object.assign(follower, { mark: row.mark, epoch: row.epoch, shown: -1, isDoubted: false });
    await log.open();
    if (log.followers.has(follower)) await log.count(follower);
  }

  #remove(watcher: Watcher, name: StreamName): void {
    const follower = watcher.followers.get(name);
    if (follower === undefined) return;
    watcher.followers.delete(name);
    this.#logs.get(name)?.followers.delete(follower);
    this.#tell(watcher, name, null);
  }

  #tell(watcher: Watcher, name: StreamName, row: UnreadRow | null): void {
    if (watcher.isOver) return;
    if (watcher.changed.size === 0) this.#options.clock.endOfTurn(() => this.#flush(watcher));
    watcher.changed.set(name, row);
  }

  #flush(watcher: Watcher): void {
    if (watcher.changed.size === 0 || watcher.isOver) return;
    const step = [...watcher.changed].map(([key, row]) =>
      row === null ? { key, delete: true as const } : { key, set: JSON.stringify(row) },
    );
    watcher.changed.clear();
    this.#options.memory.change(watcher.stream, step, TABLE).catch((error) => this.#warn(watcher.stream, error));
  }

  #drop(watcher: Watcher): void {
    if (watcher.isOver) return;
    watcher.isOver = true;
    watcher.watch?.close();
    for (const [name, follower] of watcher.followers) this.#logs.get(name)?.followers.delete(follower);
    if (this.#watchers.get(watcher.identity.id) === watcher) this.#watchers.delete(watcher.identity.id);
    this.#options.memory.remove(watcher.stream).catch((error) => this.#warn(watcher.stream, error));
  }

  #log(name: StreamName): FollowedLog {
    const log = this.#logs.get(name) ?? new FollowedLog(name, this.#options);
    this.#logs.set(name, log);
    return log;
  }

  /** `null`: the app has no such log any more, or nobody marks in it. */
  #target(name: StreamName): StreamTarget | null {
    const target = findStream(this.#options.app, name);
    return target?.channel.kind === 'log' && target.channel.markers ? target : null;
  }

  /** A rule that fails lets nobody see. */
  async #mayRead(target: StreamTarget, identity: Identity): Promise<boolean> {
    return mayUse(this.#options, target, identity, 'read').catch(() => false);
  }

  #warn(stream: StreamName, error: unknown): void {
    this.#options.log.warn({ stream, error }, 'the broker failed; unread counts wait until it is back');
  }
}
