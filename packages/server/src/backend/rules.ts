// The back end as a channel's rule: `authorize` and `publish.before`. What it says is believed only if it is an answer; an answer that makes no
// sense is a bug of the back end, and lets nobody in and nothing pass.

import { createHash, randomBytes } from 'node:crypto';
import type { HookResult, Log } from '@trunkline/core';
import { type JsonValue, TrunklineError } from '@trunkline/protocol';
import type { BackendCalls } from './backend-calls.js';
import { BackendDownError } from './backend-down.js';
import type { FilledBackend } from './backend-options.js';
import type { AuthorizeRequest, BeforeRequest, RequestType, ToldStream, ToldUser } from './requests.js';

/** Answers to `authorize` that are remembered. */
const MAX_CACHED = 10_000;
/** Of a refusal. */
const [MAX_CODE_LENGTH, MAX_MESSAGE_LENGTH] = [64, 1_000];

export interface RulesOptions {
  readonly calls: Pick<BackendCalls, 'send'>;
  readonly options: Pick<FilledBackend, 'authorizeCacheMs' | 'whenDown'>;
  readonly log: Log;
  readonly nowMs: () => number;
}

type KnownUser = ToldUser & { readonly id: string };

export class BackendRules {
  readonly #with: RulesOptions;
  /** The oldest in front. */
  readonly #cached = new Map<string, { readonly allow: boolean; readonly untilMs: number }>();
  /** Counts what may have changed somebody's rights: an answer that was asked for before is not remembered. */
  #forgets = 0;

  constructor(options: RulesOptions) {
    this.#with = options;
  }

  /** Whether the user may do that. Rejects with TrunklineError `unavailable`, `internal`. */
  async authorize(
    stream: ToldStream,
    user: KnownUser,
    action: string,
    amend?: Pick<AuthorizeRequest, 'amendment' | 'entry'>,
  ): Promise<boolean> {
    const { authorizeCacheMs } = this.#with.options;
    const key = JSON.stringify([user.id, stream.stream, action]);
    const known = this.#cached.get(key);
    // What is said of one entry is not said of another.
    const isKept = authorizeCacheMs > 0 && amend === undefined;
    if (isKept && known !== undefined && known.untilMs > this.#with.nowMs()) return known.allow;
    const forgets = this.#forgets;
    const data: AuthorizeRequest = { ...stream, user, action, ...amend };
    const { allow } = await this.#ask('authorize', `authorize_${randomBytes(18).toString('base64url')}`, data);
    if (typeof allow !== 'boolean') throw this.#senseless('authorize', 'say {"allow": true} or {"allow": false}');
    if (isKept && forgets === this.#forgets) this.#remember(key, allow, authorizeCacheMs);
    return allow;
  }

  /** The user's rights may have changed. */
  forget(userId: string): void {
    this.#forgets += 1;
    const prefix = `[${JSON.stringify(userId)},`;
    for (const key of this.#cached.keys()) if (key.startsWith(prefix)) this.#cached.delete(key);
  }

  /** What is to become of the entry. Rejects with TrunklineError `unavailable`, `internal`. */
  async before(data: BeforeRequest & { readonly user: KnownUser }): Promise<HookResult> {
    const { stream, user, producer, seq } = data;
    // The same for the same publish, however often its client sends it.
    const name = createHash('sha256')
      .update(JSON.stringify([stream, user.id, producer, seq]))
      .digest('base64url');
    let answer: Readonly<Record<string, unknown>>;
    try {
      answer = await this.#ask('publish.before', `before_${name}`, data);
    } catch (error) {
      const isDown = error instanceof TrunklineError && error.code === 'unavailable';
      if (isDown && this.#with.options.whenDown === 'accept') return { store: undefined };
      throw error;
    }
    const { accept, code, message = code } = answer;
    if (accept === true) return { store: Object.hasOwn(answer, 'entry') ? answer.entry : undefined };
    const isRefusal =
      accept === false && isText(code, MAX_CODE_LENGTH) && code !== '' && isText(message, MAX_MESSAGE_LENGTH);
    if (isRefusal) return { refusal: { code, message } };
    const advice = 'say {"accept": true}, with or without "entry", or {"accept": false, "code": …, "message": …}';
    throw this.#senseless('publish.before', advice);
  }

  #remember(key: string, allow: boolean, forMs: number): void {
    this.#cached.delete(key);
    this.#cached.set(key, { allow, untilMs: this.#with.nowMs() + forMs });
    const oldest = this.#cached.size > MAX_CACHED ? this.#cached.keys().next().value : undefined;
    if (oldest !== undefined) this.#cached.delete(oldest);
  }

  async #ask(type: RequestType, id: string, data: object): Promise<Readonly<Record<string, unknown>>> {
    const { calls, nowMs } = this.#with;
    const { status, text } = await calls.send(type, id, nowMs(), data).catch((error: unknown) => {
      if (!(error instanceof BackendDownError)) throw error;
      // Its words may name hosts: they are for the log, where the breaker tells them.
      throw new TrunklineError('unavailable', 'the back end cannot be asked now', {
        afterMs: error.afterMs,
        cause: error,
      });
    });
    if (status !== 200) throw this.#senseless(type, `it answered ${status}, only 200 is an answer`);
    const answer = parsed(text);
    if (answer === null) throw this.#senseless(type, 'the answer is no JSON object');
    return answer;
  }

  #senseless(type: RequestType, problem: string): TrunklineError {
    this.#with.log.error({ type }, `the back end's answer makes no sense: ${problem}`);
    return new TrunklineError('internal', "the back end's answer makes no sense; the server's log has the cause");
  }
}

function isText(value: unknown, most: number): value is string {
  return typeof value === 'string' && value.length <= most;
}

function parsed(text: string): Readonly<Record<string, JsonValue>> | null {
  try {
    const value = JSON.parse(text) as JsonValue;
    const isObject = typeof value === 'object' && value !== null && !Array.isArray(value);
    return isObject ? (value as Readonly<Record<string, JsonValue>>) : null;
  } catch {
    return null;
  }
}
