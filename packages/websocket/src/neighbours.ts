/**
 * Several of ours on one HTTP server. What is for none of them, and nobody else listens, must be answered by one: were each
 * to leave it to the others, the peer would wait for ever, and the server for the peer when it closes.
 */

/** Whether a request target is for somebody. */
type Takes = (target: string | undefined) => boolean;

const attached = new WeakMap<object, Takes[]>();

export class Neighbours {
  readonly #all: Takes[];
  readonly #takes: Takes;

  /** Of one that listens to a server from now on. */
  constructor(server: object, takes: Takes) {
    let all = attached.get(server);
    if (all === undefined) {
      all = [];
      attached.set(server, all);
    }
    all.push(takes);
    this.#all = all;
    this.#takes = takes;
  }

  /** Whether what nobody takes is this one's to refuse. @param listeners how many listen to the event, ours included. */
  mustAnswer(listeners: number): boolean {
    return this.#all[0] === this.#takes && listeners <= this.#all.length;
  }

  /** Whether a request target is for one of ours. */
  take(target: string | undefined): boolean {
    return this.#all.some((takes) => takes(target));
  }

  leave(): void {
    const at = this.#all.indexOf(this.#takes);
    if (at >= 0) this.#all.splice(at, 1);
  }
}
