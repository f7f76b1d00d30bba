// The WebSocket of a simulated browser: dials over its link, and speaks frames over the wire that it gets.

import type { CloseInfo, OpenSocket, Socket, SocketEvents } from '@trunkline/client';
import { FrameEnd, type FrameEndOptions } from './frame-end.js';
import type { Host } from './host.js';

const MAX_MESSAGE_BYTES = 16 * 1_048_576;
/** A browser's own limit on what it lets a peer do: far away. */
const MAX_BUFFERED_BYTES = 64 * 1_048_576;
const ABNORMAL: CloseInfo = { code: 1006, reason: '', wasClean: false };

/** `WebSocket` of the browser on `host`. */
export function socketOf(
  host: Host,
  onText: (socket: ClientSocket, text: string) => void = () => {},
  onSend: (text: string) => void = () => {},
): OpenSocket {
  return (_url, _protocol, events) => {
    let socket: ClientSocket | undefined;
    let isGivenUp = false;
    host.dial((options) => {
      if (options === null || isGivenUp) {
        if (!isGivenUp) events.onClose(ABNORMAL);
        return null;
      }
      socket = new ClientSocket(options, events, onText);
      return socket;
    });
    return {
      send: (text) => {
        onSend(text);
        socket?.send(text);
      },
      close: (code, reason) => {
        if (socket !== undefined) return socket.close(code, reason);
        if (isGivenUp) return;
        isGivenUp = true;
        host.machine.after(0, () => events.onClose(ABNORMAL));
      },
    } satisfies Socket;
  };
}

export class ClientSocket extends FrameEnd {
  readonly #events: SocketEvents;
  readonly #onText: (socket: ClientSocket, text: string) => void;

  constructor(
    options: Omit<FrameEndOptions, 'side' | 'maxMessageBytes' | 'maxBufferedBytes'>,
    events: SocketEvents,
    onText: (socket: ClientSocket, text: string) => void,
  ) {
    super({ ...options, side: 'client', maxMessageBytes: MAX_MESSAGE_BYTES, maxBufferedBytes: MAX_BUFFERED_BYTES });
    this.#events = events;
    this.#onText = onText;
  }

  opened(): void {
    this.#events.onOpen();
  }
  send(text: string): void {
    this.sendText(text);
  }
  close(code: number, reason: string): void {
    this.closeFrames(code, reason);
  }

  override onMessage(data: string | Uint8Array): void {
    if (typeof data === 'string') this.#onText(this, data);
    this.#events.onMessage(typeof data === 'string' ? data : null);
  }
  override onClosed(code: number, reason: string, wasClean: boolean): void {
    this.#events.onClose({ code, reason, wasClean });
  }
  override onDrained(): void {}
}
