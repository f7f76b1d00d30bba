/** Agreeing on permessage-deflate: RFC 7692 §5 and §7.1. */
import { describe, expect, it } from 'vitest';
import { checkAnswer, chooseOffer, makeOffer, resolveCompression } from '../src/compression.js';
import { BreachError, type CompressionOptions, MisuseError } from '../src/index.js';

const NAME = 'permessage-deflate';

function settings(options: CompressionOptions = {}) {
  const resolved = resolveCompression(options);
  if (resolved === null) throw new Error('options always mean compression');
  return resolved;
}

/** What a server answers. */
function answer(offer: string, options: CompressionOptions = {}): string | null {
  return chooseOffer(offer, settings(options))?.field ?? null;
}

const BOTH = { serverContextTakeover: true, clientContextTakeover: true };
const PLAIN = `${NAME}; server_no_context_takeover; client_no_context_takeover`;

describe('options', () => {
  it('are off by default', () => {
    expect(resolveCompression(undefined)).toBe(null);
    expect(resolveCompression(false)).toBe(null);
    expect(resolveCompression(true)).toEqual(resolveCompression({}));
    expect(resolveCompression({ level: undefined as unknown as number })).toEqual(resolveCompression(true));
  });

  it.each([
    ['thresholdBytes', 0, 0x3fff_ffff],
    ['level', 1, 9],
    ['memLevel', 1, 9],
    ['serverMaxWindowBits', 8, 15],
    ['clientMaxWindowBits', 8, 15],
  ])('%s is an integer from %i to %i', (name, least, most) => {
    for (const value of [least, most]) expect(resolveCompression({ [name]: value })).toMatchObject({ [name]: value });
    for (const value of [least - 1, most + 1, least + 0.5, Number.NaN, `${least}`]) {
      expect(() => resolveCompression({ [name]: value })).toThrow(MisuseError);
    }
  });
});

describe('a server', () => {
  it('PM-05 PM-06 lets neither side keep a window by default, unasked', () => {
    expect(answer(NAME)).toBe(PLAIN);
    expect(chooseOffer(NAME, settings())).toMatchObject({ serverTakeover: false, clientTakeover: false });
  });

  it('PM-05 repeats server_no_context_takeover where it was offered', () => {
    expect(answer(`${NAME}; server_no_context_takeover`, BOTH)).toBe(`${NAME}; server_no_context_takeover`);
    expect(answer(NAME, BOTH)).toBe(NAME);
    expect(chooseOffer(NAME, settings(BOTH))).toMatchObject({ serverTakeover: true, clientTakeover: true });
  });

  it('PM-06 takes client_no_context_takeover as the hint it is', () => {
    expect(answer(`${NAME}; client_no_context_takeover`, BOTH)).toBe(`${NAME}; client_no_context_takeover`);
  });

  it('PM-07 answers at most the window that was offered', () => {
    expect(answer(`${NAME}; server_max_window_bits=10`)).toBe(`${PLAIN}; server_max_window_bits=10`);
    expect(answer(`${NAME}; server_max_window_bits=15`)).toBe(`${PLAIN}; server_max_window_bits=15`);
    expect(answer(`${NAME}; server_max_window_bits=15`, { serverMaxWindowBits: 12 })).toBe(
      `${PLAIN}; server_max_window_bits=12`,
    );
    expect(answer(NAME, { serverMaxWindowBits: 12 })).toBe(`${PLAIN}; server_max_window_bits=12`);
    expect(answer(`${NAME}; server_max_window_bits=9`, { serverMaxWindowBits: 12 })).toBe(
      `${PLAIN}; server_max_window_bits=9`,
    );
  });

  it('PM-08 binds the client only where it offered that, at most to what it offered', () => {
    expect(answer(`${NAME}; client_max_window_bits`)).toBe(PLAIN);
    expect(answer(`${NAME}; client_max_window_bits`, { clientMaxWindowBits: 11 })).toBe(
      `${PLAIN}; client_max_window_bits=11`,
    );
    expect(answer(`${NAME}; client_max_window_bits=10`, { clientMaxWindowBits: 11 })).toBe(
      `${PLAIN}; client_max_window_bits=10`,
    );
    expect(answer(`${NAME}; client_max_window_bits=10`)).toBe(`${PLAIN}; client_max_window_bits=10`);
    expect(answer(NAME, { clientMaxWindowBits: 11 })).toBe(null);
  });

  it.each([
    'unknown',
    'unknown=1',
    'server_no_context_takeover=1',
    'client_no_context_takeover=true',
    'server_no_context_takeover; server_no_context_takeover',
    'client_max_window_bits; client_max_window_bits=10',
    'server_max_window_bits',
    'server_max_window_bits=7',
    'server_max_window_bits=16',
    'server_max_window_bits=08',
    'server_max_window_bits=1e1',
    'server_max_window_bits=+9',
    'client_max_window_bits=7',
    'client_max_window_bits=16',
    'client_max_window_bits=010',
    'client_max_window_bits=0x9',
    'Server_no_context_takeover',
    '__proto__',
    'constructor=8',
  ])('PM-03 declines an offer with %s, and takes the next one', (parameters) => {
    expect(answer(`${NAME}; ${parameters}`)).toBe(null);
    expect(answer(`${NAME}; ${parameters}, ${NAME}`)).toBe(PLAIN);
  });

  it('PM-03 PM-08 understands a quoted value', () => {
    expect(answer(`${NAME}; server_max_window_bits="10"`)).toBe(`${PLAIN}; server_max_window_bits=10`);
  });

  it('PM-04 takes the first offer that it can honour, among whatever else is offered', () => {
    const first = `${NAME}; server_max_window_bits=9`;
    expect(answer(`foo; bar, ${first}, ${NAME}`)).toBe(`${PLAIN}; server_max_window_bits=9`);
    expect(answer(`${NAME}; mystery, ${NAME}, ${first}`)).toBe(PLAIN);
    expect(answer('x-webkit-deflate-frame')).toBe(null);
    expect(chooseOffer(undefined, settings())).toBe(null);
  });
});

describe('a client', () => {
  it('PM-05 PM-06 PM-08 asks for what its options say', () => {
    expect(makeOffer(settings())).toBe(`${PLAIN}; client_max_window_bits`);
    expect(makeOffer(settings({ ...BOTH, serverMaxWindowBits: 9, clientMaxWindowBits: 10 }))).toBe(
      `${NAME}; server_max_window_bits=9; client_max_window_bits=10`,
    );
  });

  it('PM-04 its offer is one that our server honours, for all options', () => {
    for (const serverContextTakeover of [true, false]) {
      for (const clientContextTakeover of [true, false]) {
        for (const bits of [8, 9, 12, 15]) {
          const ours = settings({ serverContextTakeover, clientContextTakeover, serverMaxWindowBits: bits });
          const chosen = chooseOffer(makeOffer(ours), settings({ ...BOTH, clientMaxWindowBits: bits }));
          expect(chosen).not.toBe(null);
          expect(checkAnswer(chosen?.field, ours)).toEqual(chosen);
        }
      }
    }
  });

  it('PM-06 is bound by client_no_context_takeover, unasked too', () => {
    expect(checkAnswer(NAME, settings(BOTH))).toMatchObject({ clientTakeover: true, serverTakeover: true });
    expect(checkAnswer(`${NAME}; client_no_context_takeover`, settings(BOTH))).toMatchObject({ clientTakeover: false });
  });

  it('PM-05 follows a server that keeps its window although it was asked not to', () => {
    expect(checkAnswer(NAME, settings())).toMatchObject({ serverTakeover: true, clientTakeover: false });
  });

  it('PM-07 PM-08 is bound by windows up to what it offered, and fails larger ones', () => {
    const ours = settings({ serverMaxWindowBits: 10, clientMaxWindowBits: 10 });
    for (const side of ['server', 'client']) {
      expect(checkAnswer(`${NAME}; ${side}_max_window_bits=9`, ours)).toMatchObject({ [`${side}WindowBits`]: 9 });
      expect(checkAnswer(`${NAME}; ${side}_max_window_bits=10`, ours)).toMatchObject({ [`${side}WindowBits`]: 10 });
      expect(() => checkAnswer(`${NAME}; ${side}_max_window_bits=11`, ours)).toThrow(BreachError);
    }
  });

  it('PM-03 goes without when the server does', () => {
    expect(checkAnswer(undefined, settings())).toBe(null);
  });

  it.each([
    'foo',
    `${NAME}, foo`,
    `${NAME}, ${NAME}`,
    `${NAME};`,
    `${NAME}; unknown`,
    `${NAME}; client_max_window_bits`,
    `${NAME}; server_max_window_bits`,
    `${NAME}; server_no_context_takeover; server_no_context_takeover`,
    `${NAME}; server_no_context_takeover=1`,
    '',
  ])('PM-03 fails the answer %j', (field) => {
    expect(() => checkAnswer(field, settings())).toThrow(BreachError);
  });

  it.each(['0', '7', '16', '99', '1000000000', '-1', '08', 'NaN'])(
    'PM-07 CVE-2026-2229 fails a window of %s bits before zlib sees it',
    (bits) => {
      for (const side of ['server', 'client']) {
        expect(() => checkAnswer(`${NAME}; ${side}_max_window_bits=${bits}`, settings())).toThrow(BreachError);
      }
    },
  );
});
