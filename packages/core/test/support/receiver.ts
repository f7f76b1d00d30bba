// A peer that reports what it has processed: by hand, or over a link with a delay and a rate of its own.

import { SEEN_BYTES, SEEN_LEAST_BYTES, SEEN_MS, utf8Bytes } from '@trunkline/protocol';
import { LOBBY, type Peer, World, type WorldOptions } from './world.js';

/** A connection that was let in and said that it would report. */
export async function enterReporting(world: World, user = 'ada'): Promise<Peer> {
  const peer = world.connect();
  peer.say({ type: 'hello', version: 1, token: user, features: ['seen'] });
  await world.settle();
  peer.connection.fresh();
  return peer;
}

/** A reporting peer that is at the head of the lobby. */
export async function subscribed(options: WorldOptions = {}): Promise<{ world: World; peer: Peer }> {
  const world = new World(options);
  const peer = await enterReporting(world);
  await peer.subscribe();
  return { world, peer };
}

/** Appends one entry of about so many bytes. */
export async function append(world: World, n: number, bytes = 10): Promise<void> {
  await world.fill(1, n, LOBBY, 'x'.repeat(bytes));
  await world.settle();
}

/** Payload bytes of all messages sent to it. */
export function sentBytes({ connection }: Peer): number {
  return connection.texts.reduce((sum, text) => sum + utf8Bytes(text), 0);
}

/** Reports so many bytes in all; by default everything. */
export function report(peer: Peer, bytes = sentBytes(peer)): void {
  peer.say({ type: 'seen', bytes });
}

export interface LinkOptions {
  readonly roundTripMs: number;
  /** What the receiver processes. Default: no bound. */
  readonly bytesPerSecond?: number;
}

/** Carries what is sent to a peer to a receiver that processes it and reports as FLO-1 says. */
export class Receiver {
  processedBytes = 0;
  /** Most bytes that were ever sent and not processed. */
  mostBehindBytes = 0;
  #arrivedBytes = 0;
  #sentBytes: number;
  #reportedBytes = 0;
  #isReportDue = false;
  #isBusy = false;

  constructor(
    readonly world: World,
    readonly peer: Peer,
    private readonly link: LinkOptions,
  ) {
    // What came before is on its way as well.
    this.#sentBytes = sentBytes(peer);
    this.#arrive(this.#sentBytes);
    peer.connection.onSend = () => {
      const bytes = utf8Bytes(peer.connection.texts.at(-1) ?? '');
      this.#sentBytes += bytes;
      this.mostBehindBytes = Math.max(this.mostBehindBytes, this.#sentBytes - this.processedBytes);
      this.#arrive(bytes);
    };
  }

  #arrive(bytes: number): void {
    this.world.clock.after(this.link.roundTripMs / 2, () => {
      this.#arrivedBytes += bytes;
      this.#process();
    });
  }

  #process(): void {
    const { bytesPerSecond } = this.link;
    if (bytesPerSecond === undefined) return this.#processed(this.#arrivedBytes - this.processedBytes);
    if (this.#isBusy || this.#arrivedBytes === this.processedBytes) return;
    // A tenth of a second's worth at a time.
    this.#isBusy = true;
    this.world.clock.after(100, () => {
      this.#isBusy = false;
      this.#processed(Math.min(Math.ceil(bytesPerSecond / 10), this.#arrivedBytes - this.processedBytes));
      this.#process();
    });
  }

  #processed(bytes: number): void {
    for (let left = bytes; left > 0; ) {
      const part = Math.min(left, SEEN_BYTES - (this.processedBytes - this.#reportedBytes));
      left -= part;
      this.processedBytes += part;
      const unreported = this.processedBytes - this.#reportedBytes;
      if (unreported >= SEEN_BYTES) this.#report();
      else if (unreported > SEEN_LEAST_BYTES && !this.#isReportDue) {
        this.#isReportDue = true;
        this.world.clock.after(SEEN_MS, () => this.#report());
      }
    }
  }

  #report(): void {
    this.#isReportDue = false;
    if (this.processedBytes === this.#reportedBytes) return;
    const bytes = this.processedBytes;
    this.#reportedBytes = bytes;
    this.world.clock.after(this.link.roundTripMs / 2, () => report(this.peer, bytes));
  }
}
