import { describe, expect, it } from 'vitest';
import { CLOSE, ERROR_CODES, mayReconnect, TrunklineError } from '../src/index.js';

describe('mayReconnect', () => {
  it.each([1000, 1001, 1006, 1007, 1009, 1011, 1012, 1013, 4000, 4001, 4002, 4003, 4499])('%i: come back', (code) => {
    expect(mayReconnect(code)).toBe(true);
  });

  it.each([1008, 1010, 4500, 4501, 4503, 4504, 4999])('%i: stay away', (code) => {
    expect(mayReconnect(code)).toBe(false);
  });

  it('is told by the range alone, so a code of a later version is obeyed too', () => {
    for (const code of Object.values(CLOSE)) if (code >= 4000) expect(mayReconnect(code)).toBe(code < 4500);
  });
});

describe('TrunklineError', () => {
  it('takes the advice on retrying from its code, unless it is told better', () => {
    expect(new TrunklineError('unavailable', 'later').retry).toBe(true);
    expect(new TrunklineError('rate_limited', 'too many', { retry: false }).retry).toBe(false);
    expect(new TrunklineError('forbidden', 'no').retry).toBe(false);
  });

  it('gives the advice that the table gives, for every code', () => {
    for (const [code, { retry }] of Object.entries(ERROR_CODES)) {
      expect(new TrunklineError(code as keyof typeof ERROR_CODES, 'x').retry, code).toBe(retry);
    }
  });

  it('says that nothing happened unless it is told that nobody knows', () => {
    expect(new TrunklineError('invalid', 'no').outcome).toBe('refused');
    expect(new TrunklineError('unavailable', 'lost', { outcome: 'unknown' }).outcome).toBe('unknown');
  });

  it('carries the refusal, the wait and the cause', () => {
    const cause = new Error('disk');
    const error = new TrunklineError('refused', 'rude', { refusal: 'rude', afterMs: 5, cause });
    expect(error).toMatchObject({ name: 'TrunklineError', code: 'refused', refusal: 'rude', afterMs: 5, cause });
    expect(new TrunklineError('refused', 'rude')).not.toHaveProperty('cause');
  });

  it('knows a meaning for each code', () => {
    for (const { meaning } of Object.values(ERROR_CODES)) expect(meaning).toMatch(/^[a-z].+[^.]$/);
  });
});
