/**
 * The order of what is sent. Blobs are read asynchronously, so whatever is sent or closed behind one waits until it was
 * read; without one everything passes at once.
 */
import type { CloseArguments } from './arguments.js';

/** Where messages go. */
export interface SendTarget {
  send(message: string | Uint8Array, payloadBytes: number): void;
  close(close: CloseArguments): void;
  /** A blob could not be read: what was promised cannot be sent. */
  cannotRead(cause: unknown): void;
}

type Step =
  | { readonly message: string | Uint8Array | Blob; readonly payloadBytes: number }
  | { readonly close: CloseArguments };

export class SendQueue {
  readonly #target: SendTarget;
  /** Behind the blob that is being read. */
  readonly #steps: Step[] = [];
  #isReading = false;

  constructor(target: SendTarget) {
    this.#target = target;
  }

  /** @param message bytes are copied if they must wait. */
  send(message: string | Uint8Array | Blob, payloadBytes: number): void {
    const mustWait = this.#isReading && message instanceof Uint8Array;
    this.#push({ message: mustWait ? Uint8Array.from(message) : message, payloadBytes });
  }

  close(close: CloseArguments): void {
    this.#push({ close });
  }

  /** Nothing that waits will be sent. */
  clear(): void {
    this.#steps.length = 0;
  }

  #push(step: Step): void {
    this.#steps.push(step);
    if (!this.#isReading) this.#run();
  }

  #run(): void {
    for (let step = this.#steps.shift(); step !== undefined; step = this.#steps.shift()) {
      if ('close' in step) {
        this.#target.close(step.close);
      } else if (step.message instanceof Blob) {
        void this.#read(step.message, step.payloadBytes);
        return;
      } else {
        this.#target.send(step.message, step.payloadBytes);
      }
    }
  }

  async #read(blob: Blob, payloadBytes: number): Promise<void> {
    this.#isReading = true;
    try {
      this.#target.send(new Uint8Array(await blob.arrayBuffer()), payloadBytes);
    } catch (cause) {
      this.#target.cannotRead(cause);
    }
    this.#isReading = false;
    this.#run();
  }
}
