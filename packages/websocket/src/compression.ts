/**
 * Agreeing on permessage-deflate (RFC 7692 §5, §7.1): pure functions from header fields to an agreement.
 *
 * By default neither side keeps a window between messages: nothing is held per connection, and a message for many is
 * compressed once. What a peer offers that we cannot honour is declined, never guessed at; what a server answers that
 * we did not ask for fails the connection.
 */
import { BreachError, MisuseError } from './errors.js';
import { type ExtensionOffer, parseExtensions } from './header-fields.js';

/** How to compress. Both ends take the same options; `server…` and `client…` name who sends. */
export interface CompressionOptions {
  /** Messages of fewer payload bytes are sent as they are, unless `send` is told otherwise. Default 1_024. */
  readonly thresholdBytes?: number;
  /**
   * zlib's level, 1 (fast) to 9. Default 1: on JSON, 6 took four times as long for a tenth fewer bytes.
   */
  readonly level?: number;
  /** zlib's memory level, 1 to 9. Default 8. */
  readonly memLevel?: number;
  /**
   * Whether the server may refer back to its earlier messages (RFC 7692 §7.1.1.1). Default false. It makes small
   * messages smaller, costs each end up to 32 KiB per connection, and each message must be compressed for each connection.
   */
  readonly serverContextTakeover?: boolean;
  /** The same for what the client sends (§7.1.1.2). Default false. */
  readonly clientContextTakeover?: boolean;
  /** The server's window is at most 2^n bytes (§7.1.2.1), 8 to 15. Default 15. */
  readonly serverMaxWindowBits?: number;
  /** The client's window is at most 2^n bytes (§7.1.2.2), 8 to 15. Default 15. Offers that cannot be bound to less are declined. */
  readonly clientMaxWindowBits?: number;
}

/** Options with their defaults. */
export type CompressionSettings = Required<CompressionOptions>;

const DEFAULT_SETTINGS: CompressionSettings = Object.freeze({
  thresholdBytes: 1_024,
  level: 1,
  memLevel: 8,
  serverContextTakeover: false,
  clientContextTakeover: false,
  serverMaxWindowBits: 15,
  clientMaxWindowBits: 15,
});

const RANGES: readonly (readonly [keyof CompressionSettings, number, number])[] = [
  ['thresholdBytes', 0, 0x3fff_ffff],
  ['level', 1, 9],
  ['memLevel', 1, 9],
  ['serverMaxWindowBits', 8, 15],
  ['clientMaxWindowBits', 8, 15],
];

/**
 * Fills in defaults; `null` for no compression.
 * @throws MisuseError for a number out of its range.
 */
export function resolveCompression(given: boolean | CompressionOptions | undefined): CompressionSettings | null {
  if (given === undefined || given === false) return null;
  const chosen =
    given === true ? {} : Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined));
  const settings: CompressionSettings = { ...DEFAULT_SETTINGS, ...chosen };
  for (const [name, least, most] of RANGES) {
    const value = settings[name];
    if (!Number.isInteger(value) || Number(value) < least || Number(value) > most) {
      throw new MisuseError('invalid_argument', `compression.${name} must be an integer from ${least} to ${most}`);
    }
  }
  return settings;
}

/** What both ends do from now on. */
export interface CompressionAgreement {
  readonly serverTakeover: boolean;
  readonly clientTakeover: boolean;
  readonly serverWindowBits: number;
  readonly clientWindowBits: number;
  /** Of the options, what concerns our own sending. */
  readonly thresholdBytes: number;
  readonly level: number;
  readonly memLevel: number;
  /** The value of `Sec-WebSocket-Extensions` that says so. */
  readonly field: string;
}

const NAME = 'permessage-deflate';

/** The four parameters there are, as one element of the field has them. `true` stands for a parameter without value. */
interface Parameters {
  readonly serverNoTakeover: boolean;
  readonly clientNoTakeover: boolean;
  readonly serverBits: number | null;
  readonly clientBits: number | true | null;
}

/** @returns `null` for an unknown, repeated or invalid parameter (§7: such an offer is declined, such an answer fails). */
function readParameters(offer: ExtensionOffer): Parameters | null {
  let serverNoTakeover = false;
  let clientNoTakeover = false;
  let serverBits: number | null = null;
  let clientBits: number | true | null = null;
  const seen = new Set<string>();
  for (const [name, value] of offer.parameters) {
    if (seen.has(name)) return null;
    seen.add(name);
    if (name === 'server_no_context_takeover' && value === null) {
      serverNoTakeover = true;
    } else if (name === 'client_no_context_takeover' && value === null) {
      clientNoTakeover = true;
    } else if (name === 'server_max_window_bits') {
      serverBits = readBits(value);
      if (serverBits === null) return null;
    } else if (name === 'client_max_window_bits') {
      clientBits = value === null ? true : readBits(value);
      if (clientBits === null) return null;
    } else {
      return null;
    }
  }
  return { serverNoTakeover, clientNoTakeover, serverBits, clientBits };
}

/** 8 to 15 in decimal, no leading zero (§7.1.2). Compared as text: nothing else ever reaches zlib (CVE-2026-2229). */
const BITS: readonly string[] = ['8', '9', '10', '11', '12', '13', '14', '15'];

function readBits(value: string | null): number | null {
  const index = value === null ? -1 : BITS.indexOf(value);
  return index < 0 ? null : index + 8;
}

/**
 * The server's choice: the first offer that it can honour (§5.1).
 * @param field the request's `Sec-WebSocket-Extensions`, well-formed.
 * @returns `null` to go without.
 */
export function chooseOffer(field: string | undefined, settings: CompressionSettings): CompressionAgreement | null {
  const offers = field === undefined ? null : parseExtensions(field);
  for (const offer of offers ?? []) {
    const agreement = offer.name === NAME ? answerOffer(offer, settings) : null;
    if (agreement !== null) return agreement;
  }
  return null;
}

function answerOffer(offer: ExtensionOffer, settings: CompressionSettings): CompressionAgreement | null {
  const asked = readParameters(offer);
  if (asked === null) return null;
  // Only a client that offered the parameter can be bound (§7.1.2.2).
  if (asked.clientBits === null && settings.clientMaxWindowBits < 15) return null;
  const serverTakeover = settings.serverContextTakeover && !asked.serverNoTakeover;
  // A hint in the offer, an order in the answer, where it may stand unasked (§7.1.1.2).
  const clientTakeover = settings.clientContextTakeover && !asked.clientNoTakeover;
  const serverWindowBits = Math.min(asked.serverBits ?? 15, settings.serverMaxWindowBits);
  const offeredBits = typeof asked.clientBits === 'number' ? asked.clientBits : 15;
  const clientWindowBits = Math.min(offeredBits, settings.clientMaxWindowBits);
  let answer = NAME;
  if (!serverTakeover) answer += '; server_no_context_takeover';
  if (!clientTakeover) answer += '; client_no_context_takeover';
  if (serverWindowBits < 15 || asked.serverBits !== null) answer += `; server_max_window_bits=${serverWindowBits}`;
  if (clientWindowBits < 15) answer += `; client_max_window_bits=${clientWindowBits}`;
  return { serverTakeover, clientTakeover, serverWindowBits, clientWindowBits, ...ofOurs(settings), field: answer };
}

/** The client's offer. */
export function makeOffer(settings: CompressionSettings): string {
  let offer = NAME;
  if (!settings.serverContextTakeover) offer += '; server_no_context_takeover';
  if (!settings.clientContextTakeover) offer += '; client_no_context_takeover';
  if (settings.serverMaxWindowBits < 15) offer += `; server_max_window_bits=${settings.serverMaxWindowBits}`;
  const { clientMaxWindowBits } = settings;
  return `${offer}; client_max_window_bits${clientMaxWindowBits < 15 ? `=${clientMaxWindowBits}` : ''}`;
}

/**
 * What the server made of the client's offer. A server that keeps its window although it was asked not to is borne:
 * we can follow it.
 * @param field the response's `Sec-WebSocket-Extensions`.
 * @throws BreachError for an answer that does not fit the offer (§5.1, §7.1).
 */
export function checkAnswer(field: string | undefined, settings: CompressionSettings): CompressionAgreement | null {
  if (field === undefined) return null;
  const chosen = parseExtensions(field);
  const [first, ...others] = chosen ?? [];
  if (first === undefined || first.name !== NAME || others.length > 0) {
    throw invalid('the server chose an extension nobody offered');
  }
  const answer = readParameters(first);
  if (answer === null || answer.clientBits === true) {
    throw invalid('the server answered the offer to compress with invalid parameters');
  }
  const serverWindowBits = answer.serverBits ?? 15;
  if (answer.serverBits !== null && answer.serverBits > settings.serverMaxWindowBits) {
    throw invalid('the server wants a larger window than it was offered');
  }
  if (answer.clientBits !== null && answer.clientBits > settings.clientMaxWindowBits) {
    throw invalid('the server wants us to use a larger window than we offered');
  }
  return {
    serverTakeover: !answer.serverNoTakeover,
    clientTakeover: settings.clientContextTakeover && !answer.clientNoTakeover,
    serverWindowBits,
    clientWindowBits: Math.min(answer.clientBits ?? 15, settings.clientMaxWindowBits),
    ...ofOurs(settings),
    field,
  };
}

function ofOurs({ thresholdBytes, level, memLevel }: CompressionSettings): CompressionSender {
  return { thresholdBytes, level, memLevel };
}

type CompressionSender = Pick<CompressionAgreement, 'thresholdBytes' | 'level' | 'memLevel'>;

function invalid(message: string): BreachError {
  return new BreachError('handshake_invalid', 1006, message);
}
