/** Raw frames, built independently of the code under test. */

export interface FrameParts {
  readonly opcode: number;
  readonly payload?: string | Uint8Array;
  readonly fin?: boolean;
  /** RSV1–3 as a number from 0 to 7. */
  readonly rsv?: number;
  /** Hex of the mask key; absent for an unmasked frame. */
  readonly mask?: string;
  /** Force a form of the length: 7, 16 or 64 bits. */
  readonly lengthBits?: 7 | 16 | 64;
}

export const TEXT = 1;
export const BINARY = 2;
export const CONTINUATION = 0;
export const CLOSE = 8;
export const PING = 9;
export const PONG = 10;

export function hex(text: string): Buffer {
  return Buffer.from(text.replaceAll(/\s/g, ''), 'hex');
}

export function frame(parts: FrameParts): Buffer {
  const payload = Buffer.from((parts.payload ?? '') as string);
  const bits = parts.lengthBits ?? (payload.length < 126 ? 7 : payload.length < 65_536 ? 16 : 64);
  const maskBit = parts.mask === undefined ? 0 : 0x80;
  const first = ((parts.fin ?? true) ? 0x80 : 0) | ((parts.rsv ?? 0) << 4) | parts.opcode;
  const length = Buffer.alloc(bits === 7 ? 1 : bits === 16 ? 3 : 9);
  if (bits === 7) length[0] = maskBit | payload.length;
  if (bits === 16) {
    length[0] = maskBit | 126;
    length.writeUInt16BE(payload.length, 1);
  }
  if (bits === 64) {
    length[0] = maskBit | 127;
    length.writeBigUInt64BE(BigInt(payload.length), 1);
  }
  const head = [Buffer.from([first]), length];
  if (parts.mask === undefined) return Buffer.concat([...head, payload]);
  const key = hex(parts.mask);
  return Buffer.concat([...head, key, payload.map((byte, index) => byte ^ (key[index % 4] as number))]);
}

/** A frame as a client sends it. */
export function masked(opcode: number, payload: string | Uint8Array = '', fin = true): Buffer {
  return frame({ opcode, payload, fin, mask: '37fa213d' });
}

/** A frame as a server sends it. */
export function plain(opcode: number, payload: string | Uint8Array = '', fin = true): Buffer {
  return frame({ opcode, payload, fin });
}

export function closeBody(code: number, reason: string | Uint8Array = ''): Buffer {
  const head = Buffer.alloc(2);
  head.writeUInt16BE(code);
  return Buffer.concat([head, Buffer.from(reason as string)]);
}

export interface ParsedFrame {
  readonly opcode: number;
  readonly fin: boolean;
  /** RSV1–3 as a number from 0 to 7. */
  readonly rsv: number;
  readonly isMasked: boolean;
  readonly payload: Buffer;
  readonly key: string;
}

/** Reads the complete frames in some bytes. */
export function parseFrames(bytes: Buffer): { frames: ParsedFrame[]; rest: Buffer } {
  const frames: ParsedFrame[] = [];
  let at = 0;
  for (;;) {
    const start = at;
    const restFrom = (): { frames: ParsedFrame[]; rest: Buffer } => ({ frames, rest: bytes.subarray(start) });
    if (bytes.length - at < 2) return restFrom();
    const first = bytes.readUInt8(at);
    const second = bytes.readUInt8(at + 1);
    at += 2;
    let length = second & 0x7f;
    const extra = length === 126 ? 2 : length === 127 ? 8 : 0;
    const keyBytes = second & 0x80 ? 4 : 0;
    if (bytes.length - at < extra + keyBytes) return restFrom();
    if (extra === 2) length = bytes.readUInt16BE(at);
    if (extra === 8) length = Number(bytes.readBigUInt64BE(at));
    at += extra;
    const key = bytes.subarray(at, at + keyBytes);
    at += keyBytes;
    if (bytes.length - at < length) return restFrom();
    const payload = Buffer.from(bytes.subarray(at, at + length));
    if (keyBytes > 0) {
      for (let index = 0; index < length; index++)
        payload[index] = (payload[index] as number) ^ (key[index % 4] as number);
    }
    at += length;
    const rsv = (first >> 4) & 7;
    frames.push({
      opcode: first & 15,
      fin: first >= 128,
      rsv,
      isMasked: keyBytes > 0,
      payload,
      key: key.toString('hex'),
    });
  }
}
