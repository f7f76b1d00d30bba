// Where a connection's write goes: a stream, and the lane of a producer in it. Most go where the one before went, so a connection keeps its
// last one: a name is parsed once, and hundreds of publishes that wait for the disk share their texts.

import type { StreamName } from '@trunkline/protocol';
import type { Target } from './app.js';
import { producerKey } from './slice.js';

export class WritePlace {
  /** What the broker knows the producer by. */
  readonly key: string;
  readonly lane: string;

  /** @param asked the stream's name as it was sent */
  constructor(
    readonly target: Target,
    readonly asked: string,
    readonly producer: string,
    readonly userId: string,
  ) {
    this.key = producerKey(userId, producer);
    this.lane = laneOf(target.name, this.key);
  }

  isOf(asked: string, producer: string, userId: string): boolean {
    return asked === this.asked && producer === this.producer && userId === this.userId;
  }
}

/** Names a producer's requests to a stream. @param key of the producer, with its user's id */
export function laneOf(stream: StreamName, key: string): string {
  return `${stream}\n${key}`;
}
