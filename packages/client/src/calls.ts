// Calls of procedures until they are answered. One that runs once has a number and is sent again over reconnects; any other is
// sent once, as nobody could tell whether a second time would be one too many. While the line moves (CON-8) a call stays with the
// socket it was written to: the line leaves that one when its calls are answered.

import { type Call as CallMessage, TrunklineError } from '@trunkline/protocol';
import { createBackoff } from './backoff.js';
import type { Dial } from './dial.js';
import type { Link, LinkEvent } from './link.js';
import type { CallOptions } from './procedure.js';
import { ENVELOPE_BYTES, toJson } from './queue.js';
import { bytesOf, errorOf, type Reply } from './requests.js';
import { isCallOk } from './server-messages.js';
import type { Shared } from './shared.js';
import { createTimers, type Timers } from './timers.js';

const DEADLINE_MS = 30_000;
/** Whoever waits longer waits as long as a timer can, 24 days. */
const LONGEST_DEADLINE_MS = 2 ** 31 - 1;

/** The calls of a line, and what the connection tells them. */
export type Calls = Readonly<Record<LinkEvent, () => void>> & {
  call(procedure: string, data: unknown, options?: CallOptions): Promise<unknown>;
  /** Whether the socket before the present one is of no use to them any more. */
  isResumed(): boolean;
};

interface Call {
  readonly fields: Pick<CallMessage, 'procedure'> & { [Key in 'producer' | 'seq']: CallMessage[Key] | undefined };
  readonly text: string;
  readonly bytes: number;
  readonly untilMs: number;
  readonly onProgress: CallOptions['onProgress'];
  readonly timers: Timers<'deadline' | 'again'>;
  /** Where it awaits its answer. */
  dial: Dial | undefined;
  /** There. */
  id: number;
  /** Was written to a socket once. */
  sent: boolean;
  resolve(result: unknown): void;
  reject(error: TrunklineError): void;
  /** Nobody waits for it any more. */
  end(): void;
}

export function createCalls(shared: Shared, link: Link, producer: string): Calls {
  const { batch, clock } = shared;
  const backoff = createBackoff(shared);
  let open: Call[] = [];
  let lastSeq = 0;
  let release: (() => void) | undefined;

  const closedOnes = () => check((dial) => dial.isOpen);
  return {
    call: (procedure, data, options = {}) =>
      batch.run(() => new Promise((resolve, reject) => add(procedure, data, options, resolve, reject))),
    isResumed: () => open.every(({ dial }) => !dial || dial === link.dial),
    greet: pump,
    live: pump,
    lost: () => check(() => false),
    moved: closedOnes,
    changed: closedOnes,
    refused: pump,
    sight() {},
    retry: pump,
  };

  function add(
    procedure: string,
    data: unknown,
    { once, deadlineMs = DEADLINE_MS, signal, onProgress }: CallOptions,
    resolve: Call['resolve'],
    reject: Call['reject'],
  ): void {
    const text = toJson(data);
    if (open.length >= shared.maxQueued) throw new TrunklineError('rate_limited', `${open.length} calls are open`);
    const abort = () => batch.run(() => giveUp(call, 'the call was aborted', signal?.reason));
    const timers = createTimers<'deadline' | 'again'>(shared);
    const call: Call = {
      fields: once ? { procedure, producer, seq: ++lastSeq } : { procedure, producer: undefined, seq: undefined },
      text,
      bytes: bytesOf(text),
      untilMs: clock.nowMs() + deadlineMs,
      onProgress,
      timers,
      dial: undefined,
      id: 0,
      sent: false,
      resolve,
      reject,
      end() {
        timers.clear('deadline', 'again');
        signal?.removeEventListener('abort', abort);
      },
    };
    open.push(call);
    if (signal?.aborted) return abort();
    signal?.addEventListener('abort', abort);
    timers.set('deadline', deadlineMs, () => giveUp(call, `there was no answer within ${deadlineMs} ms`));
    release ??= link.hold();
    link.need();
    pump();
  }

  /** Writes what waits, as far as it may be written now; fails it if the connection is refused. */
  function pump(): void {
    if (link.state === 'refused' && link.error) {
      const { code, message } = link.error;
      for (const call of open) fail(call, code, message);
      return;
    }
    const { dial, limits } = link;
    if (!dial) return;
    let onWire = open.filter((call) => call.dial === dial).length;
    for (const call of open) {
      // Before `welcome` the server may turn out to be none: what cannot be sent again waits for it.
      const isReady = !call.dial && !call.timers.has('again') && (call.fields.seq || link.state === 'live');
      if (!isReady || onWire >= limits.maxCallsInWork) continue;
      if (call.bytes > limits.maxEntryBytes || call.bytes + ENVELOPE_BYTES > limits.maxMessageBytes) {
        if (link.knowsLimits) fail(call, 'too_large', `the input has ${call.bytes} bytes`);
        continue;
      }
      onWire += 1;
      write(call, dial);
    }
  }

  function write(call: Call, dial: Dial): void {
    const leftMs = Math.ceil(call.untilMs - clock.nowMs());
    const deadlineMs = Math.min(Math.max(leftMs, 1), LONGEST_DEADLINE_MS);
    call.sent = true;
    call.dial = dial;
    const onReply = (reply: Reply) => {
      if (open.includes(call) && call.dial === dial) answered(call, dial, reply);
    };
    call.id = dial.request({ type: 'call', ...call.fields, deadlineMs }, onReply, `"data":${call.text}`);
  }

  function answered(call: Call, dial: Dial, reply: Reply): void {
    if (reply.type === 'progress') return batch.add(() => call.onProgress?.(reply.data));
    if (reply.type === 'error') {
      if (!reply.retry || !call.fields.seq) return settle(call, () => call.reject(errorOf(reply)));
      call.dial = undefined;
      call.timers.set('again', backoff.nextMs(reply.afterMs), pump);
      return pump();
    }
    if (!isCallOk(reply)) return dial.breach('call');
    backoff.reset();
    settle(call, () => call.resolve(reply.data));
  }

  /** Those whose socket is gone go again, or fail. */
  function check(isAlive: (dial: Dial) => boolean): void {
    for (const call of open) {
      if (!call.dial || isAlive(call.dial)) continue;
      call.dial = undefined;
      if (!call.fields.seq) fail(call, 'unavailable', 'the connection was lost before the answer');
    }
    pump();
  }

  function giveUp(call: Call, message: string, cause?: unknown): void {
    if (call.dial?.isOpen) call.dial.write(`{"type":"cancel","id":${call.id}}`);
    fail(call, 'unavailable', message, cause);
  }

  function fail(call: Call, code: TrunklineError['code'], message: string, cause?: unknown): void {
    const outcome = call.sent ? 'unknown' : 'refused';
    settle(call, () => call.reject(new TrunklineError(code, message, { retry: false, outcome, cause })));
  }

  /** What awaits an answer keeps the connection open. */
  function settle(call: Call, tell: () => void): void {
    call.end();
    open = open.filter((other) => other !== call);
    tell();
    if (open.length === 0) {
      release?.();
      release = undefined;
    }
    pump();
  }
}
