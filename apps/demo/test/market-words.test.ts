// What the market's page understands and says.

import { describe, expect, it, vi } from 'vitest';
import { decimalsOf } from '../client/charts/decimals.js';
import { checkQuantity } from '../client/market/check-quantity.js';
import { findSymbols, type Listed, meantSymbol } from '../client/market/find-symbols.js';
import { SlowLink } from '../client/market/slow/slow-link.js';
import { age, directionOfMoney, percent, priceText, signedMoney } from '../client/market/words.js';
import { INSTRUMENTS } from '../server/market/instruments.js';

const LISTED: readonly Listed[] = INSTRUMENTS.map(({ symbol, name, kind, digits, base }) => ({
  symbol,
  name,
  kind,
  digits,
  close: base,
}));

describe('a quantity', () => {
  it.each([
    ['1', 1],
    [' 10 ', 10],
    ['100000', 100_000],
    ['1e3', 1_000],
    ['7.0', 7],
  ])('%j is %i', (text, quantity) => {
    expect(checkQuantity(text)).toEqual({ quantity });
  });

  it.each(['', ' ', '0', '-0', '-5', '2.5', '100001', '1000000000', '1e9', 'ten', '1,000', 'Infinity', '0x'])(
    '%j is answered with a sentence',
    (text) => {
      expect(checkQuantity(text)).toEqual({ problem: expect.stringMatching(/^[A-Z].*\.$/) });
    },
  );

  it('is none where the browser says that it is none', () => {
    expect(checkQuantity('', true)).toEqual(checkQuantity('ten'));
  });
});

describe('a search', () => {
  const found = (text: string) => findSymbols(LISTED, text).map(({ symbol }) => symbol);

  it('goes by symbol, with or without its slash, and by name', () => {
    expect(found('eurusd')).toEqual(['EUR/USD']);
    expect(found('EUR/')).toEqual(['EUR/USD']);
    expect(found('amber st')).toEqual(['AMST']);
    expect(found('steel')).toHaveLength(23);
    expect(found('xyzq')).toEqual([]);
    expect(found('')).toHaveLength(500);
  });

  it('knows which one is meant: the symbol to the letter, or the only one', () => {
    expect(meantSymbol(LISTED, 'amfo')?.symbol).toBe('AMFO');
    expect(meantSymbol(LISTED, 'yen')?.symbol).toBe('JPY/USD');
    expect(meantSymbol(LISTED, 'steel')).toBeUndefined();
    expect(meantSymbol(LISTED, 'xyzq')).toBeUndefined();
  });
});

describe('figures', () => {
  it('have a sign, but for what is shown as nothing', () => {
    expect([12_345_678_000, -5_000, 4_999, -4_999, 0].map(signedMoney)).toEqual([
      '+12,345.68',
      '−0.01',
      '0.00',
      '0.00',
      '0.00',
    ]);
    expect([-5_000, 5_000, 4_999, -4_999].map(directionOfMoney)).toEqual(['down', 'up', 'even', 'even']);
    expect([0.01234, -0.5, 0.00001].map(percent)).toEqual(['+1.23 %', '−50.00 %', '0.00 %']);
    expect(priceText(1234.5, 2)).toBe('1,234.50');
    expect([120, 119_949, 120_000].map(age)).toEqual(['0.1 s', '119.9 s', '2 min 0 s']);
  });
});

describe('a slow link', () => {
  it('passes so many bytes a second, one thing after the other, and nothing once it is cut', () => {
    vi.useFakeTimers();
    try {
      const link = new SlowLink(1_000);
      const passed: string[] = [];
      link.pass(500, () => passed.push('first'));
      link.pass(1_000, () => passed.push('second'));
      vi.advanceTimersByTime(499);
      expect(passed).toEqual([]);
      vi.advanceTimersByTime(1);
      expect(passed).toEqual(['first']);
      vi.advanceTimersByTime(999);
      expect(passed).toEqual(['first']);
      vi.advanceTimersByTime(1);
      expect(passed).toEqual(['first', 'second']);
      expect(link.passedBytes).toBe(1_500);
      // An idle link is free at once, and has saved nothing up.
      vi.advanceTimersByTime(10_000);
      link.pass(100, () => passed.push('third'));
      vi.advanceTimersByTime(99);
      expect(passed).toHaveLength(2);
      link.cut();
      vi.advanceTimersByTime(10_000);
      expect(passed).toHaveLength(2);
    } finally {
      vi.useRealTimers();
    }
  });
});

describe('an axis', () => {
  it.each([
    [0.0025, 4],
    [0.1 + 0.2 - 0.2, 1],
    [0.005, 3],
    [0.5, 1],
    [1, 0],
    [2_500, 0],
    [1e-12, 10],
  ])('with steps of %d has %i decimals', (step, decimals) => {
    expect(decimalsOf(step)).toBe(decimals);
  });

  it('tells marks apart that the price itself does not', () => {
    const marks = [1.1625, 1.165, 1.1675];
    expect(marks.map((mark) => priceText(mark, Math.max(2, decimalsOf(0.0025))))).toEqual([
      '1.1625',
      '1.1650',
      '1.1675',
    ]);
  });
});
