// One connection's side of the protocol: hello, requests in order, answers, life signs. A breach by the peer is a value
// that is answered, never an exception: nothing that arrives can end the process.

import {
  CLOSE,
  type ClientMessage,
  type Drain,
  decodeClient,
  type ErrorCode,
  encode,
  FEATURES,
  type Hello,
  PROTOCOL_VERSION,
  type Problem,
  type Refresh,
  type RequestId,
  type ServerMessage,
  type StreamName,
} from '@trunkline/protocol';
import { hasExpired, identify, identifyAgain } from './access.js';
import { answerMark } from './answer-mark.js';
import { type Answer, asIs, okOf, write } from './answer-write.js';
import type { Identity } from './app.js';
import type { Engine } from './engine.js';
import { errorAnswer } from './error-answer.js';
import { Intake } from './intake.js';
import { LifeSigns } from './life-signs.js';
import { moment, msBetween } from './moment.js';
import { MIN_REQUEST_WINDOW_BYTES, Outflow } from './outflow.js';
import type { Connection } from './ports.js';
import { PublishAdmission } from './publish-admission.js';
import { answerRead } from './read-page.js';
import { answerSearch } from './search-entries.js';
import { SessionCalls } from './session-calls.js';
import { SessionSignals } from './session-signals.js';
import { SessionStreams } from './session-streams.js';
import { TokenBucket } from './token-bucket.js';

/** `leaving`: goodbye was said, and the requests in work are answered; nothing that arrives is worked on. */
type State = 'hello' | 'authenticating' | 'open' | 'leaving' | 'closed';

/** Malformed messages that a connection may send within a minute. */
const MAX_PROBLEMS_PER_MINUTE = 100;
/** A page weighs as much as this many other requests: answers of 64 KB add up. */
const READ_WEIGHT = 8;

/** One connection, from `hello` to its end. */
export class Session<Request = unknown> {
  readonly id: string;
  /** Counts what may have changed the user's rights: what was allowed under another count is judged again. */
  rights = 0;
  #state: State = 'hello';
  #identity: Identity | null = null;
  /** Refreshes asked for, and the newest of them that was granted. */
  #refreshes = 0;
  #refreshed = 0;
  readonly #streams: SessionStreams<Request>;
  /** All that is sent passes here. */
  readonly outflow: Outflow;
  /** `null` while nothing waits. */
  #intake: Intake | null = null;
  #pumping = false;
  #paused = false;
  #inWork = 0;
  #canMove = false;
  // Most connections never publish, and hardly any sends rubbish: these are made when they are needed.
  #writes: PublishAdmission | null = null;
  #calls: SessionCalls<Request> | null = null;
  #signals: SessionSignals<Request> | null = null;
  #problems: TokenBucket | null = null;
  readonly #opened: number;
  readonly #life: LifeSigns;

  constructor(
    readonly engine: Engine<Request>,
    readonly connection: Connection,
    readonly request: Request,
  ) {
    const now = engine.clock.nowMs();
    this.id = engine.randomId();
    this.#opened = moment(now);
    this.#life = new LifeSigns(now);
    this.outflow = new Outflow(connection, engine.clock);
    this.#streams = new SessionStreams(this);
  }

  get identity(): Identity | null {
    return this.#identity;
  }
  get writes(): PublishAdmission {
    this.#writes ??= new PublishAdmission(this.engine.limits, this.engine.clock.nowMs());
    return this.#writes;
  }
  /** The text of one WebSocket message. */
  receive(text: string): void {
    if (this.#isEnding) return;
    this.heard();
    const messages = decodeClient(text, this.engine.limits.maxObjectsPerMessage);
    // Reports wait for nothing: others may wait for them.
    const waiting = this.#state === 'open' ? messages.filter((message) => !this.#isReport(message)) : messages;
    if (this.#isEnding) return;
    if (waiting.length > 0) {
      this.#intake ??= new Intake();
      this.#intake.add(waiting, text.length);
    }
    if (waiting.length === messages.length) this.#pump();
    else this.drained();
  }

  /** A binary message: no kind of channel takes one yet (TRA-4). */
  receiveBinary(): void {
    if (this.#isEnding) return;
    this.heard();
    this.#handle({ type: 'problem', code: 'invalid', message: 'binary messages are not understood: send text' });
  }

  /** Something arrived that is no message, such as a WebSocket pong: a sign of life (CON-5). */
  heard(): void {
    this.#life.heard(this.engine.clock.nowMs());
  }

  /** The peer took what was buffered, or says what it has processed. */
  drained(): void {
    if (this.#state === 'closed') return;
    // First the requests, which are few at a time: streams would leave them no room as long as they are behind.
    this.#pump();
    this.#streams.drained();
  }

  /** The connection ended, however. */
  closed(): void {
    if (this.#state === 'closed') return;
    this.#state = 'closed';
    this.#intake = null;
    this.#streams.close();
    this.#calls?.close();
    this.engine.left(this);
  }

  send(message: ServerMessage | string): void {
    this.outflow.send(typeof message === 'string' ? message : encode(message));
  }

  /** CON-8: only who knows the word is asked. */
  askToMove(drain: Drain): void {
    if (this.#state === 'open' && this.#canMove) this.send(drain);
  }

  /** CON-6: says when to come back, and leaves once the requests in work are answered. What had not begun is sent again elsewhere. */
  goodbye(reason: string, spreadMs: number): void {
    this.send({ type: 'goodbye', code: CLOSE.goingAway, reason, afterMs: 0, spreadMs });
    this.#state = 'leaving';
    this.#intake = null;
    if (this.#inWork === 0) this.leave();
  }

  /** Ends after the goodbye, whatever is still in work. */
  leave(): void {
    this.#end(CLOSE.goingAway, this.engine.shutdown.reason);
  }

  /** The time before `now` is not held against the peer. */
  pardon(now: number): void {
    this.#life.pardon(now);
  }

  /** Refreshed, or revoked: judges the user's subscriptions again, or that to one stream. Gives how many ended; never rejects. */
  judgeAgain(stream?: StreamName): Promise<number> {
    this.rights += 1;
    return this.#streams.judgeAgain(stream);
  }

  /** Whether nothing may be sent any more. A token that has expired ends the connection here and now (CON-9); the clock is read for none that does not expire. */
  isOver(nowMs?: number): boolean {
    const expires = this.#state !== 'closed' && this.#identity?.expiresAt !== undefined;
    if (expires && hasExpired(this.#identity, nowMs ?? this.engine.clock.nowMs())) {
      this.refuse(CLOSE.unauthorized, 'unauthorized', 'the token expired');
    }
    return this.#state === 'closed';
  }

  /** Life signs and deadlines; called about once a second. */
  sweep(now: number): void {
    const { engine } = this;
    if (this.isOver(now)) return;
    this.#streams.sweep(now);
    const ageMs = msBetween(this.#opened, moment(now));
    if (this.#state === 'hello' && ageMs > engine.helloTimeoutMs) {
      this.#end(CLOSE.helloTimeout, 'no hello came in time');
      return;
    }
    if (this.#state === 'authenticating' && ageMs > engine.stallTimeoutMs) {
      engine.log.error({}, 'authenticate did not answer in time');
      this.refuse(CLOSE.unavailable, 'unavailable', 'the server cannot tell who you are now: come back later');
      return;
    }
    switch (this.#life.check(now, this.outflow, engine, !this.#paused)) {
      case 'stalled':
        return this.#end(CLOSE.stalled, 'nothing of what was sent was taken or processed');
      case 'silent':
        return this.#end(CLOSE.silent, 'nothing was heard for two ping intervals');
      case 'ping': {
        const { rttMs } = this.#life;
        // Before `welcome` the peer knows no ping.
        if (this.#state === 'open') this.send({ type: 'ping', now, ...(rttMs === undefined ? {} : { rttMs }) });
      }
    }
  }

  get #isEnding(): boolean {
    return this.#state === 'leaving' || this.#state === 'closed';
  }
  /** Nothing can be worked on, whatever else arrives. */
  get #isBlocked(): boolean {
    return (
      this.#isEnding ||
      this.#state === 'authenticating' ||
      this.#inWork >= this.engine.limits.maxRequestsInWork ||
      this.outflow.isUntaken
    );
  }

  /** A peer that does not take its answers gets no further requests worked on: that bounds what is held for it. */
  get #mustWait(): boolean {
    if (this.#isBlocked) return true;
    return this.#intake?.isFull !== true && this.outflow.isFull(MIN_REQUEST_WINDOW_BYTES);
  }

  /** Works through what was received, as far as state and limits allow. */
  #pump(): void {
    if (this.#pumping) return;
    this.#pumping = true;
    while (!this.#mustWait) {
      const message = this.#intake?.next();
      if (message === undefined) break;
      this.#handle(message);
    }
    this.#pumping = false;
    if (this.#intake?.isEmpty === true) this.#intake = null;
    if (this.#isEnding) return;
    // Where only a report is missing the connection is read: it has to arrive.
    const isBlocked = this.#isBlocked;
    if (isBlocked === this.#paused) return;
    this.#paused = isBlocked;
    if (isBlocked) this.connection.pause();
    else this.connection.resume();
  }

  #handle(message: ClientMessage | Problem): void {
    if (this.#state === 'hello') {
      if (message.type === 'hello') this.#hello(message);
      else this.refuse(CLOSE.badMessage, 'invalid', 'the first message must be hello');
      return;
    }
    if (this.isOver() || this.#isReport(message)) return;
    switch (message.type) {
      case 'problem':
        return this.#problem(message);
      case 'hello':
        return this.#problem({ type: 'problem', code: 'conflict', message: 'hello was said already' });
      case 'ping':
        return this.send({ type: 'pong', id: message.id, now: this.engine.clock.nowMs() });
      case 'unsubscribe':
        this.#streams.unsubscribe(message.stream);
        return this.send({ type: 'ok', id: message.id });
      case 'subscribe':
        return this.#work(message.id, (identity) => this.#streams.subscribe(message, identity));
      case 'tune':
        return this.#work(message.id, () => this.#streams.tune(message));
      case 'publish':
      case 'amend':
      case 'change':
        return this.#work(message.id, (identity) => write(this, message, identity), 1, okOf);
      case 'call':
        this.#calls ??= new SessionCalls(this);
        return this.#work(message.id, this.#calls.call(message));
      case 'signal':
        this.#signals ??= new SessionSignals(this);
        return void this.#signals.send(message);
      case 'read':
        return this.#work(message.id, (identity) => answerRead(this, message, identity), READ_WEIGHT);
      case 'search':
        return this.#work(message.id, (identity) => answerSearch(this, message, identity), READ_WEIGHT);
      case 'refresh':
        return this.#work(message.id, (identity) => this.#refresh(message, identity));
      case 'mark':
      case 'follow':
      case 'unfollow':
        return this.#work(message.id, (identity) => answerMark(this.engine, message, () => this.#identity ?? identity));
    }
  }

  /** What is no request, and needs no answer, does not wait for its turn: whether it was that, and was dealt with. */
  #isReport(message: ClientMessage | Problem): boolean {
    if (message.type === 'pong') this.#life.ponged(this.engine.clock.nowMs());
    else if (message.type === 'seen') {
      const problem = this.outflow.seen(message.bytes);
      if (problem !== null) this.#problem({ type: 'problem', code: 'invalid', message: problem });
    } else return message.type === 'cancel' && this.#calls?.cancel(message.id) === true;
    return true;
  }

  #hello(hello: Hello): void {
    if (hello.version !== PROTOCOL_VERSION) {
      const words = `version ${hello.version} is not spoken here, version ${PROTOCOL_VERSION} is`;
      return this.refuse(CLOSE.badVersion, 'invalid', words);
    }
    if (hello.features?.includes(FEATURES.seen)) this.outflow.expectReports();
    this.#state = 'authenticating';
    this.#canMove = hello.features?.includes(FEATURES.drain) === true;
    void this.#welcome(hello.token);
  }

  async #welcome(token: string | undefined): Promise<void> {
    const { engine } = this;
    try {
      const identity = await identify(engine, token, this.request);
      if (this.#state !== 'authenticating') return;
      if (identity === null) {
        this.refuse(CLOSE.unauthorized, 'unauthorized', 'the token is missing, invalid or expired');
        return;
      }
      const now = engine.clock.nowMs();
      const { pingMs, limits } = engine;
      const features = [FEATURES.drain, FEATURES.seen];
      this.send({ type: 'welcome', session: this.id, user: identity.publicUser, pingMs, limits, now, features });
      this.#identity = identity;
      this.#state = 'open';
      this.#life.opened(now);
      engine.shutdown.welcomed(this);
    } catch (error) {
      engine.log.error({ error }, 'authenticate failed');
      this.refuse(CLOSE.unavailable, 'unavailable', 'the server cannot tell who you are now: come back later');
      return;
    }
    this.#pump();
  }

  /** Counts the request, runs it, and answers, or answers with its error if it fails; `null`: it is `worked`. @param answerOf makes the answer of what it gives */
  #work<T = Answer>(
    id: RequestId,
    run: (identity: Identity) => Promise<T> | null,
    weight = 1,
    answerOf = asIs as (id: RequestId, given: T) => Answer,
  ): void {
    const identity = this.#identity;
    if (identity === null) return;
    this.#inWork += weight;
    run(identity)?.then(
      (given) => this.worked(weight, answerOf(id, given)),
      (error) => this.worked(weight, errorAnswer(id, error, this.engine.log)),
    );
  }

  worked(weight: number, answer: Answer): void {
    if (answer !== undefined && !this.isOver()) this.send(answer);
    this.#inWork -= weight;
    if (this.#state === 'leaving' && this.#inWork === 0) this.leave();
    else this.#pump();
  }

  async #refresh(message: Refresh, identity: Identity): Promise<ServerMessage> {
    const turn = ++this.#refreshes;
    const next = await identifyAgain(this.engine, message.token, this.request, identity);
    // A token that took longer to verify than one that was sent after it must not replace that one.
    if (turn > this.#refreshed) {
      this.#refreshed = turn;
      this.#identity = next;
      this.engine.permits.doubt(next.id);
      this.#streams.renew(next);
      await this.judgeAgain();
    }
    return { type: 'ok', id: message.id, user: (this.#identity ?? next).publicUser };
  }

  #problem(problem: Problem): void {
    const now = this.engine.clock.nowMs();
    this.#problems ??= new TokenBucket(MAX_PROBLEMS_PER_MINUTE / 60, MAX_PROBLEMS_PER_MINUTE, now);
    if (this.#problems.take(now) > 0) {
      this.refuse(CLOSE.badMessage, 'invalid', `more than ${MAX_PROBLEMS_PER_MINUTE} malformed messages in a minute`);
      return;
    }
    const { type: _, ...said } = problem;
    this.send({ type: 'error', ...said, retry: false, outcome: 'refused' });
  }

  /** Ends the connection before or outside of any request: the reason as an error, then the close code (CON-3, CON-10). */
  refuse(closeCode: number, code: ErrorCode, message: string): void {
    if (this.#state === 'closed') return;
    this.send({ type: 'error', code, message, retry: closeCode < 4_500, outcome: 'refused' });
    this.#end(closeCode, message);
  }

  #end(closeCode: number, reason: string): void {
    this.closed();
    // The closing handshake needs the peer's Close frame, so reading must go on.
    if (this.#paused) this.connection.resume();
    this.connection.close(closeCode, reason);
  }
}
