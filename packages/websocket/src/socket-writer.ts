/**
 * The writing half of a socket: what its connection has to say goes to its transport, and how much of it waits where.
 * `NodeSocket` extends it, so that a socket is one object.
 */
import { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import type { Connection } from './connection.js';
import type { NodeSocket } from './node-socket.js';
import { SocketState } from './socket-state.js';

export abstract class SocketWriter<Data> extends SocketState<Data> {
  /** @internal `null` until the handshake is done. */
  protected connection: Connection<NodeSocket<unknown>> | null = null;
  /** @internal `null` before that, and once it is gone. */
  protected transport: Duplex | null = null;
  /** @internal Whether the kernel has the bytes once `writableLength` is 0; true for plain sockets only. */
  protected isPlain = false;
  /** @internal Whether the transport refuses more for now. */
  protected isBlocked = false;
  /** Whether the transport had nothing left of our last write when that returned. Only our writes change it. */
  #hasAll = false;
  /** Counted where the transport does not. */
  #writtenBytes = 0;

  /** Bytes accepted by `send` that the kernel has not taken yet, frame headers included. */
  get bufferedBytes(): number {
    return (this.connection?.outgoingBytes ?? 0) + (this.transport?.writableLength ?? 0);
  }

  /** Bytes that the operating system (or an HTTP/2 session) took since the transport opened, the handshake included: grows while the peer drains. */
  get takenBytes(): number {
    const { transport } = this;
    // `bytesWritten` of a net.Socket counts what waits in the stream too.
    const written = transport instanceof Socket ? transport.bytesWritten : this.#writtenBytes;
    return transport === null ? 0 : written - transport.writableLength;
  }

  /** @internal `bufferedBytes`, without asking a transport that has nothing: `send` needs it every time. */
  protected waitingBytes(connection: Connection<NodeSocket<unknown>>): number {
    const bytes = connection.outgoingBytes;
    return this.#hasAll ? bytes : bytes + (this.transport?.writableLength ?? 0);
  }

  /** @internal Whether so many bytes more may wait; frees room by writing early. One message of any size may while nothing waits. */
  protected makeRoom(connection: Connection<NodeSocket<unknown>>, bytes: number): boolean {
    const limit = this.owner.limits.maxBufferedBytes;
    if (this.waitingBytes(connection) + bytes <= limit) return true;
    this.flush();
    const held = this.bufferedBytes;
    return held === 0 || held + bytes <= limit;
  }

  /** Writes what was sent so far now, and not at the end of the turn. */
  flush(): void {
    const { connection, transport } = this;
    if (connection === null || transport === null || this.isBlocked || transport.destroyed) return;
    const waitingBytes = connection.outgoingBytes;
    const outgoing = connection.takeOutgoing();
    if (outgoing === null) return;
    this.#writtenBytes += waitingBytes - connection.outgoingBytes;
    let isTaken = true;
    if (outgoing instanceof Uint8Array) {
      isTaken = transport.write(outgoing);
    } else {
      transport.cork();
      for (const part of outgoing) isTaken = transport.write(part);
      transport.uncork();
    }
    const left = transport.writableLength;
    this.#hasAll = left === 0;
    connection.settleOutgoing(left === 0 && this.isPlain);
    if (isTaken || left === 0) return;
    this.isBlocked = true;
    connection.setBlocked(true);
  }
}
