// Requests that do no harm when they are made twice: sent when the line is live, and again over reconnects until they are answered.

import type { Follow, Mark, Ok, Read, Search, TrunklineError, Unfollow } from '@trunkline/protocol';
import { createBackoff } from './backoff.js';
import type { Dial } from './dial.js';
import type { Link } from './link.js';
import { errorOf, type Unnumbered } from './requests.js';
import type { Shared } from './shared.js';
import type { Stream } from './stream.js';
import { createTimers } from './timers.js';

type Question = Unnumbered<Mark | Follow | Unfollow | Read | Search>;

interface Ask {
  readonly question: Question;
  /** Where it awaits its answer. */
  dial: Dial | undefined;
  isOver: boolean;
  isGood(reply: object): boolean;
  resolve(reply: never): void;
  reject(error: TrunklineError): void;
}

export interface Asks extends Omit<Stream, 'handle'> {
  /** Resolves with the answer; one that is not good ends the connection. What waits keeps it open. */
  ask<Answer extends object = Ok>(question: Question, isGood?: (reply: object) => reply is Answer): Promise<Answer>;
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
    ask: (question, isGood) =>
      shared.batch.run(
        () =>
          new Promise((resolve, reject) => {
            open.push({ question, isGood: isGood ?? (() => true), dial: undefined, isOver: false, resolve, reject });
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
          if (!ask.isGood(reply)) return dial.breach(String(ask.question.type));
          backoff.reset();
          settle(ask, () => ask.resolve(reply as never));
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
