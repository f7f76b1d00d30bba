// A connection that records what it is given. `isSlow` keeps it as bytes that the peer has not taken yet.

import type { ServerMessage } from '@trunkline/protocol';
import { utf8Bytes } from '@trunkline/protocol';
import type { Connection, SharedText } from '../../src/index.js';

export class FakeConnection implements Connection {
  bufferedBytes = 0;
  takenBytes = 0;
  isSlow = false;
  isPaused = false;
  closedWith: { readonly code: number; readonly reason: string } | null = null;
  /** Everything sent, in order. */
  readonly texts: string[] = [];
  readonly shared: SharedText[] = [];
  /** Most bytes that ever waited. */
  mostBuffered = 0;
  /** Runs within each `send`: a transport may end a connection in the middle of one. */
  onSend: (() => void) | undefined;
  #taken = 0;

  send(text: string): void {
    this.texts.push(text);
    const bytes = utf8Bytes(text);
    if (this.isSlow) this.bufferedBytes += bytes;
    else this.takenBytes += bytes;
    this.mostBuffered = Math.max(this.mostBuffered, this.bufferedBytes);
    this.onSend?.();
  }
  sendShared(shared: SharedText): void {
    this.shared.push(shared);
    this.send(shared.text);
  }
  pause(): void {
    this.isPaused = true;
  }
  resume(): void {
    this.isPaused = false;
  }
  close(code: number, reason: string): void {
    this.closedWith ??= { code, reason };
  }

  /** The peer takes up to `bytes` of what waits. Whether nothing is left. */
  take(bytes = Number.POSITIVE_INFINITY): boolean {
    const taken = Math.min(bytes, this.bufferedBytes);
    this.bufferedBytes -= taken;
    this.takenBytes += taken;
    return this.bufferedBytes === 0;
  }

  /** The messages sent since the last call. */
  fresh(): ServerMessage[] {
    const fresh = messagesIn(this.texts.slice(this.#taken));
    this.#taken = this.texts.length;
    return fresh;
  }
  get messages(): ServerMessage[] {
    return messagesIn(this.texts);
  }
}

/** One a line (TRA-3). */
function messagesIn(texts: readonly string[]): ServerMessage[] {
  return texts.flatMap((text) => text.split('\n')).map((line) => JSON.parse(line) as ServerMessage);
}
