/** Our decoder against the one of `ws`: the same bytes, the same messages, the same verdict. */
import { describe, expect, it } from 'vitest';
import { Deflater } from '../../src/codec.js';
import { chooseOffer, resolveCompression } from '../../src/compression.js';
import type { CompressionAgreement } from '../../src/index.js';
import { Recorded } from '../support/recorded.js';
import { frame, hex, masked } from '../support/wire.js';
import { cases, Random, SEED } from './random.js';
import { cutAnywhere, mutateFrames, validStream } from './streams.js';
import { type Reading, readWithWs } from './ws-receiver.js';

const MAX_MESSAGE_BYTES = 100_000;
const MAX_FRAGMENTS = 50;

/** How the two are set up. `takeover`: whether compressed messages may refer to earlier ones; `null`: no compression. */
interface Setup {
  readonly role: 'server' | 'client';
  readonly takeover: boolean | null;
}

interface Difference {
  readonly name: string;
  readonly reason: string;
  /** Else one of the two only stopped earlier, and up to there both saw the same. */
  readonly changesWhatFollows?: true;
  applies(ours: Reading, theirs: Reading, setup: Setup): boolean;
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
  {
    name: 'compressed data that end within a block, or go wrong behind a final one',
    reason:
      'A message is whole blocks (RFC 7692 §7.2.1), all of them read; ws takes what came out, and stops at a final block.',
    applies: (ours, theirs) => ours.why.startsWith('deflate_invalid') && !theirs.why.startsWith('Z_'),
  },
  {
    name: 'blocks behind a final block',
    reason: 'They belong to the message (RFC 7692 §7.2.1, PM-10); ws drops them.',
    changesWhatFollows: true,
    applies: (ours, theirs) => theirs.verdict !== 'refused' && isLonger(ours, theirs),
  },
  {
    name: 'what follows a final block, with the window of before',
    reason:
      'A window is kept until the message or the connection ends (RFC 7692 §7.1.1), also over final blocks; ws drops its own.',
    changesWhatFollows: true,
    applies: (ours, theirs) => {
      const at = firstDifference(ours, theirs);
      const isMessage = /^(?:text|binary) /.test(ours.events[at] ?? '') || ours.why.startsWith('deflate_invalid');
      return isMessage && at >= (theirs.forgotAt ?? Number.POSITIVE_INFINITY);
    },
  },
  {
    name: 'damage in a compressed message that is not complete',
    reason: 'We inflate a message when it is whole, and answer control frames up to there; ws inflates each fragment.',
    applies: (ours, theirs) =>
      theirs.why.startsWith('Z_') && ours.events.slice(theirs.events.length).every((event) => /^p[io]ng /.test(event)),
  },
  {
    name: 'a compressed message of no bytes, and what follows it in one window',
    reason: 'Both take it for an empty message, as some senders make it; the stream of ws stays within a block then.',
    changesWhatFollows: true,
    applies: (ours, theirs, { takeover }) => {
      const same = ours.events.slice(0, firstDifference(ours, theirs));
      return takeover === true && same.some((event) => /^(?:text|binary) $/.test(event));
    },
  },
  {
    name: 'a compressed message that is declared a little larger than what it may become',
    reason: 'The limit is on the inflated bytes, and DEFLATE can make noise larger; ws has it on both.',
    applies: (ours, theirs) => ours.verdict === 'open' && theirs.why === 'WS_ERR_UNSUPPORTED_MESSAGE_LENGTH',
  },
];

function firstDifference(ours: Reading, theirs: Reading): number {
  const at = ours.events.findIndex((event, index) => event !== theirs.events[index]);
  return at < 0 ? ours.events.length : at;
}

/** Whether the first event that differs is a message of ours that begins like theirs, and is longer. */
function isLonger(ours: Reading, theirs: Reading): boolean {
  const at = firstDifference(ours, theirs);
  const [mine, other] = [ours.events[at], theirs.events[at]];
  return mine !== undefined && other !== undefined && mine.length > other.length && mine.startsWith(other);
}

function agreement(takeover: boolean): CompressionAgreement {
  const settings = resolveCompression({ serverContextTakeover: takeover, clientContextTakeover: takeover });
  const agreed = settings && chooseOffer('permessage-deflate', settings);
  if (!agreed) throw new Error('the offer is one that is taken');
  return agreed;
}

function readWithOurs(pieces: readonly Uint8Array[], { role, takeover }: Setup): Reading {
  const limits = { maxMessageBytes: MAX_MESSAGE_BYTES, maxFragments: MAX_FRAGMENTS };
  const compression = takeover === null ? {} : { compression: agreement(takeover) };
  const peer = new Recorded({ role, limits, ...compression }).receive(...pieces);
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
async function compare(pieces: readonly Buffer[], setup: Setup): Promise<Difference | null> {
  const ours = readWithOurs(pieces, setup);
  const limits = { maxPayload: MAX_MESSAGE_BYTES, maxFragments: MAX_FRAGMENTS };
  const theirs = await readWithWs(pieces, { isServer: setup.role === 'server', ...limits }, setup.takeover);
  const isSame = ours.verdict === theirs.verdict && (ours.verdict !== 'closed' || ours.why === theirs.why);
  if (isSame && ours.events.join() === theirs.events.join()) return null;
  const both = Math.min(ours.events.length, theirs.events.length);
  const isOnlyShorter = ours.events.slice(0, both).join() === theirs.events.slice(0, both).join();
  // What explains another end does not explain another message before it.
  const difference = INTENDED.find(
    (candidate) => (candidate.changesWhatFollows || isOnlyShorter) && candidate.applies(ours, theirs, setup),
  );
  if (difference === undefined) expect(ours).toEqual(theirs);
  return difference ?? null;
}

/** The frames of a valid stream. A sender with takeover has one window for all of its messages. */
function frames(random: Random, { role, takeover }: Setup): Buffer[] {
  if (takeover === null) return validStream(random, role === 'server', false);
  const deflater = new Deflater(15, takeover, agreement(takeover));
  return validStream(random, role === 'server', true, (payload) => deflater.deflate(payload));
}

const SETUPS: readonly (readonly [string, Setup])[] = (['server', 'client'] as const).flatMap((role) => [
  [`a ${role}`, { role, takeover: null }] as const,
  [`a ${role} with compression`, { role, takeover: false }] as const,
  [`a ${role} with compression and context takeover`, { role, takeover: true }] as const,
]);

describe.each(SETUPS)(`the decoder of %s beside the one of ws, seed ${SEED}`, (_name, setup) => {
  // What inflates in the thread pool takes longer.
  const [valid, damaged] = setup.takeover === null ? [1_000, 4_000] : [300, 1_000];

  it('reads valid streams alike', async () => {
    for (let index = 0; index < cases(valid, 20 * valid); index++) {
      const random = new Random(SEED + index);
      const bytes = Buffer.concat(frames(random, setup));
      expect(await compare(cutAnywhere(random, bytes), setup), `TRUNKLINE_SEED=${SEED + index}`).toBe(null);
    }
  });

  it('judges damaged streams alike, but for what is intended', async () => {
    const count = cases(damaged, 10 * damaged);
    let explained = 0;
    for (let index = 0; index < count; index++) {
      const random = new Random(SEED + index);
      const bytes = mutateFrames(random, frames(random, setup));
      try {
        if ((await compare(cutAnywhere(random, bytes), setup)) !== null) explained++;
      } catch (cause) {
        throw new Error(`TRUNKLINE_SEED=${SEED + index}: ${bytes.toString('hex')}`, { cause });
      }
    }
    expect(explained).toBeLessThan(count / 5);
  });
});

function packed(payload: Buffer, more: { fin?: boolean } = {}): Buffer {
  return frame({ opcode: 1, payload, rsv: 4, mask: '01020304', ...more });
}

describe('intended differences', () => {
  const examples: Readonly<Record<string, Buffer>> = {
    'a length in a longer form than it needs': frame({ opcode: 2, payload: 'x', lengthBits: 16, mask: '01020304' }),
    'invalid UTF-8 in a message that is not complete': masked(1, Buffer.of(0xff), false),
    'a close frame whose body is one byte that has not come': masked(8, 'x').subarray(0, -1),
    'compressed data that end within a block, or go wrong behind a final one': packed(hex('f348cd c9')),
    'blocks behind a final block': packed(hex('f348cdc9c90700 f248cdc9c90700')),
    'a compressed message of no bytes, and what follows it in one window': Buffer.concat([
      packed(hex('')),
      packed(hex('f248cdc9c90700')),
    ]),
    'what follows a final block, with the window of before': Buffer.concat([
      packed(hex('f348cdc9c9070000')),
      packed(hex('f200110000')),
    ]),
    'damage in a compressed message that is not complete': packed(hex('ffff'), { fin: false }),
    'a compressed message that is declared a little larger than what it may become': packed(
      Buffer.alloc(100_001),
    ).subarray(0, 100),
  };

  it.each(INTENDED)('$name', async (difference) => {
    expect(difference.reason).not.toBe('');
    const example = examples[difference.name];
    expect(example && (await compare([example], { role: 'server', takeover: true }))).toBe(difference);
  });
});
