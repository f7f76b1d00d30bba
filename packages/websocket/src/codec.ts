/**
 * Compressing and inflating whole messages (RFC 7692 §7.2), one call of `node:zlib` each and no stream kept.
 *
 * Where a side keeps its window between messages, the window is kept as plain bytes and given to zlib as a dictionary,
 * which for raw DEFLATE is the same thing. Against persistent zlib streams that costs a connection 32 KiB a direction
 * and not 300, nothing while it says nothing, and it is synchronous without private API (measured: 110 µs more for each
 * message compressed at level 1, as much CPU as a stream's round trip through the thread pool takes). It also follows
 * the window across final blocks (§7.2.3.4), which a zlib stream forgets.
 *
 * Large messages may go through the thread pool: from 64 KiB on (1 ms to compress) that costs less than it delays others.
 */
import { constants, deflateRaw, deflateRawSync, inflateRaw, inflateRawSync, type ZlibOptions } from 'node:zlib';
import type { CompressionAgreement } from './compression.js';

/** From this size on a message is compressed in the thread pool. */
export const DEFLATE_LATER_FROM_BYTES = 65_536;
/** From this compressed size on a message is inflated in the thread pool. */
export const INFLATE_LATER_FROM_BYTES = 32_768;

/** What every sync flush ends with, and no message carries (§7.2.1). */
const FLUSH_TAIL_BYTES = 4;
/**
 * The tail put back, and an empty final block behind it: zlib then insists that the message ended where a block did.
 * Without it a message cut anywhere would pass.
 */
const TAIL = Buffer.from([0x00, 0x00, 0xff, 0xff, 0x01, 0x00, 0x00, 0xff, 0xff]);
/** A final block makes another call necessary. Nobody sends them but to find out whether they are understood. */
const FINAL_BLOCKS_MAX = 64;

const NOTHING = Buffer.alloc(0);

/** The last bytes of everything that one side compressed. */
class Window {
  #bytes: Buffer = NOTHING;

  constructor(readonly maxBytes: number) {}

  get dictionary(): { dictionary?: Buffer } {
    return this.#bytes.length === 0 ? {} : { dictionary: this.#bytes };
  }

  append(data: Uint8Array): void {
    const kept = Math.min(this.#bytes.length, Math.max(0, this.maxBytes - data.length));
    const added = data.subarray(Math.max(0, data.length - this.maxBytes));
    this.#bytes = Buffer.concat([this.#bytes.subarray(this.#bytes.length - kept), added]);
  }
}

/** The sending half. */
export class Deflater {
  /** Equal for all connections that get the same bytes; -1 if what came before matters. */
  readonly variant: number;
  /** Messages from this size on are compressed unless the caller says otherwise. */
  readonly thresholdBytes: number;
  readonly #options: ZlibOptions;
  readonly #window: Window | null;

  constructor(windowBits: number, keepsWindow: boolean, { level, memLevel, thresholdBytes }: CompressionAgreement) {
    this.thresholdBytes = thresholdBytes;
    this.#options = { windowBits, level, memLevel, finishFlush: constants.Z_SYNC_FLUSH };
    this.#window = keepsWindow ? new Window(2 ** windowBits) : null;
    this.variant = keepsWindow ? -1 : windowBits * 100 + level * 10 + memLevel;
  }

  /** Whether the uncompressed form may be sent instead once it is seen to be smaller. */
  get isOptional(): boolean {
    return this.#window === null;
  }

  deflate(payload: Uint8Array): Buffer {
    const options = { ...this.#options, ...this.#window?.dictionary };
    this.#window?.append(payload);
    return withoutTail(deflateRawSync(payload, options));
  }

  /** In the thread pool; several may be on their way at once. The payload must not change meanwhile. */
  deflateLater(payload: Uint8Array, done: (deflated: Buffer) => void): void {
    const options = { ...this.#options, ...this.#window?.dictionary };
    this.#window?.append(payload);
    deflateRaw(payload, options, (error, deflated) => {
      // It cannot fail on any input; if the system fails, the same happens here with a reason.
      done(error === null ? withoutTail(deflated) : withoutTail(deflateRawSync(payload, options)));
    });
  }
}

function withoutTail(deflated: Buffer): Buffer {
  return deflated.subarray(0, deflated.length - FLUSH_TAIL_BYTES);
}

/** The bytes of a message, or what is wrong with it. */
export type Inflated = Buffer | 'invalid' | 'too_big';

/** With the option `info` zlib also tells how much of its input it used; Node's types leave that out. */
interface InflateResult {
  readonly buffer: Buffer;
  readonly engine: { readonly bytesWritten: number };
}

/** The receiving half. Messages must be given to it in the order in which they came. */
export class Inflater {
  readonly #windowBits: number;
  readonly #window: Window | null;

  constructor(windowBits: number, keepsWindow: boolean) {
    this.#windowBits = windowBits;
    this.#window = keepsWindow ? new Window(2 ** windowBits) : null;
  }

  /** @param maxBytes where inflating stops: a bomb is never unpacked further (CVE-2026-1526). */
  inflate(payload: Uint8Array, maxBytes: number): Inflated {
    const inflation = new Inflation(payload, maxBytes, this.#windowBits, this.#window);
    while (!inflation.isDone) {
      try {
        inflation.next(inflateRawSync(inflation.input, inflation.options) as unknown as InflateResult);
      } catch (error) {
        inflation.fail(error);
      }
    }
    return inflation.result;
  }

  /** The same in the thread pool. The next message must wait until it is done. */
  inflateLater(payload: Uint8Array, maxBytes: number, done: (inflated: Inflated) => void): void {
    const inflation = new Inflation(payload, maxBytes, this.#windowBits, this.#window);
    const step = (): void => {
      if (inflation.isDone) {
        done(inflation.result);
        return;
      }
      inflateRaw(inflation.input, inflation.options, (error, result) => {
        if (error !== null) inflation.fail(error);
        else inflation.next(result as unknown as InflateResult);
        step();
      });
    };
    step();
  }
}

/** One message being inflated: as many zlib calls as it has final blocks, nearly always one. */
class Inflation {
  isDone = false;
  result: Inflated = NOTHING;
  input: Buffer;
  #calls = 0;

  constructor(
    payload: Uint8Array,
    readonly maxBytes: number,
    readonly windowBits: number,
    readonly window: Window | null,
  ) {
    // An empty message is the single byte 00 (§7.2.3.6). Senders that flush a stream twice make it no byte at all.
    this.isDone = payload.length === 0;
    this.input = this.isDone ? NOTHING : Buffer.concat([payload, TAIL]);
  }

  get options(): ZlibOptions {
    const { result, maxBytes, windowBits } = this;
    const soFar = typeof result === 'string' ? 0 : result.length;
    const options = { windowBits, info: true, maxOutputLength: Math.max(1, maxBytes - soFar) };
    if (this.window !== null) return { ...options, ...this.window.dictionary };
    if (soFar === 0) return options;
    const own = new Window(2 ** windowBits);
    own.append(result as Buffer);
    return { ...options, ...own.dictionary };
  }

  next({ buffer, engine }: InflateResult): void {
    const before = this.result as Buffer;
    const whole = before.length === 0 ? buffer : Buffer.concat([before, buffer]);
    this.result = whole;
    this.#calls++;
    this.window?.append(buffer);
    if (whole.length > this.maxBytes) this.#end('too_big');
    else if (engine.bytesWritten === this.input.length) this.isDone = true;
    else if (this.#calls > FINAL_BLOCKS_MAX) this.#end('invalid');
    else this.input = this.input.subarray(engine.bytesWritten);
  }

  fail(error: unknown): void {
    this.#end((error as { code?: unknown }).code === 'ERR_BUFFER_TOO_LARGE' ? 'too_big' : 'invalid');
  }

  #end(result: Inflated): void {
    this.result = result;
    this.isDone = true;
  }
}

/** Both halves for one end of a connection. */
export function makeCodec(
  agreement: CompressionAgreement,
  isServer: boolean,
): { deflater: Deflater | null; inflater: Inflater } {
  const { serverTakeover, clientTakeover, serverWindowBits, clientWindowBits } = agreement;
  const [ourBits, ourTakeover] = isServer ? [serverWindowBits, serverTakeover] : [clientWindowBits, clientTakeover];
  const [theirBits, theirTakeover] = isServer ? [clientWindowBits, clientTakeover] : [serverWindowBits, serverTakeover];
  return {
    // zlib makes a window of 2^9 where it is told 8 (madler/zlib#171). Sending uncompressed is always legal (§6).
    deflater: ourBits === 8 ? null : new Deflater(ourBits, ourTakeover, agreement),
    inflater: new Inflater(theirBits, theirTakeover),
  };
}
