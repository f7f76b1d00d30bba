// What one connection sends as signals: no request, no answer. Checked like a publish: rate → name → shape → may this user → out.

import { type Limits, type Signal, TrunklineError } from '@trunkline/protocol';
import { type Identity, type LogRuntime, resolveStored, SERVER, type Validated } from './app.js';
import type { Engine } from './engine.js';
import { errorAnswer } from './error-answer.js';
import { madeText, payloadText } from './payload-text.js';
import { runHook } from './run-hook.js';
import type { Session } from './session.js';
import { TokenBucket } from './token-bucket.js';

/** What a rule that takes its time may keep waiting for one connection; more are dropped. */
const MAX_IN_WORK = 20;
/** A sender learns of what was refused at most once in so many milliseconds. */
const COMPLAINT_MS = 1_000;

export class SessionSignals<Request> {
  readonly #rate: TokenBucket;
  readonly #limits: Limits;
  #inWork = 0;
  #complainedMs = Number.NEGATIVE_INFINITY;

  constructor(private readonly session: Session<Request>) {
    const { limits, clock } = session.engine;
    this.#limits = limits;
    this.#rate = new TokenBucket(limits.signalRatePerSecond, limits.signalBurst, clock.nowMs());
  }

  /** Never rejects. */
  async send({ stream, name, data }: Signal): Promise<void> {
    const { session } = this;
    const { engine } = session;
    if (this.#inWork >= MAX_IN_WORK) return;
    this.#inWork += 1;
    try {
      const afterMs = this.#rate.take(engine.clock.nowMs());
      if (afterMs > 0) {
        const { signalRatePerSecond } = this.#limits;
        const words = `more than ${signalRatePerSecond} signals a second: wait ${afterMs} ms`;
        throw new TrunklineError('rate_limited', words, { afterMs });
      }
      const target = resolveStored(engine.app, stream);
      const { channel, params } = target;
      const validate = validatorOf(channel.kind === 'log' ? channel : undefined, name);
      payloadText('signal', data, this.#limits.maxSignalBytes);
      const text = await checkedText(engine, validate, data);
      const present = () => (session.isOver() ? GONE : (session.identity ?? GONE));
      const permission = { present, channel, params, stream: target.name, action: 'signal' as const };
      await engine.permits.whileAllowed(
        permission,
        async () => undefined,
        () => engine.sendSignal(target.name, present(), name, text),
      );
    } catch (error) {
      const now = engine.clock.nowMs();
      if (Math.abs(now - this.#complainedMs) < COMPLAINT_MS || session.isOver()) return;
      this.#complainedMs = now;
      session.send(errorAnswer(undefined, error, engine.log));
    } finally {
      this.#inWork -= 1;
    }
  }
}

/** A token that has expired lets nothing pass. */
const GONE: Identity = { ...SERVER, expiresAt: 0 };

type Validator = NonNullable<LogRuntime['signals']> extends ReadonlyMap<string, infer V> ? V : never;

/** @throws TrunklineError `invalid` */
export function validatorOf(channel: Pick<LogRuntime, 'signals'> | undefined, name: string): Validator {
  const validate = channel?.signals?.get(name);
  if (validate !== undefined) return validate;
  throw new TrunklineError('invalid', `there is no signal ${JSON.stringify(name.slice(0, 80))} here`);
}

/** The schema's output as JSON. Rejects with a TrunklineError. */
async function checkedText<Request>(engine: Engine<Request>, validate: Validator, data: Signal['data']) {
  const checked: Validated = await runHook(engine.log, 'the schema failed', () => validate(data));
  if ('problem' in checked) throw new TrunklineError('invalid', checked.problem);
  return madeText('signal', checked.value, engine.limits.maxSignalBytes, 'the schema made', engine.log);
}
