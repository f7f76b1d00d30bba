// Who is let in to an operation, and as what: a user by `authenticate`, or a back end by its API key.

import type { Caller, Callers, CallerUse, Engine, Target } from '@trunkline/core';
import { parseStreamName, TrunklineError } from '@trunkline/protocol';
import type { RequestInfo } from '../define/trunkline.js';
import { type ApiKeys, bearerToken, KeyRing, type KnownKey } from './credentials.js';

/** Whoever asks, before that is known. */
export interface Asker {
  readonly authorization: string | undefined;
  /** Of the page, if one asks. */
  readonly origin: string | undefined;
  readonly info: RequestInfo;
}

export interface Admitted {
  readonly caller: Caller;
  /** Tells callers apart. */
  readonly callerName: string;
  /** To be ended with `done`. */
  readonly use: CallerUse;
  /** `null`: a user asks. */
  readonly key: KnownKey | null;
}

export class Gate {
  readonly #engine: Engine<RequestInfo>;
  readonly #keys: KeyRing;
  readonly #callers: Callers;

  /** @throws TypeError for API keys that make no sense. */
  constructor(engine: Engine<RequestInfo>, apiKeys: ApiKeys, callers: Callers) {
    this.#engine = engine;
    this.#keys = new KeyRing(apiKeys, new Set(engine.app.channels.keys()));
    this.#callers = callers;
  }

  /** @param wanted the channel, or what else is asked for. Rejects with TrunklineError `unauthorized`, `forbidden`, `rate_limited`, `unavailable`. */
  async admit(
    { authorization, origin, info }: Asker,
    wanted: Target | 'procedure' | 'user' | 'unread',
  ): Promise<Admitted> {
    const token = bearerToken(authorization);
    const key = token === undefined ? null : this.#keys.find(token);
    if (key === null) {
      const identity = await this.#engine.requests.identify(token, info);
      if (wanted === 'user') throw new TrunklineError('forbidden', 'this is for back ends: send an API key');
      const { publishRatePerSecond, publishBurst } = this.#engine.limits;
      return this.#enter(
        `user/${identity.id}`,
        identity,
        { ratePerSecond: publishRatePerSecond, burst: publishBurst },
        null,
      );
    }
    // A key that a page has is a key that everybody has.
    if (origin !== undefined)
      throw new TrunklineError('forbidden', 'API keys are for back ends: a page needs a user token');
    if (wanted === 'procedure') {
      throw new TrunklineError('forbidden', 'procedures act for a user: send a user token');
    }
    const channel = wanted === 'user' || wanted === 'unread' ? undefined : (parseStreamName(wanted.name)?.key ?? '');
    if (channel !== undefined && key.channels !== null && !key.channels.has(channel)) {
      throw new TrunklineError('forbidden', `this API key is not for ${channel}`);
    }
    const { ratePerSecond } = key;
    return this.#enter(`key/${key.name}`, null, { ratePerSecond, burst: ratePerSecond }, key);
  }

  #enter(
    callerName: string,
    identity: Caller['identity'],
    rate: { readonly ratePerSecond: number; readonly burst: number },
    key: KnownKey | null,
  ): Admitted {
    const use = this.#callers.enter(callerName, rate);
    return { caller: { identity, admit: () => use.admit() }, callerName, use, key };
  }
}
