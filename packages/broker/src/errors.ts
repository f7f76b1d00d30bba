// How a broker says no. Each class has a stable code and says whether the same call can succeed later.

import type { Position, StreamName } from '@trunkline/protocol';

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

/** The store cannot be reached, is full, or was closed. */
export class BrokerUnavailableError extends BrokerError {
  override readonly name = 'BrokerUnavailableError';
  override readonly code = 'unavailable';
  override readonly retryable = true;
}
