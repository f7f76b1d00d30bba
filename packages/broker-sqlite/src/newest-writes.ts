// What reads of a stream wait for: its newest write that is not answered yet. Writes take effect in order, so those before it are done then.

import type { StreamName } from '@trunkline/protocol';

interface Write {
  /** Settles when it is answered. Asked for before that, if at all. */
  readonly written: Promise<unknown>;
}

export class NewestWrites {
  readonly #writes = new Map<StreamName, Write>();

  began(name: StreamName, write: Write): void {
    this.#writes.set(name, write);
  }

  ended(name: StreamName, write: Write): void {
    if (this.#writes.get(name) === write) this.#writes.delete(name);
  }

  of(name: StreamName): Promise<unknown> | undefined {
    return this.#writes.get(name)?.written;
  }
}
