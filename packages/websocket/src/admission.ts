/**
 * Who gets in: what every well-formed handshake goes through, whatever it came over. It bounds how many handshakes wait
 * for the application, and how many refused peers linger.
 */
import type { Duplex } from 'node:stream';
import type { Deadlines, Expiring } from './clock.js';
import type { Limits } from './limits.js';
import { type OriginRule, originRule } from './origins.js';
import type { HandshakeInfo, Refusal } from './server-handshake.js';
import type { WebSocketServerOptions } from './server-options.js';

/** `undefined` lets it in. */
type Verdict = Refusal | undefined;

type Rules = Pick<WebSocketServerOptions, 'path' | 'origins' | 'check' | 'checkAddress'>;

const GOING_AWAY: Refusal = { status: 503, message: 'The server is going away; try again soon.' };
const BUSY: Refusal = { status: 503, message: 'Too many handshakes are waiting; try again soon.' };
const TOO_SLOW: Refusal = { status: 503, message: 'The server took too long to decide; try again soon.' };
const FAILED: Refusal = { status: 500, message: 'The server failed to answer the handshake.' };

/** How long a refused peer has to read the answer. */
const REFUSED_WAIT_MS = 2_000;

export class Admission {
  /** Whether nobody is let in any more. */
  isDraining = false;
  readonly #rules: Rules;
  readonly #origins: OriginRule;
  readonly #limits: Limits;
  readonly #deadlines: Deadlines;
  /** How many connections each address has; empty unless somebody asks. */
  readonly #byAddress = new Map<string, number>();
  /** Handshakes that wait for the application, and refused peers that have not gone. */
  #pending = 0;

  /** @throws MisuseError for origins that are none. */
  constructor(rules: Rules, limits: Limits, deadlines: Deadlines) {
    this.#rules = rules;
    this.#origins = originRule(rules.origins);
    this.#limits = limits;
    this.#deadlines = deadlines;
  }

  /** A connection of this address was opened. */
  count(address: string): void {
    if (this.#rules.checkAddress === undefined) return;
    this.#byAddress.set(address, (this.#byAddress.get(address) ?? 0) + 1);
  }

  /** One is gone. */
  forget(address: string): void {
    const open = this.#byAddress.get(address);
    if (open === undefined) return;
    if (open > 1) this.#byAddress.set(address, open - 1);
    else this.#byAddress.delete(address);
  }

  /** Waits a while for a refused peer, which has its answer, to go. */
  seeOff(socket: Duplex): void {
    if (this.#isCrowded) {
      // No time for peers that do not go by themselves.
      socket.once('finish', () => socket.destroy());
      return;
    }
    const waiting: Expiring = {
      deadlineMs: this.#deadlines.clock.nowMs() + REFUSED_WAIT_MS,
      expire: () => socket.destroy(),
    };
    this.#pending++;
    this.#deadlines.watch(waiting);
    socket.once('close', () => {
      this.#pending--;
      this.#deadlines.forget(waiting);
    });
  }

  /** What every handshake goes through once it is well-formed: it is refused or started, at once or later. */
  admit(transport: Duplex, handshake: HandshakeInfo, refuse: (refusal: Refusal) => void, start: () => void): void {
    const conclude = (refusal: Verdict): void => {
      if (refusal === undefined) start();
      else refuse(refusal);
    };
    const failed = (error: unknown): never => {
      refuse(FAILED);
      throw error;
    };
    try {
      const verdict = this.#judge(handshake);
      if (isLater(verdict)) this.#wait(transport, verdict, refuse, conclude, failed);
      else conclude(verdict);
    } catch (error) {
      failed(error);
    }
  }

  #judge(handshake: HandshakeInfo): Verdict | PromiseLike<Verdict> {
    const { path, check, checkAddress } = this.#rules;
    const { address } = handshake;
    if (path !== undefined && handshake.path !== path) {
      return { status: 404, message: `There is no WebSocket here; try ${path}.` };
    }
    if (this.isDraining) return GOING_AWAY;
    const foreign = this.#origins.judge(handshake);
    if (foreign !== undefined) return foreign;
    const counted = checkAddress?.(address, this.#byAddress.get(address) ?? 0, handshake);
    return counted ?? (this.#isCrowded ? BUSY : check?.(handshake));
  }

  /** The application takes its time over a handshake. */
  #wait(
    transport: Duplex,
    verdict: PromiseLike<Verdict>,
    refuse: (refusal: Refusal) => void,
    conclude: (refusal: Verdict) => void,
    failed: (error: unknown) => never,
  ): void {
    let isOver = false;
    const end = (work: () => void): void => {
      if (isOver) return;
      isOver = true;
      this.#pending--;
      this.#deadlines.forget(waiting);
      transport.off('close', onClose);
      if (!transport.destroyed) work();
    };
    const onClose = (): void => end(() => {});
    const waiting: Expiring = {
      deadlineMs: this.#deadlines.clock.nowMs() + this.#limits.handshakeMs,
      expire: () => end(() => refuse(TOO_SLOW)),
    };
    this.#pending++;
    this.#deadlines.watch(waiting);
    transport.once('close', onClose);
    const settle = (work: () => void): void => {
      end(() => {
        try {
          work();
        } catch (error) {
          // As with one that decides at once: the application's error is not swallowed.
          process.nextTick(() => {
            throw error;
          });
        }
      });
    };
    verdict.then(
      (refusal) => settle(() => this.#concludeLate(refusal, conclude, failed)),
      (error: unknown) => settle(() => failed(error)),
    );
  }

  #concludeLate(refusal: Verdict, conclude: (refusal: Verdict) => void, failed: (error: unknown) => never): void {
    try {
      conclude(this.isDraining ? GOING_AWAY : refusal);
    } catch (error) {
      failed(error);
    }
  }

  /** Whether no more may be kept waiting. */
  get #isCrowded(): boolean {
    return this.#pending >= this.#limits.maxPendingHandshakes;
  }
}

function isLater(verdict: Verdict | PromiseLike<Verdict>): verdict is PromiseLike<Verdict> {
  return verdict !== undefined && 'then' in verdict;
}
