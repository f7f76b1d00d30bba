/** `CloseEvent` of the WebSocket standard. Node has it as a global only from version 23 on. */

export interface CloseEventInit {
  readonly bubbles?: boolean;
  readonly cancelable?: boolean;
  readonly composed?: boolean;
  /** Default false. */
  readonly wasClean?: boolean;
  /** Default 0. */
  readonly code?: number;
  /** Default empty. */
  readonly reason?: string;
}

/** The `CloseEvent` of browsers, where Node has none. */
export class CloseEvent extends Event {
  readonly #wasClean: boolean;
  readonly #code: number;
  readonly #reason: string;

  constructor(type: string, init: CloseEventInit = {}) {
    super(type, init);
    this.#wasClean = init.wasClean ?? false;
    this.#code = init.code ?? 0;
    this.#reason = init.reason ?? '';
  }

  /** Whether both close frames were exchanged. */
  get wasClean(): boolean {
    return this.#wasClean;
  }

  /** The peer's close code; 1005 if its close frame had none, 1006 if no close frame came. */
  get code(): number {
    return this.#code;
  }

  /** The peer's reason; empty if it gave none. */
  get reason(): string {
    return this.#reason;
  }
}
