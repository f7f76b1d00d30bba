// What the chat's page makes of names and emoji.

import { describe, expect, it } from 'vitest';
import { isOnlyEmoji, soleEmoji } from '../client/chat/emoji.js';
import { markedWords } from '../client/chat/marked-words.js';
import { Names } from '../client/chat/names.js';

describe('an emoji to react with', () => {
  it.each(['👍', ' 👍 ', '❤️', '👩‍👩‍👧‍👦', '🏳️‍🌈', '🇫🇷', '1️⃣', '👍🏽'])('%s is one', (text) => {
    expect(soleEmoji(text)).toBe(text.trim());
  });

  it.each(['', ' ', 'a', '👍👍', '👍a', '1', 'yes', `👍${'\u200d👍'.repeat(20)}`])('%j is none', (text) => {
    expect(soleEmoji(text)).toBeUndefined();
  });

  it.each([
    ['🎉', true],
    ['🎉 🎉🇫🇷', true],
    ['🎉🎉🎉🎉', false],
    ['🎉!', false],
    ['', false],
    ['12', false],
  ])('%j is shown large: %s', (text, isLarge) => {
    expect(isOnlyEmoji(text)).toBe(isLarge);
  });
});

describe('names', () => {
  const names = new Names();
  names.learn([{ id: 'a', name: 'Ada' }, undefined, { id: 'b', name: 'Bob' }]);
  names.learn([{ id: 'c', name: 'Cleo' }]);

  it.each([
    [['a'], 'Ada'],
    [['a', 'b'], 'Ada and Bob'],
    [['self'], 'you'],
    [['self', 'a', 'b'], 'Ada, Bob and you'],
    [['a', 'x'], 'Ada and one other'],
    [['a', 'x', 'y'], 'Ada and 2 others'],
    [['x'], 'someone'],
    [['x', 'y', 'self'], '2 people and you'],
    [[], ''],
  ])('%j are “%s”', (ids, words) => {
    expect(names.list(ids, 'self')).toBe(words);
  });

  it('are at most so many', () => {
    expect(names.list(['a', 'b', 'c'], undefined, 2)).toBe('Ada, Bob and one other');
  });
});

describe('found words', () => {
  const marked = (text: string, query: string) =>
    markedWords(text, query)
      .map(({ text: piece, isFound }) => (isFound ? `[${piece}]` : piece))
      .join('');

  it.each([
    ['The lathe is free', 'LATHE', 'The [lathe] is free'],
    ['The lathe is free', 'la', 'The [lathe] is free'],
    ['The lathe is free', 'la free', 'The lathe is [free]'],
    ['Café au lait', 'cafe', '[Café] au lait'],
    ['a\n\nb', 'b', 'a [b]'],
    ['no-one', 'one', 'no-[one]'],
    ['nothing', 'x', 'nothing'],
  ])('of %j for %j: %s', (text, query, pieces) => {
    expect(marked(text, query)).toBe(pieces);
  });

  it('are shown where they stand in a long text, which is cut', () => {
    const long = `${'before '.repeat(60)}here ${'after '.repeat(60)}`;
    const shown = marked(long, 'here');
    expect(shown).toMatch(/^…(before )+\[here\]( after)+.*…$/);
    expect(shown.length).toBeLessThan(210);
  });
});
