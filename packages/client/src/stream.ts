// One stream, by its name: its subscription, and what a log and a table make of it. Which of them it is says the server, or what is done with
// the handle; until then it may be either.

import type { Epoch } from '@trunkline/protocol';
import { createStore } from './batch.js';
import type { Link, LinkEvent } from './link.js';
import { type AnyLogHandle, type AnyLogSnapshot, createLog, EMPTY_LOG } from './log.js';
import type { Shared } from './shared.js';
import { createSubscription, type Interest, type KindWord } from './subscription.js';
import { type AnyTableHandle, type AnyTableSnapshot, createTable, EMPTY_TABLE } from './table.js';

type Snapshot = AnyLogSnapshot & AnyTableSnapshot;

/** A log and a table in one: the types of `Line` show the application the half that is true. */
export type AnyHandle = Omit<AnyLogHandle, 'open' | 'subscribe' | 'snapshot' | 'serverSnapshot' | 'delete'> &
  Omit<AnyTableHandle, 'delete' | 'open' | 'subscribe' | 'snapshot' | 'serverSnapshot'> & {
    readonly open: (interest?: Interest) => () => void;
    readonly subscribe: (onChange: () => void, interest?: Interest) => () => void;
    readonly snapshot: () => Snapshot;
    readonly serverSnapshot: () => Snapshot;
    readonly kind: () => KindWord | undefined;
    /** Of a log: the history that is shown. */
    readonly epoch: () => Epoch | null;
    readonly asTable: () => AnyTableHandle;
    /** By what is named: the offset of an entry, the key of a row. */
    readonly delete: AnyLogHandle['delete'] & AnyTableHandle['delete'];
  };

/** A stream, and what the connection tells it. */
export type Stream = Readonly<Record<LinkEvent, () => void>> & {
  readonly handle: AnyHandle;
  /** Whether the socket before the present one is of no use to it any more. */
  isResumed(): boolean;
};

/** Before anything is kept for whoever asks for it. */
function checkRate(ratePerSecond: number | undefined): void {
  if (ratePerSecond !== undefined && !(ratePerSecond > 0)) throw new RangeError('ratePerSecond must be above 0');
}

const EMPTY: Snapshot = { ...EMPTY_TABLE, ...EMPTY_LOG };

export function createStream(shared: Shared, link: Link, name: string, producer: string): Stream {
  const { batch } = shared;
  const {
    snapshot,
    subscribe,
    touch: touchStore,
  } = createStore<Snapshot>(batch, () =>
    subscription.kind === 'table' ? { ...EMPTY_LOG, ...table.snapshot() } : { ...EMPTY_TABLE, ...log.snapshot() },
  );
  const touch = () => {
    touchStore();
    table.noteState();
  };
  const subscription = createSubscription(shared, link, name, () => ({ table, log }), touch);
  const log = createLog(shared, link, name, producer, subscription, touch);
  const table = createTable(shared, link, name, producer, subscription, (interest) => handle.open(interest));

  /** The function, which only a stream of that kind has. */
  const of = <Args extends readonly unknown[], Result>(kind: KindWord, run: (...args: Args) => Result) => {
    return (...args: Args): Result => {
      subscription.kind ??= kind;
      return run(...args);
    };
  };
  const { publish, edit, delete: erase, react, unreact, loadOlder, dismissGap } = log.handle;
  const eraseEntry = of('log', erase);
  const { view, row, staleMs, set, patch, delete: remove, change } = table.handle;
  const removeRow = of('table', remove);
  const handle: AnyHandle = {
    name,
    snapshot,
    serverSnapshot: () => EMPTY,
    open: (interest = {}) => {
      const { keys, ratePerSecond, paused, last, most } = interest;
      checkRate(ratePerSecond);
      if (keys || ratePerSecond !== undefined || paused !== undefined) subscription.kind ??= 'table';
      if (last !== undefined || most !== undefined) subscription.kind ??= 'log';
      // A copy: the same object given twice is two interests.
      const mine = { ...interest };
      batch.run(() => {
        // First what is wanted: who was refused is asked for again at once.
        table.add(mine);
        subscription.add(mine);
        if (subscription.kind !== 'table') {
          log.wish(last);
          subscription.ask();
        }
        touch();
      });
      return () =>
        batch.run(() => {
          if (!subscription.interests.has(mine)) return;
          subscription.remove(mine);
          table.remove(mine);
          // What is left may be all here.
          touch();
        });
    },
    subscribe: (onChange, interest) => {
      checkRate(interest?.ratePerSecond);
      const unlisten = subscribe(onChange);
      const leave = handle.open(interest);
      return () => {
        unlisten();
        leave();
      };
    },
    kind: () => subscription.kind,
    epoch: log.epoch,
    asTable: of('table', () => handle as unknown as AnyTableHandle),
    publish: of('log', publish),
    edit: of('log', edit),
    react: of('log', react),
    unreact: of('log', unreact),
    loadOlder: of('log', loadOlder),
    dismissGap,
    view: of('table', view),
    row: of('table', row),
    staleMs,
    set: of('table', set),
    patch: of('table', patch),
    delete: ((what: number | string, condition) =>
      typeof what === 'number' ? eraseEntry(what) : removeRow(what, condition)) as AnyHandle['delete'],
    change: of('table', change),
  };

  return {
    handle,
    isResumed: () => !subscription.isMoving(),
    greet: send,
    live: pump,
    lost() {
      subscription.lost();
      rewind();
    },
    moved() {
      subscription.moved();
      rewind();
      send();
    },
    changed() {
      table.advanced();
      if (subscription.isWanted() || log.isBusy()) touch();
    },
    refused: send,
    retry: subscription.retry,
    sight() {
      table.tune();
      log.look();
    },
  };

  /** What waits to be sent, as far as it can be. */
  function send(): void {
    subscription.ask();
    pump();
  }

  function pump(): void {
    log.send();
    table.changes.pump();
  }

  /** What is not answered has to be sent again. */
  function rewind(): void {
    log.rewind();
    table.changes.lost();
  }
}
