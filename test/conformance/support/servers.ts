/** Servers for the suite to judge: one on our engine, and some that are wrong on purpose. */
import { createHash } from 'node:crypto';
import { createServer as createHttpServer } from 'node:http';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { type CompressionOptions, createWebSocketServer } from '@trunkline/websocket';

export interface Running {
  readonly url: string;
  stop(): Promise<void>;
}

/** Our engine, with the limits that the catalogue needs. */
export function startEngine(compression: boolean | CompressionOptions): Promise<Running> {
  const server = createHttpServer((_request, response) => response.writeHead(426).end());
  createWebSocketServer({
    handler: { message: (socket, data) => void socket.send(data) },
    compression,
    limits: { maxMessageBytes: 16_777_216, maxFragments: 70_000 },
  }).attach(server);
  return listening(server);
}

/**
 * Echoes whatever it is sent: it upgrades every request, takes frames without a mask, ignores reserved bits and opcodes,
 * does not look at UTF-8 and sends back any close frame as it came.
 */
export function startCareless(): Promise<Running> {
  return listening(createServer((socket) => new Careless(socket)));
}

/** Takes connections and never says a word. */
export function startMute(): Promise<Running> {
  return listening(createServer(() => {}));
}

/** Upgrades, and never says a word after that. */
export function startFrozen(): Promise<Running> {
  return listening(
    createServer((socket) => {
      socket.once('data', (head) => socket.write(responseTo(head.toString('latin1'))));
    }),
  );
}

async function listening(server: Server): Promise<Running> {
  const sockets = new Set<Socket>();
  server.on('connection', (socket: Socket) => {
    sockets.add(socket);
    socket.on('error', () => {}).on('close', () => sockets.delete(socket));
  });
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  return {
    url: `ws://127.0.0.1:${(server.address() as AddressInfo).port}/`,
    stop: async () => {
      const closed = new Promise((resolve) => server.close(resolve));
      for (const socket of sockets) socket.destroy();
      await closed;
    },
  };
}

function responseTo(request: string): string {
  const key = /^sec-websocket-key: (.*)\r$/im.exec(request)?.[1] ?? '';
  const accept = createHash('sha1').update(`${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`).digest('base64');
  return `HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${accept}\r\n\r\n`;
}

class Careless {
  readonly #socket: Socket;
  #bytes = Buffer.alloc(0);
  #isOpen = false;
  #parts: Buffer[] = [];
  #opcode = 0;

  constructor(socket: Socket) {
    this.#socket = socket;
    socket.on('data', (chunk) => {
      this.#bytes = Buffer.concat([this.#bytes, chunk]);
      if (!this.#isOpen) this.#open();
      while (this.#isOpen && this.#frame());
    });
  }

  #open(): void {
    const end = this.#bytes.indexOf('\r\n\r\n');
    if (end < 0) return;
    this.#socket.write(responseTo(this.#bytes.toString('latin1', 0, end + 2)));
    this.#bytes = this.#bytes.subarray(end + 4);
    this.#isOpen = true;
  }

  #frame(): boolean {
    const bytes = this.#bytes;
    if (bytes.length < 2) return false;
    const first = bytes.readUInt8(0);
    const second = bytes.readUInt8(1);
    const short = second & 0x7f;
    const lengthEnd = short === 126 ? 4 : short === 127 ? 10 : 2;
    const headEnd = lengthEnd + (second & 0x80 ? 4 : 0);
    if (bytes.length < headEnd) return false;
    const length = short < 126 ? short : short === 126 ? bytes.readUInt16BE(2) : bytes.readUInt32BE(6);
    if (bytes.length < headEnd + length) return false;
    const payload = Buffer.from(bytes.subarray(headEnd, headEnd + length));
    if (second & 0x80)
      for (let at = 0; at < length; at++) payload[at] = Number(payload[at]) ^ bytes.readUInt8(lengthEnd + (at & 3));
    this.#bytes = bytes.subarray(headEnd + length);
    this.#take(first >= 0x80, first & 0x0f, payload);
    return true;
  }

  #take(fin: boolean, opcode: number, payload: Buffer): void {
    if (opcode === 8) {
      this.#send(8, payload);
      this.#isOpen = false;
      this.#socket.end();
    } else if (opcode === 9) {
      this.#send(10, payload);
    } else if (opcode < 3) {
      if (opcode !== 0) this.#opcode = opcode;
      this.#parts.push(payload);
      if (fin) this.#send(this.#opcode, Buffer.concat(this.#parts.splice(0)));
    }
  }

  #send(opcode: number, payload: Buffer): void {
    const isShort = payload.length < 126;
    const head = Buffer.alloc(isShort ? 2 : payload.length < 65_536 ? 4 : 10);
    head[0] = 0x80 | opcode;
    head[1] = isShort ? payload.length : head.length === 4 ? 126 : 127;
    if (head.length === 4) head.writeUInt16BE(payload.length, 2);
    if (head.length === 10) head.writeUInt32BE(payload.length, 6);
    if (this.#socket.writable) this.#socket.write(Buffer.concat([head, payload]));
  }
}
