/** Close codes and reasons: which may be sent, which may be received (RFC 6455 §7.4 and the IANA registry). */
import { MisuseError } from './errors.js';
import { decodeStrict } from './utf8.js';

export const CLOSE_NORMAL = 1000;
export const CLOSE_GOING_AWAY = 1001;
export const CLOSE_PROTOCOL_ERROR = 1002;
/** Never on the wire: the close frame had no code. */
export const CLOSE_NO_CODE = 1005;
/** Never on the wire: no close frame came. */
export const CLOSE_ABNORMAL = 1006;
export const CLOSE_INVALID_TEXT = 1007;
export const CLOSE_POLICY = 1008;
export const CLOSE_TOO_BIG = 1009;
export const CLOSE_INTERNAL = 1011;

/** Longest close reason in UTF-8: a control frame holds 125 bytes, two of them are the code (§5.5). */
export const MAX_REASON_BYTES = 123;

/**
 * Whether a code may stand in a close frame: 1000–1003, 1007–1014 and 3000–4999. 1004 is reserved; 1005, 1006 and
 * 1015 are for the local API only; 1016–2999 belong to later versions of the protocol (§7.4.2).
 */
export function isWireCloseCode(code: number): boolean {
  if (code >= 3000) return code <= 4999;
  return (code >= 1000 && code <= 1003) || (code >= 1007 && code <= 1014);
}

/**
 * Checks the arguments of a close call and encodes the reason. `null` stands for no code at all (§5.5.1), without a reason.
 * The size comes from the encoded bytes, and anything but a string is refused (CVE-2026-45736: a typed array there
 * made another library send uninitialised memory).
 * @throws MisuseError if the code may not be sent or the reason is not a string of at most 123 bytes.
 */
export function checkCloseArguments(code: unknown, reason: unknown): Buffer {
  if (code === null && reason === '') return Buffer.alloc(0);
  if (typeof code !== 'number' || !Number.isInteger(code) || !isWireCloseCode(code)) {
    throw new MisuseError('invalid_argument', 'a close code is 1000-1003, 1007-1014 or 3000-4999');
  }
  if (typeof reason !== 'string') throw new MisuseError('invalid_argument', 'a close reason is a string');
  // The length test first keeps a huge string from being encoded just to be refused.
  const bytes = reason.length > MAX_REASON_BYTES ? null : Buffer.from(reason, 'utf8');
  if (bytes === null || bytes.length > MAX_REASON_BYTES) {
    throw new MisuseError('invalid_argument', `a close reason has at most ${MAX_REASON_BYTES} bytes of UTF-8`);
  }
  return bytes;
}

/** What a close frame says. */
export interface ReceivedClose {
  /** 1005 for a frame without a payload. */
  readonly code: number;
  readonly reason: string;
}

/** Reads the payload of a close frame. A text says what is wrong with it: the peer broke the protocol. */
export function readClosePayload(payload: Buffer): ReceivedClose | string {
  if (payload.length === 0) return { code: CLOSE_NO_CODE, reason: '' };
  const code = payload.length === 1 ? 0 : payload.readUInt16BE(0);
  if (!isWireCloseCode(code)) return 'a close frame has an invalid code';
  const reason = decodeStrict(payload, 2, payload.length);
  return reason === null ? 'a close reason must be valid UTF-8' : { code, reason };
}
