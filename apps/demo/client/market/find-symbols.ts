// Finds symbols by what people type: the symbol with or without its slash, or a part of the name.

import type { Listing } from '../../shared/market.js';

export interface Listed extends Listing {
  readonly symbol: string;
}

/** All that match: first those whose symbol begins so, each kind in the order of the list. An empty text matches all. */
export function findSymbols(listed: readonly Listed[], text: string): readonly Listed[] {
  const wanted = plain(text);
  if (wanted === '') return listed;
  const begins = (one: Listed) => plain(one.symbol).startsWith(wanted);
  const others = listed.filter((one) => !begins(one) && plain(`${one.symbol} ${one.name}`).includes(wanted));
  return [...listed.filter(begins), ...others];
}

/** The one that is meant: its symbol to the letter, or the only match. */
export function meantSymbol(listed: readonly Listed[], text: string): Listed | undefined {
  const found = findSymbols(listed, text);
  return found.find(({ symbol }) => plain(symbol) === plain(text)) ?? (found.length === 1 ? found[0] : undefined);
}

function plain(text: string): string {
  return text.toLowerCase().replace(/[\s/.-]+/g, '');
}
