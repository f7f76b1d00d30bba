// How a broker says no. Each class has a stable code and says whether the same call can succeed later.

import type { Offset, Position, StreamName } from '@trunkline/protocol';

/** Base of what brokers reject with. */
export abstract class BrokerError extends Error {
  abstract readonly code: string;
  /** Whether the same call can succeed later. */
  abstract readonly retryable: boolean;
}

/** The history after a position cannot be served completely. */
export class UnrecoverablePositionError extends BrokerError {
  override readonly name = 'UnrecoverablePositionError';
  override readonly code = 'unrecoverable_position';
  override readonly retryable = false;
  constructor(
    readonly stream: StreamName,
    /** `trimmed`: no longer kept; `epoch`: the position belongs to another history. */
    readonly reason: 'trimmed' | 'epoch',
    readonly wanted: Position,
    readonly oldest: Position,
  ) {
    super(
      reason === 'trimmed'
        ? `${stream}: asked for what follows offset ${wanted.offset}, history begins after ${oldest.offset}`
        : `${stream}: offset ${wanted.offset} of epoch ${wanted.epoch} belongs to another history than epoch ${oldest.epoch}`,
    );
  }
}

/** A producer's entry came after a later one of the same producer was stored. */
export class OutOfOrderError extends BrokerError {
  override readonly name = 'OutOfOrderError';
  override readonly code = 'out_of_order';
  override readonly retryable = false;
  constructor(
    readonly stream: StreamName,
    readonly producer: string,
    readonly seq: number,
    /** The highest `seq` of this producer that is stored. */
    readonly last: number,
  ) {
    super(`${stream}: publish ${seq} came after ${last} of the same producer was stored`);
  }
}

/** A newer owner has written to the stream. */
export class FencedError extends BrokerError {
  override readonly name = 'FencedError';
  override readonly code = 'fenced';
  override readonly retryable = false;
  constructor(
    readonly stream: StreamName,
    readonly token: number,
    readonly highest: number,
  ) {
    super(`${stream}: fencing token ${token} is older than ${highest}`);
  }
}

/** An entry is not as the caller of `amend` has seen it. */
export class AmendConflictError extends BrokerError {
  override readonly name = 'AmendConflictError';
  override readonly code = 'amend_conflict';
  override readonly retryable = false;
  constructor(
    readonly stream: StreamName,
    readonly offset: Offset,
    readonly expected: Offset,
    /** Offset of the newest record of the entry, 0 if it has none; `null` if there is no such entry. */
    readonly actual: Offset | null,
  ) {
    super(
      actual === null
        ? `${stream}: there is no entry at offset ${offset}`
        : `${stream}: the entry at ${offset} was amended last at ${actual}, and expected to be at ${expected}`,
    );
  }
}

/** A row is not as the caller of `change` expected it. */
export class RowConflictError extends BrokerError {
  override readonly name = 'RowConflictError';
  override readonly code = 'row_conflict';
  override readonly retryable = false;
  constructor(
    readonly stream: StreamName,
    readonly key: string,
    readonly expected: Offset,
    /** Offset of the row's last change; 0 if there is no such row. */
    readonly actual: Offset,
  ) {
    super(`${stream}: the row ${JSON.stringify(key)} was expected at offset ${expected} and is at ${actual}`);
  }
}

/** The table would have more rows than it may. */
export class TableFullError extends BrokerError {
  override readonly name = 'TableFullError';
  override readonly code = 'table_full';
  override readonly retryable = false;
  constructor(
    readonly stream: StreamName,
    readonly maxRows: number,
  ) {
    super(`${stream}: a table may have ${maxRows} rows, and this step would make them more`);
  }
}

/** A log was used as a table, or a table as a log. */
export class WrongKindError extends BrokerError {
  override readonly name = 'WrongKindError';
  override readonly code = 'wrong_kind';
  override readonly retryable = false;
  constructor(
    readonly stream: StreamName,
    readonly kind: 'log' | 'table',
  ) {
    super(`${stream} is a ${kind}`);
  }
}

/** What a search needs is being indexed. */
export class IndexingError extends BrokerError {
  override readonly name = 'IndexingError';
  override readonly code = 'indexing';
  override readonly retryable = true;
  constructor(
    readonly stream: StreamName,
    /** Offsets that are not indexed yet. */
    readonly left: number,
  ) {
    super(`${stream}: ${left} entries are not indexed yet`);
  }
}

/** The store cannot be reached, is full, or was closed. */
export class BrokerUnavailableError extends BrokerError {
  override readonly name = 'BrokerUnavailableError';
  override readonly code = 'unavailable';
  override readonly retryable = true;
}
