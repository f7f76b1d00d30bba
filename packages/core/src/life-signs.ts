// Whether a connection is still alive: when its peer was heard last, and whether it takes what it is sent.

/** What a look at a connection finds: it takes nothing, it says nothing, it is time to ask, or none of these. */
export type Finding = 'stalled' | 'silent' | 'ping' | null;

export class LifeSigns {
  /** The last round trip measured, in milliseconds. */
  rttMs: number | undefined;
  #receivedMs: number;
  #pingedMs: number;
  #pongAwaited = false;
  #takenBytes = 0;
  #progressMs: number;

  constructor(nowMs: number) {
    this.#receivedMs = nowMs;
    this.#pingedMs = nowMs;
    this.#progressMs = nowMs;
  }

  /** Something arrived, whatever it was. */
  heard(nowMs: number): void {
    this.#receivedMs = nowMs;
  }

  ponged(nowMs: number): void {
    if (this.#pongAwaited) this.rttMs = nowMs - this.#pingedMs;
    this.#pongAwaited = false;
  }

  /** The next ping is due one interval from now. */
  opened(nowMs: number): void {
    this.#pingedMs = nowMs;
  }

  /** What lies before `nowMs` counts neither as silence nor as standstill. */
  pardon(nowMs: number): void {
    this.#receivedMs = nowMs;
    this.#progressMs = nowMs;
  }

  /**
   * Looks at the connection. `ping`: it counts as sent now.
   * @param isRead `false` while we do not read the connection: then its peer cannot show that it lives.
   */
  check(
    nowMs: number,
    connection: { readonly bufferedBytes: number; readonly takenBytes: number },
    limits: { readonly pingMs: number; readonly stallTimeoutMs: number },
    isRead: boolean,
  ): Finding {
    if (connection.bufferedBytes === 0 || connection.takenBytes !== this.#takenBytes) {
      this.#takenBytes = connection.takenBytes;
      this.#progressMs = nowMs;
    }
    if (!isRead) this.#receivedMs = nowMs;
    if (nowMs - this.#progressMs > limits.stallTimeoutMs) return 'stalled';
    if (nowMs - this.#receivedMs > 2 * limits.pingMs) return 'silent';
    if (nowMs - this.#pingedMs < limits.pingMs) return null;
    this.#pingedMs = nowMs;
    this.#pongAwaited = true;
    return 'ping';
  }
}
