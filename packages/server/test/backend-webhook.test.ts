// Signing and verifying, against the convention's own vector, and on both sides of each boundary.

import { describe, expect, it } from 'vitest';
import { keyOf, signed } from '../src/backend/webhook.js';
import { verifyWebhook, WebhookError } from '../src/index.js';

// Of the convention's reference libraries.
const SECRET = 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw';
const BODY = '{"test": 2432232314}';
const ID = 'msg_p5jXN8AQM9LWM0D4loKWxJek';
const SECONDS = 1_614_265_330;
const SIGNATURE = 'v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=';
const HEADERS = { 'webhook-id': ID, 'webhook-timestamp': String(SECONDS), 'webhook-signature': SIGNATURE };
const NOW = { nowMs: SECONDS * 1_000 };
const OTHER = `whsec_${Buffer.alloc(32, 7).toString('base64')}`;

const problem = (run: () => unknown): string => {
  try {
    run();
  } catch (error) {
    return error instanceof WebhookError ? error.code : String(error);
  }
  return 'none';
};

it('signs the vector of the convention', () => {
  expect(signed([keyOf(SECRET)], ID, SECONDS, BODY)).toEqual(HEADERS);
});

it('believes it, as text and as bytes, by whichever kind of headers', () => {
  const believed = { id: ID, request: { test: 2_432_232_314 } };
  expect(verifyWebhook(HEADERS, BODY, SECRET, NOW)).toEqual(believed);
  expect(verifyWebhook(HEADERS, Buffer.from(BODY), SECRET, NOW)).toEqual(believed);
  expect(verifyWebhook(new Headers(HEADERS), BODY, [OTHER, SECRET], NOW)).toEqual(believed);
});

it('signs with all secrets, and any of them will do', () => {
  const headers = signed([keyOf(OTHER), keyOf(SECRET)], ID, SECONDS, BODY);
  expect(headers['webhook-signature']?.split(' ')).toHaveLength(2);
  for (const secret of [OTHER, SECRET]) expect(verifyWebhook(headers, BODY, secret, NOW).id).toBe(ID);
});

describe('does not believe', () => {
  it.each([
    ['another body', HEADERS, `${BODY} `],
    ['another id', { ...HEADERS, 'webhook-id': 'msg_2' }, BODY],
    ['another time', { ...HEADERS, 'webhook-timestamp': String(SECONDS + 1) }, BODY],
    ['half a signature', { ...HEADERS, 'webhook-signature': SIGNATURE.slice(0, 20) }, BODY],
    ['an empty one', { ...HEADERS, 'webhook-signature': 'v1,' }, BODY],
    ['another version', { ...HEADERS, 'webhook-signature': SIGNATURE.replace('v1', 'v2') }, BODY],
    ['one after twenty others', { ...HEADERS, 'webhook-signature': `${'v1,AAAA '.repeat(20)}${SIGNATURE}` }, BODY],
  ])('%s', (_what, headers, body) => {
    expect(problem(() => verifyWebhook(headers, body, SECRET, NOW))).toBe('webhook_signature');
  });

  it('another secret', () => {
    expect(problem(() => verifyWebhook(HEADERS, BODY, OTHER, NOW))).toBe('webhook_signature');
  });

  it.each(['webhook-id', 'webhook-timestamp', 'webhook-signature'])('what has no %s', (name) => {
    expect(problem(() => verifyWebhook({ ...HEADERS, [name]: undefined }, BODY, SECRET, NOW))).toBe('webhook_headers');
  });

  it('a time that is no number', () => {
    const headers = { ...HEADERS, 'webhook-timestamp': 'hello' };
    expect(problem(() => verifyWebhook(headers, BODY, SECRET, NOW))).toBe('webhook_headers');
  });

  it('what is signed, and no JSON', () => {
    const headers = signed([keyOf(SECRET)], ID, SECONDS, 'hello');
    expect(problem(() => verifyWebhook(headers, 'hello', SECRET, NOW))).toBe('webhook_body');
  });

  it.each([1, -1])('more than five minutes, towards %i', (sign) => {
    const at = (ms: number) =>
      problem(() => verifyWebhook(HEADERS, BODY, SECRET, { nowMs: SECONDS * 1_000 + sign * ms }));
    expect([at(300_000), at(300_001)]).toEqual(['none', 'webhook_timestamp']);
    const options = { nowMs: SECONDS * 1_000 + sign * 1_001, toleranceMs: 1_000 };
    expect(problem(() => verifyWebhook(HEADERS, BODY, SECRET, options))).toBe('webhook_timestamp');
  });
});

it('believes the twentieth of many signatures', () => {
  const headers = { ...HEADERS, 'webhook-signature': `${'v1,AAAA '.repeat(19)}${SIGNATURE}` };
  expect(verifyWebhook(headers, BODY, SECRET, NOW).id).toBe(ID);
});

it('a secret has 24 to 64 bytes, and no complaint shows it', () => {
  const secret = (bytes: number) => `whsec_${Buffer.alloc(bytes, 9).toString('base64')}`;
  for (const bytes of [24, 64]) expect(keyOf(secret(bytes))).toHaveLength(bytes);
  for (const bad of [secret(23), secret(65), secret(32).slice(6), 'whsec_!', '', 7]) {
    expect(() => keyOf(bad)).toThrow(TypeError);
    try {
      keyOf(bad);
    } catch (error) {
      expect((error as Error).message).not.toContain(secret(32).slice(10, 20));
    }
  }
});
