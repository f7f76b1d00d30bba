/** A `Connection` with everything it reports written down. */
import {
  BreachError,
  type CompressionAgreement,
  Connection,
  type Limits,
  type Role,
  resolveLimits,
  type WebSocketError,
} from '../../src/index.js';
import { type ParsedFrame, parseFrames } from './wire.js';

export type Event =
  | { readonly type: 'text'; readonly data: string }
  | { readonly type: 'binary' | 'ping' | 'pong'; readonly data: string }
  | { readonly type: 'failed'; readonly code: string; readonly closeCode: number }
  | { readonly type: 'closed'; readonly code: number; readonly reason: string; readonly wasClean: boolean };

export interface RecordedOptions {
  readonly role?: Role;
  readonly limits?: Partial<Limits>;
  /** Called for each event, to react in the middle of a chunk. */
  readonly onEvent?: (event: Event, recorded: Recorded) => void;
  readonly nextMask?: () => number;
  readonly compression?: CompressionAgreement;
  /** Large messages are compressed and inflated in the thread pool; the list gets what is to be done then. */
  readonly later?: (() => void)[];
}

export class Recorded {
  readonly events: Event[] = [];
  readonly errors: WebSocketError[] = [];
  readonly connection: Connection<Recorded>;
  nowMs = 1_000_000;
  #outgoing: Buffer = Buffer.alloc(0);

  constructor(readonly options: RecordedOptions = {}) {
    let mask = 0x01020304;
    this.connection = new Connection<Recorded>({
      role: options.role ?? 'server',
      context: this,
      limits: resolveLimits(options.limits),
      nextMask: options.nextMask ?? (() => mask++),
      compression: options.compression,
      events: {
        message: (to, data) =>
          to.#add(
            typeof data === 'string'
              ? { type: 'text', data }
              : { type: 'binary', data: Buffer.from(data).toString('hex') },
          ),
        ping: (to, data) => to.#add({ type: 'ping', data: Buffer.from(data).toString('hex') }),
        pong: (to, data) => to.#add({ type: 'pong', data: Buffer.from(data).toString('hex') }),
        failed: (to, error) => to.#fail(error),
        closed: (to, code, reason, wasClean) => to.#add({ type: 'closed', code, reason, wasClean }),
        ...(options.later === undefined ? {} : { later: (_to, work) => void options.later?.push(work) }),
      },
    });
  }

  #fail(error: WebSocketError): void {
    this.errors.push(error);
    this.#add({ type: 'failed', code: error.code, closeCode: closeCodeOf(error) });
  }

  #add(event: Event): void {
    this.events.push(event);
    this.options.onEvent?.(event, this);
  }

  receive(...chunks: Uint8Array[]): this {
    for (const chunk of chunks) this.connection.receive(Buffer.from(chunk), this.nowMs);
    return this;
  }

  close(code = 1000, reason = ''): void {
    this.connection.close(code, reason, this.nowMs);
  }

  /** All bytes handed out so far. */
  get outgoing(): Buffer {
    for (;;) {
      const taken = this.connection.takeOutgoing();
      if (taken === null) return this.#outgoing;
      this.#outgoing = Buffer.concat([this.#outgoing, ...(taken instanceof Uint8Array ? [taken] : taken)]);
      this.connection.settleOutgoing(true);
    }
  }

  get frames(): readonly ParsedFrame[] {
    return parseFrames(this.outgoing).frames;
  }

  /** The code in the close frame we sent; 0 if it was empty, undefined if there is none. */
  get sentClose(): number | undefined {
    const close = this.frames.find(({ opcode }) => opcode === 8);
    if (close === undefined) return undefined;
    return close.payload.length === 0 ? 0 : close.payload.readUInt16BE(0);
  }

  texts(): string[] {
    return this.events.flatMap((event) => (event.type === 'text' ? [event.data] : []));
  }

  get closed(): Event | undefined {
    return this.events.find(({ type }) => type === 'closed');
  }

  get failed(): Event | undefined {
    return this.events.find(({ type }) => type === 'failed');
  }
}

function closeCodeOf(error: WebSocketError): number {
  return error instanceof BreachError ? error.closeCode : 0;
}

/** What a failed connection looks like: the breach was reported, then 1006. */
export function breach(code: string, closeCode: number): Event[] {
  return [
    { type: 'failed', code, closeCode },
    { type: 'closed', code: 1006, reason: '', wasClean: false },
  ];
}
