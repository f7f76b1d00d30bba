/** Our decoder against the one of `ws`: the same bytes, the same messages, the same verdict. */
import { describe, expect, it } from 'vitest';
import { Recorded } from '../support/recorded.js';
import { frame, masked } from '../support/wire.js';
import { cases, Random, SEED } from './random.js';
import { cutAnywhere, mutateFrames, validStream } from './streams.js';
import { type Reading, readWithWs } from './ws-receiver.js';

const MAX_MESSAGE_BYTES = 100_000;
const MAX_FRAGMENTS = 50;

interface Difference {
  readonly name: string;
  readonly reason: string;
  applies(ours: Reading, theirs: Reading): boolean;
}

/** Where we mean to differ. Everything else that differs is an error of one of the two. */
const INTENDED: readonly Difference[] = [
  {
    name: 'a length in a longer form than it needs',
    reason: 'RFC 6455 §5.2 demands the minimal number of bytes (FR-05); ws accepts any.',
    applies: (ours) => ours.verdict === 'refused' && ours.why === 'frame_invalid: a length must use its shortest form',
  },
  {
    name: 'invalid UTF-8 in a message that is not complete',
    reason:
      'We refuse with the first byte that cannot be right (FR-16, fail fast); ws looks when the message is whole.',
    applies: (ours) => ours.verdict === 'refused' && ours.why.startsWith('text_invalid'),
  },
  {
    name: 'a close frame whose body is one byte that has not come',
    reason: 'We judge the body of a close frame when it is there (FR-12); ws refuses the length 1 in the header.',
    applies: (ours, theirs) => ours.verdict === 'open' && theirs.why === 'WS_ERR_INVALID_CONTROL_PAYLOAD_LENGTH',
  },
];

function readWithOurs(pieces: readonly Uint8Array[], role: 'server' | 'client'): Reading {
  const limits = { maxMessageBytes: MAX_MESSAGE_BYTES, maxFragments: MAX_FRAGMENTS };
  const peer = new Recorded({ role, limits }).receive(...pieces);
  const events: string[] = [];
  let verdict: Reading['verdict'] = 'open';
  let why = '';
  for (const event of peer.events) {
    if (event.type === 'failed') {
      verdict = 'refused';
      why = `${event.code}: ${peer.errors[0]?.message}`;
    } else if (event.type === 'closed') {
      if (verdict === 'refused') continue;
      verdict = 'closed';
      why = `${event.code} ${event.reason}`;
    } else {
      events.push(`${event.type} ${event.data}`);
    }
  }
  return { events, verdict, why };
}

/** @returns the intended difference that explains what is not the same, `null` if all is. */
async function compare(pieces: readonly Buffer[], role: 'server' | 'client'): Promise<Difference | null> {
  const ours = readWithOurs(pieces, role);
  const theirs = await readWithWs(pieces, {
    isServer: role === 'server',
    maxPayload: MAX_MESSAGE_BYTES,
    maxFragments: MAX_FRAGMENTS,
  });
  const isSame = ours.verdict === theirs.verdict && (ours.verdict !== 'closed' || ours.why === theirs.why);
  if (isSame && ours.events.join() === theirs.events.join()) return null;
  const difference = INTENDED.find((candidate) => candidate.applies(ours, theirs));
  if (difference === undefined) expect(ours).toEqual(theirs);
  // We stopped earlier; up to there both saw the same.
  expect(theirs.events.slice(0, ours.events.length)).toEqual(ours.events);
  return difference ?? null;
}

describe.each(['server', 'client'] as const)(`the decoder of a %s beside the one of ws, seed ${SEED}`, (role) => {
  it('reads valid streams alike', async () => {
    for (let index = 0; index < cases(1_000, 20_000); index++) {
      const random = new Random(SEED + index);
      const bytes = Buffer.concat(validStream(random, role === 'server', false));
      expect(await compare(cutAnywhere(random, bytes), role)).toBe(null);
    }
  });

  it('judges damaged streams alike, but for what is intended', async () => {
    const seen = new Set<string>();
    const count = cases(4_000, 40_000);
    let explained = 0;
    for (let index = 0; index < count; index++) {
      const random = new Random(SEED + index);
      const bytes = mutateFrames(random, validStream(random, role === 'server', false));
      try {
        const difference = await compare(cutAnywhere(random, bytes), role);
        if (difference === null) continue;
        explained++;
        seen.add(difference.name);
      } catch (cause) {
        throw new Error(`TRUNKLINE_SEED=${SEED + index}: ${bytes.toString('hex')}`, { cause });
      }
    }
    expect(explained).toBeLessThan(count / 5);
    expect([...seen].every((name) => INTENDED.some((difference) => difference.name === name))).toBe(true);
  });
});

describe('intended differences', () => {
  const examples: Readonly<Record<string, Buffer>> = {
    'a length in a longer form than it needs': frame({ opcode: 2, payload: 'x', lengthBits: 16, mask: '01020304' }),
    'invalid UTF-8 in a message that is not complete': masked(1, Buffer.of(0xff), false),
    'a close frame whose body is one byte that has not come': masked(8, 'x').subarray(0, -1),
  };

  it.each(INTENDED)('$name', async (difference) => {
    expect(difference.reason).not.toBe('');
    const example = examples[difference.name];
    expect(example && (await compare([example], 'server'))).toBe(difference);
  });
});
