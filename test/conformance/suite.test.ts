import { afterEach, describe, expect, it } from 'vitest';
import { GROUPS } from './cases/index.mjs';
import { type CaseResult, runCases, select } from './lib/runner.mjs';
import { lineOf } from './lib/tally.mjs';
import { targetOf } from './lib/target.mjs';
import { isBad } from './lib/verdict.mjs';
import { type Running, startCareless, startEngine, startFrozen, startMute } from './support/servers.js';

const PATIENCE_MS = 5_000;

let running: Running | null = null;

afterEach(async () => {
  await running?.stop();
  running = null;
});

async function judge(server: Promise<Running>, names: readonly string[], patienceMs: number): Promise<CaseResult[]> {
  running = await server;
  const target = targetOf(running.url, patienceMs);
  if (target === null) throw new Error('no target');
  return runCases({ target, selected: select(names) });
}

const fastGroups = GROUPS.filter((group) => !group.isLong);

describe('our engine', () => {
  it.each(fastGroups.map(({ name }) => name))(
    'is strict in %s',
    async (name) => {
      expect(notStrict(await judge(startEngine(true), [name], PATIENCE_MS))).toEqual([]);
    },
    240_000,
  );

  it('is strict with windows that are kept and everything compressed', async () => {
    const takeover = { serverContextTakeover: true, clientContextTakeover: true, thresholdBytes: 0 };
    const names = ['deflate-rules', 'deflate-negotiation', '12.1', '13.3'];
    expect(notStrict(await judge(startEngine(takeover), names, PATIENCE_MS))).toEqual([]);
  }, 240_000);

  it('conforms without compression, which it then does not implement', async () => {
    const results = await judge(startEngine(false), ['deflate-rules', '12.1'], PATIENCE_MS);
    expect(results.every(({ verdict }) => verdict.behaviour === 'UNIMPLEMENTED')).toBe(true);
  });
});

/** What is neither OK nor left open by the standard. */
function notStrict(results: readonly CaseResult[]): string[] {
  return results
    .filter(({ verdict }) => isBad(verdict) || !['OK', 'INFORMATIONAL'].includes(verdict.behaviour))
    .map(lineOf);
}

describe('a careless server', () => {
  const WRONG = [
    'ping/too-long',
    'reserved-bits/text-rsv-1',
    'reserved-opcodes/opcode-3',
    'reserved-opcodes/opcode-13',
    'fragments/ping-fragmented',
    'fragments/stray-final-one-write',
    'utf8/surrogate-inside',
    'utf8/never-ff',
    'utf8/fail-fast-fragments',
    'closing/one-octet',
    'closing/reason-not-utf8',
    'closing/code-1005',
    'masking/unmasked-text',
    'masking/unmasked-continuation',
    'lengths/top-bit-small',
    'handshake/no-key',
    'handshake/version-12',
    'handshake/http-1-0',
    'handshake/two-keys',
    'close-rules/code-1015',
    'close-rules/nothing-after-failure',
  ];
  const RIGHT = [
    'echo/text-0',
    'echo/binary-65536-chopped',
    'ping/ten',
    'fragments/five-with-pings',
    'utf8/words-greek',
    'closing/code-3000',
    'closing/text-after',
    'masking/key-mixed',
    'handshake/plain',
    'handshake/head-several',
  ];

  it.each(WRONG)('does not pass %s', async (name) => {
    const [result] = await judge(startCareless(), [name], 150);
    expect(result?.verdict.behaviour, result?.verdict.remark).toBe('FAILED');
  });

  it.each(RIGHT)('passes %s', async (name) => {
    const [result] = await judge(startCareless(), [name], PATIENCE_MS);
    expect(result && lineOf(result)).toBe(`OK  ${name}${number(name)}`);
  });

  it('closes with the wrong code where it takes an unmasked close frame', async () => {
    const [result] = await judge(startCareless(), ['masking/unmasked-close'], PATIENCE_MS);
    expect(result?.verdict.closing).toBe('WRONG CODE');
    expect(result && isBad(result.verdict)).toBe(true);
  });

  it('is non-strict where it takes long forms of lengths', async () => {
    const results = await judge(startCareless(), ['lengths/text-0-in-16', 'lengths/binary-65535-in-64'], PATIENCE_MS);
    expect(results.map(({ verdict }) => verdict.behaviour)).toEqual(['NON-STRICT', 'NON-STRICT']);
  });

  it('implements no compression', async () => {
    const results = await judge(startCareless(), ['12.1.1', 'deflate-rules/stored'], PATIENCE_MS);
    expect(results.map(({ verdict }) => verdict.behaviour)).toEqual(['UNIMPLEMENTED', 'UNIMPLEMENTED']);
  });
});

describe('a server that hangs', () => {
  const NAMES = ['echo/text-125', 'ping/too-long', 'closing/code', 'handshake/no-key', 'floods/fragments-empty'];

  it('costs each case its patience and FAILS it, if it answers nothing at all', async () => {
    const results = await judge(startMute(), NAMES.slice(0, -1), 60);
    expect(results.map(({ verdict }) => verdict.behaviour)).toEqual(['FAILED', 'FAILED', 'FAILED', 'FAILED']);
    expect(results.every(({ ms }) => ms < PATIENCE_MS)).toBe(true);
  });

  it('FAILS each case that needs an answer, if it only upgrades', async () => {
    const results = await judge(startFrozen(), NAMES.slice(0, 3), 500);
    expect(results.map(({ verdict }) => verdict.behaviour)).toEqual(['FAILED', 'FAILED', 'OK']);
    expect(results[2]?.verdict.closing).toBe('FAILED BY CLIENT');
  });
});

describe('a server that is gone', () => {
  it('ends the run after a few cases', async () => {
    const server = await startEngine(false);
    const target = targetOf(server.url, PATIENCE_MS);
    if (target === null) throw new Error('no target');
    await server.stop();
    const results = await runCases({ target, selected: select(['echo']) });
    expect(results.every(({ verdict }) => verdict.behaviour === 'FAILED')).toBe(true);
    expect(results.at(-1)?.verdict.remark).toBe('not run: the server is gone');
  });
});

describe('names', () => {
  it('choose groups, cases and numbers of the catalogue', () => {
    const count = (...names: string[]): number => select(names).reduce((sum, { cases }) => sum + cases.length, 0);
    expect(count('closing')).toBe(37);
    expect(count('7')).toBe(37);
    expect(count('7.1')).toBe(6);
    expect(count('6.4.1')).toBe(1);
    expect(count('ping/ten', '2.10')).toBe(1);
    expect(count('nothing')).toBe(0);
  });
});

function number(name: string): string {
  const one = select([name])[0]?.cases[0];
  return one?.catalogue === undefined ? '' : ` (${one.catalogue})`;
}
