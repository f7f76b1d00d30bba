// Who polls is present for a while each time that it says so, and says so again before that is over.

import type { LogHost } from './polled-log.js';

/** So long for each time: longer than the slowest poll, and short enough for a page that is gone without a word. */
const SECONDS = 40;
/** Said again when so much of it is left, or less: the next poll may be 15 s away. */
const LEFT_MS = 20_000;

export class PolledPresence {
  #untilMs = Number.NEGATIVE_INFINITY;
  /** Nobody looks, or nobody is told here. */
  #isAway: boolean;

  constructor(
    private readonly host: Pick<LogHost, 'requests'>,
    private readonly stream: string,
    isAway: boolean,
  ) {
    this.#isAway = isAway;
  }

  /** Call it with each poll. Rejects as `Requests.send` does. */
  async renew(): Promise<void> {
    if (this.#isAway || this.#untilMs - performance.now() > LEFT_MS) return;
    this.#untilMs = performance.now() + SECONDS * 1_000;
    const answer = await this.host.requests.send({ method: 'PUT', path: this.#path, body: { seconds: SECONDS } });
    // There is no presence here, or one may not be seen.
    if (answer.status === 403 || answer.status === 404) this.#isAway = true;
    else if (answer.status !== 200) this.#untilMs = Number.NEGATIVE_INFINITY;
  }

  /** Whether nobody looks. Rejects as `Requests.send` does. */
  async look(isAway: boolean): Promise<void> {
    this.#isAway = isAway;
    if (!isAway) return this.renew();
    if (this.#end()) await this.host.requests.send({ method: 'DELETE', path: this.#path });
  }

  /** The page may be gone before that is answered. */
  leave(): void {
    if (this.#end()) this.host.requests.sendLast({ method: 'DELETE', path: this.#path });
  }

  #end(): boolean {
    const wasHere = this.#untilMs > performance.now();
    this.#untilMs = Number.NEGATIVE_INFINITY;
    return wasHere;
  }

  get #path(): string {
    return `/v1/channels/${this.stream}/presence/me`;
  }
}
