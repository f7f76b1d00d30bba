// Requests that come without a connection, one by one, as over HTTP. They pass the same checks in the same order as those of a
// session, whose parts do the work; what differs is that each says who asks, and that nothing is kept between two of them.

import { type Row, type RowsPage, UnrecoverablePositionError } from '@trunkline/broker';
import {
  type Change,
  type Epoch,
  type JsonValue,
  type Offset,
  type Position,
  type StreamName,
  TrunklineError,
} from '@trunkline/protocol';
import { identify } from './access.js';
import { type Action, type Identity, resolveStored, SERVER, type Target } from './app.js';
import { callBroker } from './broker-call.js';
import type { Changed } from './changer.js';
import type { TableBroker } from './checkpoint-broker.js';
import type { Engine } from './engine.js';
import type { Change as EntryChange } from './entry-state.js';
import type { Published } from './publisher.js';
import { type EntriesPage, type EntriesRequest, readEntries } from './read-page.js';
import { type FoundPage, type SearchRequest, searchEntries, searchedIn } from './search-entries.js';
import { asServer } from './server-channel.js';
import { producerKey } from './slice.js';

/** Who asks. */
export interface Caller {
  /** `null`: a program that acts as the server itself. */
  readonly identity: Identity | null;
  /** Throws a TrunklineError if the caller may not write now. Asked only for what is not a repeat. */
  readonly admit: () => void;
}

/** What was stored, and whether an earlier request stored it. */
export type Written<T> = T & { readonly isRepeat: boolean };

/** Names a write. */
export interface Source {
  /** 1 to 64 letters, digits, `_` or `-`. One write for each, of one user: sent again it is stored once. */
  readonly producer: string;
  /** Whether it may be sent again. If not, the store does not remember it. */
  readonly isRepeatable: boolean;
}
/** Every write is the first of a producer of its own: requests have no order. */
const SEQ = 1;

/** Which rows. */
export interface RowsRequest {
  /** Those that changed after it; 0: all. */
  readonly after: Offset;
  readonly epoch?: Epoch;
  readonly limit: number;
}

/** A row, or what is known where there is none. */
export interface TableRow {
  readonly epoch: Epoch | null;
  readonly row: Row | null;
}

/** Bytes of one page of rows, unless one step alone has more. */
const PAGE_BYTES = 65_536;

/** What a session would do, for those who have no connection. */
export class Requests<Request = unknown> {
  readonly #engine: Engine<Request>;
  readonly #waits = new Set<() => void>();
  #isEnding = false;

  constructor(engine: Engine<Request>) {
    this.#engine = engine;
  }

  /** @throws TrunklineError `unknown_channel` */
  find(name: string): Target {
    return resolveStored(this.#engine.app, name);
  }

  /** Who that is. Rejects with TrunklineError `unauthorized`, `unavailable`. */
  async identify(token: string | undefined, request: Request): Promise<Identity> {
    const { log } = this.#engine;
    const identity = await identify(this.#engine, token, request).catch((error) => {
      log.error({ error }, 'authenticate failed');
      throw new TrunklineError('unavailable', 'the server cannot tell who you are now', { afterMs: 1_000 });
    });
    if (identity === null) throw new TrunklineError('unauthorized', 'the token is missing, invalid or expired');
    return identity;
  }

  /** Appends an entry. Rejects with a TrunklineError. */
  async publish(caller: Caller, target: Target, source: Source, data: JsonValue): Promise<Written<Published>> {
    const { channel, ...common } = this.#write(caller, target, source);
    if (channel.kind !== 'log') throw new TrunklineError('invalid', 'this is a table: change its rows');
    const published = await this.#engine.publisher.publish({ ...common, channel, data });
    return { ...published, isRepeat: common.isRepeat() };
  }

  /** Amends an entry. Rejects with a TrunklineError. */
  async amend(
    caller: Caller,
    target: Target,
    source: Source,
    offset: Offset,
    change: EntryChange,
  ): Promise<Written<Published>> {
    const { channel, ...common } = this.#write(caller, target, source);
    if (channel.kind !== 'log') throw new TrunklineError('invalid', 'this is a table: change its rows');
    const amended = await this.#engine.amender.amend({ ...common, channel, offset, change });
    return { ...amended, isRepeat: common.isRepeat() };
  }

  /** Changes rows as one step. Rejects with a TrunklineError. */
  async change(
    caller: Caller,
    target: Target,
    source: Source,
    step: Pick<Change, 'set' | 'patch' | 'unset' | 'delete' | 'if'>,
  ): Promise<Written<Changed>> {
    const { channel, ...common } = this.#write(caller, target, source);
    if (channel.kind !== 'table') throw new TrunklineError('invalid', 'this is a log: publish to it');
    const changed = await this.#engine.changer.change({ ...common, channel, step });
    return { ...changed, isRepeat: common.isRepeat() };
  }

  /**
   * Runs a procedure, and gives what it returned, as JSON text. Rejects with a TrunklineError.
   * @param began is told how to stop it, if it is not one that runs once and so goes on without its caller
   */
  async call(
    identity: Identity,
    name: string,
    { producer, isRepeatable }: Source,
    data: JsonValue,
    admit: () => () => void,
    began: (stop: () => void) => void,
  ): Promise<string> {
    const procedure = this.#engine.app.procedures?.get(name);
    if (procedure === undefined) throw new TrunklineError('not_found', `there is no procedure ${JSON.stringify(name)}`);
    const source = isRepeatable ? { producer, seq: SEQ } : undefined;
    const call = this.#engine.caller.call({
      name,
      procedure,
      data,
      present: () => identity,
      source,
      caller: source && { producer: producerKey(identity.id, producer), seq: SEQ },
      deadlineMs: undefined,
      admit,
      progress: () => false,
    });
    if (!call.isKept) began(() => call.stop('the connection ended'));
    return call.answer;
  }

  /** A page of a log. Rejects with a TrunklineError: `conflict`, `not_found`, `forbidden`, `unavailable` … */
  entries(caller: Caller, target: Target, request: EntriesRequest): Promise<EntriesPage> {
    return this.#read(caller, target, () => readEntries(this.#engine.broker, target.name, request));
  }

  /** Entries that have the words of a query. Rejects as `entries` does. */
  search(caller: Caller, target: Target, request: SearchRequest): Promise<FoundPage> {
    const { broker, log } = this.#engine;
    const fields = searchedIn(target.channel, request);
    return this.#read(caller, target, () => searchEntries(broker, log, target.name, fields, request), 'search');
  }

  /** A page of a table. Rejects as `entries` does. */
  rows(caller: Caller, target: Target, { after, epoch, limit }: RowsRequest): Promise<RowsPage> {
    return this.#read(caller, target, async () => {
      const broker = this.#tables(target);
      const present = after === 0 ? null : (epoch ?? (await stateOf(broker, target.name)).epoch);
      const bounds = { entries: limit, bytes: PAGE_BYTES };
      const page = await broker.readRows(target.name, { epoch: present, offset: after }, bounds).catch((error) => {
        throw error instanceof UnrecoverablePositionError ? lostPosition(error) : error;
      });
      if (epoch !== undefined && epoch !== page.epoch) throw otherEpoch();
      return page;
    });
  }

  /** One row. Rejects as `entries` does. */
  row(caller: Caller, target: Target, key: string): Promise<TableRow> {
    return this.#read(caller, target, () => readRow(this.#tables(target), target.name, key));
  }

  /** The same for who changes it, without asking whether it may be read: for conditions and merges, not for an answer. */
  rowToChange(target: Target, key: string): Promise<TableRow> {
    return callBroker(this.#engine.log, readRow(this.#tables(target), target.name, key));
  }

  /**
   * Resolves when the stream was changed after the position, after `waitMs` milliseconds, or when the wait is ended, by `endWaits` or
   * what `began` is given. Rejects with a TrunklineError.
   */
  async untilChanged(target: Target, after: Position, waitMs: number, began: (end: () => void) => void): Promise<void> {
    if (this.#isEnding) return;
    const broker = target.channel.kind === 'table' ? this.#tables(target) : this.#engine.broker;
    let end = () => {};
    const over = new Promise<void>((resolve) => {
      end = resolve;
    });
    const isNews = (epoch: Epoch | null, offset: Offset) => epoch !== after.epoch || offset > after.offset;
    const cancel = this.#engine.clock.after(waitMs, end);
    this.#waits.add(end);
    began(end);
    try {
      const watch = await callBroker(
        this.#engine.log,
        broker.watch(target.name, ({ epoch, to }) => {
          if (isNews(epoch, to)) end();
        }),
      );
      try {
        if (!isNews(watch.state.epoch, watch.state.offset)) await over;
      } finally {
        watch.close();
      }
    } finally {
      cancel();
      this.#waits.delete(end);
    }
  }

  /** Ends what waits, and whatever wants to wait from now on. */
  endWaits(): void {
    this.#isEnding = true;
    for (const end of this.#waits) end();
  }

  #write({ identity, admit }: Caller, { channel, params, name: stream }: Target, source: Source) {
    const who = identity ?? SERVER;
    let isRepeat = true;
    return {
      identity: who,
      present: () => who,
      channel: identity === null ? asServer(channel) : channel,
      params,
      stream,
      producer: source.producer,
      seq: SEQ,
      isUnrepeatable: !source.isRepeatable,
      admit: () => {
        isRepeat = false;
        admit();
      },
      settled: () => {},
      isRepeat: () => isRepeat,
    };
  }

  /** Reads while the caller may. */
  #read<T>({ identity }: Caller, target: Target, read: () => Promise<T>, action: Action = 'read'): Promise<T> {
    const { permits, log } = this.#engine;
    const { params, name: stream } = target;
    const channel = identity === null ? asServer(target.channel) : target.channel;
    return permits.whileAllowed(
      { present: () => identity ?? SERVER, channel, params, stream, action },
      () => {
        return read().catch((error) => {
          if (error instanceof TrunklineError) throw error;
          return callBroker<T>(log, Promise.reject(error));
        });
      },
      (page) => page,
    );
  }

  /** @throws TrunklineError `invalid` */
  #tables({ channel }: Target): TableBroker {
    if (channel.kind !== 'table') throw new TrunklineError('invalid', 'this is a log: read its entries');
    return this.#engine.brokerOf(channel);
  }
}

async function readRow(broker: TableBroker, stream: StreamName, key: string): Promise<TableRow> {
  // Before the row: if the table is made anew in between, the pair fits neither history, and a condition made of it does not hold.
  const { epoch } = await stateOf(broker, stream);
  const row = await broker.readRow(stream, key);
  return { epoch, row };
}

function stateOf(broker: TableBroker, stream: StreamName): Promise<Position> {
  return broker.readRows(stream, { epoch: null, offset: 0 }, { entries: 1 });
}

function lostPosition(error: UnrecoverablePositionError): TrunklineError {
  if (error.reason === 'epoch') return otherEpoch();
  const message = `deletions up to ${error.oldest.offset} are no longer remembered: read from the beginning`;
  return new TrunklineError('not_found', message, { cause: error });
}

function otherEpoch(): TrunklineError {
  return new TrunklineError('conflict', 'the table has another history by now: read from the beginning');
}
