// The server's end of a simulated WebSocket, as the core sees it: what `packages/server` makes of a socket of Node.

import type { Connection as CoreConnection, Session, SharedText } from '@trunkline/core';
import { type PreparedFrame, prepareText } from '@trunkline/websocket';
import type { RequestInfo } from './app.js';
import { FrameEnd, type FrameEndOptions } from './frame-end.js';
import type { WireOracle } from './wire-oracle.js';

export class ServerConnection extends FrameEnd implements CoreConnection {
  session: Session<RequestInfo> | null = null;
  readonly #oracle: WireOracle;
  readonly #onClosed: (connection: ServerConnection) => void;

  constructor(
    options: Omit<FrameEndOptions, 'side'>,
    oracle: WireOracle,
    onClosed: (connection: ServerConnection) => void,
  ) {
    super({ ...options, side: 'server' });
    this.#oracle = oracle;
    this.#onClosed = onClosed;
  }

  send(text: string): void {
    if (!this.frames.isOpen) return;
    this.#oracle.sent(text);
    this.sendText(text);
  }

  sendShared(shared: SharedText): void {
    if (!this.frames.isOpen) return;
    this.#oracle.sentShared(shared);
    shared.wire ??= prepareText(shared.text);
    this.frames.sendPrepared(shared.wire as PreparedFrame);
    this.after();
  }

  pause(): void {
    this.pauseReading();
  }
  resume(): void {
    this.resumeReading();
  }
  close(code: number, reason: string): void {
    this.#oracle.closing(code);
    this.closeFrames(code, reason.slice(0, 120));
  }
  abort(): void {
    this.frames.abort();
    this.after();
  }

  override onMessage(data: string | Uint8Array): void {
    if (typeof data !== 'string') return this.session?.receiveBinary();
    this.#oracle.received(data);
    this.session?.receive(data);
  }
  override onClosed(): void {
    this.#oracle.closed();
    this.session?.closed();
    this.#onClosed(this);
  }
  override onDrained(): void {
    this.session?.drained();
  }
}
