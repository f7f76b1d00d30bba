// A lean client on a plain socket, for hundreds in one process: it checks that slices join, and reports what it has processed.
// It reads as fast as it can, or is held and takes so many bytes when it is told to.

import type { Socket } from 'node:net';
import { SEEN_BYTES } from '@trunkline/protocol';
import { frame, rawLine } from './dial.js';

const TEXT = 0x81;

export class Reader {
  /** Offset of the newest entry that it has. */
  cursor = 0;
  /** Payload bytes of complete messages. */
  processedBytes = 0;
  /** Bytes taken from the socket, frame headers and incomplete messages included. */
  takenBytes = 0;
  reports = true;
  /** Whether it looks at each entry, and not only at the ranges of slices. */
  isThorough = false;
  onCursor: (() => void) | undefined;
  #reportedBytes = 0;
  #rest: Buffer = Buffer.alloc(0);
  #pongs: (() => void)[] = [];
  #ids = 1;

  private constructor(readonly socket: Socket) {}

  /** Says hello, naming what it can do, and subscribes at the head. */
  static async join(port: number, stream: string, features: readonly string[] = ['seen']): Promise<Reader> {
    const reader = new Reader(await rawLine(port));
    const joined = new Promise<void>((resolve) => {
      reader.#pongs.push(resolve);
    });
    reader.socket.on('data', (chunk: Buffer) => reader.#take(chunk));
    reader.#say({ type: 'hello', version: 1, token: 'reader', features });
    reader.reports = features.includes('seen');
    reader.#say({ type: 'subscribe', id: 1, stream });
    reader.#say({ type: 'ping', id: 2 });
    reader.#ids = 2;
    await joined;
    return reader;
  }

  /** From now on it takes nothing by itself. */
  hold(): void {
    this.socket.pause();
  }
  /** Takes up to so many bytes of what has arrived. */
  takeBytes(bytes: number): void {
    // Whoever listens to `data` hears what is read by hand too.
    this.socket.read(Math.min(bytes, this.socket.readableLength));
  }
  /** Takes all that comes, as fast as it can. */
  release(): void {
    this.socket.resume();
  }

  /** When this answer comes, all that was put on the connection before has come. */
  async barrier(): Promise<void> {
    this.#ids += 1;
    const answered = new Promise<void>((resolve) => {
      this.#pongs.push(resolve);
    });
    this.#say({ type: 'ping', id: this.#ids });
    await answered;
  }

  /** Reports all that it has processed. */
  report(): void {
    this.#reportedBytes = this.processedBytes;
    this.#say({ type: 'seen', bytes: this.processedBytes });
  }

  #say(message: object): void {
    this.socket.write(frame(JSON.stringify(message)));
  }

  #take(chunk: Buffer): void {
    this.takenBytes += chunk.length;
    let bytes = this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk]);
    for (;;) {
      const end = endOfFrame(bytes);
      if (end === undefined || end > bytes.length) break;
      if (bytes[0] !== TEXT) throw new Error(`a frame that begins with ${bytes[0]}`);
      const header = bytes[1] === 127 ? 10 : bytes[1] === 126 ? 4 : 2;
      this.#heard(bytes, header, end);
      bytes = bytes.subarray(end);
    }
    // Not a view: it would keep the whole chunk.
    this.#rest = bytes.length === 0 ? bytes : Buffer.from(bytes);
    if (this.reports && this.processedBytes - this.#reportedBytes >= SEEN_BYTES) this.report();
  }

  #heard(bytes: Buffer, from: number, to: number): void {
    this.processedBytes += to - from;
    const head = bytes.toString('latin1', from, Math.min(to, from + 100));
    if (head.startsWith('{"type":"pong"')) this.#pongs.shift()?.();
    if (head.startsWith('{"type":"ok","id":1,')) {
      this.cursor = (JSON.parse(bytes.toString('utf8', from, to)) as { from: number }).from;
    }
    const slice = /^\{"type":"entries","ch":\d+,"from":(\d+),"to":(\d+),/.exec(head);
    if (slice === null) return;
    const [after, upTo] = [Number(slice[1]), Number(slice[2])];
    if (after !== this.cursor) throw new Error(`a slice from ${after} at cursor ${this.cursor}`);
    this.cursor = upTo;
    this.onCursor?.();
    if (!this.isThorough) return;
    const { items } = JSON.parse(bytes.toString('utf8', from, to)) as { items: { offset: number }[] };
    items.forEach(({ offset }, index) => {
      if (offset !== after + index + 1) throw new Error(`entry ${offset} at ${after + index + 1}`);
    });
    if (items.length !== upTo - after) throw new Error(`${items.length} entries in (${after}, ${upTo}]`);
  }
}

/** Where the first frame in `bytes` ends, or `undefined` if that cannot be told yet. */
function endOfFrame(bytes: Buffer): number | undefined {
  if (bytes.length < 2) return undefined;
  const length = bytes[1] ?? 0;
  if (length < 126) return 2 + length;
  if (bytes.length < (length === 126 ? 4 : 10)) return undefined;
  return length === 126 ? 4 + bytes.readUInt16BE(2) : 10 + Number(bytes.readBigUInt64BE(2));
}
