/** Damaged handshakes: a decision or a documented error, whatever came. */
import { describe, expect, it } from 'vitest';
import { checkResponse, type ResponseHead, ResponseReader } from '../../src/client-handshake.js';
import { checkAnswer, chooseOffer, resolveCompression } from '../../src/compression.js';
import { BreachError, checkUpgrade, TransportError } from '../../src/index.js';
import { acceptFor, upgradeResponse } from '../../src/server-handshake.js';
import { fakeRequest, KEY } from '../support/node.js';
import { cases, Random, SEED } from './random.js';
import { cutAnywhere, mutate } from './streams.js';

const OFFERS = [
  'permessage-deflate',
  'permessage-deflate; client_max_window_bits',
  'permessage-deflate; server_max_window_bits=10; client_no_context_takeover',
  'permessage-deflate; server_max_window_bits="9", permessage-deflate, x-other; a=b',
];

const settings = resolveCompression(true);

/** The seed of the case goes with its failure. */
function each(count: number, check: (random: Random) => void): void {
  for (let index = 0; index < count; index++) {
    try {
      check(new Random(SEED + index));
    } catch (cause) {
      throw new Error(`TRUNKLINE_SEED=${SEED + index}`, { cause });
    }
  }
}

function damaged(random: Random, text: string): string {
  return mutate(random, Buffer.from(text, 'latin1')).toString('latin1');
}

describe(`handshakes, seed ${SEED}`, () => {
  it('a server decides about any request', () => {
    let refused = 0;
    const count = cases(5_000, 100_000);
    each(count, (random) => {
      const { rawHeaders } = fakeRequest();
      rawHeaders.push('Sec-WebSocket-Extensions', random.pick(OFFERS), 'Sec-WebSocket-Protocol', 'a, b');
      const at = random.below(rawHeaders.length);
      if (random.chance(4)) rawHeaders.splice(at, 1 + random.below(3));
      else rawHeaders[at] = damaged(random, rawHeaders[at] ?? '');
      const url = random.chance(4) ? damaged(random, '/line?x=1') : '/line';
      const method = random.chance(9) ? damaged(random, 'GET') : 'GET';
      const httpVersion = random.chance(9) ? damaged(random, '1.1') : '1.1';
      const decision = checkUpgrade({ method, url, httpVersion, rawHeaders }, 100);
      if ('status' in decision) {
        refused++;
        expect([400, 405, 426, 431]).toContain(decision.status);
        return;
      }
      expect(decision.key).toMatch(/^[A-Za-z0-9+/]{22}==$/);
      if (settings === null) return;
      const agreed = chooseOffer(decision.headers['sec-websocket-extensions'], settings);
      // What we answer is what a client accepts, as bytes of a header too.
      if (agreed === null) return;
      expect(agreed.field).toMatch(/^[a-z0-9_=; -]+$/);
      expect([8, 9, 10, 11, 12, 13, 14, 15]).toContain(agreed.serverWindowBits);
    });
    expect(refused).toBeGreaterThan(count / 5);
    expect(refused).toBeLessThan(count);
  });

  it('a client accepts a response or says what is wrong with it', () => {
    const outcomes = { accepted: 0, refused: 0, waiting: 0 };
    each(cases(5_000, 100_000), (random) => {
      const valid = upgradeResponse(KEY, random.chance(2) ? 'a' : '', random.chance(2) ? random.pick(OFFERS) : '');
      const text = random.chance(9) ? valid : damaged(random, valid);
      const reader = new ResponseReader(2_000, 20);
      try {
        let head: ResponseHead | undefined;
        for (const piece of cutAnywhere(random, Buffer.from(`${text}\x81\x01a`, 'latin1'))) {
          const result = reader.push(piece);
          if (result === null) continue;
          head = result.head;
          break;
        }
        if (head === undefined) {
          outcomes.waiting++;
          return;
        }
        expect(['', 'a']).toContain(checkResponse(head, KEY, ['a'], true));
        if (settings !== null) checkAnswer(head.fields['sec-websocket-extensions'], settings);
        expect(head.fields['sec-websocket-accept']).toBe(acceptFor(KEY));
        outcomes.accepted++;
      } catch (error) {
        outcomes.refused++;
        if (error instanceof BreachError) expect([error.code, error.closeCode]).toEqual(['handshake_invalid', 1006]);
        else if (error instanceof TransportError) expect(error.code).toBe('handshake_refused');
        else throw error;
      }
    });
    expect(Math.min(...Object.values(outcomes))).toBeGreaterThan(0);
  });
});
