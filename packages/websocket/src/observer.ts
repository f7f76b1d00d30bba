/**
 * Watching one connection, for debugging tools: the handshake as sent, each frame of both directions, the end.
 * A connection without an observer pays one comparison per frame.
 */
import { OPCODE_CLOSE, RSV1 } from './frame.js';

/** A frame as it was on the wire. */
export interface ObservedFrame {
  readonly direction: 'in' | 'out';
  /** RFC 6455 §5.2: 0 continuation, 1 text, 2 binary, 8 close, 9 ping, 10 pong. */
  readonly opcode: number;
  readonly fin: boolean;
  readonly payloadBytes: number;
  /** Set on the first frame of a compressed message (RSV1): the payload is DEFLATE data. */
  readonly isDeflated?: true;
  /** The first `previewBytes` of the payload, unmasked, a copy. May end inside a UTF-8 character. */
  readonly preview: Uint8Array;
  /** Of a close frame: its code, 1005 if it had none. */
  readonly closeCode?: number;
  /** Of a close frame: its reason. */
  readonly reason?: string;
}

/** Callbacks must not throw: the connection would be closed with 1011. */
export interface FrameObserver {
  /** How much of each payload to copy, in bytes. Default 256. */
  readonly previewBytes?: number;
  /** Once, before any frame: both heads as text, with their empty line. They may hold secrets (cookies). */
  handshake?(requestHead: string, responseHead: string): void;
  /** Incoming: when the frame is complete. Outgoing: when it is queued. */
  frame(frame: ObservedFrame): void;
  /** Once, last: what `handler.close` is told. */
  end?(code: number, reason: string, wasClean: boolean): void;
}

const PREVIEW_BYTES = 256;

/** Turns pieces of payload into observed frames. */
export class FrameRecorder {
  readonly #previewBytes: number;
  #opcode = 0;
  #fin = true;
  #payloadBytes = 0;
  #preview: Buffer = Buffer.alloc(0);
  #have = 0;

  constructor(readonly observer: FrameObserver) {
    this.#previewBytes = observer.previewBytes ?? PREVIEW_BYTES;
  }

  /** @param opcode with `RSV1` if that is set. */
  outgoing(opcode: number, payload: Uint8Array): void {
    this.#report('out', opcode, true, payload.length, Buffer.from(payload.subarray(0, this.#kept(opcode))));
  }

  /** @param opcode with `RSV1` if that is set. */
  incomingHeader(opcode: number, fin: boolean, payloadBytes: number): void {
    this.#opcode = opcode;
    this.#fin = fin;
    this.#payloadBytes = payloadBytes;
    this.#preview = Buffer.allocUnsafe(Math.min(payloadBytes, this.#kept(opcode)));
    this.#have = 0;
  }

  incomingPiece(bytes: Uint8Array, start: number, end: number): void {
    const wanted = Math.min(end - start, this.#preview.length - this.#have);
    if (wanted <= 0) return;
    this.#preview.set(bytes.subarray(start, start + wanted), this.#have);
    this.#have += wanted;
  }

  incomingEnd(): void {
    this.#report('in', this.#opcode, this.#fin, this.#payloadBytes, this.#preview);
  }

  /** A close frame is read whole, whatever the preview is cut to. */
  #kept(opcode: number): number {
    return opcode === OPCODE_CLOSE ? Math.max(this.#previewBytes, 125) : this.#previewBytes;
  }

  #report(direction: 'in' | 'out', opcode: number, fin: boolean, payloadBytes: number, kept: Buffer): void {
    const preview = kept.subarray(0, this.#previewBytes);
    if ((opcode & RSV1) !== 0) {
      this.observer.frame({ direction, opcode: opcode & 0x0f, fin, payloadBytes, preview, isDeflated: true });
      return;
    }
    const frame = { direction, opcode, fin, payloadBytes, preview };
    if (opcode !== OPCODE_CLOSE) {
      this.observer.frame(frame);
      return;
    }
    const closeCode = kept.length >= 2 ? kept.readUInt16BE(0) : 1005;
    this.observer.frame({ ...frame, closeCode, reason: kept.toString('utf8', 2) });
  }
}
