// `trunkline tap`: a terminal client. Lines become messages, frames become lines.

import { readFile } from 'node:fs/promises';
import { type ConnectOptions, connect, MisuseError, type NodeSocket, type WebSocketError } from '@trunkline/websocket';
import type { TapCommand } from '../commands.js';
import { Failure, usage } from '../failure.js';
import { closeWords } from './close-words.js';
import { Console } from './console.js';
import { follow } from './follow.js';
import { contentLines, FrameWords, quoted } from './frames.js';
import { bytesOf, printable } from './printable.js';

/** A tool is pointed at all kinds of servers. */
const MAX_BYTES = 0x0fff_ffff;
/** Ends that are as they should be, whoever began them. */
const GOOD_CODES = [1000, 1001, 1005];

/** Resolves when the connection has ended as it should. @throws Failure if it did not, or never began. */
export async function tap(command: TapCommand): Promise<void> {
  if (command.follow !== null) return follow(command.url, command.follow);
  const options = await connectOptions(command);
  await new Tap(command, options).ended;
}

type TapOptions = Omit<ConnectOptions, 'handler' | 'observer'>;

async function connectOptions({ subprotocols, headers, deflate, ca, insecure }: TapCommand): Promise<TapOptions> {
  const trusted = ca === null ? {} : { ca: await readCertificate(ca) };
  return {
    protocols: subprotocols,
    headers,
    compression: deflate,
    limits: { maxMessageBytes: MAX_BYTES, maxBufferedBytes: MAX_BYTES },
    tls: { ...trusted, ...(insecure ? { rejectUnauthorized: false } : {}) },
  };
}

async function readCertificate(file: string): Promise<Buffer> {
  try {
    return await readFile(file);
  } catch (error) {
    throw new Failure(`${file} cannot be read: ${(error as Error).message}`);
  }
}

class Tap {
  readonly ended: Promise<void>;
  readonly #console = new Console();
  readonly #words = new FrameWords();
  readonly #command: TapCommand;
  readonly #socket: NodeSocket;
  #settle: { resolve: () => void; reject: (failure: Failure) => void } = { resolve() {}, reject() {} };
  #isOpen = false;
  #isClosing = false;
  #isDeflated = false;
  #failure: WebSocketError | null = null;
  #lingering: NodeJS.Timeout | null = null;
  #hasInputEnded = false;

  constructor(command: TapCommand, options: TapOptions) {
    this.#command = command;
    this.ended = new Promise((resolve, reject) => {
      this.#settle = { resolve, reject };
    });
    this.#socket = this.#connect(options);
    this.#console.onInterrupt(() => this.#interrupt());
  }

  #connect(options: TapOptions): NodeSocket {
    try {
      return connect(this.#command.url, {
        ...options,
        handler: {
          open: (socket) => this.#opened(socket),
          message: (_socket, data) => this.#received(data),
          drain: () => this.#console.resume(),
          error: (_socket, error) => {
            this.#failure = error;
          },
          close: (_socket, code, reason, wasClean) => this.#closed(code, reason, wasClean),
        },
        observer: {
          previewBytes: this.#command.shownBytes,
          frame: (frame) => {
            if (frame.direction === 'in') {
              this.#isDeflated ||= frame.isDeflated === true;
              this.#stayAwake();
            }
            this.#console.print(...this.#words.lines(frame));
          },
        },
      });
    } catch (error) {
      if (error instanceof MisuseError) throw usage(error.message);
      throw error;
    }
  }

  #opened({ protocol, extensions }: NodeSocket): void {
    this.#isOpen = true;
    const agreed = [protocol && `subprotocol ${protocol}`, extensions && `extensions ${extensions}`].filter(Boolean);
    this.#console.print(printable([`connected to ${this.#command.url.href}`, ...agreed].join(', ')));
    this.#console.read({
      line: (text) => this.#send(text),
      end: () => this.#inputEnded(),
    });
  }

  /** Frames show what they hold, but for compressed ones. */
  #received(data: string | Uint8Array): void {
    if (!this.#isDeflated) return;
    this.#isDeflated = false;
    const bytes = typeof data === 'string' ? Buffer.from(data) : data;
    const shown = bytes.subarray(0, this.#command.shownBytes);
    const [first = '', ...more] = contentLines(shown, typeof data === 'string', bytes.length);
    this.#console.print(`= inflated  ${`${bytes.length} B`.padStart(7)}  ${first}`.trimEnd(), ...more);
  }

  #send(text: string): void {
    const message = this.#command.binary ? bytesOf(text) : text;
    if (message === null) this.#console.note(`not sent, as it is not hex: ${printable(text)}`);
    else if (this.#socket.send(message) === 'queued') this.#console.pause();
  }

  /** At a terminal it is Ctrl-D. A pipe's writer is gone, but answers to what it wrote may still be on their way. */
  #inputEnded(): void {
    this.#hasInputEnded = true;
    if (process.stdin.isTTY) this.#close();
    else this.#stayAwake();
  }

  #stayAwake(): void {
    const { lingerMs } = this.#command;
    if (!this.#hasInputEnded || lingerMs === null || this.#isClosing) return;
    if (this.#lingering !== null) clearTimeout(this.#lingering);
    this.#lingering = setTimeout(() => {
      // What is still on its way out has not been answered either.
      if (this.#socket.bufferedBytes > 0) this.#stayAwake();
      else this.#close();
    }, lingerMs);
  }

  #close(): void {
    this.#isClosing = true;
    this.#socket.close(1000);
  }

  #interrupt(): void {
    // The second time it is not asked nicely.
    if (this.#isClosing) this.#socket.abort();
    else this.#close();
  }

  #closed(code: number, reason: string, wasClean: boolean): void {
    if (this.#lingering !== null) clearTimeout(this.#lingering);
    const { href } = this.#command.url;
    const why = this.#failure === null ? '' : `: ${printable(this.#failure.message)}`;
    const words = `${code}${quoted(reason)}, ${closeWords(code)}`;
    if (this.#isOpen) this.#console.print(wasClean ? `closed with ${words}` : `lost: ${words}${why}`);
    this.#console.end();
    if (wasClean && (this.#isClosing || GOOD_CODES.includes(code))) this.#settle.resolve();
    else if (!this.#isOpen) this.#settle.reject(new Failure(`${href}${this.#isClosing ? ': given up' : why}`));
    else this.#settle.reject(new Failure(wasClean ? `closed with ${words}` : `the connection was lost${why}`));
  }
}
