// Messages of one connection that wait to be worked on: for `authenticate`, for requests in work to be answered, or for the
// peer to process what it was sent. Reports of what it has processed are not among them: others may wait for those.

import type { ClientMessage, Problem } from '@trunkline/protocol';

type Message = ClientMessage | Problem;

/**
 * Text of requests that may wait for a report, in characters: so long the connection is read on, or the report would not be. With
 * more they wait for the socket alone, as the report may be behind them.
 */
const MAX_WAITING_CHARS = 262_144;

interface Batch {
  readonly messages: readonly Message[];
  /** Length of the text that they came in. */
  readonly chars: number;
}

const NOTHING: Batch = { messages: [], chars: 0 };

/** Made for what arrives, and let go when it is empty: a connection for which nothing waits keeps nothing. */
export class Intake {
  #first = NOTHING;
  #index = 0;
  /** What came while the first batch was not done. Few connections ever have one. */
  #later: Batch[] | null = null;
  #chars = 0;

  get isEmpty(): boolean {
    return this.#first === NOTHING;
  }

  /** Whether more waits than may wait for a report. A text counts in full until all of its messages were taken out. */
  get isFull(): boolean {
    return this.#chars > MAX_WAITING_CHARS;
  }

  /** Adds the messages that came in a text of so many characters. */
  add(messages: readonly Message[], chars: number): void {
    if (messages.length === 0) return;
    const batch = { messages, chars };
    this.#chars += chars;
    if (this.#first === NOTHING) this.#first = batch;
    else if (this.#later === null) this.#later = [batch];
    else this.#later.push(batch);
  }

  /** The next one in order, which is taken out; `undefined` if there is none. */
  next(): Message | undefined {
    const { messages, chars } = this.#first;
    const message = messages[this.#index];
    this.#index += 1;
    if (this.#index >= messages.length) {
      this.#index = 0;
      this.#chars -= chars;
      this.#first = this.#later?.shift() ?? NOTHING;
      if (this.#first === NOTHING) this.#later = null;
    }
    return message;
  }
}
