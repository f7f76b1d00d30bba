/**
 * `bufferedAmount`: payload bytes that were sent and that the operating system has not taken. The engine counts bytes of
 * the wire, headers included, so each message notes at which of those it ends. Within a task the amount only grows.
 */

/** As much of a socket as this needs. */
interface Wire {
  readonly takenBytes: number;
  readonly bufferedBytes: number;
}

interface Waiting {
  /** The message is out once this many bytes of the wire were taken. Fewer, if it or one before it is still to be compressed. */
  readonly endsAt: number;
  readonly payloadBytes: number;
}

export class BufferedAmount {
  #bytes = 0;
  readonly #waiting: Waiting[] = [];
  #wire: Wire | null = null;
  /** Whether this task has looked at the wire. */
  #isSettled = false;

  get bytes(): number {
    this.settle();
    return this.#bytes;
  }

  /** Messages go out here from now on. */
  begin(wire: Wire): void {
    this.#wire = wire;
  }

  /** A message was accepted. Call `settle` before it is put on the wire. */
  add(payloadBytes: number): void {
    this.#bytes += payloadBytes;
  }

  /** An accepted message was put on the wire, behind all others. */
  onWire(payloadBytes: number): void {
    const wire = this.#wire;
    if (wire !== null) this.#waiting.push({ endsAt: wire.takenBytes + wire.bufferedBytes, payloadBytes });
  }

  /** Lets go of what was taken before this task. */
  settle(): void {
    if (this.#isSettled || this.#wire === null) return;
    this.#isSettled = true;
    setImmediate(() => {
      this.#isSettled = false;
    });
    this.#letGo(this.#wire);
  }

  /** The connection is closed: what waits now stays counted for good. */
  end(): void {
    this.settle();
    this.#wire = null;
    this.#waiting.length = 0;
  }

  #letGo(wire: Wire): void {
    // With nothing left all are out, also those that were compressed to less than was foreseen.
    const takenBytes = wire.bufferedBytes === 0 ? Number.POSITIVE_INFINITY : wire.takenBytes;
    const left = this.#waiting.findIndex(({ endsAt }) => endsAt > takenBytes);
    const gone = this.#waiting.splice(0, left < 0 ? this.#waiting.length : left);
    for (const { payloadBytes } of gone) this.#bytes -= payloadBytes;
  }
}
