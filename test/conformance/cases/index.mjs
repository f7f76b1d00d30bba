// @ts-check
// All groups: those of the catalogue first, then what it leaves out.

import { CLOSE_RULES } from './close-rules.mjs';
import { CLOSING } from './closing.mjs';
import { DEFLATE, DEFLATE_OFFERS } from './compression.mjs';
import { DEFLATE_NEGOTIATION } from './deflate-negotiation.mjs';
import { DEFLATE_RULES } from './deflate-rules.mjs';
import { ECHO } from './echo.mjs';
import { FLOODS, SLOW_HANDSHAKES } from './floods.mjs';
import { AUTO_FRAGMENTS, FRAGMENTS } from './fragments.mjs';
import { HANDSHAKE } from './handshake.mjs';
import { LENGTHS } from './lengths.mjs';
import { MASKING } from './masking.mjs';
import { PERFORMANCE } from './performance.mjs';
import { PINGS } from './ping.mjs';
import { RESERVED_BITS, RESERVED_OPCODES } from './reserved.mjs';
import { UTF8 } from './utf8.mjs';

/** @type {readonly import('../lib/case.mjs').Group[]} */
export const GROUPS = [
  ECHO,
  PINGS,
  RESERVED_BITS,
  RESERVED_OPCODES,
  FRAGMENTS,
  UTF8,
  CLOSING,
  PERFORMANCE,
  AUTO_FRAGMENTS,
  DEFLATE,
  DEFLATE_OFFERS,
  HANDSHAKE,
  MASKING,
  LENGTHS,
  CLOSE_RULES,
  DEFLATE_NEGOTIATION,
  DEFLATE_RULES,
  FLOODS,
  SLOW_HANDSHAKES,
];
