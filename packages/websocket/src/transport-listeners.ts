/**
 * Listening to a stream without a closure per connection: the listeners are shared functions, and find whom to tell
 * through a symbol on the stream.
 */
import type { Duplex } from 'node:stream';

/** Whom a stream tells what happens to it. */
export interface TransportListener {
  received(chunk: Buffer): void;
  /** The peer ended its side. */
  ended(): void;
  /** It takes more again. */
  drained(): void;
  broke(error: Error): void;
  gone(): void;
}

const LISTENER = Symbol('listener');

interface Listened extends Duplex {
  [LISTENER]?: TransportListener | undefined;
}

export function listenTo(transport: Duplex, listener: TransportListener): void {
  (transport as Listened)[LISTENER] = listener;
  // First of all: an error without a listener ends the process (CVE-2022-41940).
  transport.on('error', onError);
  transport.on('data', onData);
  transport.on('end', onEnd);
  transport.on('drain', onDrain);
  transport.on('close', onClose);
}

function onError(this: Listened, error: Error): void {
  this[LISTENER]?.broke(error);
}

function onData(this: Listened, chunk: Buffer): void {
  this[LISTENER]?.received(chunk);
}

function onEnd(this: Listened): void {
  this[LISTENER]?.ended();
}

function onDrain(this: Listened): void {
  this[LISTENER]?.drained();
}

function onClose(this: Listened): void {
  const listener = this[LISTENER];
  // Nothing about the connection is kept by a stream that something else may keep.
  this[LISTENER] = undefined;
  listener?.gone();
}
