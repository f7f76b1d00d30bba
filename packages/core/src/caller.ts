// From a call to what a procedure returned: known already? → limits → shape → may this user? → run. What is to run once is begun in
// the broker before it runs, and what came of it is kept there before it is told.

import type { Broker, KnownCall, ProducerSeq } from '@trunkline/broker';
import { type JsonValue, RESULT_MEMORY_MS, TrunklineError } from '@trunkline/protocol';
import type { Identity, ProcedureRuntime, RunningProcedure } from './app.js';
import { callBroker } from './broker-call.js';
import { type Came, keptText, keptValue } from './kept-result.js';
import { madeText, payloadText } from './payload-text.js';
import type { Permits } from './permits.js';
import type { Clock, Log } from './ports.js';
import { runHook } from './run-hook.js';

/** A repeat that comes while the first call runs should come again after this many milliseconds. */
const STILL_RUNS_MS = 500;

export interface CallRequest {
  readonly name: string;
  readonly procedure: ProcedureRuntime;
  readonly data: JsonValue;
  /** The user with the rights of now. */
  readonly present: () => Identity;
  /** As the client named it; absent: the call may run again when it is sent again. */
  readonly source: ProducerSeq | undefined;
  /** The same for the broker, bound to the user. */
  readonly caller: ProducerSeq | undefined;
  readonly deadlineMs: number | undefined;
  /** Takes a place among those that run, and gives what gives it back. Throws a TrunklineError if there is none. */
  readonly admit: () => () => void;
  /** Sends a progress of this text; whether it did. */
  readonly progress: (text: string) => boolean;
}

export interface CallInWork {
  /** What the procedure returned, as JSON text. Rejects with a TrunklineError. */
  readonly answer: Promise<string>;
  /** It runs once, and so it goes on when its connection ends. */
  readonly isKept: boolean;
  /** Answers it with `unavailable`, and tells the run to stop. */
  stop(reason: string): void;
}

export interface CallerOptions {
  readonly broker: Broker;
  readonly log: Log;
  readonly clock: Clock;
  readonly permits: Permits;
  readonly maxEntryBytes: number;
  readonly deadlineMs: number;
  readonly maxDeadlineMs: number;
}

export class Caller {
  readonly #options: CallerOptions;
  /** Calls that are to run once and are at work in this process. */
  readonly #once = new Set<string>();
  readonly #inWork = new Set<Run>();

  constructor(options: CallerOptions) {
    this.#options = options;
  }

  /** Begins at once. */
  call(request: CallRequest): CallInWork {
    const run = new Run(this.#options, request, this.#once, () => this.#inWork.delete(run));
    this.#inWork.add(run);
    run.begin();
    return run;
  }

  /** The server stops: tells every run, also those whose connection is gone. */
  stop(reason: string): void {
    for (const run of this.#inWork) run.stop(reason);
  }
}

/** One call. */
class Run implements CallInWork {
  readonly answer: Promise<string>;
  readonly isKept: boolean;
  #resolve: (text: string) => void = () => {};
  #reject: (error: unknown) => void = () => {};
  #isAnswered = false;
  #stopped: TrunklineError | null = null;
  #running: RunningProcedure | null = null;
  #giveBack: (() => void) | null = null;
  #cancelDeadline = (): void => {};

  constructor(
    readonly options: CallerOptions,
    readonly request: CallRequest,
    readonly once: Set<string>,
    readonly ended: () => void,
  ) {
    this.isKept = request.caller !== undefined;
    this.answer = new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
  }

  begin(): void {
    const { clock, deadlineMs: usualMs, maxDeadlineMs } = this.options;
    const deadlineMs = Math.min(this.request.deadlineMs ?? usualMs, maxDeadlineMs);
    this.#cancelDeadline = clock.after(deadlineMs, () => this.stop(`it took longer than ${deadlineMs} ms`));
    this.#work().then(
      (text) => this.#settle(() => this.#resolve(text)),
      (error) => this.#settle(() => this.#reject(error)),
    );
  }

  stop(reason: string): void {
    if (this.#stopped !== null) return;
    // Of one that is to run once nobody has said yet whether it ran before.
    const outcome = this.#running === null && !this.isKept ? 'refused' : 'unknown';
    const stopped = new TrunklineError('unavailable', reason, { retry: false, outcome });
    this.#stopped = stopped;
    this.#running?.stop(reason);
    this.#answer(() => this.#reject(stopped));
  }

  #settle(tell: () => void): void {
    this.#answer(tell);
    this.ended();
  }

  #answer(tell: () => void): void {
    if (this.#isAnswered) return;
    this.#isAnswered = true;
    this.#cancelDeadline();
    // Also of one that does not obey: its caller has waited long enough for the place.
    this.#giveBack?.();
    tell();
  }

  async #work(): Promise<string> {
    const { caller } = this.request;
    if (caller === undefined) return textOf(await this.#admitted());
    const key = `${caller.seq}:${caller.producer}`;
    if (this.once.has(key)) {
      throw new TrunklineError('unavailable', 'the first call with this number still runs', {
        outcome: 'unknown',
        afterMs: STILL_RUNS_MS,
      });
    }
    // Until its result is stored, however long ago its caller was answered.
    this.once.add(key);
    try {
      const known = await callBroker(this.options.log, this.options.broker.recall(caller));
      return textOf(known === null ? await this.#admitted() : cameOf(known));
    } finally {
      this.once.delete(key);
    }
  }

  async #admitted(): Promise<Came> {
    const { request, options } = this;
    const { procedure, data, present, caller } = request;
    const { log, permits, broker, maxEntryBytes } = options;
    if (this.#stopped !== null) throw this.#stopped;
    this.#giveBack = request.admit();
    payloadText('input', data, maxEntryBytes);
    const checked = await runHook(log, 'the schema failed', () => procedure.validate(data));
    if ('problem' in checked) throw new TrunklineError('invalid', checked.problem);
    const input = checked.value;
    const { authorize } = procedure;
    const rule = authorize === undefined ? {} : { authorize: (user: unknown) => authorize(user, input) };
    let isBegun = false;
    const begin = async (): Promise<KnownCall | null> => {
      if (caller === undefined) return null;
      const call = await callBroker(log, broker.begin(caller, RESULT_MEMORY_MS));
      if (call.state !== 'new') return call;
      isBegun = true;
      return null;
    };
    let came: Came;
    try {
      const begun = await permits.whileAllowed(
        { present, channel: rule, params: [], action: 'call' },
        begin,
        (known) => known ?? this.#start(input),
      );
      if ('state' in begun) return cameOf(begun);
      came = await this.#cameOf(begun);
    } catch (error) {
      if (!isBegun) throw error;
      // Refused after all, and it did not run: the same is said to a repeat.
      came = { error: error instanceof TrunklineError ? error : this.#failed(error) };
    }
    if (isBegun && caller !== undefined) await this.#keep(caller, came);
    return came;
  }

  #start(input: unknown): RunningProcedure {
    if (this.#stopped !== null) throw new TrunklineError('unavailable', this.#stopped.message, { retry: false });
    const { procedure, present, source, progress } = this.request;
    const { maxEntryBytes } = this.options;
    this.#running = procedure.run({
      input,
      user: present().user,
      ...(source === undefined ? {} : { source }),
      progress: (data) => {
        const text = payloadText('progress', data, maxEntryBytes);
        return !this.#isAnswered && progress(text);
      },
    });
    return this.#running;
  }

  /** Once it has run nothing that went wrong says that nothing happened, and nothing is to be sent again. */
  async #cameOf({ result }: RunningProcedure): Promise<Came> {
    const { log, maxEntryBytes } = this.options;
    const { name } = this.request;
    try {
      const came = await result;
      if ('refusal' in came) {
        const { code, message } = came.refusal;
        return { error: new TrunklineError('refused', message, { refusal: code }) };
      }
      return { text: madeText('result', came.output ?? null, maxEntryBytes, `the procedure ${name} returned`, log) };
    } catch (error) {
      const fate = { retry: false, outcome: 'unknown' } as const;
      if (error instanceof TrunklineError) return { error: new TrunklineError(error.code, error.message, fate) };
      if (this.#stopped !== null) return { error: new TrunklineError('unavailable', this.#stopped.message, fate) };
      return { error: this.#failed(error) };
    }
  }

  #failed(error: unknown): TrunklineError {
    this.options.log.error({ error, procedure: this.request.name }, 'a procedure failed');
    const message = "the procedure failed; the server's log has the cause";
    return new TrunklineError('internal', message, { retry: false, outcome: 'unknown', cause: error });
  }

  async #keep(caller: ProducerSeq, came: Came): Promise<void> {
    const { broker, log } = this.options;
    try {
      await broker.finish(caller, keptText(came));
    } catch (error) {
      // The caller can still be told. Who asks again will hear that nobody knows.
      log.error({ error, procedure: this.request.name }, 'the result of a procedure could not be kept');
    }
  }
}

function textOf(came: Came): string {
  if ('error' in came) throw came.error;
  return came.text;
}

/** What is known of a call that is not at work here. */
function cameOf(known: KnownCall): Came {
  if (known.state === 'done') return keptValue(known.result);
  const message = 'the server that ran it ended before it was done: nobody knows what came of it';
  return { error: new TrunklineError('unavailable', message, { retry: false, outcome: 'unknown' }) };
}
