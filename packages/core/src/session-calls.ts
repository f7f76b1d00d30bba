// One connection's calls of procedures: which of them are in work, so that they can be cancelled, are not too many, and end with
// the connection unless they run once.

import { type Call, type RequestId, TrunklineError } from '@trunkline/protocol';
import type { Identity } from './app.js';
import type { CallInWork } from './caller.js';
import { MIN_WINDOW_BYTES } from './outflow.js';
import type { Session } from './session.js';
import { producerKey } from './slice.js';

export class SessionCalls<Request> {
  readonly #session: Session<Request>;
  readonly #inWork = new Map<RequestId, CallInWork>();
  #running = 0;

  constructor(session: Session<Request>) {
    this.#session = session;
  }

  /** What answers it, as text. Rejects with a TrunklineError. */
  call(message: Call): (identity: Identity) => Promise<string> {
    return (identity) => this.#call(message, identity);
  }

  async #call(message: Call, identity: Identity): Promise<string> {
    const { id, data, producer, seq, deadlineMs } = message;
    const { engine } = this.#session;
    const procedure = engine.app.procedures?.get(message.procedure);
    if (procedure === undefined) {
      throw new TrunklineError('not_found', `there is no procedure ${JSON.stringify(message.procedure)}`);
    }
    if (this.#inWork.has(id)) throw new TrunklineError('conflict', `a call with the id ${id} is in work`);
    const source = producer === undefined || seq === undefined ? undefined : { producer, seq };
    const call = engine.caller.call({
      name: message.procedure,
      procedure,
      data,
      present: () => this.#session.identity ?? identity,
      source,
      caller: source && { producer: producerKey(identity.id, source.producer), seq: source.seq },
      deadlineMs,
      admit: () => this.#admit(),
      progress: (text) => this.#progress(id, text),
    });
    this.#inWork.set(id, call);
    try {
      return `{"type":"ok","id":${id},"data":${await call.answer}}`;
    } finally {
      this.#inWork.delete(id);
    }
  }

  /** Whether there was such a call. */
  cancel(id: RequestId): boolean {
    const call = this.#inWork.get(id);
    call?.stop('the caller cancelled it');
    return call !== undefined;
  }

  /** The connection ended. */
  close(): void {
    for (const call of this.#inWork.values()) if (!call.isKept) call.stop('the connection ended');
  }

  /** Takes a place; what it gives, gives it back. */
  #admit(): () => void {
    const { maxCallsInWork } = this.#session.engine.limits;
    if (this.#running >= maxCallsInWork) {
      throw new TrunklineError('rate_limited', `more than ${maxCallsInWork} calls at a time: wait for one of them`);
    }
    this.#running += 1;
    return () => {
      this.#running -= 1;
    };
  }

  /** Whether it was sent. A receiver that is behind gets no progress: the answer must not queue behind it. */
  #progress(id: RequestId, text: string): boolean {
    const { outflow } = this.#session;
    if (this.#session.isOver() || outflow.isFull(MIN_WINDOW_BYTES)) return false;
    outflow.send(`{"type":"progress","id":${id},"data":${text}}`);
    return true;
  }
}
