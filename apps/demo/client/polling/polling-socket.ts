// The chat over plain HTTP, under the same client and the same hooks: what the client would send on a WebSocket becomes POSTs and
// GETs, and their answers become what the server would have sent. It knows logs and what can be read beside them; what else the client asks for
// is refused in words.

import type { CloseInfo, OpenSocket, Socket, SocketEvents } from '@trunkline/client';
import { type LogHost, PolledLog, type Subscribe } from './polled-log.js';
import { PolledTable, placeOf } from './polled-table.js';
import { type Answer, Requests, refusalOf } from './requests.js';

export interface PollingOptions {
  /** Of the server. Default: the page's own. */
  readonly origin?: string;
  /** How the user is shown to others: no request of the HTTP API says that. */
  readonly user: object;
  /** Sent with every request. */
  readonly headers: Readonly<Record<string, string>>;
  /** From the beginning of one poll to the next, in milliseconds. */
  readonly intervalMs: number;
  /** What stands beside logs is asked for with a poll, but no more often than this, in milliseconds. Default 2_000. */
  readonly besideMs?: number;
}

/** The codes with which the server would close (docs/PROTOCOL.md, CON-7). */
const UNAUTHORIZED = 4501;
const ABNORMAL = 1006;
const BESIDE_MS = 2_000;

type Request = { readonly type: string; readonly id: number; readonly stream: string } & Record<string, unknown>;

/** A way to poll, with an interval that can be changed at any time. */
export class Polling {
  #intervalMs: number;
  readonly #open = new Set<PolledConnection>();

  constructor(private readonly options: PollingOptions) {
    this.#intervalMs = options.intervalMs;
  }

  get intervalMs(): number {
    return this.#intervalMs;
  }
  set intervalMs(intervalMs: number) {
    this.#intervalMs = intervalMs;
    for (const connection of this.#open) connection.schedule();
  }

  /** The page goes: says so where its user is present. If it comes back it connects anew. */
  leave(): void {
    for (const connection of this.#open) connection.leave();
  }

  /** For `connect`. The address is the page's own. */
  readonly open: OpenSocket = (_url, _protocol, events) => {
    const connection = new PolledConnection(this, this.options, events, () => this.#open.delete(connection));
    this.#open.add(connection);
    return connection;
  };
}

class PolledConnection implements Socket, LogHost {
  readonly requests: Requests;
  readonly #streams = new Map<string, PolledLog | PolledTable>();
  /** What this client wrote, by where it was stored. */
  readonly #written = new Map<number, { readonly producer: string; readonly seq: number }>();
  #token = '';
  #numbers = 0;
  #tablesMs = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #isPolling = false;
  #isOver = false;

  constructor(
    private readonly polling: Polling,
    private readonly options: PollingOptions,
    private readonly events: SocketEvents,
    private readonly left: () => void,
  ) {
    this.requests = new Requests(options.origin ?? '', () => ({
      ...options.headers,
      authorization: `Bearer ${this.#token}`,
    }));
    queueMicrotask(() => {
      if (!this.#isOver) events.onOpen();
    });
  }

  send(text: string): void {
    for (const line of text.split('\n')) this.#handle(JSON.parse(line));
  }

  close(code: number, reason: string): void {
    // As the other side would: its Close frame is its answer, and comes later.
    queueMicrotask(() => this.#end({ code, reason, wasClean: true }));
  }

  /** Polls when the interval says so, counted from now. */
  schedule(): void {
    clearTimeout(this.#timer);
    if (this.#isOver || this.#streams.size === 0) return;
    this.#timer = setTimeout(() => {
      this.schedule();
      void this.#poll();
    }, this.polling.intervalMs);
  }

  tell(message: object): void {
    if (!this.#isOver) this.events.onMessage(JSON.stringify(message));
  }

  own<Item extends { readonly offset: number }>(item: Item): Item {
    return { ...item, ...this.#written.get(item.offset) };
  }

  isOver(answer: Answer): boolean {
    if (answer.status !== 401 || this.#isOver) return this.#isOver;
    this.tell({ type: 'error', ...refusalOf(answer) });
    this.#end({ code: UNAUTHORIZED, reason: 'unauthorized', wasClean: true });
    return true;
  }

  #handle(request: Request): void {
    switch (request.type) {
      case 'hello':
        this.#token = String(request.token ?? '');
        // Whoever polls is heard with every answer, and need not be looked after in between.
        return this.tell({
          type: 'welcome',
          session: 'http',
          user: this.options.user,
          pingMs: Math.max(25_000, 2 * this.polling.intervalMs),
          now: Date.now(),
          features: [],
          // No request tells the server's: the client takes the defaults.
          limits: {},
        });
      case 'refresh':
        this.#token = String(request.token);
        return this.tell({ type: 'ok', id: request.id, user: this.options.user });
      case 'subscribe':
        return this.#do(() => this.#subscribe(request));
      case 'unsubscribe':
        this.#streams.get(request.stream)?.close();
        this.#streams.delete(request.stream);
        return this.tell({ type: 'ok', id: request.id });
      case 'tune':
        return this.#do(() => this.#tune(request));
      case 'publish':
        return this.#do(() => this.#publish(request));
      case 'amend':
        return this.#do(() => this.#amend(request));
      case 'mark':
        return this.#do(() => this.#mark(request));
      case 'follow':
      case 'unfollow':
        return this.#do(() => this.#follow(request));
      case 'read':
        return this.#do(() => this.#read(request));
      case 'search':
        return this.#do(() => this.#search(request));
      case 'ping':
        return this.#do(async () => {
          await this.#poll();
          this.tell({ type: 'pong', id: request.id, now: Date.now() });
        });
      case 'pong':
      case 'seen':
        return;
      default:
        this.#refuse(request);
    }
  }

  #refuse({ type, id }: Request): void {
    const message = `${type} has no way over polling here`;
    this.tell({ type: 'error', id, code: 'invalid', message, retry: false, outcome: 'refused' });
  }

  /** Of a log: whether nobody looks at it. */
  async #tune(request: Request): Promise<void> {
    const log = this.#streams.get(request.stream);
    if (!(log instanceof PolledLog)) return this.#refuse(request);
    await log.look(request.away === true);
    this.tell({ type: 'ok', id: request.id });
  }

  async #subscribe(request: Request): Promise<void> {
    this.#numbers += 1;
    const place = placeOf(request.stream);
    const log =
      place === undefined
        ? new PolledLog(this, this.#numbers, request.stream)
        : new PolledTable(this, this.#numbers, place);
    this.#streams.set(request.stream, log);
    const isOpen = await log.open(request as unknown as Subscribe);
    if (isOpen) this.schedule();
    else if (this.#streams.get(request.stream) === log) this.#streams.delete(request.stream);
  }

  async #publish({ id, stream, producer, seq, data }: Request): Promise<void> {
    const answer = await this.requests.send({
      method: 'POST',
      path: `/v1/channels/${stream}/entries`,
      body: data,
      // Sent again after a lost answer, it is stored once.
      headers: { 'idempotency-key': `${producer}-${seq}` },
    });
    if (this.isOver(answer)) return;
    if (answer.status !== 200 && answer.status !== 201) return this.tell({ type: 'error', id, ...refusalOf(answer) });
    const stored = answer.body as { offset: number };
    this.#written.set(stored.offset, { producer: String(producer), seq: Number(seq) });
    this.tell({ type: 'ok', id, ...stored });
    // Whoever wrote something wants to see it: not at the next poll.
    await this.#streams.get(stream)?.poll();
  }

  async #amend(request: Request): Promise<void> {
    const { id, stream, producer, seq, offset } = request;
    const answer = await this.requests.send({
      ...amendmentOf(request),
      path: `/v1/channels/${stream}/entries/${offset}${reactionPath(request)}`,
      headers: { 'idempotency-key': `${producer}-${seq}` },
    });
    if (this.isOver(answer)) return;
    if (answer.status !== 200) return this.tell({ type: 'error', id, ...refusalOf(answer) });
    const record = answer.body as { offset: number };
    this.#written.set(record.offset, { producer: String(producer), seq: Number(seq) });
    this.tell({ type: 'ok', id, ...record });
    await this.#streams.get(stream)?.poll();
  }

  async #mark({ id, stream, offset, epoch }: Request): Promise<void> {
    const path = `/v1/channels/${stream}/markers/me`;
    this.#answer(id, await this.requests.send({ method: 'PUT', path, body: { offset, epoch } }));
  }

  async #follow({ id, type, stream }: Request): Promise<void> {
    const method = type === 'follow' ? 'PUT' : 'DELETE';
    this.#answer(id, await this.requests.send({ method, path: `/v1/channels/${stream}/followers/me` }));
  }

  /** To what is answered with a word. */
  #answer(id: number, answer: Answer): void {
    if (this.isOver(answer)) return;
    if (answer.status < 300) this.tell({ type: 'ok', id });
    else this.tell({ type: 'error', id, ...refusalOf(answer) });
  }

  #read({ id, stream, before, after, at, limit, epoch }: Request): Promise<void> {
    return this.#ask(id, `/v1/channels/${stream}/entries`, { before, after, at, limit, epoch });
  }

  #search({ id, stream, query, before, limit }: Request): Promise<void> {
    return this.#ask(id, `/v1/channels/${stream}/search`, { q: query, before, limit });
  }

  /** Asks for a page that nothing else needs. */
  async #ask(id: number, place: string, parameters: Readonly<Record<string, unknown>>): Promise<void> {
    const query = new URLSearchParams();
    for (const [name, value] of Object.entries(parameters)) {
      if (value !== undefined) query.set(name, String(value));
    }
    const answer = await this.requests.send({ path: `${place}?${query}` });
    if (this.isOver(answer)) return;
    if (answer.status === 200) this.tell({ type: 'ok', id, ...(answer.body as object) });
    else this.tell({ type: 'error', id, ...refusalOf(answer) });
  }

  async #poll(): Promise<void> {
    // One that takes longer than the interval is not asked again meanwhile.
    if (this.#isPolling || this.#isOver) return;
    this.#isPolling = true;
    const beganMs = performance.now();
    try {
      const isTurnOfTables = beganMs - this.#tablesMs >= (this.options.besideMs ?? BESIDE_MS);
      if (isTurnOfTables) this.#tablesMs = beganMs;
      for (const stream of this.#streams.values()) {
        if (stream instanceof PolledLog || isTurnOfTables) await stream.poll();
      }
      this.tell({ type: 'ping', now: Date.now(), rttMs: Math.round(performance.now() - beganMs) });
    } catch (error) {
      this.#lost(error);
    } finally {
      this.#isPolling = false;
    }
  }

  #do(work: () => Promise<void>): void {
    work().catch((error: unknown) => this.#lost(error));
  }

  /** There is no network, or the server cannot answer: as a connection that broke. */
  #lost(error: unknown): void {
    this.#end({ code: ABNORMAL, reason: error instanceof Error ? error.message : String(error), wasClean: false });
  }

  leave(): void {
    this.#end({ code: ABNORMAL, reason: 'the page was left', wasClean: false });
  }

  #end(info: CloseInfo): void {
    if (this.#isOver) return;
    this.#isOver = true;
    clearTimeout(this.#timer);
    for (const stream of this.#streams.values()) stream.close();
    this.requests.close();
    this.left();
    this.events.onClose(info);
  }
}

function amendmentOf({ edit, delete: isDelete, react }: Request): { method: string; body?: unknown } {
  if (edit !== undefined) return { method: 'PATCH', body: edit };
  return { method: isDelete !== undefined || react === undefined ? 'DELETE' : 'PUT' };
}

function reactionPath({ react, unreact }: Request): string {
  const reaction = react ?? unreact;
  return reaction === undefined ? '' : `/reactions/${encodeURIComponent(String(reaction))}`;
}
