// Requests that do no harm when they are made twice: sent when the line is live, and again over reconnects until they are answered.

import type { Follow, Mark, TrunklineError, Unfollow } from '@trunkline/protocol';
import { createBackoff } from './backoff.js';
import type { Dial } from './dial.js';
import type { Link } from './link.js';
import { errorOf } from './requests.js';
import type { Shared } from './shared.js';
import type { Stream } from './stream.js';
import { createTimers } from './timers.js';

type Question = Omit<Mark, 'id'> | Omit<Follow | Unfollow, 'id'>;

interface Ask {
  readonly question: Question;
  /** Where it awaits its answer. */
  dial: Dial | undefined;
  isOver: boolean;
  resolve(): void;
  reject(error: TrunklineError): void;
}

export interface Asks extends Omit<Stream, 'handle'> {
  /** Resolves when it is done. What waits keeps the connection open. */
  ask(question: Question): Promise<void>;
}

export function createAsks(shared: Shared, link: Link): Asks {
  const timers = createTimers<'again'>(shared);
  const backoff = createBackoff(shared);
  let open: Ask[] = [];
  let release: (() => void) | undefined;
  const lost = () => {
    for (const ask of open) ask.dial = undefined;
    pump();
  };
  return {
    ask: (question) =>
      shared.batch.run(
        () =>
          new Promise((resolve, reject) => {
            open.push({ question, dial: undefined, isOver: false, resolve, reject });
            release ??= link.hold();
            link.need();
            pump();
          }),
      ),
    isResumed: () => open.every(({ dial }) => !dial || dial === link.dial),
    greet: pump,
    live: pump,
    lost,
    moved: lost,
    changed: pump,
    refused: pump,
    retry: pump,
    sight() {},
  };

  function pump(): void {
    const { error, dial } = link;
    if (link.state === 'refused' && error) for (const ask of open) settle(ask, () => ask.reject(error));
    if (!dial || timers.has('again')) return;
    for (const ask of open) {
      if (ask.dial) continue;
      ask.dial = dial;
      dial.request(ask.question, (reply) => {
        if (ask.isOver || ask.dial !== dial) return;
        if (reply.type !== 'error') {
          backoff.reset();
          settle(ask, ask.resolve);
        } else if (!reply.retry) settle(ask, () => ask.reject(errorOf(reply)));
        else {
          ask.dial = undefined;
          timers.set('again', backoff.nextMs(reply.afterMs), pump);
        }
      });
    }
  }

  function settle(ask: Ask, tell: () => void): void {
    ask.isOver = true;
    open = open.filter((other) => other !== ask);
    tell();
    if (open.length > 0) return;
    release?.();
    release = undefined;
  }
}
